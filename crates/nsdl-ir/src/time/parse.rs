//! Dates and durations from text.

use jiff::civil;
use jiff::fmt::{rfc2822, strtime};
use jiff::{Span, Timestamp};

use super::{DateTime, Duration};

impl DateTime {
    /// ISO 8601 (`2020-01-31`, `2020-01-31T10:00:00Z`, `2020-01-31 10:00` with or without an offset), RFC 2822, the
    /// same with slashes or points (`2020/01/31`), dates with the month by name (`31 Jan 2020`,
    /// `January 31, 2020 10:00 PM PST`), with Chinese units (`2020年01月31日`), `yymmdd hh:mm:ss`, and Unix time in 10
    /// (seconds), 13 or 19 digits. Of two digits of a year, 69 to 99 are in the 20th century, the rest in the 21st.
    /// What says no offset is in UTC; after it the time is midnight if there is none. Digits beyond microseconds are
    /// dropped. `None` if it is no date, or one that may be two: `01/02/2020`.
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
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number: i64 = text.parse().ok()?;
            return match text.len() {
                10 => DateTime::from_microseconds(number.checked_mul(1_000_000)?),
                13 => DateTime::from_microseconds(number.checked_mul(1_000)?),
                19 => DateTime::from_microseconds(number / 1_000),
                _ => None,
            };
        }
        let Parts { date, time, west } = split(text)?;
        let date = match time {
            Some(_) if date.len() == 6 => known_date(&date, &["%y%m%d"]),
            _ => civil_date(&date),
        };
        let midnight = civil::Time::midnight();
        let local = DateTime::from_civil(date?.to_datetime(time.unwrap_or(midnight)))?;
        DateTime::from_microseconds(local.microseconds + i64::from(west) * 60_000_000)
    }

    /// The two days that a text such as `01/02/2020` may mean, month first and day first.
    pub fn ambiguous(text: &str) -> Option<[String; 2]> {
        match numeric(&split(text.trim())?.date)? {
            [Some(first), Some(second)] if first != second => {
                Some([first.to_string(), second.to_string()])
            }
            _ => None,
        }
    }
}

/// A text taken apart.
struct Parts {
    /// Without commas.
    date: String,
    time: Option<civil::Time>,
    /// Minutes that it is behind UTC.
    west: i32,
}

/// The date, the time of day and the offset of a text.
fn split(text: &str) -> Option<Parts> {
    // `2014年04月08日11时25分18秒`, with blanks for its units.
    let text: String = match text.contains('年') {
        true => text
            .replace(['年', '月'], "-")
            .replace('日', " ")
            .replace(['时', '分'], ":")
            .replace('秒', ""),
        false => text.replace(',', " "),
    };
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let mut west = 0;
    if let Some(last) = words.pop() {
        // The offset may stand behind the time, or by itself.
        let at = match last.find(['+', ':']) {
            _ if words.is_empty() && !last.contains('+') => None,
            _ if last.starts_with(['+', '-']) || is_zone(last) => Some(0),
            Some(at) if last[at..].starts_with('+') => Some(at),
            Some(colon) => last.rfind(['+', '-']).filter(|at| *at > colon),
            None => None,
        };
        let (rest, zone) = last.split_at(at.unwrap_or(last.len()));
        if !zone.is_empty() {
            west = behind(zone)?;
        }
        words.extend((!rest.is_empty()).then_some(rest));
    }
    // A time has a colon, and perhaps AM or PM behind it.
    let Some(at) = words.iter().position(|word| word.contains(':')) else {
        let date = words.join(" ");
        return Some(Parts {
            date,
            time: None,
            west,
        });
    };
    let (date, time) = (words.get(..at)?.join(" "), words.get(at..)?.join(" "));
    let date = date.strip_suffix(" at").unwrap_or(&date).to_owned();
    let formats = [
        "%H:%M",
        "%H:%M:%S%.f",
        "%I:%M %p",
        "%I:%M:%S%.f %p",
        "%I:%M%p",
        "%I:%M:%S%.f%p",
    ];
    let time = formats
        .iter()
        .find_map(|format| strtime::parse(format, &time).ok()?.to_time().ok())?;
    Some(Parts {
        date,
        time: Some(time),
        west,
    })
}

const ZONES: [(&str, i32); 12] = [
    ("Z", 0),
    ("UT", 0),
    ("UTC", 0),
    ("GMT", 0),
    ("EDT", 4),
    ("EST", 5),
    ("CDT", 5),
    ("CST", 6),
    ("MDT", 6),
    ("MST", 7),
    ("PDT", 7),
    ("PST", 8),
];

fn is_zone(word: &str) -> bool {
    ZONES.iter().any(|(name, _)| *name == word)
}

/// How many minutes a zone is behind UTC: one of RFC 2822, or `+hh`, `+hhmm`, `+hh:mm`.
fn behind(zone: &str) -> Option<i32> {
    if let Some((_, hours)) = ZONES.iter().find(|(name, _)| *name == zone) {
        return Some(hours * 60);
    }
    let (sign, digits) = match zone.strip_prefix('+') {
        Some(digits) => (-1, digits.replace(':', "")),
        None => (1, zone.strip_prefix('-')?.replace(':', "")),
    };
    let number: i32 = match digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => digits.parse().ok()?,
        false => return None,
    };
    let (hours, minutes) = match digits.len() {
        2 => (number, 0),
        4 => (number / 100, number % 100),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn known_date(text: &str, formats: &[&str]) -> Option<civil::Date> {
    let mut dates = formats
        .iter()
        .map(|format| strtime::parse(format, text).ok()?.to_date().ok());
    dates.find_map(|date| date)
}

fn civil_date(text: &str) -> Option<civil::Date> {
    const FORMATS: [&str; 11] = [
        "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y-%b-%d", "%b %d %Y", "%B %d %Y", "%d %b %Y",
        "%d %B %Y", "%d-%b-%Y", "%d-%B-%Y", "%Y-%B-%d",
    ];
    const SHORT: [&str; 4] = ["%b %d %y", "%B %d %y", "%d %b %y", "%d %B %y"];
    // `oct. 7 1970`
    let text = text.replace(". ", " ");
    // A year has four digits, or the month has a name: `1-2-20` is no day of the year 1.
    let mut numbers = text.split(|c: char| !c.is_ascii_digit());
    let known = match numbers.any(|number| number.len() == 4) {
        true => known_date(&text, &FORMATS),
        false => known_date(&text, &SHORT),
    };
    known.or_else(|| match numeric(&text)? {
        [Some(first), Some(second)] => (first == second).then_some(first),
        [first, second] => first.or(second),
    })
}

/// `12/31/2020`, `12.31.2020`, `12/31/71`: month first and day first.
fn numeric(text: &str) -> Option<[Option<civil::Date>; 2]> {
    let mut parts = text.split(['/', '.']);
    let (first, second) = (parts.next()?, parts.next()?);
    let year = parts.next()?;
    let year: i16 = match (year.len(), year.parse().ok()?) {
        (2, year @ 0..69) => 2000 + year,
        (2, year) => 1900 + year,
        (4, year) => year,
        _ => return None,
    };
    let (first, second): (i8, i8) = (first.parse().ok()?, second.parse().ok()?);
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
            "01.31.2020",
            "31.01.20",
            "jan. 31, 2020",
            "31 jan 20",
            "Jan 31 2020 at 12:00 AM",
            "January 30, 2020, 4:00 PM PST",
            "2020-01-31 00:00:00.000000000 +0000",
            "2020-01-31+00:00",
            "2020-01-31 UTC",
            "200131 00:00:00",
            "2020年01月31日",
            "2020年01月31日00时00分00秒",
            "1580428800",
            "1580428800000",
        ] {
            let day = DateTime::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(day.to_string(), "2020-01-31T00:00:00Z", "{text}");
        }
        assert_eq!(
            DateTime::parse("May 6, 2021 9:24:05.5 PM"),
            DateTime::parse("2021-05-06T21:24:05.5Z")
        );
        assert_eq!(
            DateTime::parse("2021-02-21 PST"),
            DateTime::parse("2021-02-21T08:00:00Z")
        );
        assert_eq!(DateTime::parse("7 oct 70"), DateTime::parse("1970-10-07"));
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
            "15116485460",
            "May 6 at 9:24 PM",
            "4:00pm",
            "2020-01-31 +99:00",
            "2020-01-31 XST",
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
