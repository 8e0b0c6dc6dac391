//! Scenarios as text, put together from few parts: what an experiment runs could have been written by hand.

use std::fmt::Write;

/// The VIP of every experiment but one.
const VIP: &str = "192.168.1.250:80";
/// An IPv6 VIP.
pub(super) const IPV6_VIP: &str = "\"[2001:db8:1::250]:80\"";

/// A scenario that is being written.
pub(crate) struct Text {
    head: String,
    members: String,
    monitor: String,
    steps: String,
}

impl Text {
    /// A scenario whose pool is described by these words, with so many members, `vm01` and on.
    pub(super) fn new(name: &str, pool: &str, members: u32) -> Text {
        Text::reached_at(VIP, name, pool, members)
    }

    /// As [`Text::new`], with this VIP.
    pub(super) fn reached_at(vip: &str, name: &str, pool: &str, members: u32) -> Text {
        let mut text = Text {
            head: format!("name: {name}\npool: {{{pool}}}\nvip: {vip}\n"),
            members: String::new(),
            monitor: String::new(),
            steps: String::new(),
        };
        for number in 1..=members {
            text.member(number, "");
        }
        text
    }

    /// As [`Text::new`], with a weight for each member.
    pub(super) fn weighted(name: &str, pool: &str, weights: &[u32]) -> Text {
        let mut text = Text::new(name, pool, 0);
        for (number, weight) in (1..).zip(weights) {
            text.member(number, &format!(", weight: {weight}"));
        }
        text
    }

    /// One more member, which is not in the pool from the start.
    pub(super) fn joining(mut self, number: u32) -> Text {
        self.member(number, ", joins: later");
        self
    }

    /// One more member, which is a backup.
    pub(super) fn backup(mut self, number: u32) -> Text {
        self.member(number, ", backup: true");
        self
    }

    fn member(&mut self, number: u32, more: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(
            self.members,
            "  - {{name: {name}, address: 192.168.1.{address}{more}}}",
            name = member(number),
            address = 100 + number
        );
    }

    /// A monitor, described by these words.
    pub(crate) fn monitor(mut self, words: &str) -> Text {
        self.monitor = format!("monitor: {{{words}}}\n");
        self
    }

    /// How many clients are served at a time.
    pub(super) fn limit(mut self, connections: u32) -> Text {
        let _ = writeln!(self.head, "connection_limit: {connections}");
        self
    }

    /// One more step.
    pub(super) fn step(mut self, words: &str) -> Text {
        let _ = writeln!(self.steps, "  - {words}");
        self
    }

    /// One more step for each of these members, whose name stands for `{}`.
    pub(super) fn each(self, members: impl IntoIterator<Item = u32>, words: &str) -> Text {
        members.into_iter().fold(self, |text, number| text.step(&words.replace("{}", &member(number))))
    }

    /// The whole text. A scenario has to expect something; what an experiment measures is not judged, so this is a formality.
    pub(super) fn finish(self) -> String {
        let Text { head, members, monitor, steps } = self;
        format!("{head}{monitor}members:\n{members}steps:\n{steps}  - expect: {{lost: 0}}\n")
    }
}

/// The name of a member by its number.
pub(crate) fn member(number: u32) -> String {
    format!("vm{number:02}")
}
