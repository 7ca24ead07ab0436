% The alarm of every textbook.
0.1::earthquake.
0.5::burglary.
0.9::alarm :- burglary.
0.8::alarm :- earthquake.
query(alarm).
