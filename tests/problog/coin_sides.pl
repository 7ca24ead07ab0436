% Heads or tails: one of two heads of a rule.
coin(penny). coin(dime).
0.55::lands(C, heads); 0.45::lands(C, tails) :- coin(C).
same(S) :- lands(penny, S), lands(dime, S).
query(lands(_, _)).
query(same(_)).
