% A choice that exists only where another was made.
0.6::out.
0.5::goes(cinema); 0.3::goes(pub) :- out.
0.7::drinks(tea); 0.3::drinks(beer) :- goes(pub).
0.9::drinks(cola); 0.1::drinks(tea) :- goes(cinema).
dry :- \+drinks(_).
query(goes(_)).
query(drinks(_)).
query(dry).
