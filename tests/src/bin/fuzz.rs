//! `fuzz TARGET MINUTES SEED`: what `cargo xtask fuzz` runs.

use std::process::ExitCode;
use std::time::Duration;

use nsdl_tests::fuzz::{self, Target};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, minutes, seed] = arguments.as_slice() else {
        eprintln!("fuzz TARGET MINUTES SEED");
        return ExitCode::from(2);
    };
    let target = Target::ALL.into_iter().find(|target| target.name() == name);
    let (Some(target), Ok(minutes), Ok(seed)) = (target, minutes.parse::<f64>(), seed.parse())
    else {
        eprintln!("a target is parser, types or evaluator; minutes and seed are numbers");
        return ExitCode::from(2);
    };
    fuzz::silence();
    let tally = fuzz::hunt(target, Duration::from_secs_f64(minutes * 60.0), seed);
    println!(
        "{name}: {} inputs in {minutes} minutes from seed {seed}, {} faults",
        tally.inputs, tally.faults
    );
    match tally.faults {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
