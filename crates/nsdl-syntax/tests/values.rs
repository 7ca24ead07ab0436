//! Values from text, in programs and in CSV fields.

use std::sync::Arc;

use nsdl_ir::{ConstructorDefinition, DataType, Symbols, Type, Value};
use nsdl_syntax::{parse_field, parse_value};

/// The value in output form, or the code of the error.
fn value(text: &str, ty: Type) -> String {
    parse_value(text, ty, &Symbols::new())
        .map_or_else(|problem| problem.code.to_owned(), |value| value.to_string())
}

fn field(text: &str, ty: Type) -> String {
    parse_field(text, ty, &Symbols::new())
        .map_or_else(|problem| problem.code.to_owned(), |value| value.to_string())
}

#[test]
fn integers_in_their_range() {
    for ty in Type::ALL.into_iter().filter(|ty| ty.is_signed()) {
        let (low, high) = ty.signed_range().expect("signed types have one");
        for parse in [value, field] {
            assert_eq!(parse(&low.to_string(), ty), low.to_string());
            assert_eq!(parse(&high.to_string(), ty), high.to_string());
            assert_eq!(parse(&(high as u128 + 1).to_string(), ty), "E0121");
            assert_eq!(parse(&format!("-{}", low.unsigned_abs() + 1), ty), "E0121");
        }
    }
    for ty in Type::ALL.into_iter().filter(|ty| ty.is_unsigned()) {
        let high = ty.unsigned_max().expect("unsigned types have one");
        for parse in [value, field] {
            assert_eq!(parse("0", ty), "0");
            assert_eq!(parse("-0", ty), "0");
            assert_eq!(parse(&high.to_string(), ty), high.to_string());
            assert_eq!(parse("-1", ty), "E0121");
        }
        if let Some(above) = high.checked_add(1) {
            assert_eq!(value(&above.to_string(), ty), "E0121");
        }
    }
    assert_eq!(field(&"9".repeat(60), Type::U128), "E0121");
}

#[test]
fn program_syntax() {
    assert_eq!(value(" 0xff ", Type::I32), "255");
    assert_eq!(value("1_000", Type::U16), "1000");
    assert_eq!(value("5i8", Type::I8), "5");
    assert_eq!(value("5i8", Type::I16), "E0120");
    assert_eq!(value("- 5", Type::I8), "-5");
    assert_eq!(value("1.5", Type::I32), "E0120");
    assert_eq!(value("true", Type::Bool), "true");
    assert_eq!(value("True", Type::Bool), "E0120");
    assert_eq!(value("-true", Type::Bool), "E0120");
    assert_eq!(value("'é'", Type::Char), "'é'");
    assert_eq!(value("\"a\\n\"", Type::String), "\"a\\n\"");
    assert_eq!(value("s\"RED\"", Type::Symbol), "s\"RED\"");
    assert_eq!(value("\"RED\"", Type::Symbol), "E0120");
    for text in [
        "", "1 2", "1 // one", "1)", "x", "--1", "\"a", "1u7", "rel a(1)",
    ] {
        assert!(
            parse_value(text, Type::I32, &Symbols::new()).is_err(),
            "{text}"
        );
    }
    assert_eq!(value("\"\\q\"", Type::String), "E0104");
}

#[test]
fn floats() {
    for parse in [value, field] {
        assert_eq!(parse("1.5", Type::F32), "1.5");
        assert_eq!(parse("3", Type::F64), "3.0");
        assert_eq!(parse("-1e3", Type::F64), "-1000.0");
        assert_eq!(parse("0.1", Type::F32), "0.1");
        assert_eq!(parse("inf", Type::F32), "inf");
        assert_eq!(parse("-inf", Type::F64), "-inf");
        assert_eq!(parse("nan", Type::F64), "E0122");
        assert_eq!(parse("NaN", Type::F32), "E0122");
        assert_eq!(parse("1e39", Type::F32), "E0121");
        assert_eq!(parse("-1e309", Type::F64), "E0121");
        assert_eq!(parse("1e-400", Type::F64), "0.0");
        assert_eq!(parse("one", Type::F64), "E0120");
    }
    // Rounded once, from the digits to the type.
    assert!(
        parse_value("16777217", Type::F32, &Symbols::new())
            .is_ok_and(|value| value == Value::F32(16_777_216.0))
    );
    assert_eq!(value("2f32", Type::F32), "2.0");
    assert_eq!(value("2f32", Type::F64), "E0120");
}

#[test]
fn csv_fields_are_taken_as_they_are() {
    assert_eq!(field("", Type::String), "\"\"");
    assert_eq!(field(" a \"b\" ", Type::String), "\" a \\\"b\\\" \"");
    assert_eq!(field("RED", Type::Symbol), "s\"RED\"");
    assert_eq!(field("é", Type::Char), "'é'");
    assert_eq!(field("éa", Type::Char), "E0120");
    assert_eq!(field("", Type::Char), "E0120");
    assert_eq!(field("+5", Type::I32), "5");
    assert_eq!(field(".5", Type::F64), "0.5");
    assert_eq!(field("true", Type::Bool), "true");
    for text in ["", " 5", "5 ", "0x1", "1_0", "5i32", "1.0", "--5", "٣"] {
        assert_eq!(field(text, Type::I32), "E0120", "{text}");
    }
    for text in ["", " 1.0", "1.0f32", "1e", ".", "-", "1,5"] {
        assert_eq!(field(text, Type::F64), "E0120", "{text}");
    }
    for text in ["", "TRUE", "1", " true"] {
        assert_eq!(field(text, Type::Bool), "E0120", "{text}");
    }
}

#[test]
fn messages_name_the_value_and_the_range() {
    let problem = parse_field("300", Type::I8, &Symbols::new()).expect_err("out of range");
    assert_eq!(problem.message, "`300` is out of the range of `i8`");
    assert_eq!(
        problem.help.as_deref(),
        Some("`i8` reaches from -128 to 127")
    );
    let problem =
        parse_value(&"x".repeat(1000), Type::I8, &Symbols::new()).expect_err("no integer");
    assert!(problem.message.len() < 150, "long values are shortened");
}

#[test]
fn output_reads_back() {
    for (text, ty) in [
        ("-170141183460469231731687303715884105728", Type::I128),
        ("1e-7", Type::F64),
        ("1e16", Type::F32),
        ("-inf", Type::F32),
        ("'\\''", Type::Char),
        ("\"\\\"\\\\\\n\\r\\t\\0é\"", Type::String),
        ("s\"a b\"", Type::Symbol),
    ] {
        let first = value(text, ty);
        assert_eq!(value(&first, ty), first, "{text}");
    }
}

#[test]
fn times_and_tensors() {
    let floats = Type::tuple(&[Type::F64, Type::Duration]);
    for (text, ty) in [
        ("t\"2020-01-31T10:00:00Z\"", Type::DateTime),
        ("d\"P1M-3DT-2H\"", Type::Duration),
        ("[[1.0, -2.5], [inf, 0.0]]", Type::Tensor),
        ("[]", Type::Tensor),
        ("1.5", Type::Tensor),
        ("-inf", Type::Tensor),
        ("[[1.0], [2.0]]", Type::Tensor),
        ("(-inf, d\"PT1S\")", floats),
        ("[[1.0, 2.0], [3.0]]", Type::list(Type::Tensor)),
    ] {
        assert_eq!(value(text, ty), text, "{ty}");
        if ty.is_compound() || ty == Type::Tensor {
            assert_eq!(field(text, ty), text, "{ty}");
        }
    }
    assert_eq!(
        field("2020-01-31", Type::DateTime),
        "t\"2020-01-31T00:00:00Z\""
    );
    assert_eq!(field("3 weeks", Type::Duration), "d\"P21D\"");
    assert_eq!(value("-d\"3 weeks\"", Type::Duration), "d\"-P21D\"");
    assert_eq!(value("[1, 2]", Type::Tensor), "[1.0, 2.0]");
    for (text, ty, code) in [
        ("soon", Type::DateTime, "E0120"),
        ("\"2020-01-31\"", Type::DateTime, "E0120"),
        ("t\"01/02/2020\"", Type::DateTime, "E0119"),
        ("[[1], 2]", Type::Tensor, "E0120"),
        ("[nan]", Type::Tensor, "E0122"),
        ("[\"a\"]", Type::Tensor, "E0120"),
        ("[1 2]", Type::Tensor, "E0120"),
    ] {
        assert_eq!(value(text, ty), code, "{text}");
    }
}

fn with_lists() -> Symbols {
    let (symbols, parameter) = (Symbols::new(), Type::parameter("T"));
    let constructor = |name: &str, fields: &[Type]| ConstructorDefinition {
        name: name.into(),
        fields: fields.into(),
    };
    symbols.define(Arc::new(DataType {
        name: "List".into(),
        parameters: vec!["T".into()],
        constructors: vec![
            constructor("Cons", &[parameter, Type::adt("List", &[parameter])]),
            constructor("Nil", &[]),
        ],
    }));
    symbols.define(Arc::new(DataType {
        name: "Box".into(),
        parameters: vec![],
        constructors: vec![constructor(
            "Box",
            &[Type::list(Type::tuple(&[Type::I32, Type::String]))],
        )],
    }));
    symbols
}

#[test]
fn terms_tuples_and_lists() {
    let symbols = with_lists();
    let read = |text: &str, ty: Type| {
        parse_value(text, ty, &symbols)
            .map_or_else(|problem| problem.code.to_owned(), |value| value.to_string())
    };
    let list = Type::adt("List", &[Type::F64]);
    assert_eq!(
        read("Cons(1.5,Cons( -inf , Nil))", list),
        "Cons(1.5, Cons(-inf, Nil()))"
    );
    assert_eq!(
        read("Box([(1, \"a\"), (-2, \")\"),])", Type::Entity),
        "Box([(1, \"a\"), (-2, \")\")])"
    );
    assert_eq!(read("()", Type::tuple(&[])), "()");
    assert_eq!(read("(1,)", Type::tuple(&[Type::I8])), "(1,)");
    assert_eq!(read("[]", Type::list(Type::I8)), "[]");
    for (text, ty, code) in [
        ("Cons(1.5)", list, "E0120"),
        ("Cons(1.5, Nil(), Nil())", list, "E0120"),
        ("Cons(\"a\", Nil())", list, "E0120"),
        ("Snoc(Nil(), 1.5)", list, "E0270"),
        ("Nil()", Type::adt("Box", &[]), "E0270"),
        ("Nil()", Type::Entity, "E0270"),
        ("Nil() Nil()", list, "E0120"),
        ("Cons(1.5, Nil()", list, "E0120"),
        ("[1, 2", Type::list(Type::I8), "E0120"),
        ("[300]", Type::list(Type::I8), "E0121"),
        ("(1, 2)", Type::tuple(&[Type::I8]), "E0120"),
    ] {
        assert_eq!(read(text, ty), code, "{text}");
    }
}

#[test]
fn a_deep_term_reads_back() {
    let symbols = with_lists();
    let ty = Type::adt("List", &[Type::I32]);
    let text = format!("{}Nil(){}", "Cons(7, ".repeat(200_000), ")".repeat(200_000));
    let value = parse_value(&text, ty, &symbols).expect("a list");
    assert!(value.to_string() == text);
}
