% A card of a small deck, and one of another.
0.25::suit(hearts); 0.25::suit(spades); 0.25::suit(clubs); 0.25::suit(diamonds).
0.25::rank(1); 0.25::rank(2); 0.25::rank(3); 0.25::rank(4).
0.25::other(1); 0.25::other(2); 0.25::other(3); 0.25::other(4).
card(S, R) :- suit(S), rank(R).
red_pair :- card(hearts, R), other(R).
red_pair :- card(diamonds, R), other(R).
higher :- rank(R), other(Q), R > Q.
query(card(hearts, _)).
query(red_pair).
query(higher).
