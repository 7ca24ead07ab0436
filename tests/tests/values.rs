//! Values of every type, out of each interface and back in: they are the same.

// Helpers of tests may panic too.
#![allow(clippy::expect_used)]

use nsdl::{Relation, Session, parse_value, print};
use nsdl_ir::{DateTime, Duration, Symbols, Tensor, Type, Value};
use nsdl_tests::random::Random;

/// A type with parts as deep as `depth`.
fn random_type(random: &mut Random, depth: usize) -> Type {
    // Terms need a program that declares them.
    let plain = Type::ALL.len() - 1;
    match random.below(plain + if depth > 0 { 8 } else { 0 }) {
        index if index < plain => Type::ALL[index],
        index if index % 2 == 0 => Type::list(random_type(random, depth - 1)),
        _ => {
            let count = random.range(1, 3);
            let parts: Vec<Type> = (0..count).map(|_| random_type(random, depth - 1)).collect();
            Type::tuple(&parts)
        }
    }
}

fn random_text(random: &mut Random) -> String {
    let letters = [
        'a', 'é', '"', '\'', '\\', ',', '(', ']', '\n', '\r', '\t', '\0', '🎲', ' ',
    ];
    (0..random.below(4))
        .map(|_| *random.pick(&letters))
        .collect()
}

fn random_float(random: &mut Random) -> f64 {
    let special = [
        0.0,
        1.0,
        -1.5,
        1e300,
        5e-324,
        0.1,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    match f64::from_bits(random.bits()) {
        float if random.chance(0.5) && !float.is_nan() => float,
        _ => *random.pick(&special),
    }
}

fn random_value(random: &mut Random, ty: Type) -> Value {
    match ty {
        Type::F64 => Value::F64(random_float(random)),
        Type::F32 => Value::F32(random_float(random) as f32),
        Type::Bool => Value::Bool(random.chance(0.5)),
        Type::Char => Value::Char(random_text(random).chars().next().unwrap_or('x')),
        Type::String => Value::String(random_text(random).into()),
        Type::Symbol => Value::Symbol(random_text(random).into()),
        Type::U128 => Value::U128(u128::from(random.bits()) << random.below(65)),
        Type::DateTime => {
            let microseconds = random.bits() as i64 >> random.range(6, 60);
            Value::DateTime(DateTime::from_microseconds(microseconds).expect("in the calendar"))
        }
        Type::Duration => {
            let months = (random.bits() as i32) >> random.range(16, 31);
            let microseconds = random.bits() as i64 >> random.range(5, 63);
            Value::Duration(Duration::new(months, microseconds).expect("not too long"))
        }
        Type::Tensor => {
            let shape: Vec<usize> = (0..random.below(4)).map(|_| random.below(3)).collect();
            let size = shape.iter().product();
            let data = (0..size).map(|_| random_float(random)).collect();
            Value::Tensor(Tensor::new(shape, data).expect("as many").into())
        }
        Type::Tuple(types) => {
            let parts: Vec<Value> = types.iter().map(|ty| random_value(random, *ty)).collect();
            Value::Tuple(parts.into())
        }
        Type::List(element) => {
            let items: Vec<Value> = (0..random.below(4))
                .map(|_| random_value(random, *element))
                .collect();
            Value::List(*element, items.into())
        }
        _ => {
            let bits = random.bits() as i64 as i128 * (random.bits() as i64 as i128);
            let fitting = (0..128).find_map(|by| Value::from_i128(bits >> by, ty));
            fitting.unwrap_or_else(|| Value::from_i128(0, ty).expect("an integer type"))
        }
    }
}

/// Some values of a type, different ones, in order.
fn values(random: &mut Random, ty: Type) -> Vec<Value> {
    let mut values: Vec<Value> = (0..8).map(|_| random_value(random, ty)).collect();
    values.sort();
    values.dedup();
    values
}

fn each_type(check: impl Fn(Type, &[Value])) {
    let mut random = Random::new(17);
    let compound: Vec<Type> = (0..120).map(|_| random_type(&mut random, 2)).collect();
    // The last type without parts is `Entity`.
    let plain = Type::ALL.into_iter().filter(|ty| *ty != Type::Entity);
    for ty in plain.chain(compound) {
        check(ty, &values(&mut random, ty));
    }
}

/// A session with a relation `r` of one column of the type.
fn declared(ty: Type) -> Session {
    let mut session = Session::new();
    session
        .add_program("types", &format!("type r({ty})"))
        .unwrap_or_else(|error| panic!("{ty}: {error}"));
    session
}

fn column(mut session: Session) -> Vec<Value> {
    session.run().expect("runs");
    let relation = session.relation("r").expect("is known");
    relation
        .tuples
        .into_iter()
        .flat_map(|(_, row)| row)
        .collect()
}

fn relation(ty: Type, values: &[Value]) -> Relation {
    let mut session = declared(ty);
    let rows = values.iter().map(|value| vec![value.clone()]).collect();
    session.add_facts("r", rows, None, false).expect("facts");
    session.run().expect("runs");
    session.relation("r").expect("is known")
}

#[test]
fn text_reads_back() {
    each_type(|ty, values| {
        for value in values {
            let text = value.to_string();
            let read = parse_value(&text, ty, &Symbols::new());
            assert_eq!(read.as_ref(), Ok(value), "{ty}: {text}");
        }
    });
}

#[test]
fn csv_reads_back() {
    let folder = tempfile::tempdir().expect("a folder");
    each_type(|ty, values| {
        let path = folder.path().join("r.csv");
        std::fs::write(&path, print::csv(&relation(ty, values))).expect("written");
        let mut session = declared(ty);
        session
            .add_csv("r", &path)
            .unwrap_or_else(|error| panic!("{ty}: {error}"));
        assert_eq!(column(session), values, "{ty}");
    });
}

#[test]
fn programs_read_back() {
    // Programs have no word for infinity, and none for tensors alone.
    let writable = |text: &str| !text.contains("inf");
    each_type(|ty, values| {
        let text = ty.to_string();
        // The grammar reads `(x,)` as `x`, which is what a row of one column is.
        if text.contains(",)") {
            return;
        }
        let holds_tensors = text.contains("Tensor");
        let values: Vec<Value> = values
            .iter()
            .filter(|value| writable(&value.to_string()))
            .cloned()
            .collect();
        if holds_tensors && ty != Type::Tensor {
            return;
        }
        let mut session = declared(ty);
        for value in &values {
            let cast = if holds_tensors { " as Tensor" } else { "" };
            let text = format!("rel r({value}{cast})");
            session
                .add_program("fact", &text)
                .unwrap_or_else(|error| panic!("{ty}: {text}\n{error}"));
        }
        assert_eq!(column(session), values, "{ty}");
    });
}

#[test]
fn json_is_json() {
    each_type(|ty, values| {
        let text = print::json(&[relation(ty, values)]);
        let json: serde_json::Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{ty}: {error}\n{text}"));
        assert_eq!(
            json["r"].as_array().map(Vec::len),
            Some(values.len()),
            "{ty}"
        );
    });
}
