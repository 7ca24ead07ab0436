% A sum of the prices of what is bought.
:- use_module(library(lists)).
price(tea, 3). price(cake, 5). price(pie, 4). price(milk, 3).
0.5::buys(tea). 0.4::buys(cake). 0.7::buys(pie). 0.2::buys(milk).
pays(S) :- findall(P, (buys(I), price(I, P)), L), sum_list(L, S).
query(pays(_)).
