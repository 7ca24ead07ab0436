% Cousins of any degree, in an uncertain family.
0.9::parent(a, b). 0.8::parent(a, c). 0.7::parent(b, d). 0.6::parent(c, e). 0.5::parent(c, f).
person(a). person(b). person(c). person(d). person(e). person(f).
same(X, X) :- person(X).
same(X, Y) :- parent(P, X), same(P, Q), parent(Q, Y).
cousins(X, Y) :- same(X, Y), X @< Y.
query(cousins(_, _)).
