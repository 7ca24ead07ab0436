% Probabilities 0 and 1 are probabilities.
1.0::a(1). 0.0::a(2). 0.5::a(3).
b(X) :- a(X), \+a(2).
1.0::c(X) :- a(X).
query(b(_)).
query(c(_)).
