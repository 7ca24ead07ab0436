% And, or, and two out of three.
0.01::fails(power). 0.02::fails(pump1). 0.02::fails(pump2). 0.1::fails(sensor1). 0.2::fails(sensor2). 0.15::fails(sensor3). 0.005::fails(valve).
pumps :- fails(pump1), fails(pump2).
sensors :- fails(sensor1), fails(sensor2).
sensors :- fails(sensor1), fails(sensor3).
sensors :- fails(sensor2), fails(sensor3).
cooling :- pumps.
cooling :- fails(power).
top :- cooling.
top :- fails(valve).
top :- sensors, fails(pump1).
query(sensors).
query(top).
