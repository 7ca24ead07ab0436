% Two balls drawn from an urn of five, one after the other.
red(1). red(2). red(3).
0.2::first(1); 0.2::first(2); 0.2::first(3); 0.2::first(4); 0.2::first(5).
0.25::second(2); 0.25::second(3); 0.25::second(4); 0.25::second(5) :- first(1).
0.25::second(1); 0.25::second(3); 0.25::second(4); 0.25::second(5) :- first(2).
0.25::second(1); 0.25::second(2); 0.25::second(4); 0.25::second(5) :- first(3).
0.25::second(1); 0.25::second(2); 0.25::second(3); 0.25::second(5) :- first(4).
0.25::second(1); 0.25::second(2); 0.25::second(3); 0.25::second(4) :- first(5).
both_red :- first(A), red(A), second(B), red(B).
second_red :- second(B), red(B).
query(both_red).
query(second_red).
