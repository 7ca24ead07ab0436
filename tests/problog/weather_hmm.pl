% A hidden Markov model of five days: what is seen.
day(D) :- between(1, 4, D).
0.5::weather(0, sun); 0.5::weather(0, rain).
0.6::weather(D, sun); 0.4::weather(D, rain) :- day(D), P is D - 1, weather(P, sun).
0.2::weather(D, sun); 0.8::weather(D, rain) :- day(D), P is D - 1, weather(P, rain).
0.1::umbrella(D, yes); 0.9::umbrella(D, no) :- weather(D, sun).
0.7::umbrella(D, yes); 0.3::umbrella(D, no) :- weather(D, rain).
dry :- umbrella(0, no), umbrella(1, no), umbrella(2, no), umbrella(3, no), umbrella(4, no).
query(weather(_, _)).
query(umbrella(4, _)).
query(dry).
