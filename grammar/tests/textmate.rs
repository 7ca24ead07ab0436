//! The TextMate grammar has a colour for every word of the corpus.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic, in its helpers too.

mod common;

use fancy_regex::Regex;
use serde_json::Value;

/// A pattern, read from the grammar.
enum Rule {
    Match(Regex),
    /// From the first to the second.
    Span(Regex, Regex, Vec<Rule>),
}

fn rules(patterns: &Value, repository: &Value) -> Vec<Rule> {
    let mut all = Vec::new();
    for pattern in patterns.as_array().unwrap() {
        let regex = |key: &str| Some(Regex::new(pattern.get(key)?.as_str()?).unwrap());
        if let Some(name) = pattern.get("include").and_then(Value::as_str) {
            all.extend(rules(
                &repository[name.trim_start_matches('#')]["patterns"],
                repository,
            ));
        } else if let (Some(begin), Some(end)) = (regex("begin"), regex("end")) {
            let inside = pattern
                .get("patterns")
                .map(|inside| rules(inside, repository));
            all.push(Rule::Span(begin, end, inside.unwrap_or_default()));
        } else {
            all.push(Rule::Match(regex("match").unwrap()));
        }
    }
    all
}

/// The first match at or after `at`, as the byte where it begins and the one where it ends.
fn next(regex: &Regex, text: &str, at: usize) -> Option<(usize, usize)> {
    let found = regex.find_from_pos(text, at).unwrap()?;
    Some((found.start(), found.end()))
}

/// What no rule covers, white space aside: the first such piece.
fn uncovered(text: &str, rules: &[Rule]) -> Option<String> {
    let mut at = 0;
    while at < text.len() {
        let starts = rules.iter().enumerate().filter_map(|(index, rule)| {
            let (Rule::Match(regex) | Rule::Span(regex, ..)) = rule;
            next(regex, text, at).map(|(start, end)| (start, index, end))
        });
        let Some((start, index, mut end)) = starts.min() else {
            return Some(text[at..].trim().to_owned()).filter(|rest| !rest.is_empty());
        };
        if !text[at..start].trim().is_empty() {
            return Some(text[at..start].trim().to_owned());
        }
        if let Rule::Span(_, close, inside) = &rules[index] {
            loop {
                let (close_start, close_end) = next(close, text, end)?;
                let escapes = inside.iter().filter_map(|rule| match rule {
                    Rule::Match(regex) => next(regex, text, end),
                    Rule::Span(..) => None,
                });
                match escapes.min() {
                    Some((start, escape_end)) if start < close_start => end = escape_end,
                    _ => {
                        end = close_end;
                        break;
                    }
                }
            }
        }
        at = end.max(start + 1);
    }
    None
}

#[test]
fn every_word_has_a_colour() {
    let grammar: Value = serde_json::from_str(include_str!("../nsdl.tmLanguage.json")).unwrap();
    // As an editor does, `$` ends a line.
    let mut rules = rules(&grammar["patterns"], &grammar["repository"]);
    if let Some(Rule::Match(line_comment)) = rules.first_mut() {
        *line_comment = Regex::new("//[^\n]*").unwrap();
    }
    let faults: Vec<String> = common::programs()
        .iter()
        .filter_map(|(path, text)| {
            Some(format!("{}: {}", path.display(), uncovered(text, &rules)?))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(uncovered("rel a = § 1", &rules).as_deref(), Some("§"));
}
