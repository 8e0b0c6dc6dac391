//! The kill matrix for the terminal.

use std::fmt::Write as _;

use crate::assertion::Peer;
use crate::matrix::{CaughtBy, Matrix, MutantRow};

impl Matrix {
    /// The matrix, its rates, and the correct balancers, as lines of text.
    pub fn as_text(&self) -> String {
        let mut table = vec![heading()];
        table.extend(self.mutants.iter().map(|row| cells(row, self.ours_ran)));
        table.push(self.rates("caught"));
        let mut text = aligned(&table);
        text.push('\n');
        for correct in &self.correct {
            let peers = Peer::ALL.map(|peer| {
                let failed = correct.peers.get(&peer).map_or(0, Vec::len);
                format!("{peer} {failed} of {}", correct.asked.get(&peer).copied().unwrap_or_default())
            });
            let ours = format!("lblab {} of {}", correct.ours.len(), correct.our_runs);
            let _ = writeln!(text, "failed {}, which is correct: {ours}, {}", correct.balancer, peers.join(", "));
            for (peer, failed) in &correct.peers {
                for what in failed {
                    let _ = writeln!(text, "  {peer}: {what}");
                }
            }
        }
        text
    }

    /// The last row: who caught how many.
    pub(crate) fn rates(&self, name: &str) -> [String; 5] {
        let ours = if self.ours_ran { self.caught_by_us().to_string() } else { "no table".to_owned() };
        let [octavia, neutron, gateway] = Peer::ALL.map(|peer| self.caught_by(peer).to_string());
        [name.to_owned(), ours, octavia, neutron, gateway]
    }
}

impl std::fmt::Display for CaughtBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = 100.0 * self.caught as f64 / self.of.max(1) as f64;
        write!(f, "{} of {} ({percent:.0} %)", self.caught, self.of)
    }
}

pub(crate) fn heading() -> [String; 5] {
    let [octavia, neutron, gateway] = Peer::ALL.map(|peer| peer.name().to_owned());
    ["mutant".to_owned(), "lblab".to_owned(), octavia, neutron, gateway]
}

/// A mutant's cells: what caught it, `-` where nothing did, and `?` where nothing could be said. What nothing is to catch yet is not
/// caught either.
pub(crate) fn cells(row: &MutantRow, ours_ran: bool) -> [String; 5] {
    let checks: Vec<&str> = row.our_checks().into_iter().collect();
    let ours = match (ours_ran, checks.is_empty(), row.ours.iter().any(|ours| ours.problem.is_some())) {
        (false, ..) => String::new(),
        (true, true, true) => "?".to_owned(),
        (true, true, false) => "-".to_owned(),
        (true, false, _) => checks.join(" "),
    };
    let [octavia, neutron, gateway] = Peer::ALL.map(|peer| match row.peers.get(&peer) {
        Some(verdicts) if verdicts.is_killed() => verdicts.failed.keys().cloned().collect::<Vec<_>>().join(" "),
        Some(verdicts) if verdicts.undecided.is_empty() => "-".to_owned(),
        _ => "?".to_owned(),
    });
    [row.mutant.clone(), ours, octavia, neutron, gateway]
}

fn aligned(table: &[[String; 5]]) -> String {
    let mut widths = [0; 5];
    for row in table {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in table {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}
