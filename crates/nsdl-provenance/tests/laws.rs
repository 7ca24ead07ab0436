//! The laws that every algebra claims, on random tags.

use nsdl_provenance::literals::Variables;
use nsdl_provenance::{
    AddMultProb, AllProofs, Boolean, Extended, Lineage, Lukasiewicz, MaxMultProb, MinMaxProb,
    NandMinProb, NandMultProb, Natural, Provenance, RealTropical, TopKProofs, Tropical, Unit, Why,
};

/// Checks what `algebra` claims on all triples of `tags`; `same` compares results.
fn laws<P: Provenance>(algebra: &P, tags: &[P::Tag], same: impl Fn(&P::Tag, &P::Tag) -> bool) {
    let (zero, one) = (algebra.zero(), algebra.one());
    let check = |a: P::Tag, b: P::Tag, law: &str| assert!(same(&a, &b), "{law}: {a:?} and {b:?}");
    check(algebra.negate(&zero), one.clone(), "negated zero");
    check(algebra.negate(&one), zero.clone(), "negated one");
    for a in tags {
        check(algebra.add(a, &zero), a.clone(), "zero is neutral");
        check(algebra.mult(a, &one), a.clone(), "one is neutral");
        check(algebra.mult(a, &zero), zero.clone(), "zero absorbs");
        assert!((0.0..=1.0).contains(&algebra.weight(a)), "weight of {a:?}");
        assert!(algebra.saturated(a, a), "{a:?} is saturated by itself");
        if P::IDEMPOTENT {
            check(algebra.add(a, a), a.clone(), "idempotent");
        }
        if P::ABSORPTIVE {
            check(algebra.add(&one, a), one.clone(), "absorptive");
        }
        if !algebra.has_complement() {
            let absent = if *a == zero { &one } else { &zero };
            check(
                algebra.negate(a),
                absent.clone(),
                "what is there is not absent",
            );
        }
        if let Some(closure) = algebra.closure(a) {
            // The closure is a fixpoint of x = a + x · b for any b that is there.
            for b in tags.iter().filter(|b| !algebra.discard(b)) {
                let round = algebra.add(a, &algebra.mult(&closure, b));
                check(round, closure.clone(), "closed");
            }
        }
        if P::INVOLUTIVE {
            check(algebra.negate(&algebra.negate(a)), a.clone(), "involutive");
        }
        for b in tags {
            check(algebra.add(a, b), algebra.add(b, a), "alternatives commute");
            check(
                algebra.mult(a, b),
                algebra.mult(b, a),
                "conjunctions commute",
            );
        }
    }
}

/// The laws about three tags, for algebras that lose nothing.
fn associative<P: Provenance>(
    algebra: &P,
    tags: &[P::Tag],
    same: impl Fn(&P::Tag, &P::Tag) -> bool,
) {
    for a in tags {
        for b in tags {
            for c in tags {
                let sum = algebra.add(&algebra.add(a, b), c);
                assert!(
                    same(&sum, &algebra.add(a, &algebra.add(b, c))),
                    "{a:?} or {b:?} or {c:?}"
                );
                let product = algebra.mult(&algebra.mult(a, b), c);
                assert!(
                    same(&product, &algebra.mult(a, &algebra.mult(b, c))),
                    "{a:?} and {b:?} and {c:?}"
                );
                if P::DISTRIBUTIVE {
                    let left = algebra.mult(a, &algebra.add(b, c));
                    let right = algebra.add(&algebra.mult(a, b), &algebra.mult(a, c));
                    assert!(same(&left, &right), "{a:?} and ({b:?} or {c:?})");
                }
            }
        }
    }
}

fn close(a: &f64, b: &f64) -> bool {
    (a - b).abs() < 1e-12
}

const NUMBERS: [f64; 8] = [0.0, 1.0, 0.5, 0.25, 0.75, 0.1, 0.9, 1e-9];

#[test]
fn unit() {
    laws(&Unit, &[()], |(), ()| true);
    associative(&Unit, &[()], |(), ()| true);
    assert!(!Unit.discard(&()));
}

#[test]
fn boolean() {
    laws(&Boolean, &[false, true], |a, b| a == b);
    associative(&Boolean, &[false, true], |a, b| a == b);
    assert!(Boolean.tag(1e-300) && !Boolean.tag(0.0));
    assert!(Boolean.discard(&false) && !Boolean.discard(&true));
}

#[test]
fn min_max_prob() {
    // Complements round: the involution is exact up to that.
    laws(&MinMaxProb, &NUMBERS, close);
    associative(&MinMaxProb, &NUMBERS, |a, b| a == b);
}

#[test]
fn add_mult_prob() {
    laws(&AddMultProb, &NUMBERS, close);
    associative(&AddMultProb, &NUMBERS, close);
    assert!(AddMultProb.saturated(&0.5, &(0.5 + 1e-13)) && !AddMultProb.saturated(&0.5, &0.6));
}

#[test]
fn nand_mult_prob() {
    laws(&NandMultProb, &NUMBERS, close);
    associative(&NandMultProb, &NUMBERS, close);
    assert!(close(&NandMultProb.add(&0.5, &0.25), &0.625));
}

#[test]
fn max_mult_prob() {
    laws(&MaxMultProb, &NUMBERS, close);
    associative(&MaxMultProb, &NUMBERS, close);
}

#[test]
fn nand_min_prob() {
    laws(&NandMinProb, &NUMBERS, close);
    associative(&NandMinProb, &NUMBERS, close);
}

#[test]
fn lukasiewicz() {
    laws(&Lukasiewicz, &NUMBERS, close);
    associative(&Lukasiewicz, &NUMBERS, close);
    for a in NUMBERS {
        assert!(
            close(&Lukasiewicz.add(&a, &(1.0 - a)), &1.0),
            "excluded middle"
        );
        for b in NUMBERS {
            let both = Lukasiewicz.negate(&Lukasiewicz.mult(&a, &b));
            let either = Lukasiewicz.add(&(1.0 - a), &(1.0 - b));
            assert!(close(&both, &either), "De Morgan");
        }
    }
}

const EXTENDED: [Extended; 7] = [
    Extended::ZERO,
    Extended::ONE,
    Extended::Finite(2),
    Extended::Finite(7),
    Extended::Finite(u128::MAX - 1),
    Extended::Huge,
    Extended::Infinite,
];

#[test]
fn natural() {
    laws(&Natural, &EXTENDED, |a, b| a == b);
    associative(&Natural, &EXTENDED, |a, b| a == b);
}

#[test]
fn tropical() {
    laws(&Tropical, &EXTENDED, |a, b| a == b);
    associative(&Tropical, &EXTENDED, |a, b| a == b);
}

#[test]
fn real_tropical() {
    let costs = [0.0, 1.0, 0.5, 3.25, 1e300, f64::INFINITY];
    laws(&RealTropical, &costs, |a, b| a == b);
    associative(&RealTropical, &costs, |a, b| a == b);
}

/// What a few operations make from facts.
fn made<P: Provenance>(algebra: &P, facts: &[P::Tag]) -> Vec<P::Tag> {
    let mut tags = facts.to_vec();
    tags.extend([algebra.zero(), algebra.one()]);
    for (i, a) in facts.iter().enumerate() {
        for b in &facts[..i] {
            tags.push(algebra.add(a, b));
            tags.push(algebra.mult(a, b));
            tags.push(algebra.add(&algebra.mult(a, b), &facts[0]));
        }
    }
    tags
}

#[test]
fn why() {
    let why = Why::default();
    let tags = made(&why, &[0, 1, 2, 3].map(|fact| why.tag(fact)));
    laws(&why, &tags, |a, b| a == b);
    associative(&why, &tags, |a, b| a == b);
    assert_eq!(why.failure(), None);
}

#[test]
fn lineage() {
    let tags = made(&Lineage, &[0, 1, 2, 3].map(|fact| Lineage.tag(fact)));
    laws(&Lineage, &tags, |a, b| a == b);
    associative(&Lineage, &tags, |a, b| a == b);
}

#[test]
fn all_proofs_are_an_algebra_of_events() {
    let (top, mut tags) = proofs(1000);
    let all = AllProofs::new(top.variables.clone(), 10_000);
    // As sets they are ordered differently, and as events they are the same.
    let same = |a: &Vec<Vec<u32>>, b: &Vec<Vec<u32>>| close(&top.weight(a), &top.weight(b));
    for tag in &mut tags {
        *tag = all.add(tag, &all.zero());
    }
    laws(&all, &tags, |a, b| a == b);
    associative(&all, &tags, same);
    for a in &tags {
        assert!(close(&top.weight(&all.negate(a)), &(1.0 - top.weight(a))));
    }
    assert_eq!(all.failure(), None);
}

/// All tags that a few operations make from facts: leaves 0 and 1 exclude each other, 2 and 3 are independent.
fn proofs(k: usize) -> (TopKProofs, Vec<Vec<Vec<u32>>>) {
    let variables = Variables::new(vec![0, 0, 1, 2]);
    let algebra = TopKProofs {
        k,
        variables,
        weights: vec![0.35, 0.4, 0.8, 0.3],
    };
    let mut tags: Vec<_> = (0..4).map(|leaf| algebra.tag(leaf)).collect();
    tags.extend([algebra.zero(), algebra.one()]);
    for i in 0..4 {
        tags.push(algebra.negate(&tags[i]));
        for j in 0..i {
            tags.push(algebra.add(&tags[i], &tags[j]));
            tags.push(algebra.mult(&tags[i], &tags[j]));
        }
    }
    (algebra, tags)
}

#[test]
fn top_k_proofs() {
    for k in [1, 2, 100] {
        let (algebra, tags) = proofs(k);
        laws(&algebra, &tags, |a, b| a == b);
        assert!(tags.iter().all(|tag| tag.len() <= k));
    }
}

#[test]
fn proofs_that_drop_nothing_are_an_algebra_of_events() {
    let (algebra, tags) = proofs(1000);
    // Equal as events, whatever proofs stand for them.
    let same = |a: &Vec<Vec<u32>>, b: &Vec<Vec<u32>>| close(&algebra.weight(a), &algebra.weight(b));
    associative(&algebra, &tags, same);
    for a in &tags {
        assert!(
            close(
                &algebra.weight(&algebra.negate(a)),
                &(1.0 - algebra.weight(a))
            ),
            "{a:?}"
        );
        for b in &tags {
            let (either, both) = (algebra.add(a, b), algebra.mult(a, b));
            let sum = algebra.weight(&either) + algebra.weight(&both);
            assert!(
                close(&sum, &(algebra.weight(a) + algebra.weight(b))),
                "{a:?} and {b:?}"
            );
        }
    }
}
