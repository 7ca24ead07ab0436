//! Calls: each function of the table in `nsdl-ir`, handed to its implementation.

use nsdl_ir::{Function, Value};

use crate::{Fault, float, hash, list, number, tensor, text, time};

/// The value of a call whose arguments fit the signature.
///
/// # Errors
/// Outside the domain of the function, and where the result does not fit its type.
pub fn call(function: Function, args: &[Value]) -> Result<Value, Fault> {
    use Function::*;
    match (function, args) {
        (Abs, [x]) => number::abs(x),
        (Floor, [x]) => number::floor(x),
        (Ceil, [x]) => number::ceil(x),
        (Sign, [x]) => number::sign(x),
        (Max, args) => number::max(args),
        (Min, args) => number::min(args),
        (Pow, [x, n]) => number::pow(x, n),
        (Powf, [x, y]) => float::binary(x, y, f64::powf),
        (Exp, [x]) => float::unary(x, f64::exp),
        (Exp2, [x]) => float::unary(x, f64::exp2),
        (Log, [x]) => float::logarithm(x, f64::ln),
        (Log2, [x]) => float::logarithm(x, f64::log2),
        (Sin, [x]) => float::unary(x, f64::sin),
        (Cos, [x]) => float::unary(x, f64::cos),
        (Tan, [x]) => float::unary(x, f64::tan),
        (Asin, [x]) => float::unary(x, f64::asin),
        (Acos, [x]) => float::unary(x, f64::acos),
        (Atan, [x]) => float::unary(x, f64::atan),
        (Atan2, [y, x]) => float::binary(y, x, f64::atan2),
        (StringConcat, args) => text::concat(args),
        (StringLength, [s]) => text::length(s),
        (StringCharAt, [s, i]) => text::char_at(s, i),
        (Substring, [s, begin]) => text::substring(s, begin, None),
        (Substring, [s, begin, end]) => text::substring(s, begin, Some(end)),
        (Format, args) => text::format(args),
        (StringUpper, [s]) => text::upper(s),
        (StringLower, [s]) => text::lower(s),
        (StringTrim, [s]) => text::trim(s),
        (StringIndexOf, [s, part]) => text::index_of(s, part),
        (StringReplace, [s, from, to]) => text::replace(s, from, to),
        (CharCode, [c]) => text::code(c),
        (CharOf, [code]) => text::of_code(code),
        (Length, [Value::List(_, items)]) => Ok(Value::Usize(items.len() as u64)),
        (Concat, args) => list::concat(args),
        (Contains, [Value::List(_, items), item]) => Ok(Value::Bool(items.contains(item))),
        (Get, [Value::List(_, items), Value::Usize(index)]) => list::get(items, *index),
        (IndexOf, [Value::List(_, items), item]) => list::index_of(items, item),
        (Slice, [Value::List(ty, items), Value::Usize(begin)]) => {
            list::slice(*ty, items, *begin, items.len() as u64)
        }
        (
            Slice,
            [
                Value::List(ty, items),
                Value::Usize(begin),
                Value::Usize(end),
            ],
        ) => list::slice(*ty, items, *begin, *end),
        (Reverse, [Value::List(ty, items)]) => {
            Ok(Value::List(*ty, items.iter().rev().cloned().collect()))
        }
        (Sort, [Value::List(ty, items)]) => Ok(list::sort(*ty, items)),
        (Distinct, [Value::List(ty, items)]) => Ok(list::distinct(*ty, items)),
        (Sum, [Value::List(ty, items)]) => list::sum(*ty, items),
        (Hash, args) => Ok(hash::hash(args)),
        (Datetime, args) => time::datetime(args),
        (DatetimeYear, [t]) => time::year(t),
        (DatetimeMonth, [t]) => time::part(t, |t| t.month()),
        (DatetimeMonth0, [t]) => time::part(t, |t| t.month() - 1),
        (DatetimeDay, [t]) => time::part(t, |t| t.day()),
        (DatetimeWeekday, [t]) => time::part(t, |t| t.weekday().to_monday_one_offset()),
        (DatetimeHour, [t]) => time::part(t, |t| t.hour()),
        (DatetimeMinute, [t]) => time::part(t, |t| t.minute()),
        (DatetimeSecond, [t]) => time::part(t, |t| t.second()),
        (DurationMonths, [d]) => time::months(d),
        (DurationDays, [d]) => time::units(d, 86_400),
        (DurationSeconds, [d]) => time::units(d, 1),
        (Dim, [t]) => tensor::dim(t),
        (Dot, [a, b]) => tensor::dot(a, b),
        // The compiler checks the number of arguments.
        _ => Err(Fault::Domain),
    }
}

#[cfg(test)]
mod tests {
    use nsdl_ir::Type;

    use super::*;

    fn string(text: &str) -> Value {
        Value::String(text.into())
    }

    #[test]
    fn numbers() {
        use Function::*;
        assert_eq!(call(Abs, &[Value::I8(-128)]), Err(Fault::Overflow));
        assert_eq!(call(Abs, &[Value::F32(-1.5)]), Ok(Value::F32(1.5)));
        assert_eq!(call(Sign, &[Value::F64(-2.5)]), Ok(Value::F64(-1.0)));
        assert_eq!(call(Sign, &[Value::U8(7)]), Ok(Value::U8(1)));
        assert_eq!(call(Ceil, &[Value::F64(1.25)]), Ok(Value::F64(2.0)));
        assert_eq!(call(Floor, &[Value::F64(-1.25)]), Ok(Value::F64(-2.0)));
        assert_eq!(call(Floor, &[Value::I32(3)]), Ok(Value::I32(3)));
        assert_eq!(
            call(Max, &[Value::I32(3), Value::I32(9), Value::I32(-1)]),
            Ok(Value::I32(9))
        );
        assert_eq!(call(Min, &[Value::F32(3.0)]), Ok(Value::F32(3.0)));
        assert_eq!(
            call(Pow, &[Value::I32(-2), Value::U32(3)]),
            Ok(Value::I32(-8))
        );
        assert_eq!(
            call(Pow, &[Value::I8(2), Value::U32(7)]),
            Err(Fault::Overflow)
        );
        assert_eq!(
            call(Pow, &[Value::U128(2), Value::U32(127)]),
            Ok(Value::U128(1 << 127))
        );
    }

    #[test]
    fn floats_have_a_domain() {
        use Function::*;
        assert_eq!(call(Log, &[Value::F64(0.0)]), Err(Fault::Domain));
        assert_eq!(call(Log2, &[Value::F32(8.0)]), Ok(Value::F32(3.0)));
        assert_eq!(call(Asin, &[Value::F64(2.0)]), Err(Fault::NotANumber));
        assert_eq!(call(Exp, &[Value::F32(100.0)]), Err(Fault::Overflow));
        assert_eq!(
            call(Powf, &[Value::F64(2.0), Value::F64(0.5)]),
            Ok(Value::F64(2f64.sqrt()))
        );
        assert_eq!(
            call(Atan2, &[Value::F64(0.0), Value::F64(1.0)]),
            Ok(Value::F64(0.0))
        );
    }

    #[test]
    fn strings_count_characters() {
        use Function::*;
        let (usize, zurich) = (Value::Usize, string("Zürich"));
        assert_eq!(
            call(StringLength, std::slice::from_ref(&zurich)),
            Ok(usize(6))
        );
        assert_eq!(
            call(StringCharAt, &[zurich.clone(), usize(1)]),
            Ok(Value::Char('ü'))
        );
        assert_eq!(
            call(StringCharAt, &[zurich.clone(), usize(6)]),
            Err(Fault::Domain)
        );
        assert_eq!(
            call(Substring, &[zurich.clone(), usize(2)]),
            Ok(string("rich"))
        );
        assert_eq!(
            call(Substring, &[zurich.clone(), usize(1), usize(3)]),
            Ok(string("ür"))
        );
        assert_eq!(
            call(Substring, &[zurich.clone(), usize(6), usize(6)]),
            Ok(string(""))
        );
        assert_eq!(
            call(Substring, &[zurich.clone(), usize(3), usize(1)]),
            Err(Fault::Domain)
        );
        assert_eq!(
            call(Substring, &[zurich.clone(), usize(0), usize(7)]),
            Err(Fault::Domain)
        );
        assert_eq!(
            call(StringIndexOf, &[zurich.clone(), string("rich")]),
            Ok(usize(2))
        );
        assert_eq!(
            call(StringIndexOf, &[zurich.clone(), string("x")]),
            Err(Fault::Domain)
        );
        assert_eq!(
            call(StringUpper, std::slice::from_ref(&zurich)),
            Ok(string("ZÜRICH"))
        );
        assert_eq!(
            call(StringReplace, &[string("aXbX"), string("X"), string("-")]),
            Ok(string("a-b-"))
        );
        assert_eq!(call(StringTrim, &[string(" a\t")]), Ok(string("a")));
        assert_eq!(
            call(StringConcat, &[string("a"), string("b")]),
            Ok(string("ab"))
        );
        assert_eq!(call(StringConcat, &[]), Ok(string("")));
    }

    #[test]
    fn characters_have_codes() {
        use Function::*;
        assert_eq!(call(CharCode, &[Value::Char('é')]), Ok(Value::U32(233)));
        assert_eq!(call(CharOf, &[Value::U32(233)]), Ok(Value::Char('é')));
        assert_eq!(call(CharOf, &[Value::U32(0xd800)]), Err(Fault::Domain));
    }

    #[test]
    fn formats_use_all_their_arguments() {
        let pattern = string("{} is {}.");
        let (name, age) = (string("Ann"), Value::U8(7));
        assert_eq!(
            call(
                Function::Format,
                &[pattern.clone(), name.clone(), age.clone()]
            ),
            Ok(string("Ann is 7."))
        );
        assert_eq!(
            call(Function::Format, &[pattern.clone(), name.clone()]),
            Err(Fault::Domain)
        );
        assert_eq!(
            call(Function::Format, &[pattern, name.clone(), age, name]),
            Err(Fault::Domain)
        );
    }

    #[test]
    fn times_have_parts() {
        use Function::*;
        let time = |text| Value::DateTime(nsdl_ir::DateTime::parse(text).unwrap());
        let length = |text| Value::Duration(nsdl_ir::Duration::parse(text).unwrap());
        let day = time("2020-02-29T10:20:30Z");
        for (function, part) in [
            (DatetimeMonth, 2),
            (DatetimeMonth0, 1),
            (DatetimeDay, 29),
            (DatetimeWeekday, 6),
            (DatetimeHour, 10),
            (DatetimeMinute, 20),
            (DatetimeSecond, 30),
        ] {
            assert_eq!(
                call(function, std::slice::from_ref(&day)),
                Ok(Value::U32(part))
            );
        }
        assert_eq!(
            call(DatetimeYear, &[time("-0044-03-15")]),
            Ok(Value::I32(-44))
        );
        let date = |rest: &[u32]| {
            let mut args = vec![Value::I32(2020)];
            args.extend(rest.iter().copied().map(Value::U32));
            call(Datetime, &args)
        };
        assert_eq!(date(&[2, 29, 10, 20, 30]), Ok(day));
        assert_eq!(date(&[2, 29]), Ok(time("2020-02-29")));
        assert_eq!(date(&[2, 30]), Err(Fault::Domain));
        assert_eq!(date(&[2, 29, 24]), Err(Fault::Domain));
        let span = length("1 year 3 days 2 hours");
        assert_eq!(
            call(DurationMonths, std::slice::from_ref(&span)),
            Ok(Value::I32(12))
        );
        assert_eq!(
            call(DurationDays, std::slice::from_ref(&span)),
            Ok(Value::I64(3))
        );
        assert_eq!(call(DurationSeconds, &[span]), Ok(Value::I64(74 * 3600)));
    }

    #[test]
    fn tensors_have_products() {
        let tensor = |text| Value::Tensor(nsdl_ir::Tensor::parse(text).unwrap().into());
        let row = tensor("[1, 2]");
        assert_eq!(
            call(Function::Dot, &[row.clone(), row.clone()]),
            Ok(tensor("5"))
        );
        assert_eq!(
            call(Function::Dot, &[row.clone(), tensor("[1]")]),
            Err(Fault::Domain)
        );
        assert_eq!(call(Function::Dim, &[row]), Ok(Value::Usize(1)));
        assert_eq!(call(Function::Dim, &[tensor("5")]), Ok(Value::Usize(0)));
    }

    #[test]
    fn lists_know_their_ends() {
        use Function::*;
        let list =
            |numbers: &[i8]| Value::List(Type::I8, numbers.iter().map(|n| Value::I8(*n)).collect());
        let usize = Value::Usize;
        assert_eq!(call(Length, &[list(&[])]), Ok(usize(0)));
        assert_eq!(
            call(Concat, &[list(&[1]), list(&[]), list(&[2, 1])]),
            Ok(list(&[1, 2, 1]))
        );
        assert_eq!(call(Get, &[list(&[4, 5]), usize(1)]), Ok(Value::I8(5)));
        assert_eq!(call(Get, &[list(&[4, 5]), usize(2)]), Err(Fault::Domain));
        assert_eq!(
            call(IndexOf, &[list(&[4, 5, 5]), Value::I8(5)]),
            Ok(usize(1))
        );
        assert_eq!(
            call(IndexOf, &[list(&[4]), Value::I8(5)]),
            Err(Fault::Domain)
        );
        assert_eq!(call(Slice, &[list(&[4, 5]), usize(2)]), Ok(list(&[])));
        assert_eq!(
            call(Slice, &[list(&[4, 5]), usize(1), usize(0)]),
            Err(Fault::Domain)
        );
        assert_eq!(
            call(Slice, &[list(&[4, 5]), usize(0), usize(3)]),
            Err(Fault::Domain)
        );
        assert_eq!(call(Sort, &[list(&[3, -1, 3])]), Ok(list(&[-1, 3, 3])));
        assert_eq!(call(Distinct, &[list(&[3, -1, 3])]), Ok(list(&[3, -1])));
        assert_eq!(call(Sum, &[list(&[])]), Ok(Value::I8(0)));
        assert_eq!(call(Sum, &[list(&[100, 100])]), Err(Fault::Overflow));
        // Floats are summed in order of value (SEMANTICS.md 4).
        let floats = [1e16, 1.0, -1e16].map(Value::F64);
        assert_eq!(
            call(Sum, &[Value::List(Type::F64, floats.into())]),
            Ok(Value::F64(0.0))
        );
    }

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(
            call(Function::Hash, &[]),
            Ok(Value::U64(0xcbf2_9ce4_8422_2325))
        );
        let of = |values: &[Value]| call(Function::Hash, values).unwrap();
        assert_ne!(of(&[Value::I32(1)]), of(&[Value::I64(1)]));
        assert_ne!(
            of(&[string("ab"), string("c")]),
            of(&[string("a"), string("bc")])
        );
    }
}
