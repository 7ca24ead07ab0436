% Random colours of a graph: is it proper?
node(1). node(2). node(3). node(4).
edge(1, 2). edge(2, 3). edge(3, 4). edge(4, 1). edge(1, 3).
0.5::color(N, r); 0.3::color(N, g); 0.2::color(N, b) :- node(N).
clash :- edge(X, Y), color(X, C), color(Y, C).
proper :- \+clash.
query(proper).
