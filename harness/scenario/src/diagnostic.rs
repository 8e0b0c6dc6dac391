//! What is wrong with a scenario, where, and what to do about it.

mod render;

use std::fmt;

use crate::Place;

/// One mistake in a scenario.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Diagnostic {
    /// The kind of mistake: a short word that does not change, such as `unknown-member`.
    pub code: &'static str,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// Where it is.
    pub place: Place,
    /// Other places that explain it, each with what stands there.
    pub related: Vec<(Place, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.place.line
    }

    /// The column in characters, from 1.
    pub fn column(&self) -> usize {
        self.place.column
    }

    pub(crate) fn related(&mut self, place: Place, label: impl Into<String>) -> &mut Diagnostic {
        self.related.push((place, label.into()));
        self
    }

    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Diagnostic {
        self.help = Some(help.into());
        self
    }
}

/// Everything that is wrong with one scenario file, in the order of the file. There is at least one mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    path: String,
    text: String,
    list: Vec<Diagnostic>,
    left_out: usize,
}

impl Diagnostics {
    /// The most that are kept of one file: whoever sees a hundred has a file that is something else altogether.
    const MOST: usize = 100;

    fn new(path: &str, text: &str, mut list: Vec<Diagnostic>) -> Diagnostics {
        list.sort_by_key(|diagnostic| (diagnostic.place.start, diagnostic.place.end));
        list.dedup();
        let left_out = list.len().saturating_sub(Diagnostics::MOST);
        list.truncate(Diagnostics::MOST);
        Diagnostics { path: path.to_owned(), text: text.to_owned(), list, left_out }
    }

    /// The mistakes, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// The file as it was named.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Each mistake with its line of the file and a caret below it, as rustc shows them; with terminal colours if asked.
    pub fn render(&self, color: bool) -> String {
        render::render(self, color)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Diagnostic>,
}

impl Findings {
    /// Adds a mistake and hands it back for its label, related places and help.
    pub(crate) fn add(&mut self, code: &'static str, at: Place, message: impl Into<String>) -> &mut Diagnostic {
        self.list.push(Diagnostic { code, message: message.into(), place: at, related: Vec::new(), help: None });
        let last = self.list.len() - 1;
        &mut self.list[last]
    }

    /// The value if nothing was found, and what was found otherwise.
    pub(crate) fn finish<T>(self, path: &str, text: &str, value: Option<T>) -> Result<T, Diagnostics> {
        match value {
            Some(value) if self.list.is_empty() => Ok(value),
            _ => Err(Diagnostics::new(path, text, self.list)),
        }
    }
}
