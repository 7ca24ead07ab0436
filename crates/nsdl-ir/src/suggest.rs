//! Did-you-mean.

/// After so many errors there are no more suggestions: searching for one looks at all names.
pub const SUGGESTIONS: usize = 50;

/// Names that `name` may be a slip for, best first, at most three.
fn near<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    // A third of the letters may differ; longer distances suggest nonsense.
    let limit = (name.chars().count() / 3).max(1);
    let mut found: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter(|candidate| *candidate != name && candidate.len().abs_diff(name.len()) <= 4 * limit)
        .map(|candidate| {
            let same_but_case = candidate.eq_ignore_ascii_case(name);
            let distance = if same_but_case {
                0
            } else {
                strsim::damerau_levenshtein(name, candidate)
            };
            (distance, candidate)
        })
        // Something must be the same: every letter is near every other.
        .filter(|(distance, candidate)| {
            *distance <= limit && *distance < name.chars().count().max(candidate.chars().count())
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found.truncate(3);
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

/// The candidate that `name` most probably was meant to be, if any is close enough.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    near(name, candidates).first().copied()
}

/// "did you mean `x` or `y`?", if anything is near. Costs one look at each candidate.
pub fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let names = near(name, candidates);
    let quoted: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    (!quoted.is_empty()).then(|| format!("did you mean {}?", quoted.join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        assert_eq!(nearest("edgee", ["node", "edge"]), Some("edge"));
        assert_eq!(nearest("Edge", ["edge"]), Some("edge"));
        assert_eq!(nearest("x", ["path", "xy"]), Some("xy"));
        assert_eq!(nearest("banana", ["edge", "node"]), None);
        assert_eq!(nearest("b", ["a", "c"]), None);
        assert_eq!(
            did_you_mean("egde", ["edge", "edges", "node"]).as_deref(),
            Some("did you mean `edge`?")
        );
    }
}
