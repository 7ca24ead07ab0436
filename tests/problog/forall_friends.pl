% Whoever likes only friends.
person(ann). person(bob).
0.5::likes(ann, x). 0.6::likes(ann, y). 0.7::likes(bob, x).
0.8::friend(ann, x). 0.3::friend(ann, y). 0.4::friend(bob, x).
disloyal(P) :- likes(P, Q), \+friend(P, Q).
loyal(P) :- person(P), \+disloyal(P).
query(loyal(_)).
