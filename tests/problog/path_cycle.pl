% Reachability with cycles.
0.5::edge(a, b). 0.4::edge(b, c). 0.7::edge(c, a). 0.2::edge(b, d). 0.9::edge(d, b). 0.6::edge(c, d).
path(X, Y) :- edge(X, Y).
path(X, Y) :- edge(X, Z), path(Z, Y).
query(path(_, _)).
