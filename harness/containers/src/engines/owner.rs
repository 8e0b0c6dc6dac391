//! Whose a container or a folder is: a process, told from any other that had or will have its number.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;

/// A process: the pid namespace in which it has its number, the number, and when it was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    namespace: u64,
    pid: u32,
    started: u64,
}

impl Owner {
    /// This process.
    pub(super) fn this() -> Owner {
        let pid = std::process::id();
        Owner { namespace: namespace().unwrap_or(0), pid, started: start_of(pid).unwrap_or(0) }
    }

    /// Reads what [`Owner`] shows itself as.
    pub(super) fn parse(text: &str) -> Option<Owner> {
        let mut parts = text.split('.');
        let owner = Owner {
            namespace: parts.next()?.parse().ok()?,
            pid: parts.next()?.parse().ok()?,
            started: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(owner)
    }

    /// Whether it is certain that the process has ended. Of one in another pid namespace nothing is known here.
    pub(super) fn has_ended(&self) -> bool {
        namespace() == Some(self.namespace) && start_of(self.pid) != Some(self.started)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.namespace, self.pid, self.started)
    }
}

/// The pid namespace of this process.
fn namespace() -> Option<u64> {
    fs::metadata("/proc/self/ns/pid").ok().map(|namespace| namespace.ino())
}

/// When a process was started, in ticks since the machine was; none if there is no such process, or only its remains.
fn start_of(pid: u32) -> Option<u64> {
    started(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads the start out of `/proc/PID/stat`.
fn started(stat: &str) -> Option<u64> {
    // The name, in parentheses, may hold anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    if state == "Z" || state == "X" { None } else { fields.nth(18)?.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::{Owner, started};

    #[test]
    fn a_process_is_known_again_and_another_with_its_number_is_not_taken_for_it() {
        let this = Owner::this();
        assert_eq!(Owner::parse(&this.to_string()), Some(this.clone()));
        assert!(!this.has_ended());
        assert!(Owner { started: this.started + 1, ..this.clone() }.has_ended());
        assert!(
            !Owner { namespace: 1, pid: 4_000_000, started: 7 }.has_ended(),
            "nothing is known of another namespace"
        );
        for text in ["", "1.2", "1.2.3.4", "a.b.c"] {
            assert_eq!(Owner::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_start_is_found_behind_any_name() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        assert_eq!(started(&format!("7 (a) b (c)) {rest}")), Some(4711));
        assert_eq!(started(&format!("7 (a) {}", rest.replacen('S', "Z", 1))), None);
        assert_eq!(started(""), None);
    }
}
