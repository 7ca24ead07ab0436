% The highest score; nobody may have one.
:- use_module(library(lists)).
0.5::score(ann, 3). 0.4::score(bob, 5). 0.7::score(cyd, 4).
best(M) :- findall(S, score(_, S), L), L \= [], max_list(L, M).
query(best(_)).
