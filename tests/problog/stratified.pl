% Negation of negation of negation.
0.5::a(1). 0.6::a(2). 0.7::a(3).
0.2::b(2). 0.9::b(3).
c(X) :- a(X), \+b(X).
d(X) :- a(X), \+c(X).
e(X) :- a(X), \+d(X), \+c(1).
f :- \+e(_).
query(c(_)).
query(d(_)).
query(e(_)).
query(f).
