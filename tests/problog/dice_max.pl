% The larger of two dice, by negation.
1/6::a(1); 1/6::a(2); 1/6::a(3); 1/6::a(4); 1/6::a(5); 1/6::a(6).
1/6::b(1); 1/6::b(2); 1/6::b(3); 1/6::b(4); 1/6::b(5); 1/6::b(6).
shows(X) :- a(X).
shows(X) :- b(X).
beaten(X) :- shows(X), shows(Y), Y > X.
larger(X) :- shows(X), \+beaten(X).
query(larger(_)).
