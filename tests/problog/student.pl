% Difficulty, intelligence, grade, letter: a Bayesian network with tables.
0.6::difficulty(easy); 0.4::difficulty(hard).
0.7::intelligence(low); 0.3::intelligence(high).
0.3::grade(a); 0.4::grade(b); 0.3::grade(c) :- intelligence(low), difficulty(easy).
0.05::grade(a); 0.25::grade(b); 0.7::grade(c) :- intelligence(low), difficulty(hard).
0.9::grade(a); 0.08::grade(b); 0.02::grade(c) :- intelligence(high), difficulty(easy).
0.5::grade(a); 0.3::grade(b); 0.2::grade(c) :- intelligence(high), difficulty(hard).
0.9::letter :- grade(a).
0.6::letter :- grade(b).
0.01::letter :- grade(c).
clever :- letter, intelligence(high).
query(grade(_)).
query(letter).
query(clever).
