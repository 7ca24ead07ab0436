% Contacts infect, now and then a stranger does.
0.8::contact(a, b). 0.6::contact(b, c). 0.5::contact(a, c). 0.7::contact(c, d). 0.4::contact(d, a).
0.1::infected(a).
0.05::infected(d).
meets(X, Y) :- contact(X, Y).
meets(X, Y) :- contact(Y, X).
0.5::infected(Y) :- infected(X), meets(X, Y).
query(infected(_)).
