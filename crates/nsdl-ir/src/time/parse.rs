//! Dates and durations from text.

use jiff::civil;
use jiff::fmt::{rfc2822, strtime};
use jiff::{Span, Timestamp};

use super::{DateTime, Duration};

impl DateTime {
    /// ISO 8601 (`2020-01-31`, `2020-01-31T10:00:00Z`, `2020-01-31 10:00` with or without an offset), RFC 2822, the
    /// same with slashes (`2020/01/31`), and dates with the month by name (`31 Jan 2020`, `January 31, 2020 10:00 PM`).
    /// What says no offset is in UTC. `None` if it is no date, or one that may be two: `01/02/2020`.
    pub fn parse(text: &str) -> Option<DateTime> {
        let text = text.trim();
        let instant = |instant: Timestamp| DateTime {
            microseconds: instant.as_microsecond(),
        };
        if let Ok(known) = text.parse::<Timestamp>() {
            return Some(instant(known));
        }
        if let Ok(civil) = text.parse::<civil::DateTime>() {
            return DateTime::from_civil(civil);
        }
        if let Ok(known) = rfc2822::parse(text) {
            return Some(instant(known.timestamp()));
        }
        let (date, time) = split(text)?;
        civil_date(&date).and_then(|date| DateTime::from_civil(date.to_datetime(time)))
    }

    /// The two days that a text such as `01/02/2020` may mean, month first and day first.
    pub fn ambiguous(text: &str) -> Option<[String; 2]> {
        let (date, _) = split(text.trim())?;
        match numeric(&date)? {
            [Some(first), Some(second)] if first != second => {
                Some([first.to_string(), second.to_string()])
            }
            _ => None,
        }
    }
}

/// The date and the time of day of a text, without commas; midnight if there is no time.
fn split(text: &str) -> Option<(String, civil::Time)> {
    let text = text.replace(',', " ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let words = match words.as_slice() {
        [words @ .., "UTC" | "GMT" | "Z"] => words,
        words => words,
    };
    // A time has a colon, and perhaps AM or PM behind it.
    let Some(at) = words.iter().position(|word| word.contains(':')) else {
        return Some((words.join(" "), civil::Time::midnight()));
    };
    let (date, time) = (words.get(..at)?.join(" "), words.get(at..)?.join(" "));
    let formats = [
        "%H:%M",
        "%H:%M:%S%.f",
        "%I:%M %p",
        "%I:%M:%S%.f %p",
        "%I:%M%p",
    ];
    let time = formats
        .iter()
        .find_map(|format| strtime::parse(format, &time).ok()?.to_time().ok())?;
    Some((date, time))
}

fn civil_date(text: &str) -> Option<civil::Date> {
    const FORMATS: [&str; 11] = [
        "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y-%b-%d", "%b %d %Y", "%B %d %Y", "%d %b %Y",
        "%d %B %Y", "%d-%b-%Y", "%d-%B-%Y", "%Y-%B-%d",
    ];
    // A year has four digits: `1/2/20` is no day of the year 1.
    let mut numbers = text.split(|c: char| !c.is_ascii_digit());
    if !numbers.any(|number| number.len() == 4) {
        return None;
    }
    let known = FORMATS
        .iter()
        .find_map(|format| strtime::parse(format, text).ok()?.to_date().ok());
    known.or_else(|| match numeric(text)? {
        [Some(first), Some(second)] => (first == second).then_some(first),
        [first, second] => first.or(second),
    })
}

/// `12/31/2020`, month first and day first.
fn numeric(text: &str) -> Option<[Option<civil::Date>; 2]> {
    let mut parts = text.split('/');
    let (first, second) = (parts.next()?, parts.next()?);
    let year = parts.next().filter(|year| year.len() == 4)?;
    let (first, second): (i8, i8) = (first.parse().ok()?, second.parse().ok()?);
    let year = year.parse().ok()?;
    let date = |month, day| civil::Date::new(year, month, day).ok();
    (parts.next().is_none()).then(|| [date(first, second), date(second, first)])
}

impl Duration {
    /// `3 weeks 2 hours`, `1 year 6 months`, `-5 days`, or ISO 8601 `P1M3DT2H`; `None` if it is none. Nanoseconds are
    /// dropped.
    pub fn parse(text: &str) -> Option<Duration> {
        let text = text.trim();
        if let Some((months, rest)) = mixed(text) {
            return Duration::new(
                Duration::parse(&months)?.months,
                Duration::parse(&rest)?.microseconds,
            );
        }
        let span: Span = text.parse().ok()?;
        let months = i32::from(span.get_years())
            .checked_mul(12)?
            .checked_add(span.get_months())?;
        // A day is 24 hours in UTC.
        let days = i128::from(span.get_weeks()) * 7 + i128::from(span.get_days());
        let minutes =
            (days * 24 + i128::from(span.get_hours())) * 60 + i128::from(span.get_minutes());
        let milliseconds = (minutes * 60 + i128::from(span.get_seconds())) * 1000
            + i128::from(span.get_milliseconds());
        let microseconds = milliseconds * 1000
            + i128::from(span.get_microseconds())
            + i128::from(span.get_nanoseconds() / 1000);
        Duration::new(months, microseconds.try_into().ok()?)
    }
}

/// Splits `P1M-3DT-2H` into `P1M` and `-P3DT2H`: signs of parts, as `Display` writes them, all behind the months.
fn mixed(text: &str) -> Option<(String, String)> {
    let (sign, rest) = text.split_once('P')?;
    let (head, tail) = rest.split_once('-')?;
    let (head, prefix) = match head.strip_suffix('T') {
        Some(head) => (head, "PT"),
        None => (head, "P"),
    };
    let other = if sign == "-" { "" } else { "-" };
    Some((
        format!("{sign}P{head}"),
        format!("{other}{prefix}{}", tail.replace('-', "")),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_and_print() {
        for text in [
            "2020-01-31",
            "2020-01-31T02:00:00+02:00",
            "2020-01-31 00:00",
            "2020/01/31",
            "2020/1/31 00:00:00",
            "2020.01.31",
            "2020-Jan-31",
            "Jan 31, 2020",
            "January 31 2020, 12:00 AM",
            "31 Jan 2020",
            "31 January 2020 00:00 UTC",
            "31-Jan-2020",
            "Fri, 31 Jan 2020 02:00:00 +0200",
            "01/31/2020",
            "31/01/2020",
        ] {
            let day = DateTime::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(day.to_string(), "2020-01-31T00:00:00Z", "{text}");
        }
        assert_eq!(
            DateTime::parse("May 6, 2021 9:24:05.5 PM"),
            DateTime::parse("2021-05-06T21:24:05.5Z")
        );
        assert_eq!(DateTime::parse("03/03/2020"), DateTime::parse("2020-03-03"));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "2020-13-01",
            "2020-02-30",
            "10:00",
            "01/02/2020",
            "13/13/2020",
            "1/2/20",
            "today",
            "2020-01-31 25:00",
            "Foo 31 2020",
            ":",
            "/",
            "1511648546",
        ] {
            assert_eq!(DateTime::parse(text), None, "{text}");
        }
        assert_eq!(
            DateTime::ambiguous("01/02/2020 10:00"),
            Some(["2020-01-02".into(), "2020-02-01".into()])
        );
        assert_eq!(DateTime::ambiguous("13/13/2020"), None);
        assert_eq!(DateTime::ambiguous("2020-13-01"), None);
    }

    #[test]
    fn durations_read_and_print() {
        for (text, printed) in [
            ("3 weeks 2 hours", "P21DT2H"),
            ("1.5s", "PT1.5S"),
            ("-12 days", "-P12D"),
            ("12 days", "P12D"),
            ("1 year 6 months", "P1Y6M"),
            ("1 year, 2 days", "P1Y2D"),
            ("2h 30min", "PT2H30M"),
            ("P1M-3DT-2H", "P1M-3DT-2H"),
            ("-P1MT-5S", "-P1MT-5S"),
            ("5ns", "PT0S"),
        ] {
            let value = Duration::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(value.to_string(), printed, "{text}");
        }
        for text in ["", "12", "days", "P", "-P-", "PT-", "1 fortnight", "P-T-"] {
            assert_eq!(Duration::parse(text), None, "{text}");
        }
    }
}
