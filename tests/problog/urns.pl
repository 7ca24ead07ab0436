% A ball from each of two urns; one coin decides which counts.
0.4::heads.
0.3::first(red); 0.7::first(blue).
0.2::second(red); 0.3::second(green); 0.5::second(blue).
win :- heads, first(red).
win :- heads, second(red).
win :- first(C), second(C).
query(win).
