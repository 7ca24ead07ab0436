% An infection day by day; who was ill is immune.
meets(a, b). meets(b, a). meets(b, c). meets(c, b).
day(0). day(1). day(2).
0.5::catches(X, Y, T) :- meets(X, Y), day(T).
ill(a, 0).
0.1::ill(c, 0).
ever(a, 0).
ever(X, T) :- ill(X, T).
ever(X, U) :- U > 0, T is U - 1, day(T), ever(X, T).
exposed(Y, T) :- catches(X, Y, T), source(X, T).
source(a, 0).
source(b, 1) :- catches(a, b, 0).
source(c, 2) :- source(b, 1), catches(b, c, 1), \+ill(c, 0).
query(exposed(c, 1)).
query(source(_, _)).
query(ever(_, 2)).
