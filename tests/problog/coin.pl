% One coin.
0.6::heads.
query(heads).
