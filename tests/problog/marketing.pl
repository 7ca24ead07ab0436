% Who buys, by mailing or by word of mouth.
person(homer). person(marge). person(bart). person(lisa). person(moe).
market(bart). market(lisa).
trusts(homer, marge). trusts(bart, homer). trusts(bart, lisa). trusts(lisa, marge). trusts(lisa, homer). trusts(moe, homer). trusts(marge, lisa).
0.2::buy_from_mail(X) :- person(X).
0.3::buy_from_trust(X, Y) :- person(X), person(Y).
buys(X) :- market(X), buy_from_mail(X).
buys(X) :- trusts(X, Y), buy_from_trust(X, Y), buys(Y).
query(buys(_)).
