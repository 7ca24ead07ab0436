//! What the fuzzer found stays mended, and a short hunt finds nothing new.

use nsdl_tests::corpus::cases;
use nsdl_tests::fuzz::Target;

#[test]
fn findings_stay_mended() {
    for target in Target::ALL {
        for (path, text) in target.found() {
            if let Err(fault) = target.check(&text) {
                panic!("{}: {}: {}\n{text}", path.display(), fault.kind, fault.what);
            }
        }
    }
}

#[test]
fn a_short_hunt_finds_nothing() {
    let corpus = [cases(false), cases(true)].concat();
    for (target, inputs) in [
        (Target::Parser, 1_000),
        (Target::Types, 1_000),
        (Target::Evaluator, 100),
    ] {
        for seed in 0..inputs {
            let text = target.input(seed, &corpus);
            if let Err(fault) = target.check(&text) {
                panic!(
                    "{} seed {seed}: {}: {}\n{text}",
                    target.name(),
                    fault.kind,
                    fault.what
                );
            }
        }
    }
}
