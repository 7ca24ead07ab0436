% Trust over at most two intermediaries; distrust takes it away.
0.9::trusts(ann, bob). 0.8::trusts(bob, cyd). 0.7::trusts(cyd, dan). 0.5::trusts(ann, cyd). 0.4::trusts(dan, ann).
0.3::distrusts(ann, dan). 0.2::distrusts(bob, dan).
chain(X, Y) :- trusts(X, Y).
chain(X, Z) :- trusts(X, Y), trusts(Y, Z).
chain(X, W) :- trusts(X, Y), trusts(Y, Z), trusts(Z, W).
relies(X, Y) :- chain(X, Y), X \= Y, \+distrusts(X, Y).
query(relies(_, _)).
