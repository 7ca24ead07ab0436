% Three people, five days: do two share one?
person(1). person(2). person(3).
0.2::born(P, 1); 0.2::born(P, 2); 0.2::born(P, 3); 0.2::born(P, 4); 0.2::born(P, 5) :- person(P).
shared(D) :- person(P), person(Q), P < Q, born(P, D), born(Q, D).
any :- shared(_).
query(shared(_)).
query(any).
