//! Functions on lists.

use std::collections::BTreeSet;

use nsdl_ir::{Type, Value};

use crate::{Fault, float};

/// Elements of the longest list that is made.
pub const LONGEST_LIST: usize = 1 << 24;

/// The elements of all lists, one list after the other.
pub(crate) fn concat(lists: &[Value]) -> Result<Value, Fault> {
    let (mut ty, mut all) = (None, Vec::new());
    for list in lists {
        let Value::List(element, items) = list else {
            return Err(Fault::Domain);
        };
        ty = Some(*element);
        if all.len() + items.len() > LONGEST_LIST {
            return Err(Fault::Overflow);
        }
        all.extend(items.iter().cloned());
    }
    Ok(Value::List(ty.ok_or(Fault::Domain)?, all.into()))
}

pub(crate) fn get(items: &[Value], index: u64) -> Result<Value, Fault> {
    let index = usize::try_from(index).map_err(|_| Fault::Domain)?;
    items.get(index).cloned().ok_or(Fault::Domain)
}

pub(crate) fn index_of(items: &[Value], item: &Value) -> Result<Value, Fault> {
    let index = items.iter().position(|it| it == item);
    index.map(|it| Value::Usize(it as u64)).ok_or(Fault::Domain)
}

/// The elements from `begin` up to, without, `end`.
pub(crate) fn slice(ty: Type, items: &[Value], begin: u64, end: u64) -> Result<Value, Fault> {
    let range = usize::try_from(begin).ok().zip(usize::try_from(end).ok());
    let part = range.and_then(|(begin, end)| items.get(begin..end));
    part.map(|part| Value::List(ty, part.into()))
        .ok_or(Fault::Domain)
}

pub(crate) fn sort(ty: Type, items: &[Value]) -> Value {
    let mut items = items.to_vec();
    items.sort();
    Value::List(ty, items.into())
}

/// Each element once, where it is first.
pub(crate) fn distinct(ty: Type, items: &[Value]) -> Value {
    let mut seen = BTreeSet::new();
    let items = items.iter().filter(|item| seen.insert(*item)).cloned();
    Value::List(ty, items.collect())
}

/// Floats are summed in order of value, as `sum` does.
pub(crate) fn sum(ty: Type, items: &[Value]) -> Result<Value, Fault> {
    match ty {
        Type::F32 | Type::F64 => {
            let mut items = items.to_vec();
            items.sort();
            let (mut total, mut finite) = (0.0, true);
            for item in items {
                let item = float::float(&item)?;
                finite &= item.is_finite();
                total += item;
            }
            let zero = if ty == Type::F32 {
                Value::F32(0.0)
            } else {
                Value::F64(0.0)
            };
            float::checked(total, finite, &zero)
        }
        Type::U128 => {
            let numbers = items.iter().map(|item| match item {
                Value::U128(value) => Ok(*value),
                _ => Err(Fault::Domain),
            });
            let mut total: u128 = 0;
            for number in numbers {
                total = total.checked_add(number?).ok_or(Fault::Overflow)?;
            }
            Ok(Value::U128(total))
        }
        _ => {
            let mut total: i128 = 0;
            for item in items {
                let number = item.as_i128().ok_or(Fault::Domain)?;
                total = total.checked_add(number).ok_or(Fault::Overflow)?;
            }
            Value::from_i128(total, ty).ok_or(Fault::Overflow)
        }
    }
}
