//! Circuits of other compilers: counts and gradients against enumeration of models, and files that are damaged.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::Random;
use nsdl_circuit::{CountTape, LogicCircuit, Real, Semiring};
use nsdl_ir::Diagnostic;
use std::collections::HashMap;
use std::fmt::Write;

/// Clauses of literals from 1.
type Clauses = Vec<Vec<i32>>;

fn draw(random: &mut Random, variables: usize) -> Clauses {
    let literal = |random: &mut Random| {
        let variable = 1 + random.below(variables) as i32;
        if random.chance(0.5) {
            variable
        } else {
            -variable
        }
    };
    let clauses = random.below(variables + 3);
    (0..clauses)
        .map(|_| (0..1 + random.below(3)).map(|_| literal(random)).collect())
        .collect()
}

/// A decision diagram: 0 is false, 1 is true, node n + 2 decides a variable (no, yes).
#[derive(Default)]
struct Diagram {
    nodes: Vec<(usize, usize, usize)>,
    known: HashMap<(usize, usize, usize), usize>,
}

impl Diagram {
    fn of(&mut self, clauses: &Clauses, variable: usize, variables: usize) -> usize {
        if clauses.iter().any(Vec::is_empty) {
            return 0;
        }
        if variable > variables {
            return 1;
        }
        let given = |literal: i32| -> Clauses {
            let open = clauses.iter().filter(|clause| !clause.contains(&literal));
            open.map(|clause| {
                clause
                    .iter()
                    .copied()
                    .filter(|&other| other != -literal)
                    .collect()
            })
            .collect()
        };
        let no = self.of(&given(-(variable as i32)), variable + 1, variables);
        let yes = self.of(&given(variable as i32), variable + 1, variables);
        if no == yes {
            return no;
        }
        let next = self.nodes.len() + 2;
        let node = *self.known.entry((variable, no, yes)).or_insert(next);
        if node == next {
            self.nodes.push((variable, no, yes));
        }
        node
    }

    /// The nodes up to a root, which comes last.
    fn upto(&self, root: usize) -> &[(usize, usize, usize)] {
        &self.nodes[..root.saturating_sub(1).min(self.nodes.len())]
    }

    fn sdd(&self, root: usize) -> String {
        let mut body = String::new();
        let mut count = 2;
        let (first, last) = if root == 1 {
            ("F 0", "T 1")
        } else {
            ("T 1", "F 0")
        };
        writeln!(body, "{first}\n{last}").unwrap();
        if root > 1 {
            for (place, (variable, no, yes)) in self.upto(root).iter().enumerate() {
                let (yes_literal, no_literal) = (1_000 + 2 * place, 1_001 + 2 * place);
                writeln!(
                    body,
                    "L {yes_literal} 0 {variable}\nL {no_literal} 0 -{variable}"
                )
                .unwrap();
                writeln!(
                    body,
                    "D {} 1 2 {yes_literal} {yes} {no_literal} {no}",
                    place + 2
                )
                .unwrap();
                count += 3;
            }
        }
        format!("c a comment\nc\nsdd {count}\n{body}")
    }

    fn nnf(&self, root: usize, variables: usize) -> String {
        let mut body = String::from(if root == 1 {
            "O 0 0\nA 0\n"
        } else {
            "A 0\nO 0 0\n"
        });
        let (mut count, mut edges) = (2, 0);
        let mut numbers = if root == 1 { vec![0, 1] } else { vec![1, 0] };
        for (variable, no, yes) in if root > 1 { self.upto(root) } else { &[] } {
            writeln!(body, "L {variable}\nL -{variable}").unwrap();
            writeln!(
                body,
                "A 2 {} {}\nA 2 {} {}",
                count,
                numbers[*yes],
                count + 1,
                numbers[*no]
            )
            .unwrap();
            writeln!(body, "O {variable} 2 {} {}", count + 2, count + 3).unwrap();
            numbers.push(count + 4);
            count += 5;
            edges += 6;
        }
        format!("nnf {count} {edges} {variables}\n{body}")
    }

    /// Parents first.
    fn d4(&self, root: usize) -> String {
        if root < 2 {
            return format!("{} 1 0\n", if root == 1 { "t" } else { "f" });
        }
        let nodes = self.upto(root);
        let number = |node: usize| {
            if node < 2 {
                100_000 + node
            } else {
                nodes.len() + 2 - node
            }
        };
        let mut text = String::new();
        for place in (0..nodes.len()).rev() {
            writeln!(text, "o {} 0", number(place + 2)).unwrap();
        }
        writeln!(text, "t {} 0\nf {} 0", number(1), number(0)).unwrap();
        for (place, (variable, no, yes)) in nodes.iter().enumerate() {
            let parent = number(place + 2);
            writeln!(
                text,
                "{parent} {} -{variable} 0\n{parent} {} {variable} 0",
                number(*no),
                number(*yes)
            )
            .unwrap();
        }
        text
    }
}

/// Of weights of literals, the count and its gradient, by enumeration. All by logarithms: (log count, posterior shares).
fn enumerate(clauses: &Clauses, positive: &[f64], negative: &[f64]) -> (f64, Vec<f64>) {
    let variables = positive.len();
    let mut models = Vec::new();
    for world in 0u32..1 << variables {
        let holds =
            |literal: &i32| (world >> (literal.unsigned_abs() - 1) & 1 == 1) == (*literal > 0);
        if clauses.iter().all(|clause| clause.iter().any(holds)) {
            let weight = |v: usize| {
                if world >> v & 1 == 1 {
                    positive[v]
                } else {
                    negative[v]
                }
            };
            models.push((world, (0..variables).map(weight).sum::<f64>()));
        }
    }
    let most = models
        .iter()
        .map(|model| model.1)
        .fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return (most, vec![0.0; variables]);
    }
    let sum: f64 = models.iter().map(|model| (model.1 - most).exp()).sum();
    let share = |v: usize| {
        let with = models.iter().filter(|model| model.0 >> v & 1 == 1);
        with.map(|model| (model.1 - most).exp()).sum::<f64>() / sum
    };
    (most + sum.ln(), (0..variables).map(share).collect())
}

fn close(found: f64, wanted: f64, tolerance: f64, what: &str) {
    let near = (found - wanted).abs() <= tolerance * (1.0 + wanted.abs()) || found == wanted;
    assert!(near, "{what}: {found} instead of {wanted}");
}

type Reader = fn(&[(&str, &str)], Option<usize>) -> Result<LogicCircuit, Diagnostic>;

/// A circuit of all formulas in each format.
fn circuits(formulas: &[Clauses], variables: usize) -> Vec<(&'static str, LogicCircuit)> {
    let mut texts: [(&'static str, Reader, Vec<String>); 3] = [
        ("sdd", LogicCircuit::from_sdd, Vec::new()),
        ("nnf", LogicCircuit::from_nnf, Vec::new()),
        ("d4", LogicCircuit::from_nnf, Vec::new()),
    ];
    for clauses in formulas {
        let mut diagram = Diagram::default();
        let root = diagram.of(clauses, 1, variables);
        texts[0].2.push(diagram.sdd(root));
        texts[1].2.push(diagram.nnf(root, variables));
        texts[2].2.push(diagram.d4(root));
    }
    let read = |(name, reader, texts): &(&'static str, Reader, Vec<String>)| {
        let files: Vec<(&str, &str)> = texts.iter().map(|text| (*name, text.as_str())).collect();
        (*name, reader(&files, Some(variables)).unwrap())
    };
    texts.iter().map(read).collect()
}

/// Values and gradients of a circuit in log space, for weights of both literals, against enumeration.
fn check_logarithms<T: Real>(
    circuit: &LogicCircuit,
    formulas: &[Clauses],
    random: &mut Random,
    tolerance: f64,
) {
    let (variables, outputs) = (circuit.variables(), formulas.len());
    let mut tape = CountTape::default();
    for batch in [1, 7, 33] {
        let mut draw = |_| {
            // Some samples are too small for plain numbers.
            let spread = [1.0, 20.0, 3_000.0][random.below(3)];
            T::from_f64(if random.chance(0.05) {
                f64::NEG_INFINITY
            } else {
                spread * (random.unit() - 0.7)
            })
        };
        let positive: Vec<T> = (0..variables * batch).map(&mut draw).collect();
        let negative: Vec<T> = (0..variables * batch).map(&mut draw).collect();
        let seeds: Vec<T> = (0..outputs * batch)
            .map(|_| T::from_f64(random.unit() - 0.5))
            .collect();
        let mut out = vec![T::ZERO; outputs * batch];
        let (mut by_positive, mut by_negative) = (
            vec![T::ZERO; variables * batch],
            vec![T::ZERO; variables * batch],
        );
        circuit
            .forward(
                Semiring::Log,
                &positive,
                Some(&negative),
                batch,
                &mut tape,
                &mut out,
            )
            .unwrap();
        circuit.backward(batch, &mut tape, &seeds, &mut by_positive, &mut by_negative);
        for sample in 0..batch {
            let row = |weights: &[T]| -> Vec<f64> {
                weights[sample * variables..(sample + 1) * variables]
                    .iter()
                    .map(|w| w.to_f64())
                    .collect()
            };
            let (yes, no) = (row(&positive), row(&negative));
            let (mut by_yes, mut by_no) = (vec![0.0; variables], vec![0.0; variables]);
            for (output, clauses) in formulas.iter().enumerate() {
                let (count, shares) = enumerate(clauses, &yes, &no);
                close(
                    out[sample * outputs + output].to_f64(),
                    count,
                    tolerance,
                    "logarithm of a count",
                );
                if count > f64::NEG_INFINITY {
                    let seed = seeds[sample * outputs + output].to_f64();
                    for v in 0..variables {
                        by_yes[v] += seed * shares[v];
                        by_no[v] += seed * (1.0 - shares[v]);
                    }
                }
            }
            for v in 0..variables {
                close(
                    row(&by_positive)[v],
                    by_yes[v],
                    20.0 * tolerance,
                    "gradient of a weight",
                );
                close(
                    row(&by_negative)[v],
                    by_no[v],
                    20.0 * tolerance,
                    "gradient of a denial's weight",
                );
            }
        }
    }
}

/// The same for numbers, also negative ones, and for probabilities; gradients by finite differences.
fn check_numbers(circuit: &LogicCircuit, formulas: &[Clauses], random: &mut Random) {
    let (variables, outputs, batch) = (circuit.variables(), formulas.len(), 3);
    let count = |clauses: &Clauses, yes: &[f64], no: &[f64]| -> f64 {
        let worlds = (0u32..1 << variables).filter(|world| {
            let holds =
                |literal: &i32| (world >> (literal.unsigned_abs() - 1) & 1 == 1) == (*literal > 0);
            clauses.iter().all(|clause| clause.iter().any(holds))
        });
        let weight = |world: u32| {
            (0..variables).map(move |v| if world >> v & 1 == 1 { yes[v] } else { no[v] })
        };
        worlds.map(|world| weight(world).product::<f64>()).sum()
    };
    for both in [true, false] {
        let weights = |random: &mut Random| -> Vec<f64> {
            let zero = random.below(4 * variables * batch);
            (0..variables * batch)
                .map(|i| if i == zero { 0.0 } else { random.unit() * 1.5 })
                .collect()
        };
        let (yes, mut no) = (weights(random), weights(random));
        if !both {
            no = yes.iter().map(|w| 1.0 - w).collect();
        } else if random.chance(0.3) {
            no[0] = -0.3 * yes[0];
        }
        let (mut tape, mut out) = (CountTape::default(), vec![0.0; outputs * batch]);
        let seeds: Vec<f64> = (0..outputs * batch).map(|_| random.unit() - 0.5).collect();
        let (mut by_yes, mut by_no) = (vec![0.0; variables * batch], vec![0.0; variables * batch]);
        let given = both.then_some(no.as_slice());
        circuit
            .forward(Semiring::Real, &yes, given, batch, &mut tape, &mut out)
            .unwrap();
        circuit.backward(batch, &mut tape, &seeds, &mut by_yes, &mut by_no);
        for sample in 0..batch {
            let row = sample * variables..(sample + 1) * variables;
            let (yes, no) = (&yes[row.clone()], &no[row.clone()]);
            for (output, clauses) in formulas.iter().enumerate() {
                close(
                    out[sample * outputs + output],
                    count(clauses, yes, no),
                    1e-12,
                    "count",
                );
            }
            for v in 0..variables {
                // Counts are linear in each weight.
                let moved = |weights: &[f64], step: f64| {
                    let mut moved = weights.to_vec();
                    moved[v] += step;
                    moved
                };
                let slope = |clauses: &Clauses, step: [f64; 2]| {
                    count(clauses, &moved(yes, step[0]), &moved(no, step[1]))
                        - count(clauses, yes, no)
                };
                let flow = |step: [f64; 2]| -> f64 {
                    let seeds = &seeds[sample * outputs..(sample + 1) * outputs];
                    formulas
                        .iter()
                        .zip(seeds)
                        .map(|(clauses, seed)| seed * slope(clauses, step))
                        .sum()
                };
                if both {
                    close(by_yes[row.start + v], flow([1.0, 0.0]), 1e-11, "gradient");
                    close(
                        by_no[row.start + v],
                        flow([0.0, 1.0]),
                        1e-11,
                        "gradient of a denial",
                    );
                } else {
                    close(
                        by_yes[row.start + v],
                        flow([1.0, -1.0]),
                        1e-11,
                        "gradient of a probability",
                    );
                }
            }
        }
    }
}

#[test]
fn counts_and_gradients_are_those_of_enumeration() {
    for seed in 0..150 {
        let mut random = Random(seed);
        let variables = 1 + random.below(7);
        let formulas: Vec<Clauses> = (0..1 + random.below(3))
            .map(|_| draw(&mut random, variables))
            .collect();
        for (_, circuit) in circuits(&formulas, variables) {
            assert_eq!(
                (circuit.variables(), circuit.outputs()),
                (variables, formulas.len())
            );
            check_logarithms::<f64>(&circuit, &formulas, &mut random, 1e-12);
            check_logarithms::<f32>(&circuit, &formulas, &mut random, 2e-6);
            check_numbers(&circuit, &formulas, &mut random);
        }
    }
}

/// Of probabilities alone, whose gradients may be very large.
#[test]
fn logarithms_of_probabilities() {
    let clauses = vec![vec![-1, 2], vec![1, 3]];
    for (name, circuit) in circuits(std::slice::from_ref(&clauses), 3) {
        for logs in [
            [-0.5, -1.5, -0.1],
            [-2.0, -900.0, -700.0],
            [0.0, -1.0, -2.0],
            [0.0, -1e-12, f64::NEG_INFINITY],
        ] {
            let negative: Vec<f64> = logs.iter().map(|&a: &f64| (-a.exp_m1()).ln()).collect();
            let (count, shares) = enumerate(&clauses, &logs, &negative);
            let (mut tape, mut out, mut by) = (CountTape::default(), [0.0], [0.0; 3]);
            circuit
                .forward(Semiring::Log, &logs, None, 1, &mut tape, &mut out)
                .unwrap();
            circuit.backward(1, &mut tape, &[1.0], &mut by, &mut []);
            close(out[0], count, 1e-13, name);
            for v in 0..3 {
                // d log(1 − exp a) / da = −exp(a) / (1 − exp(a))
                if logs[v] < 0.0 {
                    let odds = logs[v].exp() / -logs[v].exp_m1();
                    close(by[v], shares[v] - odds * (1.0 - shares[v]), 1e-9, name);
                }
                assert!(by[v].is_finite(), "{name}: {by:?}");
            }
        }
    }
}

#[test]
fn weights_without_meaning_are_refused() {
    let (_, circuit) = circuits(&[vec![vec![1, 2]]], 2).remove(0);
    let refused = |semiring, positive: [f64; 2], negative: Option<[f64; 2]>| {
        let negative = negative.as_ref().map(<[f64; 2]>::as_slice);
        let result = circuit.forward(
            semiring,
            &positive,
            negative,
            1,
            &mut CountTape::default(),
            &mut [0.0],
        );
        result
            .err()
            .map(|diagnostic| (diagnostic.code, diagnostic.message))
    };
    let message = "variable 2 of sample 0 has the weight ";
    for (semiring, positive, negative, shown) in [
        (Semiring::Log, [-1.0, 0.1], None, "0.1"),
        (Semiring::Log, [-1.0, f64::NAN], None, "NaN"),
        (
            Semiring::Log,
            [-1.0, f64::INFINITY],
            Some([0.0, 0.0]),
            "inf and 0",
        ),
        (Semiring::Real, [0.5, f64::NAN], None, "NaN"),
        (Semiring::Real, [0.5, 1.0], Some([0.5, -1.0]), "1 and -1"),
    ] {
        assert_eq!(
            refused(semiring, positive, negative),
            Some(("E0882", format!("{message}{shown}")))
        );
    }
    assert_eq!(
        refused(Semiring::Log, [3.0, -5.0], Some([2.0, f64::NEG_INFINITY])),
        None
    );
    assert_eq!(refused(Semiring::Real, [0.0, 7.0], Some([0.0, -1.0])), None);
}

#[test]
fn faults_of_files_have_a_place() {
    let sdd: Reader = LogicCircuit::from_sdd;
    let nnf: Reader = LogicCircuit::from_nnf;
    for (reader, text, wanted) in [
        (sdd, "", "E0880 f:1: there is no line `sdd`"),
        (
            sdd,
            "L 0 0 1\n",
            "E0880 f:1: `sdd` is expected instead of `L`",
        ),
        (
            sdd,
            "sdd 2\nL 0 0 1\n",
            "E0880 f:2: the header announces 2 nodes, and there are 1",
        ),
        (
            sdd,
            "sdd 1\nL 0 0 0\n",
            "E0880 f:2: `0` is no literal: variables are 1 to 16777216",
        ),
        (
            sdd,
            "sdd 1\nX 0\n",
            "E0880 f:2: `X` is no kind of node: F, T, L and D are",
        ),
        (
            sdd,
            "sdd 2\nT 0\nD 1 0 1 0 7\n",
            "E0880 f:3: node 7 does not come before its parent",
        ),
        (
            sdd,
            "sdd 2\nT 0\nD 1 0 9 0 0\n",
            "E0880 f:3: the line ends where the number of a prime is expected",
        ),
        (
            sdd,
            "sdd 2\nT 0\nT 0\n",
            "E0880 f:3: there is a node 0 before",
        ),
        (sdd, "sdd 1\nT 0 1\n", "E0880 f:2: `1` is one word too many"),
        (
            sdd,
            "sdd 2\nL 0 0 1\nD 1 0 1 0 0\n",
            "E0881 f:3: parts of this conjunction have a variable in common",
        ),
        (nnf, "c nothing\n", "E0880 f:1: the file has no nodes"),
        (
            nnf,
            "nnf 1 0\nA 0\n",
            "E0880 f:1: the line ends where a number of variables is expected",
        ),
        (
            nnf,
            "nnf 1 0 1\nA 1 0\n",
            "E0880 f:2: node 0 does not come before its parent",
        ),
        (
            nnf,
            "nnf 1 0 1\nL 2\n",
            "E0880 f:1: the header announces 1 variables, and there is variable 2",
        ),
        (
            nnf,
            "nnf 3 2 2\nL 1\nL -1\nA 2 0 1\n",
            "E0881 f:4: parts of this conjunction have a variable in common",
        ),
        (nnf, "o 1 0\n1 2 3 0\n", "E0880 f:2: there is no node 2"),
        (
            nnf,
            "o 1 0\no 2 0\n1 2 3 0\n2 1 0\n",
            "E0880 f:4: this edge closes a cycle",
        ),
        (
            nnf,
            "o 1 0\nt 2 0\n1 2 3\n",
            "E0880 f:3: the line ends where a literal is expected",
        ),
    ] {
        let diagnostic = reader(&[("f", text)], None).unwrap_err();
        assert_eq!(
            format!("{} {}", diagnostic.code, diagnostic.message),
            wanted,
            "{text:?}"
        );
    }
    let few = nnf(&[("f", "nnf 1 0 3\nL 2\n")], Some(2)).unwrap_err();
    assert_eq!(
        few.message,
        "the circuit has 3 variables, and weights of 2 are announced"
    );
    let tree = "c tree\nvtree 3\nL 0 1\nL 2 2\nI 1 0 2\n";
    assert_eq!(LogicCircuit::variables_of_vtree(("f", tree)), Ok(2));
    let error =
        LogicCircuit::variables_of_vtree(("f", &tree.replace("I 1 0 2\n", ""))).unwrap_err();
    assert_eq!(
        error.message,
        "f:4: the header announces 3 nodes, and there are 2"
    );
}

/// Whatever a file says, reading it ends in a circuit that can be evaluated or in an error with a place.
#[test]
fn damaged_files_are_refused_or_read() {
    let (mut read, mut refused) = (0, 0);
    for seed in 0..3_000 {
        let mut random = Random(seed);
        let variables = 1 + random.below(6);
        let mut diagram = Diagram::default();
        let root = diagram.of(&draw(&mut random, variables), 1, variables);
        let (reader, text): (Reader, String) = match random.below(3) {
            0 => (LogicCircuit::from_sdd, diagram.sdd(root)),
            1 => (LogicCircuit::from_nnf, diagram.nnf(root, variables)),
            _ => (LogicCircuit::from_nnf, diagram.d4(root)),
        };
        let mut bytes = text.into_bytes();
        for _ in 0..1 + random.below(3) {
            let at = random
                .below(bytes.len().max(1))
                .min(bytes.len().saturating_sub(1));
            let other = b"0123456789 -\nLADOFTtfaoc\xc3\xa9"[random.below(26)];
            match random.below(4) {
                0 if !bytes.is_empty() => drop(bytes.remove(at)),
                1 => bytes.insert(at, other),
                2 => bytes.truncate(at),
                _ if !bytes.is_empty() => bytes[at] = other,
                _ => {}
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        match reader(&[("f", &text)], None) {
            Ok(circuit) => {
                read += 1;
                let weights = vec![0.5f64; circuit.variables()];
                let (mut tape, mut out) = (CountTape::default(), [f64::NAN]);
                circuit
                    .forward(Semiring::Real, &weights, None, 1, &mut tape, &mut out)
                    .unwrap();
                assert!(out[0] >= 0.0, "{text}");
            }
            Err(diagnostic) => {
                refused += 1;
                assert!(matches!(diagnostic.code, "E0880" | "E0881"), "{text}");
                assert!(
                    diagnostic.message.starts_with("f:"),
                    "{}",
                    diagnostic.message
                );
            }
        }
    }
    assert!(read > 100 && refused > 1_000, "{read} {refused}");
}
