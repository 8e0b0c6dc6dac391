//! What is wrong in a manifest or template, and where: the file, line and column, the line itself, and a caret.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// A mistake in a manifest or a template, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as it was named, or the shipped file's path.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What is wrong, in one line.
    pub message: String,
    rendered: String,
}

impl Diagnostic {
    /// Describes a mistake at a range of bytes of the text; a range beyond the text points at its end.
    pub(crate) fn new(file: &str, text: &str, at: Range<usize>, message: &str, help: Option<&str>) -> Diagnostic {
        let start = (0..=at.start.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
        let line_end = text[start..].find('\n').map_or(text.len(), |length| start + length);
        let end = (start..=at.end.clamp(start, line_end)).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let snippet = Snippet::source(text).path(file).fold(true).annotation(AnnotationKind::Primary.span(start..end));
        let mut group = Level::ERROR.primary_title(message).element(snippet);
        if let Some(help) = help {
            group = group.element(Level::HELP.message(help));
        }
        Diagnostic {
            file: file.to_owned(),
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            message: message.to_owned(),
            rendered: Renderer::plain().render(&[group]),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rendered)
    }
}

/// The candidate that the author most likely meant, if one is close enough.
pub(crate) fn did_you_mean<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (wrong.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(wrong, candidate), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, substitutions and swaps of neighbours between two texts (Damerau and Levenshtein).
fn edit_distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut before = vec![0; right.len() + 1];
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for i in 0..left.len() {
        let mut row = vec![i + 1; right.len() + 1];
        for j in 0..right.len() {
            let substituted = above[j] + usize::from(left[i] != right[j]);
            row[j + 1] = substituted.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && left[i] == right[j - 1] && left[i - 1] == right[j] {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::{Diagnostic, did_you_mean};

    #[test]
    fn a_near_miss_has_a_suggestion_and_a_far_one_none() {
        let keys = ["reload", "ready", "start"];
        assert_eq!(did_you_mean("relaod", keys), Some("reload"));
        assert_eq!(did_you_mean("strat", keys), Some("start"));
        assert_eq!(did_you_mean("", keys), None);
        assert_eq!(did_you_mean("image", keys), None);
    }

    #[test]
    fn a_place_counts_characters_and_survives_any_range() {
        let text = "a: é\nb: \"é\" x\n";
        let wrong = Diagnostic::new("m.yaml", text, 14..15, "no", None);
        assert_eq!((wrong.line, wrong.column), (2, 8));
        for start in 0..20 {
            for end in 0..20 {
                let _ = Diagnostic::new("m.yaml", text, start..end, "no", None).to_string();
            }
        }
    }
}
