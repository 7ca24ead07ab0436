% One die, without weights: equal shares.
1/6::die(1); 1/6::die(2); 1/6::die(3); 1/6::die(4); 1/6::die(5); 1/6::die(6).
odd :- die(N), 1 is N mod 2.
high :- die(N), N > 4.
query(die(_)).
query(odd).
query(high).
