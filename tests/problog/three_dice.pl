% The sum of three loaded dice, and whether it is more than ten.
dice(1). dice(2). dice(3).
0.1::roll(D, 1); 0.1::roll(D, 2); 0.2::roll(D, 3); 0.2::roll(D, 4); 0.1::roll(D, 5); 0.3::roll(D, 6) :- dice(D).
total(S) :- roll(1, A), roll(2, B), roll(3, C), S is A + B + C.
big :- total(N), N > 10.
query(total(_)).
query(big).
