% Two effects of one cause are dependent.
0.2::storm.
0.7::tree_falls :- storm.
0.4::roof_leaks :- storm.
0.1::roof_leaks.
both :- tree_falls, roof_leaks.
neither :- \+tree_falls, \+roof_leaks.
query(both).
query(neither).
