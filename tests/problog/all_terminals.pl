% Whether everybody is connected to the first.
node(1). node(2). node(3). node(4).
0.5::link(1, 2). 0.6::link(2, 3). 0.7::link(3, 4). 0.8::link(1, 4). 0.2::link(2, 4).
edge(X, Y) :- link(X, Y).
edge(X, Y) :- link(Y, X).
reached(1).
reached(Y) :- edge(X, Y), reached(X).
cut :- node(N), \+reached(N).
connected :- \+cut.
query(connected).
