% The bridge network: undirected, two terminals.
0.9::link(s, a). 0.8::link(s, b). 0.5::link(a, b). 0.7::link(a, t). 0.6::link(b, t).
edge(X, Y) :- link(X, Y).
edge(X, Y) :- link(Y, X).
reached(s).
reached(Y) :- edge(X, Y), reached(X).
works :- reached(t).
query(works).
