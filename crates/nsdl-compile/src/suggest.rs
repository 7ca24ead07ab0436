//! Did-you-mean.

/// After so many errors there are no more suggestions: searching for one looks at all names.
pub(crate) const SUGGESTIONS: usize = 50;

/// The candidate that `name` most probably was meant to be, if any is close enough.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // A third of the letters may differ; longer distances suggest nonsense.
    let limit = (name.chars().count() / 3).max(1);
    candidates
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
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// "did you mean `x`?", if anything is near.
pub(crate) fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(name, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
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
    }
}
