//! `lblab balancers` and what can be done with one: list, show, new, probe.

mod list;
mod new;
mod probe;
mod show;
mod told;

use lblab_report::Exit;
use serde_json::Value;

use super::{Done, Stop, print};
use crate::args::{Balancers, BalancersCommand};

pub(super) fn balancers(arguments: &Balancers) -> Done {
    match &arguments.command {
        None => list::list(arguments.json),
        Some(BalancersCommand::Show { balancer, render }) => show::show(balancer, render.as_deref()),
        Some(BalancersCommand::New { command, name, folder }) => new::new(command, name.as_deref(), folder.as_deref()),
        Some(BalancersCommand::Probe(arguments)) => probe::probe(arguments),
    }
}

/// Prints a value for programs.
fn json(value: &Value) -> Done {
    let text = serde_json::to_string_pretty(value).map_err(|error| Stop::new(Exit::Undecided, &error))?;
    print(&format!("{text}\n"))
}

/// Whether the version is the one that is verified, or one of those that it stands for: `2.6` stands for every 2.6.
fn is_verified(version: &str, verified: &str) -> bool {
    version.strip_prefix(verified).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::is_verified;

    #[test]
    fn a_verified_version_stands_for_those_that_begin_with_it() {
        for (version, verified, is) in [
            ("2.6.12-1", "2.6", true),
            ("2.6", "2.6", true),
            ("2.60", "2.6", false),
            ("1.40.0", "1.40.0", true),
            ("2.5", "2.6", false),
        ] {
            assert_eq!(is_verified(version, verified), is, "{version} and {verified}");
        }
    }
}
