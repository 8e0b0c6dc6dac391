//! The line of the scenario that a check is about, shown with a caret.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use lblab_scenario::{Place, Plan};

use crate::Style;

/// The place in the plan's text, with a label beside it. A place that is not in the text, as an edited history may have it,
/// shows as `path:line:column` only.
pub(crate) fn render(plan: &Plan, place: Place, label: &str, style: Style) -> String {
    let path = style.safe(&plan.path);
    let Some(first_line) = plan.text.get(place.start..place.end).and_then(|text| text.lines().next()) else {
        return format!("--> {path}:{}:{}", place.line, place.column);
    };
    // A step may go over many lines; its first one says what it is.
    let span = place.start..place.start + first_line.trim_end().len();
    let label = style.safe(label);
    let snippet = Snippet::source(plan.text.as_str())
        .path(path.as_str())
        .annotation(AnnotationKind::Primary.span(span).label(label.as_str()));
    let renderer = if style.colour { Renderer::styled() } else { Renderer::plain() };
    let decor = if style.unicode { DecorStyle::Unicode } else { DecorStyle::Ascii };
    let text = renderer.decor_style(decor).render(&[Group::with_level(Level::ERROR).element(snippet)]);
    // The renderer shows control characters of the source as symbols; its own escape sequences are the colours.
    if style.colour { text } else { style.safe(&text) }
}
