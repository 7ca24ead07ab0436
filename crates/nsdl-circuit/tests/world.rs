//! The most probable world against enumeration.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{FULL, assert_close, random_program};
use nsdl_circuit::{Budget, most_probable_world};

#[test]
fn random_programs_have_the_worlds_of_enumeration() {
    let mut worlds_found = 0;
    for seed in 0..250 {
        let program = random_program(seed, FULL);
        let weights = program.weights();
        let models: Vec<(f64, Vec<bool>, Vec<bool>)> = program
            .worlds(&weights)
            .into_iter()
            .map(|(weight, leaves)| {
                let model = program.model(&leaves);
                (weight, leaves, model)
            })
            .collect();
        for tuple in program.all_tuples() {
            let holds = |model: &[bool]| model[tuple.index()];
            let found =
                most_probable_world(&program.trace, tuple, &weights, &Budget::default(), None)
                    .unwrap();
            let best = models.iter().filter(|(_, _, model)| holds(model));
            let best = best.map(|(weight, ..)| *weight).fold(0.0, f64::max);
            let place = format!("seed {seed}, {tuple:?}");
            let Some(world) = found else {
                assert!(best < 1e-12, "{place}");
                continue;
            };
            worlds_found += 1;
            // The best world that agrees with the choices found is the best of all, and the tuple holds in it.
            let agrees = |leaves: &[bool]| {
                world.choices.iter().all(|&(group, chosen)| {
                    let group = program.trace.groups[group.index()];
                    (group.start..group.end)
                        .all(|leaf| leaves[leaf as usize] == (chosen.map(|c| c.0) == Some(leaf)))
                })
            };
            let mut sum = 0.0;
            let mut most = 0.0f64;
            for (weight, _, model) in models.iter().filter(|(_, leaves, _)| agrees(leaves)) {
                assert!(holds(model), "{place}: does not hold");
                sum += weight;
                most = most.max(*weight);
            }
            assert_close(most, best, 1e-12, &place);
            assert_close(world.probability, sum, 1e-9, &place);
        }
    }
    assert!(worlds_found > 1000);
}
