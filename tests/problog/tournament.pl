% Four players, two rounds.
0.8::beats(ann, bob).
0.6::beats(ann, cyd).
0.55::beats(ann, dan).
0.4::beats(cyd, dan).
0.3::beats(bob, cyd).
0.25::beats(bob, dan).
pair(ann, bob). pair(ann, cyd). pair(ann, dan). pair(cyd, dan). pair(bob, cyd). pair(bob, dan).
wins(X, Y) :- beats(X, Y).
wins(Y, X) :- pair(X, Y), \+beats(X, Y).
semi(1, ann, bob). semi(1, bob, ann). semi(2, cyd, dan). semi(2, dan, cyd).
finalist(1, X) :- semi(1, X, Y), wins(X, Y).
finalist(2, X) :- semi(2, X, Y), wins(X, Y).
champion(X) :- finalist(1, X), finalist(2, Y), wins(X, Y).
champion(X) :- finalist(2, X), finalist(1, Y), wins(X, Y).
query(champion(_)).
