//! Shows mistakes as rustc shows its own.

use std::fmt::Write;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{Diagnostic, Diagnostics};
use crate::Place;

/// Every mistake, one below the other, each ended by a line break.
pub(super) fn render(diagnostics: &Diagnostics, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut shown = String::new();
    for diagnostic in &diagnostics.list {
        shown.push_str(&one(diagnostics, diagnostic, &renderer));
        shown.push_str("\n\n");
    }
    if diagnostics.left_out > 0 {
        let _ = writeln!(shown, "... and {} more", diagnostics.left_out);
    }
    shown.truncate(shown.trim_end().len());
    shown.push('\n');
    shown
}

fn one(file: &Diagnostics, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let primary = AnnotationKind::Primary.span(span(&file.text, diagnostic.place));
    let mut snippet = Snippet::source(file.text.as_str()).path(file.path.as_str()).annotation(primary);
    for (place, label) in &diagnostic.related {
        snippet = snippet.annotation(AnnotationKind::Context.span(span(&file.text, *place)).label(label.as_str()));
    }
    let mut group = Level::ERROR.primary_title(diagnostic.message.as_str()).id(diagnostic.code).element(snippet);
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

/// The bytes to underline: what the place names, on its first line, and never outside of the text or inside a character.
fn span(text: &str, place: Place) -> std::ops::Range<usize> {
    let boundary = |at: usize| (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let start = boundary(place.start);
    let end = boundary(place.end).max(start);
    let first_line = text[start..end].find(['\n', '\r']).map_or(end, |length| start + length);
    start..first_line
}
