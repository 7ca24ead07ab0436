% A message is spam; its words are independent given that.
0.4::spam.
0.6::has(offer) :- spam.
0.7::has(free) :- spam.
0.1::has(meeting) :- spam.
0.1::has(offer) :- \+spam.
0.2::has(free) :- \+spam.
0.5::has(meeting) :- \+spam.
seen :- has(offer), has(free), \+has(meeting).
spam_seen :- spam, seen.
query(seen).
query(spam_seen).
