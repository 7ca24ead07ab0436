//! "Did you mean": the names nearest to a mistyped one.

/// Names of `known` that `name` may be a slip for, best first, at most three.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let limit = (name.chars().count() / 3).max(1);
    let mut found: Vec<(usize, &str)> = known
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|&(distance, _)| distance <= limit)
        .collect();
    found.sort();
    found.dedup();
    found.truncate(3);
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

/// `did you mean `a` or `b`?`, if there is a near name.
pub(crate) fn did_you_mean<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let quoted: Vec<String> = nearest(name, known)
        .into_iter()
        .map(|n| format!("`{n}`"))
        .collect();
    (!quoted.is_empty()).then(|| format!("did you mean {}?", quoted.join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_nothing_far() {
        assert_eq!(nearest("pth", ["edge", "path"]), ["path"]);
        assert_eq!(nearest("Edge", ["edge", "path"]), ["edge"]);
        assert!(nearest("unrelated", ["edge", "path"]).is_empty());
        assert_eq!(
            did_you_mean("egde", ["edge"]).as_deref(),
            Some("did you mean `edge`?")
        );
    }
}
