//! Instants and durations.

use std::cmp::Ordering;
use std::fmt;

use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, Unit};

/// An instant, in microseconds since 1970-01-01T00:00:00Z; of the years −9999 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    /// May be negative.
    pub microseconds: i64,
}

/// A length of time: months, whose length depends on where they are added, and microseconds.
///
/// Ordered by length, a month counting as 1/12 of 365.2425 days, then by months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Duration {
    /// Years are 12 of them.
    pub months: i32,
    /// Weeks, days and all smaller units.
    pub microseconds: i64,
}

/// 1/12 of 365.2425 days.
const MONTH: i128 = 2_629_746_000_000;

impl DateTime {
    /// `2020-01-01T10:00:00Z`, with any offset, or `2020-01-01 10:00` or `2020-01-01` in UTC; `None` if it is no date.
    pub fn parse(text: &str) -> Option<DateTime> {
        let text = text.trim();
        let instant = text.parse::<Timestamp>().ok().or_else(|| {
            let civil = text.parse::<civil::DateTime>().ok()?;
            Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
        })?;
        Some(DateTime {
            microseconds: instant.as_microsecond(),
        })
    }

    /// As a date and a time of day in UTC; `None` outside of the years −9999 to 9999.
    pub fn civil(self) -> Option<civil::DateTime> {
        let instant = Timestamp::from_microsecond(self.microseconds).ok()?;
        Some(instant.to_zoned(TimeZone::UTC).datetime())
    }

    /// `self` after `duration`: months first, to the last day of a shorter month. `None` outside of the range.
    pub fn add(self, duration: Duration) -> Option<DateTime> {
        let shifted = self.civil()?.checked_add(duration.months.months()).ok()?;
        let instant = shifted.to_zoned(TimeZone::UTC).ok()?.timestamp();
        let microseconds = instant
            .as_microsecond()
            .checked_add(duration.microseconds)?;
        let sum = DateTime { microseconds };
        sum.civil().map(|_| sum)
    }

    /// The time from `earlier` to `self`, without months.
    pub fn since(self, earlier: DateTime) -> Option<Duration> {
        Some(Duration {
            months: 0,
            microseconds: self.microseconds.checked_sub(earlier.microseconds)?,
        })
    }
}

impl Duration {
    /// `3 weeks 2 hours`, `1 year 6 months`, `-5 days`, or ISO 8601 `P1M3DT2H`; `None` if it is none.
    pub fn parse(text: &str) -> Option<Duration> {
        let text = text.trim();
        // Signs of parts, as ISO 8601-2 has them and `Display` writes them: all behind the months.
        if let Some((months, rest)) = text.split_once('P').and_then(|(sign, _)| {
            let (head, tail) = text.get(sign.len()..)?.split_once('-')?;
            let (head, prefix) = match head.strip_suffix('T') {
                Some(head) => (head, "PT"),
                None => (head, "P"),
            };
            let rest = format!("{prefix}{}", tail.replace('-', ""));
            Some((
                format!("{sign}{head}"),
                if sign == "-" {
                    rest
                } else {
                    format!("-{rest}")
                },
            ))
        }) {
            return Some(Duration {
                months: Duration::parse(&months)?.months,
                microseconds: Duration::parse(&rest)?.microseconds,
            });
        }
        let span: Span = text.parse().ok()?;
        let months = i32::from(span.get_years())
            .checked_mul(12)?
            .checked_add(span.get_months())?;
        let rest = span.years(0).months(0);
        // A day is 24 hours in UTC.
        let rest = rest
            .total(jiff::SpanTotal::from(Unit::Microsecond).days_are_24_hours())
            .ok()?;
        Some(Duration {
            months,
            microseconds: (rest.abs() < 9e18).then_some(rest as i64)?,
        })
    }

    fn length(self) -> i128 {
        i128::from(self.months) * MONTH + i128::from(self.microseconds)
    }
}

impl Ord for Duration {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |it: &Self| (it.length(), it.months);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Duration {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// RFC 3339.
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_microsecond(self.microseconds) {
            Ok(instant) => write!(f, "{instant}"),
            Err(_) => write!(f, "{} µs", self.microseconds),
        }
    }
}

/// ISO 8601.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SECOND: u64 = 1_000_000;
        let negative = self.months < 0 || self.months == 0 && self.microseconds < 0;
        // One sign for all: of a mixed duration the parts of the other sign carry their own.
        let sign = if negative { -1i128 } else { 1 };
        let months = i128::from(self.months) * sign;
        let microseconds = i128::from(self.microseconds) * sign;
        let inner = if microseconds < 0 { "-" } else { "" };
        let magnitude = microseconds.unsigned_abs() as u64;
        let days = magnitude / (86_400 * SECOND);
        let (hours, minutes) = (
            magnitude / (3_600 * SECOND) % 24,
            magnitude / (60 * SECOND) % 60,
        );
        let (seconds, fraction) = (magnitude / SECOND % 60, magnitude % SECOND);
        f.write_str(if negative { "-P" } else { "P" })?;
        for (number, unit) in [(months / 12, 'Y'), (months % 12, 'M')] {
            if number != 0 {
                write!(f, "{number}{unit}")?;
            }
        }
        if days != 0 {
            write!(f, "{inner}{days}D")?;
        }
        if hours != 0 || minutes != 0 || seconds != 0 || fraction != 0 {
            f.write_str("T")?;
        }
        for (number, unit) in [(hours, 'H'), (minutes, 'M')] {
            if number != 0 {
                write!(f, "{inner}{number}{unit}")?;
            }
        }
        if fraction != 0 {
            let digits = format!("{fraction:06}");
            write!(f, "{inner}{seconds}.{}S", digits.trim_end_matches('0'))?;
        } else if seconds != 0 {
            write!(f, "{inner}{seconds}S")?;
        }
        if self.months == 0 && self.microseconds == 0 {
            f.write_str("T0S")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_and_print() {
        let day = DateTime::parse("2020-01-31").unwrap();
        assert_eq!(day.to_string(), "2020-01-31T00:00:00Z");
        assert_eq!(DateTime::parse("2020-01-31T02:00:00+02:00"), Some(day));
        let month = Duration::parse("1 month 2 hours").unwrap();
        assert_eq!(month.to_string(), "P1MT2H");
        assert_eq!(day.add(month).unwrap().to_string(), "2020-02-29T02:00:00Z");
        assert_eq!(DateTime::parse("2020-13-01"), None);
        assert_eq!(day.since(day).unwrap().to_string(), "PT0S");
        assert_eq!(
            Duration::parse("3 weeks 2 hours").unwrap().to_string(),
            "P21DT2H"
        );
        assert_eq!(Duration::parse("1.5s").unwrap().to_string(), "PT1.5S");
        assert_eq!(Duration::parse("-12 days").unwrap().to_string(), "-P12D");
    }
}
