% A tagged rule tries once for every binding of its body, local variables included.
q(a, 1). q(a, 2). q(b, 1).
0.5::p(X) :- q(X, Y), Y > 0.
query(p(_)).
