% Two crossings that depend on each other through the traffic.
0.3::rush_hour.
0.4::light(1, red); 0.6::light(1, green) :- rush_hour.
0.2::light(1, red); 0.8::light(1, green) :- \+rush_hour.
0.7::light(2, red); 0.3::light(2, green) :- light(1, red).
0.5::light(2, red); 0.5::light(2, green) :- light(1, green), rush_hour.
0.1::light(2, red); 0.9::light(2, green) :- light(1, green), \+rush_hour.
stops :- light(_, red).
smooth :- \+stops.
query(light(_, _)).
query(smooth).
