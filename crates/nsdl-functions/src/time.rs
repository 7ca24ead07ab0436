//! Parts of instants and durations.

use nsdl_ir::{DateTime, Duration, Value};

use crate::Fault;

/// `$datetime(year, month, day, hour?, minute?, second?)`, in UTC. Fails if there is no such time.
pub(crate) fn datetime(args: &[Value]) -> Result<Value, Fault> {
    let part = |index: usize| match args.get(index) {
        Some(value) => value.as_i128().and_then(|it| i64::try_from(it).ok()),
        None => Some(0),
    };
    let small = |index: usize, limit: i64| part(index).filter(|it| (0..limit).contains(it));
    let date = || {
        let date = |index| part(index)?.try_into().ok();
        let midnight = DateTime::from_date(part(0)?.try_into().ok()?, date(1)?, date(2)?)?;
        let seconds = (small(3, 24)? * 60 + small(4, 60)?) * 60 + small(5, 60)?;
        midnight.checked_add(Duration::new(0, seconds * 1_000_000)?)
    };
    date().map(Value::DateTime).ok_or(Fault::Domain)
}

/// A part of the date and time in UTC.
pub(crate) fn part(value: &Value, part: fn(jiff::civil::DateTime) -> i8) -> Result<Value, Fault> {
    let part = u32::try_from(part(civil(value)?));
    part.map(Value::U32).map_err(|_| Fault::Domain)
}

pub(crate) fn year(value: &Value) -> Result<Value, Fault> {
    Ok(Value::I32(civil(value)?.year().into()))
}

fn civil(value: &Value) -> Result<jiff::civil::DateTime, Fault> {
    match value {
        Value::DateTime(instant) => instant.civil().ok_or(Fault::Domain),
        _ => Err(Fault::Domain),
    }
}

/// Years are 12 months.
pub(crate) fn months(value: &Value) -> Result<Value, Fault> {
    Ok(Value::I32(duration(value)?.months))
}

/// Whole units of so many seconds in what is not months, rounded towards zero.
pub(crate) fn units(value: &Value, seconds: i64) -> Result<Value, Fault> {
    Ok(Value::I64(
        duration(value)?.microseconds / (seconds * 1_000_000),
    ))
}

fn duration(value: &Value) -> Result<Duration, Fault> {
    match value {
        Value::Duration(duration) => Ok(*duration),
        _ => Err(Fault::Domain),
    }
}
