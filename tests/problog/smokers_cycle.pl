% Friends influence each other both ways.
person(1). person(2). person(3). person(4). person(5).
friend(1, 2). friend(2, 1). friend(2, 4). friend(3, 2). friend(4, 2). friend(4, 5). friend(5, 4). friend(5, 1).
0.3::stress(X) :- person(X).
smokes(X) :- stress(X).
0.25::smokes(X) :- friend(X, Y), smokes(Y).
query(smokes(_)).
