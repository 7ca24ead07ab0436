//! The command as users meet it: output forms, exit codes, bad input, the REPL fed from a pipe.

// Helpers of tests may panic as tests do.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

struct Ran {
    out: String,
    err: String,
    code: i32,
}

/// Runs `nsdl` in a folder, with `input` on stdin.
fn nsdl_in(folder: &TempDir, args: &[&str], input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_nsdl"))
        .args(args)
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A process that fails early reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Ran {
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap_or(-1),
    }
}

fn nsdl(args: &[&str], input: &str) -> Ran {
    nsdl_in(&TempDir::new().unwrap(), args, input)
}

/// A folder with files.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

/// What a program that must succeed prints.
fn prints(program: &str, args: &[&str]) -> String {
    let ran = nsdl(&[&["run", "-"], args].concat(), program);
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran.out
}

/// Runs a program that must fail with this code, on stderr alone.
fn fails(program: &str, args: &[&str], code: &str) -> String {
    let ran = nsdl(&[&["run", "-"], args].concat(), program);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (1, ""),
        "{program}: {}",
        ran.err
    );
    assert!(
        ran.err.contains(code),
        "{program}: expected {code}, got\n{}",
        ran.err
    );
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    ran.err
}

const PATHS: &str = "\
rel edge = {0.9::(0, 1), (1, 2)}
rel path(a, b) = edge(a, b) or path(a, c) and edge(c, b)
query path
";

#[test]
fn text_is_the_default_form() {
    assert_eq!(
        prints(PATHS, &[]),
        "path: {0.9::(0, 1), 0.9::(0, 2), (1, 2)}\n"
    );
    assert_eq!(
        prints("rel a(1)  rel b()  type c(i32)", &[]),
        "a: {(1)}\nb: {()}\nc: {}\n"
    );
}

#[test]
fn json_is_one_object() {
    let out = prints(
        "rel a = {0.5::(1, \"x\")}  rel b(2.5)",
        &["--format", "json"],
    );
    assert_eq!(
        out,
        "{\"a\": [{\"tuple\": [1, \"x\"], \"tag\": 0.5}], \"b\": [{\"tuple\": [2.5], \"tag\": 1.0}]}\n"
    );
    let unit = prints("rel a(1)  query a", &["--format", "json"]);
    assert_eq!(unit, "{\"a\": [{\"tuple\": [1], \"tag\": null}]}\n");
    let bool = prints("rel 0.5::a(1)", &["--format", "json", "-p", "bool"]);
    assert_eq!(bool, "{\"a\": [{\"tuple\": [1], \"tag\": true}]}\n");
}

#[test]
fn csv_prints_one_relation() {
    assert_eq!(
        prints(PATHS, &["--format", "csv"]),
        "0.9,0,1\n0.9,0,2\n1.0,1,2\n"
    );
    let two = nsdl(&["run", "-", "--format", "csv"], "rel a(1)  rel b(2)");
    assert_eq!((two.code, two.out.as_str()), (2, ""));
    assert!(two.err.contains("-q RELATION"), "{}", two.err);
    assert_eq!(
        prints("rel a(1)  rel b(\"x,y\")", &["--format", "csv", "-q", "b"]),
        "\"x,y\"\n"
    );
}

#[test]
fn queries_can_be_replaced() {
    assert_eq!(
        prints(PATHS, &["-q", "path(0,_)", "-q", "edge"]),
        "path(0, _): {0.9::(0, 1), 0.9::(0, 2)}\nedge: {0.9::(0, 1), (1, 2)}\n"
    );
    assert!(fails(PATHS, &["-q", "paths"], "E0201").contains("`path`"));
}

#[test]
fn provenances_are_chosen_by_name() {
    let noisy = "rel a = {0.5::1, 0.5::1}";
    assert_eq!(prints(noisy, &[]), "a: {0.75::(1)}\n");
    assert_eq!(prints(noisy, &["-p", "minmaxprob"]), "a: {0.5::(1)}\n");
    assert_eq!(prints(noisy, &["-p", "addmultprob"]), "a: {(1)}\n");
    assert_eq!(
        prints(noisy, &["-p", "topkproofs", "-k", "1"]),
        "a: {0.5::(1)}\n"
    );
    let unit = nsdl(&["run", "-", "-p", "unit"], noisy);
    assert_eq!((unit.code, unit.out.as_str()), (0, "a: {(1)}\n"));
    assert!(unit.err.contains("W0501"), "{}", unit.err);
}

#[test]
fn command_lines_that_cannot_be_served_exit_with_2() {
    for args in [
        &["run"][..],
        &["run", "-", "-p", "exat"],
        &["run", "-", "-p", "exact", "-k", "3"],
        &["run", "-", "-p", "topkproofs", "-k", "0"],
        &["run", "-", "--format", "xml"],
        &["run", "-", "--facts", "edge"],
        &["fly"],
        &[],
    ] {
        let ran = nsdl(args, "");
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (2, ""),
            "{args:?}: {}",
            ran.err
        );
    }
    assert!(
        nsdl(&["run", "-", "-p", "exat"], "")
            .err
            .contains("`exact`")
    );
    assert_eq!(nsdl(&["--help"], "").code, 0);
    assert!(nsdl(&["run", "--help"], "").out.contains("Examples:"));
}

#[test]
fn files_are_read_by_name() {
    let folder = folder(&[("a.dl", PATHS.as_bytes()), ("b.scl", b"rel x(1)")]);
    assert_eq!(nsdl_in(&folder, &["run", "b.scl"], "").out, "x: {(1)}\n");
    assert_eq!(
        nsdl_in(&folder, &["run", "a.dl", "-q", "edge(0, _)"], "").out,
        "edge(0, _): {0.9::(0, 1)}\n"
    );
    let missing = nsdl_in(&folder, &["run", "c.dl"], "");
    assert_eq!(missing.code, 1);
    assert!(
        missing.err.contains("E0701") && missing.err.contains("c.dl"),
        "{}",
        missing.err
    );
}

#[test]
fn facts_come_from_csv_files() {
    let folder = folder(&[
        ("p.dl", b"type edge(i32, String)\nquery edge"),
        ("e.csv", b"0.5,1,\" a\"\n1,2,b\n"),
        ("bad.csv", b"1,a\n2\n"),
        ("type.csv", b"1,a\nx,b\n"),
    ]);
    let run = |facts: &str| nsdl_in(&folder, &["run", "p.dl", "--facts", facts], "");
    let good = run("edge=e.csv");
    assert_eq!(
        (good.out.as_str(), good.err.as_str()),
        ("edge: {0.5::(1, \" a\"), (2, \"b\")}\n", "")
    );
    for (facts, code, says) in [
        ("edge=none.csv", "E0701", "none.csv"),
        ("edge=bad.csv", "E0703", "bad.csv:2"),
        (
            "edge=type.csv",
            "E0704",
            "type.csv:2: column 1: `x` is no i32",
        ),
        ("egde=e.csv", "E0201", "`edge`"),
    ] {
        let ran = run(facts);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{facts}");
        assert!(
            ran.err.contains(code) && ran.err.contains(says),
            "{facts}: {}",
            ran.err
        );
    }
}

#[test]
fn errors_of_programs_exit_with_1_and_show_the_source() {
    let err = fails("rel a(1)\nrel b(x) = aa(x, x)\n", &[], "E0201");
    assert!(
        err.contains("<stdin>:2:12") && err.contains("rel b(x) = aa(x, x)"),
        "{err}"
    );
    let both = fails("rel a(1\nrel b(2)\nrel = c", &[], "E01");
    assert!(both.matches("E01").count() >= 2, "{both}");
    fails("rel a(1)  rel b(x) = a(x, x)", &[], "E0202");
    fails("rel a(1)  rel b(x) = a(x), x == \"y\"", &[], "E0301");
    fails("rel a(1)  rel b(x, y) = a(x)", &[], "E0401");
    fails(
        "rel v(1)  rel a(x) = v(x), not b(x)  rel b(x) = v(x), not a(x)",
        &[],
        "E04",
    );
    fails("rel 1.5::a(1)", &[], "E05");
    fails("rel a = {0.7::1; 0.7::2}", &[], "E05");
    fails("rel a(1 / 0)", &[], "E05");
    fails("type a(i8)  rel a(300)", &[], "E05");
}

#[test]
fn failures_at_run_time_warn_and_strict_makes_them_errors() {
    let program = "rel n = {0, 1}\nrel q(10 / x) = n(x)\nquery q";
    let ran = nsdl(&["run", "-"], program);
    assert_eq!((ran.code, ran.out.as_str()), (0, "q: {(10)}\n"));
    assert!(
        ran.err.contains("W0601") && ran.err.contains("division by zero"),
        "{}",
        ran.err
    );
    let strict = nsdl(&["run", "-", "--strict"], program);
    assert_eq!((strict.code, strict.out.as_str()), (1, "q: {(10)}\n"));
    let overflow = nsdl(
        &["run", "-"],
        "rel n(2147483647)  rel m(x + 1) = n(x)  query m",
    );
    assert_eq!((overflow.code, overflow.out.as_str()), (0, "m: {}\n"));
    assert!(overflow.err.contains("overflow"), "{}", overflow.err);
}

#[test]
fn the_seed_decides_what_is_drawn() {
    let program = "rel n = {1, 2, 3, 4, 5, 6, 7, 8}\nrel q = uniform<2>(x: n(x))\nquery q";
    let draw = |seed: &str| nsdl(&["run", "-", "--seed", seed], program).out;
    assert_eq!(draw("7"), draw("7"));
    assert_eq!(draw("0"), nsdl(&["run", "-"], program).out);
    assert!((1..9).any(|seed| draw(&seed.to_string()) != draw("0")));
}

#[test]
fn check_reports_without_running() {
    let folder = folder(&[
        ("good.dl", PATHS.as_bytes()),
        ("warn.dl", b"type nothing(i32)"),
        ("bad.dl", b"rel a(x) = b(x)"),
    ]);
    let good = nsdl_in(&folder, &["check", "good.dl"], "");
    assert_eq!(
        (good.code, good.out.as_str(), good.err.as_str()),
        (0, "", "")
    );
    let warn = nsdl_in(&folder, &["check", "warn.dl"], "");
    assert_eq!((warn.code, warn.out.as_str()), (0, ""));
    assert!(warn.err.contains("W0201"), "{}", warn.err);
    assert_eq!(nsdl_in(&folder, &["check", "bad.dl"], "").code, 1);
    let plan = nsdl_in(&folder, &["check", "good.dl", "--show", "plan"], "");
    assert!(plan.out.contains("path"), "{}", plan.out);
}

#[test]
fn messages_have_no_colour_off_a_terminal() {
    assert!(!fails("rel a(x) = b(x)", &[], "E0201").contains('\u{1b}'));
}

/// Runs the REPL on lines.
fn repl(lines: &str) -> Ran {
    nsdl(&["repl"], lines)
}

#[test]
fn the_repl_reads_from_a_pipe() {
    let ran = repl(
        "rel edge = {(0, 1),
             (1, 2)}
rel path(a, b) = edge(a, b)
rel path(a, c) = path(a, b), edge(b, c)
query path
?path(0, _)
rel 0.5::edge(2, 3)
path(2, _)
:why path(1, 3)
",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(
        ran.out,
        "path: {(0, 1), (0, 2), (1, 2)}
path(0, _): {(0, 1), (0, 2)}
path(2, _): {0.5::(2, 3)}
0.5000: edge(2, 3) [0.5000]
"
    );
}

#[test]
fn the_repl_survives_every_error() {
    let ran = repl(
        "rel a(1)
rel a(\"x\")
rel b(x) = c(x)
rel )(
:load nothing.dl
:facts a=nothing.csv
:provenance nonsense
:why a(x)
:what
?b
query a
:quit
query a
",
    );
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "a: {(1)}\n"),
        "{}",
        ran.err
    );
    for code in ["E0301", "E0201", "E01", "E0701", "E0810", "E0813", ":help"] {
        assert!(ran.err.contains(code), "{code} is missing in\n{}", ran.err);
    }
    assert!(!ran.err.contains("panicked"));
}

#[test]
fn the_repl_loads_files_and_facts() {
    let folder = folder(&[("p.dl", PATHS.as_bytes()), ("e.csv", b"2,3\n")]);
    let ran = nsdl_in(
        &folder,
        &["repl", "p.dl"],
        ":facts edge=e.csv\n?path(1, _)\n:relations\n:reset\n:relations\n",
    );
    assert_eq!(
        ran.out,
        "path: {0.9::(0, 1), 0.9::(0, 2), (1, 2)}\npath(1, _): {(1, 2), (1, 3)}\nedge(i32, i32)\npath(i32, i32)\n",
        "{}",
        ran.err
    );
}

#[test]
fn an_entry_cut_off_by_the_end_of_input_is_an_error() {
    let ran = repl("rel a = {1,");
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    assert!(ran.err.contains("E01"), "{}", ran.err);
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_nsdl"));
    let script = format!(
        "echo 'rel n(0)  rel n(x + 1) = n(x), x < 60000' | {} run - | head -c 20; status=${{PIPESTATUS[1]}}; echo; echo $status",
        binary.display()
    );
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        out.starts_with("n: {(0), (1)") && out.ends_with("\n0\n"),
        "{out}{err}"
    );
    assert_eq!(err, "");
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_an_evaluation_with_130() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_nsdl"))
        .args(["run", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Without end, but for the limits, which are far away.
    let program = "type n(i64)  rel n(0)  rel m = {1, 2, 3, 4, 5, 6, 7, 8, 9}
        rel n(x + 1) = n(x), m(a), m(b), m(c), m(d)";
    // More than a pipe holds: once all is written, the process reads, and has set its handler before.
    let padding = "//".to_owned() + &" ".repeat(1 << 20) + "\n";
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all((padding + program).as_bytes()).unwrap();
    drop(stdin);
    std::thread::sleep(std::time::Duration::from_millis(300));
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
}

#[test]
fn functions_are_listed() {
    let all = nsdl(&["functions"], "");
    assert!(
        all.out.contains("  $abs<T: Number>(T) -> T\n"),
        "{}",
        all.out
    );
    assert!(all.out.contains("  range<T: Integer>("), "{}", all.out);
    let some = nsdl(&["functions", "Duration"], "").out;
    assert!(
        some.contains("$duration_days") && !some.contains("Aggregates"),
        "{some}"
    );
}

#[test]
fn recursion_can_be_cut_short() {
    let program = "rel n(0)  rel n(x + 1) = n(x)  query n";
    let cut = prints(program, &["--iteration-limit", "3"]);
    assert_eq!(cut, "n: {(0), (1), (2), (3)}\n");
}

#[test]
fn codes_are_explained() {
    let page = nsdl(&["explain", "E0201"], "");
    assert_eq!(page.code, 0, "{}", page.err);
    assert!(
        page.out.starts_with("E0201: Unknown relation\n"),
        "{}",
        page.out
    );
    assert!(
        page.out.contains("\nWrong:\n\n    rel edge"),
        "{}",
        page.out
    );
    let list = nsdl(&["explain"], "");
    assert!(list.out.contains("\nE0202  "), "{}", list.out);
    let unknown = nsdl(&["explain", "E201"], "");
    assert_eq!((unknown.code, unknown.out.as_str()), (1, ""));
    assert!(unknown.err.contains("E0830"), "{}", unknown.err);
    assert!(
        unknown.err.contains("did you mean `E0201`"),
        "{}",
        unknown.err
    );
}

#[test]
fn a_report_ends_with_where_to_read_on() {
    let wrong = "rel a(x)\nrel b(y)";
    for command in ["run", "check"] {
        let one = nsdl(&[command, "-"], wrong);
        assert_eq!(
            one.err.matches("`nsdl explain E0401` says more").count(),
            1,
            "{}",
            one.err
        );
    }
    let warned = "rel a = {1, 1}";
    for command in ["run", "check"] {
        let loud = nsdl(&[command, "-"], warned);
        assert!(
            loud.err.contains("`nsdl explain W0502` says more"),
            "{}",
            loud.err
        );
        let silent = nsdl(&[command, "-", "--no-warnings"], warned);
        assert_eq!((silent.code, silent.err.as_str()), (0, ""));
    }
}

#[test]
fn programs_are_formatted() {
    let printed = nsdl(&["fmt", "-"], "rel a(1)// one\nrel b(x)=a(x)");
    assert_eq!(
        (printed.code, printed.out.as_str()),
        (0, "rel a(1) // one\nrel b(x) = a(x)\n")
    );
    let broken = nsdl(&["fmt", "-"], "rel a(1");
    assert_eq!((broken.code, broken.out.as_str()), (1, ""));
    assert!(broken.err.contains("E0108"), "{}", broken.err);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.dl");
    let file = path.to_str().unwrap();
    std::fs::write(&path, "rel a( 1 )").unwrap();
    let check = nsdl(&["fmt", "--check", file], "");
    assert_eq!(check.code, 1);
    assert!(
        check.err.contains("a.dl is not in the canonical layout"),
        "{}",
        check.err
    );
    assert_eq!(nsdl(&["fmt", file], "").code, 0);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "rel a(1)\n");
    assert_eq!(nsdl(&["fmt", "--check", file], "").code, 0);
}

#[test]
fn answers_go_into_files_and_folders() {
    let folder = folder(&[(
        "p.dl",
        b"type edge(from: i32, to: i32)\nrel edge = {0.5::(0, 1), (1, 2)}\nquery edge\nquery edge(0, _)",
    )]);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    let run = |args: &[&str]| nsdl_in(&folder, &[&["run", "p.dl"], args].concat(), "");
    assert_eq!(run(&["-q", "edge", "-o", "edge.csv"]).code, 0);
    assert_eq!(read("edge.csv"), "0.5,0,1\n1.0,1,2\n");
    assert_eq!(
        run(&["--output", "out/", "--format", "jsonl", "--header"]).code,
        0
    );
    assert_eq!(
        read("out/edge(0,_).jsonl"),
        "{\"probability\":0.5,\"from\":0,\"to\":1}\n"
    );
    assert_eq!(run(&["-o", "all.json"]).out, "");
    assert!(read("all.json").contains("\"edge(0, _)\""));
    assert_eq!(run(&["-q", "edge", "-o", "edge.parquet"]).code, 0);
    let back = nsdl_in(
        &folder,
        &["run", "-", "--facts", "r=edge.parquet"],
        "type r(from: i32, to: i32)\nquery r",
    );
    assert_eq!(back.out, "r: {(0, 1), (1, 2)}\n", "{}", back.err);
    for args in [
        &["-o", "edge.csv"][..],
        &["-o", "edge.xyz"],
        &["-o", "out/"],
        &["-o", "out/", "--format", "text"],
        &["--format", "parquet", "-q", "edge"],
    ] {
        assert_eq!(run(args).code, 2, "{args:?}");
    }
    assert_eq!(run(&["-q", "edge", "-o", "none/edge.csv"]).code, 1);
    assert_eq!(
        run(&["-q", "edge", "--format", "jsonl"]).out,
        "[0.5,0,1]\n[1.0,1,2]\n"
    );
}

#[test]
fn queries_to_files_are_not_printed() {
    let folder = folder(&[(
        "p.dl",
        b"rel a(1)\nrel b(2)\n@file(\"a.csv\") query a\nquery b",
    )]);
    let ran = nsdl_in(&folder, &["run", "p.dl"], "");
    assert_eq!((ran.code, ran.out.as_str()), (0, "b: {(2)}\n"));
    let written = std::fs::read_to_string(folder.path().join("a.csv"));
    assert_eq!(written.unwrap_or_default(), "1\n");
}

#[test]
fn arguments_stand_after_two_dashes() {
    let program = "@cmd_arg(\"-n\", long=\"--num\", default=1) type n(i32)\nquery n";
    let run = |args: &[&str]| nsdl(&[&["run", "-"], args].concat(), program);
    assert_eq!(run(&[]).out, "n: {(1)}\n");
    assert_eq!(run(&["--", "-n", "-5"]).out, "n: {(-5)}\n");
    assert_eq!(run(&["--", "--num=7"]).out, "n: {(7)}\n");
    let unknown = run(&["--", "--nmu", "7"]);
    assert!(
        unknown.code == 2 && unknown.err.contains("-n, --num <i32>  (default 1)"),
        "{}",
        unknown.err
    );
    let wrong = run(&["--", "-n", "x"]);
    assert!(
        wrong.code == 1 && wrong.err.contains("E0245"),
        "{}",
        wrong.err
    );
}

#[test]
fn stats_tell_what_each_stratum_took() {
    let program = "rel edge = {0.5::(0, 1), 0.9::(1, 2), 0.8::(2, 0)}
        rel path(a, b) = edge(a, b) or path(a, c) and edge(c, b)
        query path(0, 2)";
    let found = nsdl(&["run", "-", "--stats", "-p", "minmaxprob"], program);
    assert_eq!(
        (found.code, found.out.as_str()),
        (0, "path(0, 2): {0.5::(0, 2)}\n")
    );
    assert!(
        found.err.contains("with the tag of each row"),
        "{}",
        found.err
    );
    let line = found.err.lines().find(|line| line.ends_with("  edge"));
    let numbers: Vec<&str> = line
        .unwrap_or_default()
        .split_whitespace()
        .take(3)
        .collect();
    assert_eq!(numbers, ["0", "3", "0"], "{}", found.err);

    let found = nsdl(&["run", "-", "--stats", "-p", "addmultprob"], program);
    assert!(found.err.contains("with a trace of"), "{}", found.err);
    assert!(found.err.contains("circuit: "), "{}", found.err);
    assert!(found.err.contains("fixpoint on cycles: "), "{}", found.err);
}
