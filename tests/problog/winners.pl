% Who has the highest score, ties included.
0.5::score(ann, 3). 0.4::score(bob, 5). 0.7::score(cyd, 5). 0.9::score(dan, 3).
beaten(S) :- score(_, T), T > S.
winner(P) :- score(P, S), \+beaten(S).
query(winner(_)).
