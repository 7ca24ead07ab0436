% An annotated disjunction whose weights leave something out.
0.2::ball(red); 0.5::ball(green); 0.1::ball(blue).
warm :- ball(red).
cold :- ball(green).
cold :- ball(blue).
none :- \+ball(_).
query(ball(_)).
query(warm).
query(cold).
query(none).
