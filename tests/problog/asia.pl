% The chest clinic network.
0.01::asia.
0.5::smokes.
0.05::tuberculosis :- asia.
0.01::tuberculosis :- \+asia.
0.1::cancer :- smokes.
0.01::cancer :- \+smokes.
0.6::bronchitis :- smokes.
0.3::bronchitis :- \+smokes.
either :- tuberculosis.
either :- cancer.
0.98::xray :- either.
0.05::xray :- \+either.
0.9::dyspnoea :- either, bronchitis.
0.7::dyspnoea :- either, \+bronchitis.
0.8::dyspnoea :- \+either, bronchitis.
0.1::dyspnoea :- \+either, \+bronchitis.
both :- xray, dyspnoea.
query(xray).
query(dyspnoea).
query(both).
