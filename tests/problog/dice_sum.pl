% The sum of two dice.
dice(1). dice(2).
1/6::roll(D, 1); 1/6::roll(D, 2); 1/6::roll(D, 3);
1/6::roll(D, 4); 1/6::roll(D, 5); 1/6::roll(D, 6) :- dice(D).
total(S) :- roll(1, A), roll(2, B), S is A + B.
query(total(_)).
