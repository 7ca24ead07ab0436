//! Functions, predicates and aggregates of the host program.

#![allow(clippy::unwrap_used)] // A failed step is a failed test.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nsdl::{
    AggregateSignature, Answer, AnswerTag, Answers, ForeignAggregate, ForeignFunction,
    ForeignPredicate, FunctionSignature, Incremental, Predicate, Provenance, Question, Session,
    Tagging, Value, print,
};

/// A function from a closure.
struct Function<F> {
    signature: &'static FunctionSignature,
    call: F,
    volatile: bool,
}

impl<F: Fn(&[Value]) -> Result<Value, String> + Send + Sync> ForeignFunction for Function<F> {
    fn signature(&self) -> &'static FunctionSignature {
        self.signature
    }

    fn call(&self, args: &[Value]) -> Result<Value, String> {
        (self.call)(args)
    }

    fn volatile(&self) -> bool {
        self.volatile
    }
}

fn function<F: Fn(&[Value]) -> Result<Value, String> + Send + Sync>(
    signature: &str,
    call: F,
) -> Function<F> {
    Function {
        signature: FunctionSignature::parse(signature).unwrap(),
        call,
        volatile: false,
    }
}

/// A predicate from a closure from mode and inputs to results.
struct Computed<F> {
    signature: &'static Predicate,
    evaluate: F,
}

type Found = Vec<Result<(AnswerTag, Vec<Value>), String>>;

impl<F: Fn(usize, &[Value]) -> Found + Send + Sync> ForeignPredicate for Computed<F> {
    fn signature(&self) -> &'static Predicate {
        self.signature
    }

    fn evaluate<'a>(&'a self, question: Question<'a>) -> Answers<'a> {
        let found = (self.evaluate)(question.mode, question.inputs).into_iter();
        Box::new(found.map(|it| it.map(|(tag, outputs)| Answer { tag, outputs })))
    }
}

fn predicate<F: Fn(usize, &[Value]) -> Found + Send + Sync>(
    signature: &str,
    modes: &[&str],
    tags: Tagging,
    evaluate: F,
) -> Computed<F> {
    let signature = Predicate::parse(signature, modes).unwrap().tagged(tags);
    Computed {
        signature: signature.interned(),
        evaluate,
    }
}

fn number(value: &Value) -> i32 {
    match value {
        Value::I32(number) => *number,
        other => panic!("{other:?}"),
    }
}

/// What the queries of a program give, a line each.
fn run(session: &mut Session) -> Vec<String> {
    let outcome = session.run().unwrap();
    outcome.relations.iter().map(print::text).collect()
}

#[test]
fn a_function_is_called_once_for_the_same_arguments() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let mut session = Session::new();
    let double = function("$double(i32) -> i32", move |args| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(Value::I32(number(&args[0]) * 2))
    });
    session.add_function(double).unwrap();
    let program = "rel p = {1, 2}
         rel a($double(x)) = p(x)
         rel b(x, $double(x) + $double(x)) = p(x)
         query a
         query b";
    session.add_program("test.dl", program).unwrap();
    // Compiling calls nothing.
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    assert_eq!(run(&mut session), ["a: {(2), (4)}", "b: {(1, 4), (2, 8)}"]);
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

/// Lengths of texts, in batches.
struct Lengths(Arc<AtomicUsize>);

impl ForeignFunction for Lengths {
    fn signature(&self) -> &'static FunctionSignature {
        FunctionSignature::parse("$letters(String) -> usize").unwrap()
    }

    fn call(&self, _: &[Value]) -> Result<Value, String> {
        Err("called alone".into())
    }

    fn batched(&self) -> bool {
        true
    }

    fn call_batch(&self, calls: &[Vec<Value>]) -> Vec<Result<Value, String>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let length = |args: &Vec<Value>| match &args[0] {
            Value::String(text) if text.is_empty() => Err("empty".into()),
            Value::String(text) => Ok(Value::Usize(text.len() as u64)),
            _ => Err("no text".into()),
        };
        calls.iter().map(length).collect()
    }
}

#[test]
fn calls_are_made_in_batches() {
    let batches = Arc::new(AtomicUsize::new(0));
    let mut session = Session::new();
    session.add_function(Lengths(Arc::clone(&batches))).unwrap();
    let program = r#"rel word = {"a", "bb", "cc", ""}
         rel long(w) = word(w), $letters(w) > 1
         rel size(w, $letters(w)) = word(w), w != ""
         query long
         query size"#;
    session.add_program("test.dl", program).unwrap();
    let outcome = session.run().unwrap();
    let texts: Vec<String> = outcome.relations.iter().map(print::text).collect();
    let size = r#"size: {("a", 1), ("bb", 2), ("cc", 2)}"#;
    assert_eq!(texts, [r#"long: {("bb"), ("cc")}"#, size]);
    assert_eq!(outcome.dropped, 1);
    // The second rule finds all its values.
    assert_eq!(batches.load(Ordering::Relaxed), 1);
}

#[test]
fn a_volatile_function_is_called_anew() {
    let mut session = Session::new();
    let next = AtomicUsize::new(0);
    let count = function("$next(i32) -> usize", move |_| {
        Ok(Value::Usize(next.fetch_add(1, Ordering::Relaxed) as u64))
    });
    let count = Function {
        volatile: true,
        ..count
    };
    session.add_function(count).unwrap();
    let program = "rel p = {7}\nrel a($next(x)) = p(x)\nrel b($next(x)) = p(x)\nquery a\nquery b";
    session.add_program("test.dl", program).unwrap();
    assert_eq!(run(&mut session), ["a: {(0)}", "b: {(1)}"]);
}

#[test]
fn generic_optional_and_repeated_parameters() {
    let mut session = Session::new();
    let least = function("$least<T: Any>(T, T...) -> T", |args| {
        args.iter().min().cloned().ok_or_else(String::new)
    });
    session.add_function(least).unwrap();
    let pad = function("$pad(String, i32?) -> String", |args| {
        let width = args.get(1).map_or(3, number) as usize;
        match &args[0] {
            Value::String(text) => Ok(Value::String(format!("{text:>width$}").into())),
            _ => Err("no text".into()),
        }
    });
    session.add_function(pad).unwrap();
    let program = r#"rel a($least(3u8, 2), $least("b", "a", "c"))
         rel b($pad("x"), $pad("x", 2))"#;
    session.add_program("test.dl", program).unwrap();
    assert_eq!(
        run(&mut session),
        [r#"a: {(2, "a")}"#, r#"b: {("  x", " x")}"#]
    );
}

#[test]
fn a_failing_call_drops_its_derivation_with_a_warning() {
    let mut session = Session::new();
    let half = function("$half(i32) -> i32", |args| match number(&args[0]) {
        odd if odd % 2 == 1 => Err(format!("{odd} is odd")),
        even => Ok(Value::I32(even / 2)),
    });
    session.add_function(half).unwrap();
    let program = "rel p = {1, 2, 3}\nrel q($half(x)) = p(x)\nquery q";
    session.add_program("test.dl", program).unwrap();
    let outcome = session.run().unwrap();
    assert_eq!(print::text(&outcome.relations[0]), "q: {(1)}");
    assert_eq!(outcome.dropped, 2);
    let [warning] = outcome.warnings.as_slice() else {
        panic!("{:?}", outcome.warnings);
    };
    assert_eq!(warning.code, "W0651");
    let text = session.render(&outcome.warnings, false);
    assert!(
        text.contains("2 derivations are dropped because `$half` failed: 1 is odd"),
        "{text}"
    );
    assert!(text.contains("test.dl:2:1"), "{text}");
}

#[test]
fn a_value_of_another_type_is_a_failure() {
    let mut session = Session::new();
    let wrong = function("$wrong(i32) -> i32", |_| Ok(Value::Bool(true)));
    session.add_function(wrong).unwrap();
    let program = "rel p = {1}\nrel q($wrong(x)) = p(x)";
    session.add_program("test.dl", program).unwrap();
    let outcome = session.run().unwrap();
    assert!(outcome.warnings[0].message.contains("type bool, not i32"));
}

#[test]
fn a_predicate_has_modes() {
    let mut session = Session::new();
    let next = predicate(
        "next(bound i32, free i32)",
        &["fb"],
        Tagging::Certain,
        |mode, inputs| {
            let step = if mode == 0 { 1 } else { -1 };
            vec![Ok((
                AnswerTag::Certain,
                vec![Value::I32(number(&inputs[0]) + step)],
            ))]
        },
    );
    session.add_predicate(next).unwrap();
    let program = "rel p = {5}
         rel up(y) = p(x), next(x, y)
         rel down(x) = p(y), next(x, y)
         rel not_next(x) = p(x), not next(x, x)";
    session.add_program("test.dl", program).unwrap();
    assert_eq!(
        run(&mut session),
        ["p: {(5)}", "up: {(6)}", "down: {(4)}", "not_next: {(5)}"]
    );
}

#[test]
fn tagged_results_are_random_variables() {
    let mut session = Session::new();
    let coin = predicate(
        "coin(bound i32, free bool)",
        &[],
        Tagging::Exclusive,
        |_, _| {
            let side = |p, side| Ok((AnswerTag::Probability(p), vec![Value::Bool(side)]));
            vec![side(0.75, true), side(0.25, false)]
        },
    );
    session.add_predicate(coin).unwrap();
    let program = "rel throw = {1, 2}
         rel heads(k) = throw(k), coin(k, true)
         rel tails(k) = throw(k), coin(k, false)
         rel both(k) = heads(k), tails(k)
         rel n(c) = c := count(k: heads(k))
         query heads
         query both
         query n";
    session.add_program("test.dl", program).unwrap();
    assert_eq!(
        run(&mut session),
        [
            "heads: {0.75::(1), 0.75::(2)}",
            "both: {}",
            "n: {0.0625::(0), 0.375::(1), 0.5625::(2)}"
        ]
    );
    let why = session.why("heads", &[Value::I32(1)], 1).unwrap();
    assert_eq!(why[0].to_string(), "0.7500: coin(1, true) [0.7500]");
    session.set_provenance(Some(Provenance::Unit));
    let both = session.ask("both").unwrap();
    assert_eq!(print::text(&both.relations[0]), "both: {(1), (2)}");
}

#[test]
fn bool_tags_filter() {
    let mut session = Session::new();
    let even = predicate("even(bound i32)", &[], Tagging::Certain, |_, inputs| {
        vec![Ok((AnswerTag::Holds(number(&inputs[0]) % 2 == 0), vec![]))]
    });
    session.add_predicate(even).unwrap();
    let program = "rel p = {1, 2}\nrel q(x) = p(x), even(x)\nquery q";
    session.add_program("test.dl", program).unwrap();
    assert_eq!(run(&mut session), ["q: {(2)}"]);
}

#[test]
fn the_same_tuple_twice_is_two_variables() {
    let mut session = Session::new();
    let seen = predicate("seen(bound i32)", &[], Tagging::Independent, |_, _| {
        vec![Ok((AnswerTag::Probability(0.5), vec![])); 2]
    });
    session.add_predicate(seen).unwrap();
    session
        .add_program("test.dl", "rel p = {1}\nrel q(x) = p(x), seen(x)\nquery q")
        .unwrap();
    assert_eq!(run(&mut session), ["q: {0.75::(1)}"]);
}

/// The error of a run with a predicate that gives one result with this tag and these probabilities.
fn error_of(tags: Tagging, probabilities: &'static [f64]) -> String {
    let mut session = Session::new();
    let seen = predicate("seen(bound i32, free i32)", &[], tags, |_, _| {
        let answers = probabilities.iter().zip(0..);
        let answer = |(p, i): (&f64, i32)| Ok((AnswerTag::Probability(*p), vec![Value::I32(i)]));
        answers.map(answer).collect()
    });
    session.add_predicate(seen).unwrap();
    let program = "rel p = {1}\nrel q(y) = p(x), seen(x, y)\nquery q";
    session.add_program("test.dl", program).unwrap();
    session.run().unwrap_err().code().to_owned()
}

#[test]
fn probabilities_are_checked() {
    assert_eq!(error_of(Tagging::Independent, &[1.5]), "E0651");
    assert_eq!(error_of(Tagging::Independent, &[f64::NAN]), "E0651");
    assert_eq!(error_of(Tagging::Exclusive, &[0.75, 0.5]), "E0652");
}

/// The exclusive or of all numbers, one by one or all at once.
struct Xor {
    one_by_one: bool,
}

impl ForeignAggregate for Xor {
    fn signature(&self) -> &'static AggregateSignature {
        AggregateSignature::parse("xor(i32) -> i32").unwrap()
    }

    fn evaluate(&self, members: &[Vec<Value>]) -> Result<Option<Value>, String> {
        let numbers = members.iter().map(|member| number(&member[0]));
        let xor = numbers.fold(0, |a, b| a ^ b);
        match xor {
            7 => Err("seven".into()),
            xor => Ok(Some(Value::I32(xor))),
        }
    }

    fn incremental(&self) -> Option<&dyn Incremental> {
        self.one_by_one.then_some(self)
    }
}

impl Incremental for Xor {
    fn start(&self) -> Value {
        Value::I32(0)
    }

    fn add(&self, state: &Value, member: &[Value]) -> Result<Value, String> {
        Ok(Value::I32(number(state) ^ number(&member[0])))
    }

    fn finish(&self, state: &Value) -> Result<Option<Value>, String> {
        match number(state) {
            7 => Err("seven".into()),
            _ => Ok(Some(state.clone())),
        }
    }
}

#[test]
fn aggregates_of_both_kinds_agree() {
    for one_by_one in [false, true] {
        let mut session = Session::new();
        session.add_aggregate(Xor { one_by_one }).unwrap();
        let program = "rel p = {(0, 1), 0.5::(0, 2), 0.5::(0, 3), (1, 6)}
             rel q(k, x) = x := xor(v: p(k, v))
             rel all(x) = x := xor(v: p(_, v))
             rel most(x) = x := xor!(v: p(_, v))
             query q
             query all
             query most";
        session.add_program("test.dl", program).unwrap();
        let outcome = session.run().unwrap();
        let texts: Vec<String> = outcome.relations.iter().map(print::text).collect();
        let q = "q: {0.25::(0, 0), 0.25::(0, 1), 0.25::(0, 2), 0.25::(0, 3), (1, 6)}";
        // 1 ^ 6 is 7, which has no result.
        let all = "all: {0.25::(4), 0.25::(5), 0.25::(6)}";
        assert_eq!(texts, [q, all, "most: {(6)}"]);
        assert_eq!(outcome.dropped, 1);
    }
}

#[test]
fn an_aggregate_over_many_uncertain_members_is_incremental_or_refused() {
    let mut session = Session::new();
    session.add_aggregate(Xor { one_by_one: false }).unwrap();
    let facts: Vec<String> = (0..20).map(|i| format!("0.5::({i})")).collect();
    let program = format!(
        "rel p = {{{}}}\nrel q(x) = x := xor(v: p(v))\nquery q",
        facts.join(", ")
    );
    session.add_program("test.dl", &program).unwrap();
    assert_eq!(session.run().unwrap_err().code(), "E0653");
    session.add_aggregate(Xor { one_by_one: true }).unwrap();
    let outcome = session.run().unwrap();
    assert_eq!(outcome.relations[0].tuples.len(), 31);
}

#[test]
fn names_of_built_in_functions_are_taken() {
    let mut session = Session::new();
    let abs = function("$abs(i32) -> i32", |args| Ok(args[0].clone()));
    assert_eq!(session.add_function(abs).unwrap_err().code(), "E0860");
}

#[test]
fn a_declared_function_can_be_checked_and_registered_later() {
    let mut session = Session::new();
    let program = "extern type $same(x: i32) -> i32\nrel p = {1}\nrel q($same(x)) = p(x)\nquery q";
    session.add_program("test.dl", program).unwrap();
    assert_eq!(session.run().unwrap_err().code(), "E0650");
    let same = function("$same<T: Integer>(T) -> T", |args| Ok(args[0].clone()));
    session.add_function(same).unwrap();
    assert_eq!(run(&mut session), ["q: {(1)}"]);
    // What the program uses otherwise cannot be registered.
    let other = function("$same(String) -> String", |args| Ok(args[0].clone()));
    assert_eq!(session.add_function(other).unwrap_err().code(), "E0282");
    assert_eq!(run(&mut session), ["q: {(1)}"]);
}

#[test]
fn what_the_host_lacks_has_a_near_name() {
    let mut session = Session::new();
    let double = function("$double(i32) -> i32", |args| Ok(args[0].clone()));
    session.add_function(double).unwrap();
    let nothing = |_: usize, _: &[Value]| Vec::new();
    let near = predicate(
        "nearby(bound i32, free i32)",
        &["bf"],
        Tagging::Certain,
        nothing,
    );
    session.add_predicate(near).unwrap();
    for (program, suggestion) in [
        (
            "extern type $doubel(x: i32) -> i32\nrel q($doubel(1)) = p(_)",
            "did you mean `$double`?",
        ),
        (
            "extern type nearbye(bound i32, free i32)\nrel q(y) = nearbye(1, y), p(_)",
            "did you mean `nearby`?",
        ),
        (
            "extern type $other(x: i32) -> i32\nrel q($other(1)) = p(_)",
            "register it before the run",
        ),
    ] {
        let mut session = session.clone();
        let program = format!("{program}\nrel p = {{1}}\nquery q");
        session.add_program("test.dl", &program).unwrap();
        let error = session.run().unwrap_err();
        assert_eq!(error.code(), "E0650");
        let text = error.to_string();
        assert!(text.contains(suggestion), "{text}");
        let named = text.contains("did you mean");
        assert_eq!(named, suggestion.contains("did you mean"), "{text}");
    }
}

#[test]
fn facts_may_call() {
    let mut session = Session::new();
    let one = function("$one() -> i32", |_| Ok(Value::I32(1)));
    session.add_function(one).unwrap();
    let program = "rel a($one())\nrel b = {0.5::$one() + 1, 7}";
    session.add_program("test.dl", program).unwrap();
    assert_eq!(run(&mut session), ["a: {(1)}", "b: {0.5::(2), (7)}"]);
}

#[test]
fn what_never_ends_meets_a_limit() {
    struct Endless;
    impl ForeignPredicate for Endless {
        fn signature(&self) -> &'static Predicate {
            Predicate::parse("endless(free i64)", &[])
                .unwrap()
                .interned()
        }
        fn evaluate<'a>(&'a self, _: Question<'a>) -> Answers<'a> {
            Box::new((0..).map(|i| Ok(Answer::certain(vec![Value::I64(i)]))))
        }
    }
    let mut session = Session::new();
    session.add_predicate(Endless).unwrap();
    session.set_limits(nsdl::Limits {
        tuples: 10_000,
        ..nsdl::Limits::default()
    });
    session
        .add_program("test.dl", "rel p(x) = endless(x)")
        .unwrap();
    assert_eq!(session.run().unwrap_err().code(), "E0611");
}
