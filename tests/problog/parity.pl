% Whether an even number of coins shows heads.
0.1::coin(1). 0.2::coin(2). 0.3::coin(3). 0.4::coin(4). 0.5::coin(5). 0.6::coin(6).
even(0).
even(N) :- N > 0, M is N - 1, even(M), \+coin(N).
even(N) :- N > 0, M is N - 1, odd(M), coin(N).
odd(N) :- N > 0, M is N - 1, even(M), coin(N).
odd(N) :- N > 0, M is N - 1, odd(M), \+coin(N).
query(even(6)).
query(odd(6)).
