% Stated twice, a fact has two chances.
0.5::rain.
0.4::rain.
0.5::wet :- rain.
0.5::wet :- rain.
query(rain).
query(wet).
