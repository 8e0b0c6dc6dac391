//! The line that shows how far a long run is: on a terminal only, and gone when the run is done.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use lblab_runner::Message;

/// A line for each lab that runs.
pub(crate) struct Progress {
    lines: Option<MultiProgress>,
}

/// One lab's line; it goes when it is dropped.
pub(crate) struct Line {
    bar: Option<(MultiProgress, ProgressBar)>,
    title: String,
}

impl Progress {
    /// Lines on standard error if it is a terminal and nothing else is written there.
    pub(crate) fn new(wanted: bool) -> Progress {
        let lines = (wanted && std::io::stderr().is_terminal()).then(MultiProgress::new);
        Progress { lines }
    }

    /// Does something that prints, with the lines out of its way.
    pub(crate) fn paused<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.lines {
            Some(lines) => lines.suspend(print),
            None => print(),
        }
    }

    /// A line for a lab.
    pub(crate) fn line(&self, title: String) -> Line {
        let bar = self.lines.as_ref().map(|lines| {
            let bar = lines.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed:>4} {msg}") {
                bar.set_style(style);
            }
            bar.set_message(title.clone());
            bar.enable_steady_tick(Duration::from_millis(200));
            (lines.clone(), bar)
        });
        Line { bar, title }
    }
}

impl Line {
    /// Shows what the lab says.
    pub(crate) fn show(&self, message: &Message) {
        if let (Some((_, bar)), Message::Step { index, of, what }) = (&self.bar, message) {
            bar.set_message(format!("{}  {}/{of} {what}", self.title, index + 1));
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some((lines, bar)) = self.bar.take() {
            bar.finish_and_clear();
            lines.remove(&bar);
        }
    }
}
