% Three heads in a row among seven tosses.
toss(I) :- between(1, 7, I).
0.4::heads(I) :- toss(I).
run(I) :- heads(I), J is I + 1, heads(J), K is I + 2, heads(K).
some :- run(_).
query(some).
