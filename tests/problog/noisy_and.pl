% Every part must work, and the assembly too.
0.99::part(a). 0.9::part(b). 0.8::part(c).
broken :- \+part(a).
broken :- \+part(b).
broken :- \+part(c).
0.95::works :- \+broken.
query(works).
