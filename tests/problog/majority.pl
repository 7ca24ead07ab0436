% Three of five voters: written out in nsdl as a count, in ProbLog as a recursion.
0.9::yes(1). 0.8::yes(2). 0.4::yes(3). 0.5::yes(4). 0.3::yes(5).
upto(0, 0).
upto(V, N) :- V > 0, U is V - 1, yes(V), upto(U, M), N is M + 1.
upto(V, N) :- V > 0, U is V - 1, \+yes(V), upto(U, N).
votes(N) :- upto(5, N).
passes :- votes(N), N >= 3.
query(votes(_)).
query(passes).
