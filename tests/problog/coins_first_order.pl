% A rule that tosses every coin.
coin(1). coin(2). coin(3). coin(4).
0.6::heads(C) :- coin(C).
some :- heads(_).
query(heads(_)).
query(some).
