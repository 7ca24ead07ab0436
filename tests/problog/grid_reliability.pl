% A 3 by 3 grid from corner to corner, undirected.
cell(X, Y) :- between(0, 2, X), between(0, 2, Y).
0.7::right(X, Y) :- cell(X, Y), X < 2.
0.6::up(X, Y) :- cell(X, Y), Y < 2.
reached(0, 0).
reached(X, Y) :- X > 0, W is X - 1, right(W, Y), reached(W, Y).
reached(X, Y) :- X < 2, E is X + 1, right(X, Y), reached(E, Y).
reached(X, Y) :- Y > 0, S is Y - 1, up(X, S), reached(X, S).
reached(X, Y) :- Y < 2, N is Y + 1, up(X, Y), reached(X, N).
query(reached(2, 2)).
