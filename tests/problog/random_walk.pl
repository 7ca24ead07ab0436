% A walk on a ring of five, six steps long.
0.5::move(T, 1); 0.3::move(T, 4); 0.2::move(T, 0) :- between(0, 5, T).
at(0, 0).
at(U, Q) :- U > 0, T is U - 1, at(T, P), move(T, M), Q is (P + M) mod 5.
query(at(6, _)).
