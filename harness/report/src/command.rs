//! The commands that repeat a run or judge it again, ready to be pasted into a shell.

use std::path::Path;

use lblab_scenario::{Profile, TimeScale};

use crate::{BalancerRef, RunReport};

/// The command that repeats a run.
pub(crate) fn reproduce(run: &RunReport) -> String {
    let mut command = format!("lblab run {} --balancer {}", quote(&run.scenario.path), quote(&run.balancer.argument));
    if let Some(mutant) = &run.balancer.mutant {
        command.push_str(" --mutant ");
        command.push_str(&quote(mutant));
    }
    command.push_str(" --seed ");
    command.push_str(&run.seed.to_string());
    if let Some(scale) = run.time_scale {
        command.push_str(" --time-scale ");
        command.push_str(&scale.to_string());
    }
    command
}

/// What a conformance report is repeated by.
pub(crate) struct Conformance<'a> {
    pub(crate) balancer: &'a BalancerRef,
    pub(crate) profile: Profile,
    pub(crate) only: &'a [String],
    pub(crate) seed: u64,
    pub(crate) time_scale: Option<TimeScale>,
}

impl Conformance<'_> {
    /// The command.
    pub(crate) fn line(&self) -> String {
        let mut command = format!("lblab conformance --balancer {}", quote(&self.balancer.argument));
        let mut add = |option: &str, value: &str| {
            command.push_str(option);
            command.push_str(&quote(value));
        };
        if let Some(mutant) = &self.balancer.mutant {
            add(" --mutant ", mutant);
        }
        add(" --profile ", self.profile.name());
        if !self.only.is_empty() {
            add(" --only ", &self.only.join(","));
        }
        add(" --seed ", &self.seed.to_string());
        if let Some(scale) = self.time_scale {
            add(" --time-scale ", &scale.to_string());
        }
        command
    }
}

/// The command that judges a history again.
pub(crate) fn judge(history: &Path) -> String {
    format!("lblab judge {}", quote(&history.to_string_lossy()))
}

/// The text as one word of a POSIX shell.
fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:,=+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(quote("builtin:failover/refuse"), "builtin:failover/refuse");
        assert_eq!(quote("my scenarios/it's.yaml"), r"'my scenarios/it'\''s.yaml'");
        assert_eq!(quote("$(reboot)"), "'$(reboot)'");
        assert_eq!(quote(""), "''");
    }
}
