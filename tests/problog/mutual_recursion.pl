% Two relations that define each other, with tagged rules.
0.5::edge(1, 2). 0.7::edge(2, 3). 0.6::edge(3, 1). 0.4::edge(3, 4).
even(1).
0.9::odd(Y) :- even(X), edge(X, Y).
0.8::even(Y) :- odd(X), edge(X, Y).
query(even(_)).
query(odd(_)).
