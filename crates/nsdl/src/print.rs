//! The printed forms of relations: text, JSON and CSV (SEMANTICS.md 15 and 16).

use nsdl_ir::{Value, format_float};
use nsdl_provenance::Extended;

use crate::files::{csv_text, plain};
use crate::relation::{Bounds, OutputLiteral, OutputTag, Relation};

/// Scallop's form on one line, tags of one left out: `path: {0.9::(0, 1), (1, 2)}`.
pub fn text(relation: &Relation) -> String {
    let mut out = format!("{}: {{", relation.name);
    for (i, (tag, tuple)) in relation.tuples.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        if !tag.is_one() {
            out.push_str(&format_tag(tag));
            out.push_str("::");
        }
        out.push_str(&format_tuple(tuple));
    }
    out.push('}');
    out
}

/// A tag as text: `0.9`, `true`, `3`, `inf`, `[[edge(0, 1)], [not edge(1, 2)]]`; nothing for `unit`.
pub fn format_tag(tag: &OutputTag) -> String {
    match tag {
        OutputTag::Unit => String::new(),
        OutputTag::Bool(holds) => holds.to_string(),
        OutputTag::Probability(p) | OutputTag::RealCost(p) => format_float(*p, p.is_finite()),
        OutputTag::Count(n) | OutputTag::Cost(n) => n.to_string(),
        OutputTag::Proofs(proofs) => format_proofs(proofs, OutputLiteral::to_string),
    }
}

/// Proofs as lists in a list.
fn format_proofs(
    proofs: &[Vec<OutputLiteral>],
    literal: impl Fn(&OutputLiteral) -> String,
) -> String {
    let proof = |proof: &Vec<OutputLiteral>| {
        let literals: Vec<String> = proof.iter().map(&literal).collect();
        format!("[{}]", literals.join(", "))
    };
    let proofs: Vec<String> = proofs.iter().map(proof).collect();
    format!("[{}]", proofs.join(", "))
}

/// A tag as JSON: null for `unit`, a bool, a number (`"inf"` for ∞), or a list of proofs, each a list of literals.
pub(crate) fn json_tag(tag: &OutputTag) -> String {
    match tag {
        OutputTag::Unit => "null".to_owned(),
        OutputTag::Bool(holds) => holds.to_string(),
        OutputTag::Probability(p) | OutputTag::RealCost(p) => {
            json_float(*p, p.is_finite(), p.is_nan())
        }
        OutputTag::Count(n @ Extended::Finite(_)) | OutputTag::Cost(n @ Extended::Finite(_)) => {
            n.to_string()
        }
        OutputTag::Count(n) | OutputTag::Cost(n) => json_string(&n.to_string()),
        OutputTag::Proofs(proofs) => {
            format_proofs(proofs, |literal| json_string(&literal.to_string()))
        }
    }
}

/// A tuple as text: `(0, "red")`, `(1)`, `()`.
pub fn format_tuple(tuple: &[Value]) -> String {
    use std::fmt::Write;
    let mut out = String::from("(");
    for (i, value) in tuple.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        // Writing to a string cannot fail.
        let _ = write!(out, "{value}");
    }
    out.push(')');
    out
}

/// One JSON object, relation → list of `{"tuple": [...], "tag": ...}`, on one line.
///
/// Integers of every width are exact; infinite floats and NaN are strings; `tag` is null under `unit`, a
/// bool under `bool`, a list of proofs under `proofs`, `why` and `lineage`, else a number. Tuples of a relation with
/// bounds also have `"bounds": [lower, upper]`, estimates `"interval": [lower, upper]`. Written here rather than through `serde_json::Value`, which rounds
/// 128-bit integers.
pub fn json(relations: &[Relation]) -> String {
    let mut out = String::from("{");
    for (i, relation) in relations.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        out.push_str(&json_string(&relation.name));
        out.push_str(": [");
        for (j, (tag, tuple)) in relation.tuples.iter().enumerate() {
            if j > 0 {
                out.push_str(", ");
            }
            out.push_str("{\"tuple\": [");
            for (n, value) in tuple.iter().enumerate() {
                if n > 0 {
                    out.push_str(", ");
                }
                json_value(value, &mut out);
            }
            out.push_str("], \"tag\": ");
            out.push_str(&json_tag(tag));
            if let Some([lower, upper]) = relation.bounds.get(j) {
                let number = |x: f64| json_float(x, x.is_finite(), x.is_nan());
                let key = match relation.bounds {
                    Bounds::Confident(_) => "interval",
                    _ => "bounds",
                };
                let (lower, upper) = (number(lower), number(upper));
                out.push_str(&format!(", \"{key}\": [{lower}, {upper}]"));
            }
            out.push('}');
        }
        out.push(']');
    }
    out.push('}');
    out
}

/// Tuples, lists and tensors are arrays, terms and times text.
pub(crate) fn json_value(value: &Value, out: &mut String) {
    match value {
        Value::F32(v) => out.push_str(&json_float(*v, v.is_finite(), v.is_nan())),
        Value::F64(v) => out.push_str(&json_float(*v, v.is_finite(), v.is_nan())),
        Value::Tuple(parts) | Value::List(_, parts) => {
            out.push('[');
            for (i, part) in parts.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                // A type may be as deep as a rule is long.
                stacker::maybe_grow(64 << 10, 1 << 20, || json_value(part, out));
            }
            out.push(']');
        }
        Value::Tensor(tensor) => json_tensor(tensor.shape(), tensor.data(), out),
        Value::Char(_)
        | Value::String(_)
        | Value::Symbol(_)
        | Value::DateTime(_)
        | Value::Duration(_)
        | Value::Term(_) => {
            out.push_str(&json_string(&plain(value)));
        }
        // Integers and bools read the same in JSON.
        other => out.push_str(&other.to_string()),
    }
}

fn json_tensor(shape: &[usize], data: &[f64], out: &mut String) {
    let Some((count, inner)) = shape.split_first() else {
        let value = data.first().copied().unwrap_or_default();
        out.push_str(&json_float(value, value.is_finite(), value.is_nan()));
        return;
    };
    let size: usize = inner.iter().product();
    out.push('[');
    for index in 0..*count {
        out.push_str(if index > 0 { ", " } else { "" });
        json_tensor(inner, data.get(index * size..).unwrap_or_default(), out);
    }
    out.push(']');
}

fn json_float<F: std::fmt::Debug + std::fmt::Display>(value: F, finite: bool, nan: bool) -> String {
    match (finite, nan) {
        (true, _) => format_float(value, true),
        (_, true) => "\"NaN\"".to_owned(),
        _ => format!("\"{value}\""),
    }
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// CSV without header: one line a tuple, the probability as an extra leading column unless tags are of `unit`
/// or `bool`; text as it is, quoted only where RFC 4180 demands. [`Session::add_csv`](crate::Session::add_csv)
/// reads it back.
pub fn csv(relation: &Relation) -> String {
    csv_text(relation)
}

#[cfg(test)]
mod tests {
    use nsdl_ir::Type;

    use super::*;

    fn relation(types: &[Type], tuples: Vec<(OutputTag, Vec<Value>)>) -> Relation {
        Relation {
            name: "path".into(),
            types: types.to_vec(),
            tuples,
            bounds: Bounds::None,
        }
    }

    #[test]
    fn text_is_scallops() {
        let pairs = [Type::I32, Type::I32];
        let r = relation(
            &pairs,
            vec![
                (
                    OutputTag::Probability(0.9),
                    vec![Value::I32(0), Value::I32(1)],
                ),
                (
                    OutputTag::Probability(1.0),
                    vec![Value::I32(1), Value::I32(2)],
                ),
            ],
        );
        assert_eq!(text(&r), "path: {0.9::(0, 1), (1, 2)}");
        assert_eq!(text(&relation(&pairs, vec![])), "path: {}");
        let one = relation(&[Type::I32], vec![(OutputTag::Unit, vec![Value::I32(1)])]);
        assert_eq!(text(&one), "path: {(1)}");
        let none = relation(&[], vec![(OutputTag::Bool(true), vec![])]);
        assert_eq!(text(&none), "path: {()}");
    }

    #[test]
    fn floats_read_back() {
        let r = relation(
            &[Type::F64, Type::F32],
            vec![(
                OutputTag::Probability(1e-20),
                vec![Value::F64(1.0), Value::F32(f32::INFINITY)],
            )],
        );
        assert_eq!(text(&r), "path: {1e-20::(1.0, inf)}");
        assert_eq!(
            json(&[r]),
            r#"{"path": [{"tuple": [1.0, "inf"], "tag": 1e-20}]}"#
        );
    }

    #[test]
    fn json_is_exact() {
        let r = relation(
            &[Type::U128, Type::String, Type::Char, Type::Bool],
            vec![(
                OutputTag::Unit,
                vec![
                    Value::U128(u128::MAX),
                    Value::String("a\"\n".into()),
                    Value::Char('é'),
                    Value::Bool(true),
                ],
            )],
        );
        assert_eq!(
            json(&[r]),
            r#"{"path": [{"tuple": [340282366920938463463374607431768211455, "a\"\n", "é", true], "tag": null}]}"#
        );
        assert_eq!(json(&[]), "{}");
        let nan = relation(&[], vec![(OutputTag::Probability(f64::NAN), vec![])]);
        assert_eq!(json(&[nan]), r#"{"path": [{"tuple": [], "tag": "NaN"}]}"#);
    }

    #[test]
    fn what_is_made_of_values_is_an_array() {
        let time = nsdl_ir::DateTime::parse("2020-01-31").unwrap();
        let tensor = nsdl_ir::Tensor::parse("[[1, inf]]").unwrap();
        let pair = Value::Tuple([Value::Bool(true), Value::String("a,b".into())].into());
        let values = vec![
            Value::DateTime(time),
            Value::Tensor(tensor.into()),
            Value::List(pair.ty(), [pair].into()),
        ];
        let r = relation(&[], vec![(OutputTag::Unit, values)]);
        assert_eq!(
            json(std::slice::from_ref(&r)),
            r#"{"path": [{"tuple": ["2020-01-31T00:00:00Z", [[1.0, "inf"]], [[true, "a,b"]]], "tag": null}]}"#
        );
        assert_eq!(
            csv(&r),
            "2020-01-31T00:00:00Z,\"[[1.0, inf]]\",\"[(true, \"\"a,b\"\")]\"\n"
        );
    }

    #[test]
    fn tags_of_every_kind() {
        let literal = |text: &str, negated| OutputLiteral {
            text: text.into(),
            negated,
        };
        let proofs = vec![
            vec![literal("edge(0, 1)", false)],
            vec![literal("name(\"a\")", true), literal("b()", false)],
        ];
        let cases = [
            (OutputTag::Count(Extended::Finite(3)), "3", "3"),
            (OutputTag::Cost(Extended::Infinite), "inf", "\"inf\""),
            (OutputTag::RealCost(0.5), "0.5", "0.5"),
            (
                OutputTag::Proofs(proofs.into()),
                "[[edge(0, 1)], [not name(\"a\"), b()]]",
                r#"[["edge(0, 1)"], ["not name(\"a\")", "b()"]]"#,
            ),
        ];
        for (tag, text, json) in cases {
            assert_eq!(format_tag(&tag), text);
            assert_eq!(json_tag(&tag), json);
        }
        let ones = [
            OutputTag::Count(Extended::ONE),
            OutputTag::Cost(Extended::ZERO),
            OutputTag::Proofs([vec![]].into()),
        ];
        for tag in ones {
            let r = relation(&[Type::I32], vec![(tag, vec![Value::I32(1)])]);
            assert_eq!(text(&r), "path: {(1)}");
        }
    }

    #[test]
    fn csv_quotes_what_must_be() {
        let r = relation(
            &[Type::String, Type::I32],
            vec![
                (
                    OutputTag::Unit,
                    vec![Value::String("a,b".into()), Value::I32(1)],
                ),
                (
                    OutputTag::Unit,
                    vec![Value::String(" x\"".into()), Value::I32(-2)],
                ),
            ],
        );
        assert_eq!(csv(&r), "\"a,b\",1\n\" x\"\"\",-2\n");
        let p = relation(
            &[Type::I32],
            vec![(OutputTag::Probability(0.5), vec![Value::I32(1)])],
        );
        assert_eq!(csv(&p), "0.5,1\n");
    }
}
