//! Programs, damaged a little.

use crate::corpus::Case;
use crate::random::Random;

/// Bits of programs, and what is near their limits.
const PIECES: [&str; 64] = [
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    ",",
    ";",
    ":",
    "::",
    ":=",
    ":-",
    "=",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    "<:",
    "+",
    "-",
    "*",
    "/",
    "%",
    "&&",
    "||",
    "!",
    "~",
    "^",
    "..",
    "..=",
    "?",
    "@",
    "$",
    "_",
    "\"",
    "'",
    "\\",
    "é",
    "/*",
    "*/",
    "//",
    "0.5::",
    "9999999999",
    "-1",
    "0",
    "1.5",
    "1u8",
    "2.0f64",
    "'c'",
    "s\"r\"",
    "t\"2020-01-01\"",
    "true",
    "not ",
    " or ",
    " and ",
    " implies ",
    " in ",
    " as ",
    " where ",
    "rel ",
    "type ",
    "query ",
    "\u{85}",
];

/// Tokens in any order.
pub fn soup(random: &mut Random) -> String {
    let mut text = String::new();
    for _ in 0..random.range(0, 40) {
        text.push_str(random.pick::<&str>(&PIECES));
        text.push_str(random.pick::<&str>(&["", " ", " ", "\n", "x", "p", "1"]));
    }
    text
}

/// A few characters or lines removed, repeated, or taken from another program.
pub fn characters(text: &str, corpus: &[Case], random: &mut Random) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..random.range(1, 3) {
        let at = random.below(chars.len().max(1)).min(chars.len());
        match random.below(5) {
            0 => {
                let end = (at + random.range(1, 8)).min(chars.len());
                chars.drain(at..end);
            }
            1 => {
                let piece = random.pick(&PIECES).chars();
                chars.splice(at..at, piece);
            }
            2 => {
                let end = (at + random.range(1, 12)).min(chars.len());
                let copy: Vec<char> = chars[at..end].to_vec();
                let to = random.below(chars.len().max(1)).min(chars.len());
                chars.splice(to..to, copy);
            }
            3 => {
                let line = format!("\n{}\n", line(corpus, random));
                chars.splice(at..at, line.chars());
            }
            _ => {
                let letters: Vec<usize> = (0..chars.len())
                    .filter(|&at| chars[at].is_ascii_alphanumeric())
                    .collect();
                if !letters.is_empty() {
                    let (a, b) = (*random.pick(&letters), *random.pick(&letters));
                    chars[a] = chars[b];
                }
            }
        }
    }
    chars.into_iter().collect()
}

/// Tokens removed, repeated, exchanged or put in.
pub fn tokens(text: &str, corpus: &[Case], random: &mut Random) -> String {
    let mut tokens = split(text);
    for _ in 0..random.range(1, 4) {
        let at = random.below(tokens.len().max(1)).min(tokens.len());
        let other = random.below(tokens.len().max(1)).min(tokens.len());
        match random.below(6) {
            0 => drop(tokens.drain(at..(at + random.range(1, 3)).min(tokens.len()))),
            1 => tokens.insert(at, format!(" {} ", random.pick(&PIECES))),
            2 => {
                let end = (at + random.range(1, 12)).min(tokens.len());
                let copy = tokens[at..end].to_vec();
                drop(tokens.splice(other..other, copy));
            }
            3 if at < tokens.len() && other < tokens.len() => tokens.swap(at, other),
            4 => tokens.insert(at, format!("\n{}\n", line(corpus, random))),
            _ => {
                let depth = *random.pick(&[1, 2, 3, 50, 3_000]);
                let (open, close) =
                    *random.pick(&[("(", ")"), ("-", ""), ("not ", ""), ("[", "]")]);
                let end = (at + random.range(1, 4)).min(tokens.len());
                tokens.insert(end, close.repeat(depth));
                tokens.insert(at, open.repeat(depth));
            }
        }
    }
    tokens.concat()
}

/// Words exchanged for others of their kind (names, numbers, texts, operators), and lines dropped, repeated or
/// taken from other programs: what comes out most often is a program.
pub fn words(text: &str, corpus: &[Case], random: &mut Random) -> String {
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| !line.starts_with("//"))
        .map(str::to_owned)
        .collect();
    for _ in 0..random.range(0, 2) {
        let at = random.below(lines.len().max(1));
        match random.below(3) {
            0 if at < lines.len() => drop(lines.remove(at)),
            1 if at < lines.len() => lines.insert(at, lines[at].clone()),
            _ => lines.insert(at.min(lines.len()), line(corpus, random)),
        }
    }
    let mut tokens = split(&lines.join("\n"));
    for _ in 0..random.range(1, 3) {
        if tokens.is_empty() {
            break;
        }
        let at = random.below(tokens.len());
        let class = kind(&tokens[at]);
        let same: Vec<String> = tokens
            .iter()
            .filter(|it| kind(it) == class)
            .cloned()
            .collect();
        const NUMBERS: [&str; 12] = [
            "0",
            "1",
            "2",
            "3",
            "-1",
            "255",
            "2147483647",
            "0.5",
            "1.0",
            "1e30",
            "7u8",
            "9223372036854775807",
        ];
        const TYPES: [&str; 10] = [
            "i32", "u8", "i128", "usize", "f32", "f64", "bool", "char", "String", "Symbol",
        ];
        const OPERATORS: [&str; 16] = [
            "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "^", "=", "::",
        ];
        tokens[at] = match (class, random.below(4)) {
            (Kind::Number, 0 | 1) => (*random.pick(&NUMBERS)).into(),
            (Kind::Name, 0) if TYPES.contains(&tokens[at].as_str()) => {
                (*random.pick(&TYPES)).into()
            }
            (Kind::Sign, 0) if OPERATORS.contains(&tokens[at].as_str()) => {
                (*random.pick(&OPERATORS)).into()
            }
            _ => random.pick(&same).clone(),
        };
    }
    tokens.concat()
}

/// A line of some program.
fn line(corpus: &[Case], random: &mut Random) -> String {
    let text = &random.pick(corpus).text;
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("//"))
        .collect();
    match lines.is_empty() {
        true => String::new(),
        false => (*random.pick(&lines)).to_owned(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Name,
    Number,
    Text,
    Space,
    Sign,
}

fn kind(token: &str) -> Kind {
    match token.chars().next() {
        Some(c) if c.is_alphabetic() || c == '_' => Kind::Name,
        Some(c) if c.is_ascii_digit() => Kind::Number,
        Some('"' | '\'') => Kind::Text,
        Some(c) if c.is_whitespace() => Kind::Space,
        _ => Kind::Sign,
    }
}

/// Roughly the tokens of a text: names, numbers, texts, white space, signs of one or two characters.
fn split(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(first) = chars.next() {
        let mut token = String::from(first);
        let mut take = |token: &mut String, accept: &dyn Fn(char) -> bool| {
            while let Some(c) = chars.next_if(|c| accept(*c)) {
                token.push(c);
            }
        };
        match first {
            c if c.is_alphabetic() || c == '_' => {
                take(&mut token, &|c| c.is_alphanumeric() || c == '_')
            }
            c if c.is_ascii_digit() => take(&mut token, &|c| c.is_ascii_alphanumeric()),
            c if c.is_whitespace() => take(&mut token, &char::is_whitespace),
            '"' => {
                take(&mut token, &|c| c != '"' && c != '\n');
                token.extend(chars.next_if(|c| *c == '"'));
            }
            c => {
                const PAIRS: [&str; 11] = [
                    "::", ":=", ":-", "==", "!=", "<=", ">=", "&&", "||", "..", "=>",
                ];
                let pair = |next: &char| PAIRS.contains(&format!("{c}{next}").as_str());
                token.extend(chars.next_if(pair));
            }
        }
        tokens.push(token);
    }
    tokens
}
