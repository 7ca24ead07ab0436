% Ruin or riches within seven bets.
bet(T) :- between(0, 6, T).
0.45::wins(T) :- bet(T).
purse(0, 2).
purse(U, M) :- bet(T), U is T + 1, between(1, 4, M), N is M - 1, N > 0, wins(T), purse(T, N).
purse(U, M) :- bet(T), U is T + 1, between(0, 2, M), N is M + 1, N < 4, \+wins(T), purse(T, N).
ruined :- between(0, 7, T), purse(T, 0).
rich :- between(0, 7, T), purse(T, 4).
query(ruined).
query(rich).
