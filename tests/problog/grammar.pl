% Whether an uncertain word belongs to a^n b^n, n up to three.
0.8::letter(0, a). 0.7::letter(1, a). 0.6::letter(2, a). 0.5::letter(2, b). 0.9::letter(3, b). 0.8::letter(4, b). 0.95::letter(5, b).
s(I, J) :- letter(I, a), K is I + 1, letter(K, b), J is I + 2.
s(I, J) :- letter(I, a), K is I + 1, s(K, L), letter(L, b), J is L + 1.
query(s(0, _)).
