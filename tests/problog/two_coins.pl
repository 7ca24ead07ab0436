% Two coins: at least one, both, exactly one head.
0.5::heads1.
0.6::heads2.
some :- heads1.
some :- heads2.
both :- heads1, heads2.
one :- heads1, \+heads2.
one :- heads2, \+heads1.
query(some).
query(both).
query(one).
