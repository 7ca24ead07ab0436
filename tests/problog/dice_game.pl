% Roll until a six, three times at most; stop at a one.
round(1). round(2). round(3).
0.25::roll(R, six); 0.15::roll(R, one); 0.6::roll(R, else) :- round(R).
reached(1).
reached(S) :- round(S), S > 1, R is S - 1, reached(R), roll(R, else).
won(R) :- round(R), reached(R), roll(R, six).
lost(R) :- round(R), reached(R), roll(R, one).
query(won(_)).
query(lost(_)).
