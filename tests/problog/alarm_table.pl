% The alarm with a full table, and two neighbours who may call.
0.7::burglary.
0.2::earthquake.
0.9::alarm :- burglary, earthquake.
0.8::alarm :- burglary, \+earthquake.
0.1::alarm :- \+burglary, earthquake.
person(john). person(mary).
0.8::calls(P) :- alarm, person(P).
0.1::calls(P) :- \+alarm, person(P).
both :- calls(john), calls(mary).
query(calls(_)).
query(both).
query(alarm).
