% Negation over recursion.
node(1). node(2). node(3). node(4).
0.4::edge(1, 2). 0.5::edge(2, 1). 0.6::edge(2, 3). 0.7::edge(3, 4). 0.2::edge(4, 2).
path(X, Y) :- edge(X, Y).
path(X, Y) :- edge(X, Z), path(Z, Y).
lost(N) :- node(N), N \= 1, \+path(1, N).
alone :- lost(2), lost(3), lost(4).
query(lost(_)).
query(alone).
