% Arithmetic in heads: what is left in stock.
stock(nail, 5). stock(bolt, 3).
0.5::order(nail, 2). 0.4::order(nail, 4). 0.7::order(bolt, 3).
left(I, L) :- stock(I, S), order(I, N), L is S - N.
empty(I) :- left(I, 0).
fine(I) :- stock(I, _), \+empty(I).
query(left(_, _)).
query(empty(_)).
query(fine(_)).
