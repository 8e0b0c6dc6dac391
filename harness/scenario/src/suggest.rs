//! "Did you mean": the nearest of several words.

/// The candidate that is nearest to `word`, if one is near enough to be meant by it.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    if length > 64 {
        return None;
    }
    let scored = candidates.into_iter().map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate));
    let (distance, candidate) = scored.min_by_key(|&(distance, _)| distance)?;
    let tolerated = (length.max(candidate.chars().count()) / 3).max(1);
    (distance <= tolerated).then_some(candidate)
}

/// `did you mean ...?` if a candidate is near, or else the list of all of them.
pub(crate) fn hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    match nearest(word, candidates.iter().copied()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => one_of(&candidates),
    }
}

/// The candidates as prose: `a`, `b` or `c`.
pub(crate) fn one_of(candidates: &[&str]) -> String {
    match candidates {
        [] => "nothing can stand here".to_owned(),
        [only] => format!("only `{only}` can stand here"),
        [firsts @ .., last] => {
            let firsts: Vec<String> = firsts.iter().map(|first| format!("`{first}`")).collect();
            format!("one of {} or `{last}`", firsts.join(", "))
        }
    }
}

/// The number of single-character insertions, deletions, replacements and swaps of neighbours between two words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{hint, nearest};

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_is_not() {
        let words = ["traffic", "fault", "heal", "expect"];
        assert_eq!(nearest("trafic", words), Some("traffic"));
        assert_eq!(nearest("Fualt", words), Some("fault"));
        assert_eq!(nearest("frobnicate", words), None);
        assert_eq!(hint("frobnicate", ["on", "kind"]), "one of `on` or `kind`");
        assert_eq!(nearest(&"x".repeat(100_000), words), None);
    }
}
