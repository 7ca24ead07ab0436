% One source only.
0.5::edge(0, 1). 0.5::edge(1, 2). 0.5::edge(2, 0). 0.3::edge(2, 3). 0.8::edge(3, 4). 0.8::edge(4, 3). 0.1::edge(0, 4).
path(X, Y) :- edge(X, Y).
path(X, Y) :- edge(X, Z), path(Z, Y).
query(path(0, _)).
