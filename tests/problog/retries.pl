% A packet is sent up to four times over two hops.
hop(a, b). hop(b, c).
0.7::arrives(X, Y, T) :- hop(X, Y), between(1, 4, T).
tries(X, Y, 1) :- hop(X, Y).
tries(X, Y, U) :- between(2, 4, U), hop(X, Y), T is U - 1, tries(X, Y, T), \+arrives(X, Y, T).
over(X, Y, T) :- between(1, 4, T), tries(X, Y, T), arrives(X, Y, T).
in_time :- over(a, b, S), over(b, c, T), S + T =< 5.
query(in_time).
