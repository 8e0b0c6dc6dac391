//! The kill matrix as a page of the documentation.

use std::fmt::Write as _;

use crate::assertion::{ASSERTIONS, Peer};
use crate::matrix::Matrix;
use crate::text::{cells, heading};

const INTRODUCTION: &str = "\
# What catches a wrong balancer, here and elsewhere

The built-in balancer can be told to be wrong in one named way ([mutants.md](mutants.md)). Each row below is such a mutant: which of
lblab's [checks](checks.md) failed for it, and which assertions of three other projects' tests would have. `-` means that nothing
did. All of it is from runs in labs; `make mutants` makes them, and `make mutants WRITE=--write` this page.

";

const PEERS: &str = "\
## The others' assertions

They are reimplemented in `harness/peers`, each as its upstream has it: with as many requests, as many tries, and the same patience
with failures. The traffic for them is in `fixtures/peers`. Where upstream has changed, the stricter form is taken, and what a test
sees indirectly counts as seen. A mutant is caught if one of a peer's assertions fails in one of these scenarios.

";

const NOT_MODELLED: &str = "
What upstream asserts beside these has no counterpart in a scenario, and counts for nobody: UDP and SCTP, IPv6, TLS, L7 policies,
allowed CIDRs, connection logs, the virtual router of an active and a standby balancer; that a member in ERROR is served again once
its monitor is deleted (octavia-tempest, which would so catch `monitor-removal-keeps-down`); that clients are shared again once
persistence is taken away, APP_COOKIE, and that nothing answers once a listener is deleted (neutron-lbaas).

";

impl Matrix {
    /// The page.
    pub fn as_markdown(&self) -> String {
        let mut page = INTRODUCTION.to_owned();
        page.push_str("## Who catches how many\n\n");
        row(&mut page, &["", "lblab", "octavia-tempest", "neutron-lbaas", "gateway-api"]);
        row(&mut page, &["---"; 5]);
        row(&mut page, &self.rates("mutants caught"));
        for correct in &self.correct {
            let failed = |failed: usize, of: usize| format!("{failed} of {of}");
            let [octavia, neutron, gateway] = Peer::ALL.map(|peer| {
                failed(
                    correct.peers.get(&peer).map_or(0, Vec::len),
                    correct.asked.get(&peer).copied().unwrap_or_default(),
                )
            });
            let ours = failed(correct.ours.len(), correct.our_runs);
            row(&mut page, &[format!("false alarms on {}", correct.balancer), ours, octavia, neutron, gateway]);
        }
        page.push_str("\nFalse alarms are counted in runs of lblab's scenarios, and in assertions of the others.\n\n");
        page.push_str("## Mutant by mutant\n\n");
        row(&mut page, &heading());
        row(&mut page, &["---"; 5]);
        for mutant in &self.mutants {
            let [name, rest @ ..] = cells(mutant, self.ours_ran);
            let described = format!("`{name}`: {}", mutant.wrong);
            let [ours, octavia, neutron, gateway] = rest;
            row(&mut page, &[described, ours, octavia, neutron, gateway]);
        }
        page.push('\n');
        page.push_str(PEERS);
        row(&mut page, &["assertion", "asserts", "of", "source"]);
        row(&mut page, &["---"; 4]);
        for assertion in ASSERTIONS {
            let name = format!("{} {}", assertion.peer, assertion.name);
            row(&mut page, &[name.as_str(), assertion.asserts, assertion.of, assertion.source]);
        }
        page.push_str(NOT_MODELLED.trim_end());
        page.push('\n');
        page
    }
}

fn row<T: AsRef<str>>(page: &mut String, cells: &[T]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.as_ref().replace('|', "\\|")).collect();
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}
