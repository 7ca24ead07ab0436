% Causes that may each bring about the effect.
0.3::cause(flu). 0.2::cause(cold). 0.05::cause(malaria).
0.6::fever :- cause(flu).
0.4::fever :- cause(cold).
0.9::fever :- cause(malaria).
0.01::fever.
query(fever).
