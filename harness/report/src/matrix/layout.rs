//! The matrix as lines of at most a hundred columns.

use std::fmt::Write as _;

use super::{Cell, Matrix, Rows};
use crate::Style;
use crate::style::Colour;

/// The most columns that a line takes.
const WIDTH: usize = 100;
/// The fewest columns that a scenario's name is given.
const SHORTEST_LABEL: usize = 20;
/// A column that takes the longest words, and one that takes the short ones, with the space before them.
const WIDE: usize = 6;
const NARROW: usize = 5;

/// What stands at the head of a balancer's column.
enum Heads {
    /// Its name.
    Names(Vec<String>),
    /// A number; its name and version stand above the matrix.
    Numbers,
}

/// The columns of one table, and how wide they are.
struct Layout {
    label: usize,
    heads: Heads,
    /// For each balancer, how wide its column is, with the space before it.
    columns: Vec<usize>,
    /// How many balancers fit beside each other.
    at_once: usize,
}

/// A row: a heading, or a scenario with its place in the matrix.
enum Row {
    Folder(String),
    Scenario(String, usize),
}

impl Matrix {
    /// The matrix for people, with a line end after each line.
    pub(crate) fn render(&self, style: Style) -> String {
        let rows = self.rows(style);
        let layout = self.layout(&rows, style);
        let mut text = self.heading();
        if let Heads::Numbers = layout.heads {
            text.push('\n');
            text.push_str(&self.legend(style));
        }
        let places: Vec<usize> = (0..self.balancers.len()).collect();
        for some in places.chunks(layout.at_once) {
            text.push('\n');
            push_line(&mut text, &layout.head(some));
            for row in &rows {
                match row {
                    Row::Folder(name) => push_line(&mut text, name),
                    Row::Scenario(name, scenario) => {
                        push_line(&mut text, &self.line(&layout, name, *scenario, some, style));
                    }
                }
            }
        }
        text.push('\n');
        text.push_str(&self.words(&layout));
        text.push_str(&self.footnotes(style));
        text
    }

    fn heading(&self) -> String {
        let (rows, balancers) = (self.scenarios.len(), self.balancers.len());
        let what = match self.rows_are {
            Rows::Scenarios => "scenarios",
            Rows::Checks if rows == 1 => "check",
            Rows::Checks => "checks",
        };
        let who = if balancers == 1 { "balancer" } else { "balancers" };
        format!("{rows} {what} on {balancers} {who}\n")
    }

    fn line(&self, layout: &Layout, name: &str, scenario: usize, balancers: &[usize], style: Style) -> String {
        let mut line = format!("{:<width$}", cut(name, layout.label), width = layout.label);
        for &balancer in balancers {
            let width = layout.columns[balancer];
            match self.cells.get(&(scenario, balancer)) {
                Some(cell) => {
                    let word = cell.word(width);
                    line.push(' ');
                    line.push_str(&style.paint(cell.colour(), word));
                    line.push_str(&" ".repeat((width - 1).saturating_sub(word.len())));
                }
                None => line.push_str(&" ".repeat(width)),
            }
        }
        line
    }

    /// The scenarios' names below those of their folders. What begins all of them alike is left out.
    fn rows(&self, style: Style) -> Vec<Row> {
        let paths: Vec<Vec<&str>> = self.scenarios.iter().map(|path| parts(path)).collect();
        let shared = (0..).take_while(|&at| {
            let first = paths[0].get(at);
            paths.iter().all(|path| path.len() > at + 1 && path.get(at) == first)
        });
        let shared = shared.count();
        let mut rows = Vec::new();
        let mut folder = String::new();
        for (place, path) in paths.iter().enumerate() {
            let (name, above) = path.split_last().expect("a split has at least one part");
            let above = above[shared..].join("/");
            if above != folder {
                folder = above;
                rows.push(Row::Folder(style.safe(&folder)));
            }
            let indent = if folder.is_empty() { "" } else { "  " };
            rows.push(Row::Scenario(format!("{indent}{}", style.safe(name)), place));
        }
        rows
    }

    fn layout(&self, rows: &[Row], style: Style) -> Layout {
        let label = rows.iter().map(|row| match row {
            Row::Folder(_) => 0,
            Row::Scenario(name, _) => name.chars().count(),
        });
        let label = label.max().unwrap_or_default();
        let count = self.balancers.len();
        let names: Vec<String> = self.balancers.iter().map(|balancer| style.safe(&short(balancer))).collect();
        let columns: Vec<usize> = names.iter().map(|name| name.chars().count().max(WIDE - 1) + 2).collect();
        let alike = names.iter().enumerate().any(|(place, name)| names[..place].contains(name));
        if !alike && label + columns.iter().sum::<usize>() <= WIDTH {
            return Layout { label, heads: Heads::Names(names), columns, at_once: count };
        }
        let (column, label) = if label + WIDE * count <= WIDTH {
            (WIDE, label)
        } else {
            (NARROW, label.min(SHORTEST_LABEL.max(WIDTH.saturating_sub(NARROW * count))))
        };
        let at_once = (WIDTH - label) / column;
        Layout { label, heads: Heads::Numbers, columns: vec![column; count], at_once }
    }

    /// The numbers of the balancers, in as many columns as there is room for, from the top to the bottom of each.
    fn legend(&self, style: Style) -> String {
        let entry = |(place, balancer)| format!("{:>3} {}", place + 1, style.safe(&format!("{balancer}")));
        let entries: Vec<String> = self.balancers.iter().enumerate().map(entry).collect();
        let width = entries.iter().map(|entry| entry.chars().count()).max().unwrap_or_default() + 2;
        let height = entries.len().div_ceil((WIDTH / width).max(1));
        let mut text = String::new();
        for line in 0..height {
            let beside: Vec<String> =
                entries.iter().skip(line).step_by(height).map(|entry| format!("{entry:<width$}")).collect();
            push_line(&mut text, &beside.concat());
        }
        text
    }

    /// What the words that are used mean.
    fn words(&self, layout: &Layout) -> String {
        let narrow = layout.columns.iter().copied().min().unwrap_or(WIDE);
        let mut text = String::new();
        for cell in Cell::ALL {
            if self.cells.values().any(|used| used == &cell) {
                push_line(&mut text, &format!("{:<5}  {}", cell.word(narrow), cell.meaning(self.rows_are)));
            }
        }
        text
    }

    fn footnotes(&self, style: Style) -> String {
        let mut text = String::new();
        if !self.findings.is_empty() {
            text.push_str("\nknown findings (docs/findings.md):\n");
        }
        for (id, seen) in &self.findings {
            let runs = if seen.runs == 1 { "1 run".to_owned() } else { format!("{} runs", seen.runs) };
            let on = style.safe(&seen.balancers.join(", "));
            push_line(&mut text, &format!("  {id}: {runs} on {on}\n    {}", style.safe(&seen.what)));
        }
        if !self.skipped.is_empty() {
            text.push_str("\nskipped:\n");
        }
        for (balancer, reason) in &self.skipped {
            push_line(&mut text, &format!("  {}: {}", style.safe(balancer), style.safe(reason)));
        }
        text
    }
}

impl Layout {
    fn head(&self, balancers: &[usize]) -> String {
        let mut line = " ".repeat(self.label);
        for &balancer in balancers {
            let head = match &self.heads {
                Heads::Names(names) => names[balancer].clone(),
                Heads::Numbers => (balancer + 1).to_string(),
            };
            write!(line, " {head:<width$}", width = self.columns[balancer] - 1).expect("a string takes it");
        }
        line
    }
}

impl Cell {
    const ALL: [Cell; 8] = [
        Cell::Pass,
        Cell::Part,
        Cell::Fail,
        Cell::Known,
        Cell::Undecided,
        Cell::Error,
        Cell::Unsupported,
        Cell::Skipped,
    ];

    /// The word for it, in a column of this width.
    fn word(self, width: usize) -> &'static str {
        match self {
            Cell::Pass => "pass",
            Cell::Part => "part",
            Cell::Fail => "FAIL",
            Cell::Known if width < WIDE => "knwn",
            Cell::Known => "known",
            Cell::Undecided => "?",
            Cell::Error if width < WIDE => "err",
            Cell::Error => "error",
            Cell::Unsupported => "-",
            Cell::Skipped => "skip",
        }
    }

    fn meaning(self, rows: Rows) -> &'static str {
        match (rows, self) {
            (Rows::Checks, cell) => cell.meaning_of_check(),
            (Rows::Scenarios, cell) => cell.meaning_of_run(),
        }
    }

    fn meaning_of_check(self) -> &'static str {
        match self {
            Cell::Pass => "it holds wherever it was judged, and it was judged",
            Cell::Part => "it holds where it was judged; the balancer does not support it elsewhere",
            Cell::Fail => "it fails somewhere",
            Cell::Known => "it fails, just as it is known to",
            Cell::Undecided => "undecided: somewhere the run does not say",
            Cell::Error => "the run could not be judged",
            Cell::Unsupported => "unsupported: the balancer does not declare what it needs",
            Cell::Skipped => "skipped: it was not made",
        }
    }

    fn meaning_of_run(self) -> &'static str {
        match self {
            Cell::Pass => "every check holds",
            Cell::Part => "what could be checked holds; the balancer does not support the rest",
            Cell::Fail => "a check fails",
            Cell::Known => "it fails, just as it is known to",
            Cell::Undecided => "undecided: a check could not be made",
            Cell::Error => "the run could not be judged",
            Cell::Unsupported => "unsupported: the balancer does not declare what it needs",
            Cell::Skipped => "skipped: the balancer is not on this machine",
        }
    }

    fn colour(self) -> Colour {
        match self {
            Cell::Pass | Cell::Part => Colour::Green,
            Cell::Fail | Cell::Error => Colour::Red,
            Cell::Known | Cell::Undecided => Colour::Yellow,
            Cell::Unsupported | Cell::Skipped => Colour::Dim,
        }
    }
}

/// A balancer's name as the head of a column.
fn short(balancer: &crate::BalancerRef) -> String {
    match &balancer.mutant {
        Some(mutant) => format!("{}+{mutant}", balancer.name),
        None => balancer.name.clone(),
    }
}

/// The parts of a scenario's path, without what says only that it is one.
fn parts(path: &str) -> Vec<&str> {
    let path = path.strip_prefix("builtin:").unwrap_or(path);
    let path = path.strip_suffix(".yaml").or_else(|| path.strip_suffix(".yml")).unwrap_or(path);
    path.split('/').collect()
}

/// The text, or its beginning where it is too long.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let begin: String = text.chars().take(width.saturating_sub(2)).collect();
    format!("{begin}..")
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}
