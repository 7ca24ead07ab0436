% Pollution, smoking, cancer, and two of its signs.
0.9::pollution(low); 0.1::pollution(high).
0.3::smoker.
0.03::cancer :- pollution(low), smoker.
0.001::cancer :- pollution(low), \+smoker.
0.05::cancer :- pollution(high), smoker.
0.02::cancer :- pollution(high), \+smoker.
0.9::xray :- cancer.
0.2::xray :- \+cancer.
0.65::dyspnoea :- cancer.
0.3::dyspnoea :- \+cancer.
signs :- xray, dyspnoea, cancer.
query(cancer).
query(xray).
query(signs).
