% Peas over two generations: the colour of a grandchild.
plant(p). plant(q). plant(r).
0.25::genes(X, yy); 0.5::genes(X, yg); 0.25::genes(X, gg) :- plant(X).
cross(p, q, f1). cross(f1, r, f2).
gives(C, X, y) :- cross(X, _, C), genes(X, yy).
gives(C, X, g) :- cross(X, _, C), genes(X, gg).
0.5::gives(C, X, y); 0.5::gives(C, X, g) :- cross(X, _, C), genes(X, yg).
gives(C, Y, y) :- cross(_, Y, C), genes(Y, yy).
gives(C, Y, g) :- cross(_, Y, C), genes(Y, gg).
0.5::gives(C, Y, y); 0.5::gives(C, Y, g) :- cross(_, Y, C), genes(Y, yg).
genes(C, yy) :- cross(X, Y, C), gives(C, X, y), gives(C, Y, y).
genes(C, gg) :- cross(X, Y, C), gives(C, X, g), gives(C, Y, g).
genes(C, yg) :- cross(X, Y, C), gives(C, X, y), gives(C, Y, g).
genes(C, yg) :- cross(X, Y, C), gives(C, X, g), gives(C, Y, y).
green(C) :- genes(C, gg).
query(green(_)).
