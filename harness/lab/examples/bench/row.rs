//! A row of the table of figures.

use std::fmt;
use std::time::Duration;

/// A measurement, what it is compared with, and what it ought to be.
pub struct Row {
    pub what: String,
    pub lblab: String,
    pub other: String,
    pub ratio: String,
    pub goal: String,
    pub met: bool,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { what, lblab, other, ratio, goal, met } = self;
        let met = if *met { "yes" } else { "no" };
        write!(f, "| {what} | {lblab} | {other} | {ratio} | {goal} | {met} |")
    }
}

/// The value in the middle, the greater of two.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
