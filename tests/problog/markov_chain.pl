% Where a chain of three states is after six steps.
time(T) :- between(0, 5, T).
at(0, a).
0.5::step(T, a, a); 0.3::step(T, a, b); 0.2::step(T, a, c) :- time(T).
0.1::step(T, b, a); 0.9::step(T, b, c) :- time(T).
0.4::step(T, c, b); 0.6::step(T, c, c) :- time(T).
at(U, Y) :- U > 0, T is U - 1, at(T, X), step(T, X, Y).
query(at(6, _)).
