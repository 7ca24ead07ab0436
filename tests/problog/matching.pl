% Three letters in three envelopes: does none arrive?
1/3::first(1); 1/3::first(2); 1/3::first(3).
0.5::second(2); 0.5::second(3) :- first(1).
0.5::second(1); 0.5::second(3) :- first(2).
0.5::second(1); 0.5::second(2) :- first(3).
place(1). place(2). place(3).
third(P) :- place(P), \+first(P), \+second(P).
right :- first(1).
right :- second(2).
right :- third(3).
none :- \+right.
query(none).
query(third(_)).
