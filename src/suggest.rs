//! "Did you mean …?": the nearest of the names there are.

/// How many bytes must be inserted, removed or replaced to turn one text into the other (Levenshtein).
pub fn edit_distance(a: &str, b: &str) -> usize {
    strsim::generic_levenshtein(&a.as_bytes().to_vec(), &b.as_bytes().to_vec())
}

/// The candidate that `wrong` was most likely meant to be, letter case and `_` aside; the first in order of several
/// that are equally near. None if all are too far away: half the length of `wrong` or more (specification, 3.5).
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let fold = |text: &str| text.to_lowercase().replace('_', "");
    let wrong = fold(wrong);
    let limit = wrong.len().div_ceil(2);
    let scored = candidates
        .into_iter()
        .map(|candidate| (edit_distance(&fold(candidate), &wrong), candidate));
    scored
        .filter(|(distance, _)| *distance < limit)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested() {
        let cases: [(&str, &[&str], Option<&str>); 6] = [
            ("pasword", &["password", "user"], Some("password")),
            ("nu_m", &["num"], Some("num")),
            ("delta", &["alpha", "beta"], Some("beta")),
            ("alfa", &["alpha"], None),
            ("HOST", &["host"], Some("host")),
            ("x", &["a", "b"], None),
        ];
        for (wrong, candidates, expected) in cases {
            assert_eq!(
                nearest(wrong, candidates.iter().copied()),
                expected,
                "{wrong}"
            );
        }
    }
}
