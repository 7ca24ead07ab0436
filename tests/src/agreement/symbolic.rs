//! Proofs and witnesses are what they say, world by world; samples are near.

use std::collections::{BTreeMap, BTreeSet};

use nsdl::{Estimator, Outcome, OutputLiteral, OutputTag, Provenance};

use super::features::reads_weights;
use super::{Case, Fault, Verdict, has, tuple};
use crate::oracle::enumerate::{datalog, distribution};
use crate::oracle::solve::Model;
use crate::oracle::{Head, Literal, Program, Tuple};

/// Where a fact is: its relation and its tuple.
type Place = (usize, Tuple);

/// More literals than a tag may have.
const TOO_MANY: &str = "E0541";

/// Under `proofs` a tuple holds in a world where one of its proofs does; under `why`, with all facts as witnesses; under
/// `lineage` no witness is left out.
pub(super) fn proofs(case: &Case<'_>) -> Verdict {
    let program = plain(case.program);
    let Ok(means) = distribution(&program, 400) else {
        return Ok(());
    };
    if reads_weights(&program) {
        return Ok(());
    }
    let case = &Case::under(&program, &means, None)?;
    let facts = facts(&program);
    let tell = |provenance: Provenance| -> Result<Option<Told>, Fault> {
        match case.run(provenance) {
            Ok((_, outcome)) => proofs_of(case, &outcome, &facts).map(Some),
            Err((TOO_MANY, _)) => Ok(None),
            Err(fault) => Err(fault),
        }
    };
    if let Some(told) = tell(Provenance::Proofs)? {
        each_world(case, &told).map_err(|what| ("proofs", what))?;
    }
    let positive = !has(&program, &|literal| {
        matches!(
            literal,
            Literal::Not(_) | Literal::Implies(..) | Literal::Aggregate(_)
        )
    });
    if positive && let Some(told) = tell(Provenance::Why)? {
        each_world(case, &told).map_err(|what| ("why", what))?;
        smallest(case, &told).map_err(|what| ("witnesses of why", what))?;
        let witnessed = lineage(tell(Provenance::Lineage)?.unwrap_or_default());
        for (place, witnesses) in &told {
            let told = witnessed.get(place);
            let mut all = witnesses.iter().flatten().map(|(fact, _)| fact);
            if let Some(fact) = all.find(|&fact| told.is_none_or(|it| !it.contains(fact))) {
                return Err(("lineage", format!("{place:?} lacks {fact:?}")));
            }
        }
    }
    Ok(())
}

/// What a run told of each tuple: sets of facts, each with whether it holds.
type Told = BTreeMap<Place, Vec<Vec<(Place, bool)>>>;

/// The program with certain rules, and with each fact once and of a relation that has no rules: so a literal of a proof
/// says which choice it means.
fn plain(program: &Program) -> Program {
    let mut plain = program.clone();
    let mut derived: BTreeSet<usize> = BTreeSet::new();
    for rule in &mut plain.rules {
        rule.tag = None;
        if let Head::OneOf(atoms) = &mut rule.head {
            let atoms = atoms.drain(..).map(|(_, atom)| atom);
            rule.head = Head::All(atoms.collect());
        }
        derived.extend(rule.head.atoms().iter().map(|(_, atom)| atom.relation));
    }
    let mut seen: BTreeSet<Place> = BTreeSet::new();
    for set in &mut plain.facts {
        let relation = set.relation;
        set.members.retain(|(_, tuple)| {
            !derived.contains(&relation) && seen.insert((relation, tuple.clone()))
        });
    }
    plain.facts.retain(|set| !set.members.is_empty());
    plain
}

/// All facts by their text.
fn facts(program: &Program) -> BTreeMap<String, Place> {
    let mut facts = BTreeMap::new();
    for set in &program.facts {
        for (_, tuple) in &set.members {
            let name = &program.relations[set.relation].name;
            let text = format!("{name}{}", program.tuple(set.relation, tuple));
            facts.insert(text, (set.relation, tuple.clone()));
        }
    }
    facts
}

fn proofs_of(
    case: &Case<'_>,
    outcome: &Outcome,
    facts: &BTreeMap<String, Place>,
) -> Result<Told, Fault> {
    let literal = |literal: &OutputLiteral| match facts.get(&*literal.text) {
        Some(place) => Ok((place.clone(), !literal.negated)),
        None => Err(("proofs", format!("what is {}?", literal.text))),
    };
    let mut told = Told::new();
    for relation in &outcome.relations {
        let mut names = case.program.relations.iter();
        let Some(number) = names.position(|it| it.name == relation.name) else {
            continue;
        };
        for (tag, values) in &relation.tuples {
            let OutputTag::Proofs(proofs) = tag else {
                return Err(("proofs", format!("{tag:?} is no set of proofs")));
            };
            let proofs = proofs
                .iter()
                .map(|proof| proof.iter().map(literal).collect());
            let proofs: Result<Vec<_>, Fault> = proofs.collect();
            told.insert((number, tuple(values)), proofs?);
        }
        let possible = case.means.relations[number].iter();
        for (row, _) in possible.filter(|(_, probability)| probability.value > 0.0) {
            if !told.contains_key(&(number, row.clone())) {
                let text = case.program.tuple(number, row);
                return Err(("proofs", format!("{}{text} has none", relation.name)));
            }
        }
    }
    Ok(told)
}

/// A tuple holds where one of its proofs does, and nowhere else.
fn each_world(case: &Case<'_>, told: &Told) -> Result<(), String> {
    for world in case.means.worlds.iter().filter(|world| world.weight > 0.0) {
        let holds = |(relation, tuple): &Place| world.model[*relation].contains_key(tuple);
        for (place, proofs) in told {
            let proved = proofs
                .iter()
                .any(|proof| proof.iter().all(|(fact, wanted)| holds(fact) == *wanted));
            if proved != holds(place) {
                return Err(format!("{place:?} in {:?}: {proofs:?}", world.model));
            }
        }
    }
    Ok(())
}

/// Each witness suffices, and none of its facts can be spared.
fn smallest(case: &Case<'_>, told: &Told) -> Result<(), String> {
    for (place, witnesses) in told {
        for witness in witnesses {
            let held: BTreeSet<&Place> = witness.iter().map(|(fact, _)| fact).collect();
            for spared in std::iter::once(None).chain(held.iter().copied().map(Some)) {
                let mut program = case.program.clone();
                for set in &mut program.facts {
                    let (relation, exclusive) = (set.relation, &mut set.exclusive);
                    *exclusive = false;
                    set.members.retain_mut(|(tag, tuple)| {
                        *tag = None;
                        let fact = (relation, tuple.clone());
                        held.contains(&fact) && spared != Some(&fact)
                    });
                }
                let model: Model =
                    datalog(&program, |_| true).map_err(|reason| format!("{reason:?}"))?;
                if model[place.0].contains_key(&place.1) != spared.is_none() {
                    return Err(format!("{place:?} by {witness:?} without {spared:?}"));
                }
            }
        }
    }
    Ok(())
}

fn lineage(told: Told) -> BTreeMap<Place, BTreeSet<Place>> {
    let all = told.into_iter();
    all.map(|(place, sets)| {
        let facts = sets.into_iter().flatten().map(|(fact, _)| fact);
        (place, facts.collect())
    })
    .collect()
}

/// Worlds that are drawn.
const DRAWN: usize = 2_000;

/// Estimates are within six standard deviations, which one draw of some hundred millions is not.
pub(super) fn samples(case: &Case<'_>) -> Verdict {
    if reads_weights(case.program) {
        return Ok(());
    }
    let (got, _) = case.run(Provenance::Sample {
        k: DRAWN,
        estimator: Estimator::Score,
    })?;
    let near = |p: f64, estimate: f64| {
        let deviation = (p * (1.0 - p)).max(0.0) / DRAWN as f64;
        (p - estimate).abs() <= 6.0 * deviation.sqrt() + 6.0 / DRAWN as f64
    };
    case.all(&case.probabilities(), &got, near)
        .map_err(|what| ("sample", what))
}
