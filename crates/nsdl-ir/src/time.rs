//! Instants and durations: their arithmetic, order and printed form.

mod parse;

use std::cmp::Ordering;
use std::fmt;

use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// An instant, in microseconds since 1970-01-01T00:00:00Z; from the year −9999 to 9999-12-30.
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
    /// The instant of a date and a time of day in UTC.
    pub fn from_civil(civil: civil::DateTime) -> Option<DateTime> {
        let instant = civil.to_zoned(TimeZone::UTC).ok()?.timestamp();
        Some(DateTime {
            microseconds: instant.as_microsecond(),
        })
    }

    /// The instant so many microseconds after (before, if negative) 1970; `None` outside of the years −9999 to 9999.
    pub fn from_microseconds(microseconds: i64) -> Option<DateTime> {
        let instant = DateTime { microseconds };
        instant.civil().map(|_| instant)
    }

    /// Midnight UTC of a day of the calendar; `None` if there is no such day.
    pub fn from_date(year: i32, month: u32, day: u32) -> Option<DateTime> {
        let (month, day) = (month.try_into().ok()?, day.try_into().ok()?);
        let date = civil::Date::new(year.try_into().ok()?, month, day).ok()?;
        DateTime::from_civil(date.at(0, 0, 0, 0))
    }

    /// As a date and a time of day in UTC; `None` outside of the years −9999 to 9999.
    pub fn civil(self) -> Option<civil::DateTime> {
        let instant = Timestamp::from_microsecond(self.microseconds).ok()?;
        Some(instant.to_zoned(TimeZone::UTC).datetime())
    }

    /// `self` after `duration`: months first, to the last day of a shorter month. `None` outside of the range.
    pub fn checked_add(self, duration: Duration) -> Option<DateTime> {
        let shifted = self.civil()?.checked_add(duration.months.months()).ok()?;
        let start = DateTime::from_civil(shifted)?.microseconds;
        DateTime::from_microseconds(start.checked_add(duration.microseconds)?)
    }

    /// The time from `earlier` to `self`, without months.
    pub fn since(self, earlier: DateTime) -> Option<Duration> {
        Duration::new(0, self.microseconds.checked_sub(earlier.microseconds)?)
    }
}

impl Duration {
    /// The most months and microseconds that one may have: 19,998 years, what lies between the ends of the calendar.
    const MOST: (u32, u64) = (239_976, 7_304_484 * 86_400_000_000);

    /// `None` if it is longer than 19,998 years.
    pub fn new(months: i32, microseconds: i64) -> Option<Duration> {
        let (most_months, most) = Duration::MOST;
        (months.unsigned_abs() <= most_months && microseconds.unsigned_abs() <= most).then_some(
            Duration {
                months,
                microseconds,
            },
        )
    }

    /// The sum; `None` if it is too long.
    pub fn checked_add(self, other: Duration) -> Option<Duration> {
        Duration::new(
            self.months.checked_add(other.months)?,
            self.microseconds.checked_add(other.microseconds)?,
        )
    }

    /// So many times as long; `None` if that is too long.
    pub fn checked_mul(self, factor: i64) -> Option<Duration> {
        let months = i64::from(self.months).checked_mul(factor)?;
        Duration::new(
            months.try_into().ok()?,
            self.microseconds.checked_mul(factor)?,
        )
    }

    /// The `divisor`-th part, rounded towards zero to microseconds; `None` if a month would have to be split, whose
    /// length nobody knows, and for zero.
    pub fn checked_div(self, divisor: i64) -> Option<Duration> {
        let months = i64::from(self.months);
        if months.checked_rem(divisor)? != 0 {
            return None;
        }
        Duration::new(
            (months / divisor).try_into().ok()?,
            self.microseconds.checked_div(divisor)?,
        )
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

    fn date(text: &str) -> DateTime {
        DateTime::parse(text).unwrap()
    }

    fn duration(text: &str) -> Duration {
        Duration::parse(text).unwrap()
    }

    #[test]
    fn months_end_where_the_month_does() {
        let day = date("2020-01-31");
        let month = duration("1 month 2 hours");
        assert_eq!(day.checked_add(month), Some(date("2020-02-29T02:00:00Z")));
        assert_eq!(day.since(day).unwrap().to_string(), "PT0S");
        assert_eq!(date("9999-12-01").checked_add(duration("1 month")), None);
        assert_eq!(
            DateTime::from_date(2019, 2, 28).unwrap(),
            date("2019-02-28")
        );
        assert_eq!(DateTime::from_date(2019, 2, 29), None);
    }

    #[test]
    fn durations_are_checked() {
        assert_eq!(duration("3 days").checked_mul(4), Some(duration("12 days")));
        assert_eq!(
            duration("1 year").checked_div(4),
            Some(duration("3 months"))
        );
        assert_eq!(duration("1 month").checked_div(2), None);
        assert_eq!(duration("1 day").checked_div(0), None);
        assert_eq!(duration("1 day").checked_mul(i64::MAX), None);
        let longest = Duration::new(239_976, 7_304_484 * 86_400_000_000).unwrap();
        assert_eq!(longest.checked_add(duration("1us")), None);
        assert_eq!(Duration::parse(&longest.to_string()), Some(longest));
        assert!(duration("30 days") < duration("1 month"));
        assert!(duration("1 month") < duration("31 days"));
    }

    #[test]
    fn every_duration_reads_back() {
        for months in [0, 1, -1, 12, -25, 239_976] {
            for microseconds in [
                0,
                1,
                -1,
                86_400_000_000,
                -90_061_500_000,
                631_107_417_599_999_999,
            ] {
                let value = Duration::new(months, microseconds).unwrap();
                assert_eq!(Duration::parse(&value.to_string()), Some(value), "{value}");
            }
        }
    }
}
