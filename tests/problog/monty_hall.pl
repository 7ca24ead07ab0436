% The prize, the door that is opened, and whether switching wins.
1/3::prize(1); 1/3::prize(2); 1/3::prize(3).
select(1).
0.5::opens(2); 0.5::opens(3) :- prize(1).
opens(3) :- prize(2).
opens(2) :- prize(3).
win_keep :- select(D), prize(D).
door(1). door(2). door(3).
win_switch :- door(D), prize(D), \+select(D), \+opens(D).
query(win_keep).
query(win_switch).
query(opens(_)).
