% Three uncertain actions on the way to a goal, each of which may be retried once.
act(drive). act(fly). act(walk).
0.7::works(A, 1); 0.3::fails(A, 1) :- act(A).
0.5::works(A, 2); 0.5::fails(A, 2) :- fails(A, 1).
done(A) :- works(A, _).
goal :- done(drive), done(fly), done(walk).
stuck(A) :- act(A), \+done(A).
query(goal).
query(stuck(_)).
