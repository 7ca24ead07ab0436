% Paths of at most three edges.
0.5::edge(1, 2). 0.6::edge(2, 3). 0.3::edge(3, 1). 0.7::edge(3, 4). 0.4::edge(1, 4). 0.9::edge(4, 5).
path(X, Y, 1) :- edge(X, Y).
path(X, Y, M) :- between(2, 3, M), N is M - 1, path(X, Z, N), edge(Z, Y).
near(Y) :- between(1, 3, N), path(1, Y, N).
query(near(_)).
