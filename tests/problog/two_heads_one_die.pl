% Exclusive heads over two relations.
game(1). game(2).
0.3::left(G, 1); 0.2::left(G, 2); 0.4::right(G) :- game(G).
balanced :- left(1, _), right(2).
nothing(G) :- game(G), \+left(G, _), \+right(G).
query(left(_, _)).
query(balanced).
query(nothing(_)).
