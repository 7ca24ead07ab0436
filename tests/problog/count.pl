% A count as an aggregate in both languages.
:- use_module(library(lists)).
0.3::present(ann). 0.6::present(bob). 0.9::present(cyd). 0.5::present(dan).
people(N) :- findall(P, present(P), L), length(L, N).
query(people(_)).
