//! Files of rows, in and out.

// Helpers of tests may panic too.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};

use nsdl::files::{FileFormat, FileOptions, ProbabilityColumn};
use nsdl::{AttributeFacts, Diagnostic, Session, Value, print};
use tempfile::TempDir;

/// A relation with every type of one word, and text that must be quoted.
const TYPES: &str = "\
type all(a: i8, b: i64, c: i128, d: u8, e: usize, f: u128, g: f32, h: f64, i: bool, j: char, k: String, l: Symbol)
rel all(-128, -9223372036854775807, -170141183460469231731687303715884105728, 255, 18446744073709551615,
        340282366920938463463374607431768211455, 0.1, 1e300, true, 'é', \"a,\\\"b\\\"\\n\", s\"RED\")
rel 0.25::all(0, 0, 0, 0, 0, 0, 0.0, -0.5, false, ',', \"\", s\"\")
query all";

fn session(text: &str) -> Session {
    let mut session = Session::new();
    session.add_program("test.dl", text).unwrap();
    session
}

fn text(session: &mut Session) -> String {
    let relations = session.run().unwrap().relations;
    relations
        .iter()
        .map(|relation| print::text(relation) + "\n")
        .collect()
}

fn file(folder: &TempDir, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, contents).unwrap();
    path
}

/// The error of reading a file into `edge(i32, u8)`, without its folder.
fn fails(name: &str, contents: impl AsRef<[u8]>, options: &FileOptions) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, name, contents);
    let mut session = session("type edge(from: i32, to: u8)");
    let error = session.add_facts_file("edge", &path, options).unwrap_err();
    // The session is as it was.
    assert_eq!(text(&mut session), "edge: {}\n");
    let place = folder.path().display().to_string() + "/";
    (error.code().into(), error.message().replace(&place, ""))
}

fn names(format: FileFormat) -> &'static [&'static str] {
    match format {
        FileFormat::Csv => &["all.csv", "all.tsv", "all.csv.gz"],
        FileFormat::JsonLines => &["all.jsonl", "all.ndjson.gz"],
        FileFormat::Parquet => &["all.parquet"],
        FileFormat::Arrow => &["all.arrow", "all.feather"],
    }
}

#[test]
fn what_is_written_reads_back_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let mut original = session(TYPES);
    let expected = text(&mut original);
    for (format, header) in FileFormat::ALL
        .into_iter()
        .flat_map(|format| [(format, false), (format, true)])
    {
        for name in names(format) {
            let path = folder.path().join(name);
            let options = FileOptions {
                header,
                ..FileOptions::default()
            };
            original.write("all", &path, &options).unwrap();
            let read = FileOptions {
                probability: match format {
                    // These have names, so no column is taken for the probability by itself.
                    FileFormat::Parquet | FileFormat::Arrow => ProbabilityColumn::First,
                    _ if header => ProbabilityColumn::Named("probability".into()),
                    _ => ProbabilityColumn::Auto,
                },
                ..options
            };
            let declaration = TYPES.lines().next().unwrap();
            let mut copy = session(&format!("{declaration}\nquery all"));
            copy.add_facts_file("all", &path, &read).unwrap();
            assert_eq!(text(&mut copy), expected, "{name}, header: {header}");
        }
    }
}

#[test]
fn columns_are_matched_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut from = session("type e(b: String, p: f64, a: u64)\nrel e(\"x\", 0.5, 7)\nquery e");
    from.run().unwrap();
    for name in ["e.csv", "e.jsonl", "e.parquet", "e.feather"] {
        let path = folder.path().join(name);
        let options = FileOptions {
            header: true,
            ..FileOptions::default()
        };
        from.write("e", &path, &options).unwrap();
        let mut to = session("type r(a: i8, b: Symbol)\nquery r");
        let options = FileOptions {
            probability: ProbabilityColumn::Named("p".into()),
            ..options
        };
        to.add_facts_file("r", &path, &options).unwrap();
        assert_eq!(text(&mut to), "r: {0.5::(7, s\"x\")}\n", "{name}");
        // A wide table, by the same names.
        let mut to = session("type r(i32, Symbol, String)\nquery r");
        let options = FileOptions {
            keys: vec!["a".into()],
            fields: vec!["b".into()],
            ..options
        };
        to.add_facts_file("r", &path, &options).unwrap();
        assert_eq!(text(&mut to), "r: {0.5::(7, s\"b\", \"x\")}\n", "{name}");
    }
}

#[test]
fn columns_of_another_type_or_range_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut from = session(
        "rel wide(1, 300)\nrel text(1, \"2\")\nrel float(1, 2.0)\nquery wide\nquery text\nquery float",
    );
    from.run().unwrap();
    for format in ["jsonl", "parquet", "arrow"] {
        for (relation, says) in [("wide", "`300`"), ("text", "is no u8"), ("float", "`2")] {
            let path = folder.path().join(format!("{relation}.{format}"));
            from.write(relation, &path, &FileOptions::default())
                .unwrap();
            let mut to = session("type edge(i32, u8)");
            let error = to
                .add_facts_file("edge", &path, &FileOptions::default())
                .unwrap_err();
            assert_eq!(error.code(), "E0704", "{format}");
            let message = error.message();
            assert!(
                message.contains(says) && message.contains("column 2"),
                "{message}"
            );
        }
    }
}

#[test]
fn errors_name_file_line_and_column() {
    let options = FileOptions::default();
    let header = FileOptions {
        header: true,
        ..FileOptions::default()
    };
    for (name, contents, options, code, message) in [
        (
            "a.csv",
            "1,2\n\"3\",300\n",
            &options,
            "E0704",
            "a.csv:2: column 2: `300` is no u8",
        ),
        (
            "a.csv",
            "1,2\n1,2,3,4\n",
            &options,
            "E0703",
            "a.csv:2: 4 fields, but `edge` has 2 columns (i32, u8)",
        ),
        (
            "a.csv",
            "1,2\n0.5,1,2\n",
            &options,
            "E0703",
            "a.csv:2: 3 fields, but the records before have 2",
        ),
        (
            "a.csv",
            "1, 2\n",
            &options,
            "E0704",
            "a.csv:1: column 2: ` 2` is no u8",
        ),
        (
            "a.csv",
            "x,1,2\n",
            &options,
            "E0704",
            "a.csv:1: column 1: `x` is no probability",
        ),
        (
            "a.csv",
            "0.5,1,2\n1.5,1,2\n",
            &options,
            "E0510",
            "the probability of the fact at a.csv:2 is 1.5, outside [0, 1]",
        ),
        (
            "a.csv",
            "1,2\n\"1\n2\"x,2\n",
            &options,
            "E0702",
            "a.csv:3: text after a closing quote",
        ),
        (
            "a.csv",
            "1,2\na\"b,2\n",
            &options,
            "E0702",
            "a.csv:2: a quote inside a field",
        ),
        (
            "a.csv",
            "to,from\n2,1\n2,x\n",
            &header,
            "E0704",
            "a.csv:3: column 2 (`from`): `x` is no i32",
        ),
        (
            "a.csv",
            "to,from\n2,1,0\n",
            &header,
            "E0703",
            "a.csv:2: 3 fields, but there are 2 columns in the file",
        ),
        (
            "a.jsonl",
            "[1, 2]\n[1]\n",
            &options,
            "E0703",
            "a.jsonl:2: 1 field, but `edge` has 2 columns (i32, u8)",
        ),
        (
            "a.jsonl",
            "[1, 2]\n\n[1, \"2\"]\n",
            &options,
            "E0704",
            "a.jsonl:3: column 2: `\"2\"` is no u8",
        ),
        (
            "a.jsonl",
            "[1, 2.0]\n",
            &options,
            "E0704",
            "a.jsonl:1: column 2: `2.0` is no u8",
        ),
        (
            "a.jsonl",
            "[1, true]\n",
            &options,
            "E0704",
            "a.jsonl:1: column 2: `true` is no u8",
        ),
        (
            "a.jsonl",
            "[1, [2]]\n",
            &options,
            "E0704",
            "a.jsonl:1: column 2: `[2]` is no u8",
        ),
        (
            "a.jsonl",
            "{\"from\": 1, \"to\": 2}\n{\"from\": 1}\n",
            &options,
            "E0708",
            "a.jsonl:2: column 2 (`to`): no value",
        ),
        (
            "a.jsonl",
            "{\"from\": 1, \"from\": 2}\n",
            &options,
            "E0702",
            "a.jsonl:1: column 22: `from` comes twice",
        ),
        (
            "a.jsonl",
            "{\"from\": 1, \"to\": 2}\n[1, 2]\n",
            &options,
            "E0702",
            "a.jsonl:2: an array, but the lines before are objects",
        ),
        (
            "a.jsonl",
            "7\n",
            &options,
            "E0702",
            "a.jsonl:1: neither an array nor an object",
        ),
    ] {
        assert_eq!(
            fails(name, contents, options),
            (code.to_owned(), message.to_owned()),
            "{contents}"
        );
    }
    assert_eq!(fails("a.csv", b"1,2\n\xff,2\n", &options).0, "E0702");
    assert_eq!(fails("a.jsonl", b"[1,2]\n\"\xff\"\n", &options).0, "E0702");
    assert_eq!(fails("a", "1,2\n", &options).0, "E0705");
    assert_eq!(fails("a.parquet", "PAR1", &options).0, "E0710");
    assert_eq!(fails("a.feather", "ARROW1", &options).0, "E0710");
    assert_eq!(fails("a.arrow", "", &options).0, "E0710");
    // A truncated archive.
    let packed = include_bytes!("../../../tests/corpus/files/data/edges.csv.gz");
    let half = &packed[..packed.len() / 2];
    assert_eq!(fails("a.csv.gz", half, &options).0, "E0710");
}

#[test]
fn options_that_cannot_be_met_are_refused() {
    let keys = FileOptions {
        keys: vec!["from".into()],
        ..FileOptions::default()
    };
    assert_eq!(fails("a.csv", "1,2\n", &keys).0, "E0707");
    let tab = FileOptions {
        delimiter: Some(b'\t'),
        ..FileOptions::default()
    };
    assert_eq!(fails("a.jsonl", "[1, 2]", &tab).0, "E0705");
    let first = FileOptions {
        header: true,
        probability: ProbabilityColumn::First,
        ..FileOptions::default()
    };
    assert_eq!(fails("a.csv", "from,to\n1,2\n", &first).0, "E0706");
    let named = FileOptions {
        probability: ProbabilityColumn::Named("p".into()),
        ..FileOptions::default()
    };
    assert_eq!(fails("a.csv", "0.5,1,2\n", &named).0, "E0706");
    let none = FileOptions {
        probability: ProbabilityColumn::None,
        ..FileOptions::default()
    };
    assert_eq!(fails("a.csv", "0.5,1,2\n", &none).0, "E0703");
}

#[test]
fn a_byte_order_mark_and_carriage_returns_are_no_data() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "a.csv", b"\xef\xbb\xbf1,2\r\n3,4\r\n");
    let mut session = session("type edge(i32, u8)");
    session.add_csv("edge", path).unwrap();
    assert_eq!(text(&mut session), "edge: {(1, 2), (3, 4)}\n");
}

#[test]
fn queries_under_file_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let program = "type edge(from: i32, to: i32)
        rel edge = {0.5::(0, 1), (1, 2)}
        @file(\"out/all.csv\", header=true, has_probability=true, deliminator=\";\") query edge
        @file(\"from_one.jsonl\") query edge(1, _)";
    let path = file(&folder, "program.dl", program);
    let mut session = Session::new();
    session.add_file(&path).unwrap();
    let error = session.run().unwrap_err();
    assert_eq!((error.code(), error.span()), ("E0709", Some((3, 9))));
    std::fs::create_dir(folder.path().join("out")).unwrap();
    let outcome = session.run().unwrap();
    assert_eq!(outcome.written, ["edge", "edge(1, _)"]);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(
        read("out/all.csv"),
        "probability;from;to\n0.5;0;1\n1.0;1;2\n"
    );
    assert_eq!(read("from_one.jsonl"), "[1,2]\n");
}

#[test]
fn paths_are_relative_to_the_file_that_states_them() {
    let folder = tempfile::tempdir().unwrap();
    file(&folder, "edges.csv", "1,2\n");
    let program = "@file(\"edges.csv\") type edge(i32, i32)";
    let path = file(&folder, "program.dl", program);
    let edges = "edge: {(1, 2)}\n";
    let mut of_file = Session::new();
    of_file.add_file(&path).unwrap();
    assert_eq!(text(&mut of_file), edges);
    // Read once, however often more is added.
    of_file.add_program("more.dl", "rel a(1)").unwrap();
    assert_eq!(text(&mut of_file), format!("{edges}a: {{(1)}}\n"));
    let checked = nsdl::Program::from_file(&path).unwrap();
    let mut of_program = Session::new();
    of_program.add(&checked).unwrap();
    assert_eq!(text(&mut of_program), edges);
    let mut of_text = Session::new();
    assert_eq!(
        of_text.add_program("text", program).unwrap_err().code(),
        "E0701"
    );
    of_text.set_folder(folder.path());
    of_text.add_program("text", program).unwrap();
    assert_eq!(text(&mut of_text), edges);
    let mut entered = Session::new();
    entered.enter_file(&path).unwrap();
    assert_eq!(text(&mut entered), edges);
}

#[test]
fn modules_read_files_too() {
    let folder = tempfile::tempdir().unwrap();
    file(&folder, "edges.csv", "0.5,0,1\n");
    let path = file(
        &folder,
        "program.dl",
        "@file(\"edges.csv\") type edge(i32, i32)\nrel reached(b) = start(a), edge(a, b)",
    );
    let input = nsdl::Input {
        relation: "start".into(),
        mapping: vec![vec![Value::I64(0)]],
        exclusive: false,
    };
    let output = nsdl::Output {
        relation: "reached".into(),
        mapping: None,
    };
    let module =
        nsdl::Module::from_file(path, vec![input], vec![output], nsdl::Provenance::Exact).unwrap();
    let mut sums = [0.0f64];
    let mut tape = nsdl::Tape::default();
    module
        .forward(&[&[0.5]], 1, true, &mut tape, &mut [&mut sums])
        .unwrap();
    assert_eq!(sums, [0.25]);
}

#[test]
fn a_long_read_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "a.csv", "1,2\n");
    let mut session = session("type edge(i32, i32)");
    session.set_cancel(std::sync::Arc::new(true.into()));
    let error = session.add_csv("edge", path).unwrap_err();
    assert_eq!(error.code(), "E0613");
}

#[test]
fn arguments_fill_relations_and_constants() {
    let mut session = session(
        "@cmd_arg(\"-n\", long=\"--num\", default=2) type n(u8)
         @cmd_arg(\"--start\") const START = 0
         rel x(i) = n(most), i in START..most
         query x",
    );
    assert_eq!(text(&mut session), "x: {(0), (1)}\n");
    session.set_argument("num", "4").unwrap();
    session.set_argument("--start", "2").unwrap();
    assert_eq!(text(&mut session), "x: {(2), (3)}\n");
    let code = |result: nsdl::Result<()>| result.unwrap_err().code();
    assert_eq!(code(session.set_argument("num", "300")), "E0245");
    assert_eq!(code(session.set_argument("start", "x")), "E0245");
    let error = session.set_argument("nmu", "1").unwrap_err();
    assert_eq!(error.code(), "E0245");
    assert!(error.to_string().contains("`num`"), "{error}");
    assert_eq!(text(&mut session), "x: {(2), (3)}\n");
}

#[test]
fn attributes_of_the_host_give_facts() {
    let mut session = Session::new();
    session.add_attribute("numbers", |item| {
        if !item.named.is_empty() {
            return Err("it takes no names".into());
        }
        Ok(AttributeFacts {
            tuples: (0..3).map(|i| vec![Value::I64(i)]).collect(),
            probabilities: Some(vec![0.5; 3]),
            exclusive: false,
        })
    });
    session
        .add_program("a.dl", "@numbers type n(u8)\nquery n")
        .unwrap();
    assert_eq!(text(&mut session), "n: {0.5::(0), 0.5::(1), 0.5::(2)}\n");
    let mut fails = |text: &str| session.add_program("b.dl", text).unwrap_err();
    let error = fails("@numbers(of=1) type m(u8)");
    assert_eq!((error.code(), error.span()), ("E0244", Some((1, 1))));
    assert_eq!(fails("@numbers type m(String)").code(), "E0301");
    assert_eq!(fails("@numbers rel m(1)").code(), "E0241");
    let error = fails("@nubmers type m(u8)");
    assert_eq!(error.code(), "E0206");
    assert!(error.to_string().contains("`numbers`"), "{error}");
    assert_eq!(text(&mut session), "n: {0.5::(0), 0.5::(1), 0.5::(2)}\n");
}

#[test]
fn an_evaluation_stops_at_the_goal() {
    let program = "rel n(0)
        rel n(x + 1) = n(x), x < 1000000
        @goal rel big() = n(x), x > 10
        query big";
    let mut session = session(program);
    session.set_limits(nsdl::Limits {
        rounds: 100,
        ..nsdl::Limits::default()
    });
    assert_eq!(session.run().unwrap_err().code(), "E0610");
    session.set_stop_at_goal(true);
    let error = session.run().map(|outcome| outcome.relations);
    // The goal is of a later stratum than `n`, unless `n` reads it.
    assert!(error.is_err());
    let mut together = Session::new();
    let program = program.replace("x < 1000000", "x < 1000000, not_yet(x)");
    let program = format!("{program}\nrel not_yet(x) = n(x) or (big(), n(x))");
    together.add_program("together.dl", &program).unwrap();
    together.set_limits(nsdl::Limits {
        rounds: 100,
        ..nsdl::Limits::default()
    });
    together.set_stop_at_goal(true);
    assert_eq!(text(&mut together), "big: {()}\n");
    let mut without = self::session("rel a(1)");
    without.set_stop_at_goal(true);
    assert_eq!(without.run().unwrap_err().code(), "E0242");
}

#[test]
fn half_of_the_names_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "a.csv", "from,far\n1,2\n");
    let mut session = session("type edge(from: i32, to: i32)");
    let options = FileOptions {
        header: true,
        ..FileOptions::default()
    };
    let warnings: Vec<Diagnostic> = session.add_facts_file("edge", &path, &options).unwrap();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].code, "W0700");
    assert!(Path::new(&path).exists());
    assert_eq!(text(&mut session), "edge: {(1, 2)}\n");
}
