//! What stands after `--`: values for the `@cmd_arg` of a program.

use nsdl::{Argument, Type};

/// Names and values, in order: `-n 5`, `--num 5`, `--num=5`; a `bool` may stand alone, which means true.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn parse(words: &[String], known: &[Argument]) -> Result<Vec<(String, String)>, String> {
    let mut values = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        let named = |name: &Option<String>| name.as_deref() == Some(flag);
        let Some(argument) = known.iter().find(|it| named(&it.short) || named(&it.long)) else {
            return Err(unknown(word, known));
        };
        let value = match value {
            Some(value) => value,
            None if argument.ty == Type::Bool => {
                let given = words.next_if(|next| matches!(next.as_str(), "true" | "false"));
                given.map_or_else(|| "true".to_owned(), String::clone)
            }
            None => match words.next() {
                Some(value) => value.clone(),
                None => return Err(format!("{flag} needs a value of type {}", argument.ty)),
            },
        };
        values.push((argument.name.clone(), value));
    }
    Ok(values)
}

fn unknown(word: &str, known: &[Argument]) -> String {
    let mut text = format!("the program has no argument `{word}`");
    if known.is_empty() {
        return text + "; it declares none by @cmd_arg";
    }
    text.push_str("; it has:");
    for argument in known {
        let flags = [&argument.short, &argument.long];
        let flags: Vec<&str> = flags.into_iter().flatten().map(String::as_str).collect();
        text.push_str(&format!("\n  {} <{}>", flags.join(", "), argument.ty));
        if let Some(default) = &argument.default {
            text.push_str(&format!("  (default {default})"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use nsdl::Session;

    use super::*;

    fn parsed(words: &[&str]) -> Result<Vec<(String, String)>, String> {
        let mut session = Session::new();
        let program = "@cmd_arg(\"-n\", long=\"--num\", default=0) type n(i32)
                       @cmd_arg(\"-v\") type verbose(bool)";
        session.add_program("test.dl", program).unwrap();
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        parse(&words, session.arguments())
    }

    #[test]
    fn flags_have_values() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(parsed(&["-n", "-5"]), Ok(vec![pair("num", "-5")]));
        assert_eq!(parsed(&["--num=5"]), Ok(vec![pair("num", "5")]));
        assert_eq!(
            parsed(&["-v", "--num", "7"]),
            Ok(vec![pair("v", "true"), pair("num", "7")])
        );
        assert_eq!(parsed(&["-v", "false"]), Ok(vec![pair("v", "false")]));
    }

    #[test]
    fn unknown_flags_list_those_there_are() {
        let message = parsed(&["--nmu", "5"]).unwrap_err();
        assert!(
            message.contains("-n, --num <i32>  (default 0)"),
            "{message}"
        );
        assert!(parsed(&["--num"]).unwrap_err().contains("needs a value"));
        assert!(parsed(&["7"]).is_err());
    }
}
