% Chromosomes of parents and child, and the blood type.
founder(father). founder(mother). child(carl).
0.3::mother_gene(X, a); 0.3::mother_gene(X, b); 0.4::mother_gene(X, o) :- founder(X).
0.3::father_gene(X, a); 0.3::father_gene(X, b); 0.4::father_gene(X, o) :- founder(X).
0.5::from_mother(X, m); 0.5::from_mother(X, f) :- child(X).
0.5::from_father(X, m); 0.5::from_father(X, f) :- child(X).
mother_gene(X, G) :- from_mother(X, m), mother_gene(mother, G).
mother_gene(X, G) :- from_mother(X, f), father_gene(mother, G).
father_gene(X, G) :- from_father(X, m), mother_gene(father, G).
father_gene(X, G) :- from_father(X, f), father_gene(father, G).
blood(X, a) :- mother_gene(X, a), father_gene(X, a).
blood(X, a) :- mother_gene(X, a), father_gene(X, o).
blood(X, a) :- mother_gene(X, o), father_gene(X, a).
blood(X, b) :- mother_gene(X, b), father_gene(X, b).
blood(X, b) :- mother_gene(X, b), father_gene(X, o).
blood(X, b) :- mother_gene(X, o), father_gene(X, b).
blood(X, ab) :- mother_gene(X, a), father_gene(X, b).
blood(X, ab) :- mother_gene(X, b), father_gene(X, a).
blood(X, zero) :- mother_gene(X, o), father_gene(X, o).
query(blood(_, _)).
