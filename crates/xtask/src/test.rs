//! `cargo xtask test`: everything that can be checked on one machine.

use std::time::{Duration, Instant};

use crate::shell::{self, Result, cargo, command};
use crate::tidy;
use crate::venv::{Profile, Venv};

/// Runs all stages, those after a failed one too, and sums up.
pub fn run(all: bool) -> Result {
    let mut report = Report::default();
    report.stage("format", || {
        shell::run(cargo().args(["fmt", "--all", "--check", "--", "-l"]))
    });
    report.stage("clippy", || clippy(&mut cargo(), &[]));
    report.stage("clippy without columnar", || {
        let args = [
            "clippy",
            "--quiet",
            "--package",
            "nsdl",
            "--no-default-features",
        ];
        shell::run(cargo().args(args).args(["--", "-D", "warnings"]))
    });
    report.stage("rust tests", || {
        // One failure says nothing of the tests behind it.
        shell::run(cargo().args(["test", "--quiet", "--no-fail-fast"]))
    });
    report.stage("5,000 random programs", || {
        shell::run(cargo().args([
            "test",
            "--quiet",
            "--profile",
            "oracle",
            "--package",
            "nsdl-tests",
            "--test",
            "random_programs",
            "--",
            "--nocapture",
        ]))
    });
    report.stage("grammars for editors", || {
        shell::run(cargo().args(["test", "--quiet", "--package", "nsdl-grammar"]))
    });
    report.stage("clippy of grammars", || {
        clippy(&mut cargo(), &["nsdl-grammar"])
    });
    report.stage("tidy", tidy::run);
    let mut venv = None;
    report.stage("virtual environment", || {
        venv = Some(Venv::prepare()?);
        Ok(())
    });
    if let Some(venv) = venv {
        report.stage("wheel", || venv.install_nsdl(Profile::Dev));
        report.stage("python tests", || {
            shell::run(command(venv.python()).args(["-m", "pytest"]))
        });
        report.stage("clippy of nsdl-python", || {
            // As maturin builds it: an extension module is not linked with libpython.
            let mut cargo = cargo();
            clippy(
                venv.adopt(cargo.env("PYO3_BUILD_EXTENSION_MODULE", "1"))?,
                &["nsdl-python"],
            )
        });
        report.stage("clippy of nsdl-tch", || {
            clippy(venv.adopt(&mut cargo())?, &["nsdl-tch"])
        });
        report.stage("tests of nsdl-tch", || {
            shell::run(
                venv.adopt(&mut cargo())?
                    .args(["test", "--quiet", "--package", "nsdl-tch"]),
            )
        });
        if all {
            report.stage("wheel with tch", || venv.install_nsdl(Profile::Tch));
            report.stage("python tests with tch", || {
                shell::run(command(venv.python()).args(["-m", "pytest"]))
            });
            report.stage("wheel again", || venv.install_nsdl(Profile::Dev));
        }
    }
    report.finish()
}

/// Clippy on some packages, or the default members.
fn clippy(cargo: &mut std::process::Command, packages: &[&str]) -> Result {
    cargo.args(["clippy", "--quiet", "--all-targets"]);
    for package in packages {
        cargo.args(["--package", package]);
    }
    shell::run(cargo.args(["--", "-D", "warnings"]))
}

/// What came out, stage by stage.
#[derive(Default)]
struct Report {
    stages: Vec<(&'static str, Duration, Result)>,
}

impl Report {
    fn stage(&mut self, name: &'static str, run: impl FnOnce() -> Result) {
        println!("\n── {name}");
        let start = Instant::now();
        let result = run();
        if let Err(reason) = &result {
            eprintln!("error: {reason}");
        }
        self.stages.push((name, start.elapsed(), result));
    }

    fn finish(self) -> Result {
        println!();
        for (name, time, result) in &self.stages {
            let verdict = if result.is_ok() { "ok" } else { "FAILED" };
            println!("{name:<24} {verdict:<6} {:>7.1} s", time.as_secs_f64());
        }
        let failed: Vec<_> = self
            .stages
            .iter()
            .filter(|stage| stage.2.is_err())
            .map(|stage| stage.0)
            .collect();
        if failed.is_empty() {
            Ok(())
        } else {
            Err(format!("failed: {}", failed.join(", ")))
        }
    }
}
