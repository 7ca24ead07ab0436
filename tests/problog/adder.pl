% Two uncertain binary numbers of three bits, with carries.
bit(0). bit(1). bit(2).
0.7::x(I) :- bit(I).
0.2::y(0). 0.9::y(1). 0.4::y(2).
carry(J) :- J > 0, I is J - 1, bit(I), x(I), y(I).
carry(J) :- J > 0, I is J - 1, bit(I), x(I), carry(I).
carry(J) :- J > 0, I is J - 1, bit(I), y(I), carry(I).
half(I) :- bit(I), x(I), \+y(I).
half(I) :- bit(I), y(I), \+x(I).
digit(I) :- half(I), \+carry(I).
digit(I) :- bit(I), carry(I), \+half(I).
digit(3) :- carry(3).
query(digit(0)).
query(digit(1)).
query(digit(2)).
query(digit(3)).
