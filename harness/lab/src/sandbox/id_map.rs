//! How user and group ids outside become those inside a user namespace.

use std::fs;
use std::io;
use std::process::Command;

use nix::unistd::{Pid, Uid, User, getegid, geteuid};

/// How the ids inside a sandbox relate to those outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// They are the same: there is no user namespace.
    Root,
    /// Root inside is the caller outside, and a range of further ids is mapped: programs may change to other users.
    Range,
    /// Root inside is the caller outside, and no other id exists: a program that changes to another user fails.
    SingleUid,
}

impl Identity {
    pub(super) fn to_byte(self) -> u8 {
        match self {
            Identity::Root => 0,
            Identity::Range => 1,
            Identity::SingleUid => 2,
        }
    }

    pub(super) fn from_byte(byte: u8) -> Identity {
        match byte {
            0 => Identity::Root,
            1 => Identity::Range,
            _ => Identity::SingleUid,
        }
    }
}

/// A run of consecutive ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IdRange {
    pub(crate) start: u32,
    pub(crate) count: u32,
}

/// Whether the caller is root and may make namespaces without a user namespace.
pub(crate) fn may_make_namespaces() -> bool {
    const CAP_SYS_ADMIN: u32 = 21;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    geteuid().is_root() && effective_capabilities(&status) & 1 << CAP_SYS_ADMIN != 0
}

/// The effective capabilities in the text of `/proc/PID/status`.
pub(crate) fn effective_capabilities(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0)
}

/// The first range that `/etc/subuid` or `/etc/subgid` lists for the user, by name or by id.
pub(crate) fn subordinate_range(table: &str, user: &str, uid: u32) -> Option<IdRange> {
    table.lines().find_map(|line| {
        let mut fields = line.trim().splitn(3, ':');
        let owner = fields.next()?;
        if owner != user && owner.parse() != Ok(uid) {
            return None;
        }
        let start = fields.next()?.parse().ok()?;
        let count = fields.next()?.parse().ok().filter(|&count| count > 0)?;
        Some(IdRange { start, count })
    })
}

/// The user's subordinate ranges of user and group ids, as newuidmap and newgidmap would use them.
pub(crate) fn callers_ranges(uid: Uid) -> Option<(IdRange, IdRange)> {
    let name = User::from_uid(uid).ok().flatten().map_or_else(String::new, |user| user.name);
    let range = |table| subordinate_range(&fs::read_to_string(table).ok()?, &name, uid.as_raw());
    Some((range("/etc/subuid")?, range("/etc/subgid")?))
}

/// The user outside whom this process, root inside a sandbox, is.
pub(crate) fn callers_uid() -> Uid {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let outside = map.split_whitespace().nth(1).and_then(|id| id.parse().ok());
    outside.map_or_else(geteuid, Uid::from_raw)
}

/// Maps the ids of the user namespace that `child` is the first process of.
pub(super) fn map(child: Pid) -> io::Result<Identity> {
    let file = |name| format!("/proc/{child}/{name}");
    if Uid::effective().is_root() && may_make_namespaces() {
        // Root may map every id that it sees to itself.
        for name in ["uid_map", "gid_map"] {
            fs::write(file(name), identity_map(&fs::read_to_string(format!("/proc/self/{name}"))?))?;
        }
        return Ok(Identity::Range);
    }
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    let ranges = callers_ranges(geteuid());
    // The programs are allowed to fail: they may be absent, or present without their privilege.
    let mapped = |program: &str, id: u32, range: Option<IdRange>| {
        range.is_some_and(|range| {
            let numbers = [0, id, 1, 1, range.start, range.count].map(|number| number.to_string());
            Command::new(program).arg(child.to_string()).args(numbers).output().is_ok_and(|o| o.status.success())
        })
    };
    let users = mapped("newuidmap", uid, ranges.map(|(users, _)| users));
    if !users {
        fs::write(file("uid_map"), format!("0 {uid} 1\n"))?;
    }
    if users && mapped("newgidmap", gid, ranges.map(|(_, groups)| groups)) {
        return Ok(Identity::Range);
    }
    // Without its privilege a process may map one group only after it has given up setgroups().
    fs::write(file("setgroups"), "deny")?;
    fs::write(file("gid_map"), format!("0 {gid} 1\n"))?;
    Ok(Identity::SingleUid)
}

/// The map of every id in `map`, the text of a `/proc/PID/uid_map`, to itself.
fn identity_map(map: &str) -> String {
    map.lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (inside, count) = (fields.next()?, fields.nth(1)?);
            Some(format!("{inside} {inside} {count}\n"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{IdRange, effective_capabilities, identity_map, subordinate_range};

    #[test]
    fn a_subordinate_range_is_found_by_name_or_by_id() {
        let table = "root:1:2\nann:100000:65536\n1002:200000:10\nbroken\nzero:1:0\n";
        assert_eq!(subordinate_range(table, "ann", 7), Some(IdRange { start: 100_000, count: 65_536 }));
        assert_eq!(subordinate_range(table, "bob", 1002), Some(IdRange { start: 200_000, count: 10 }));
        assert_eq!(subordinate_range(table, "bob", 7), None);
        assert_eq!(subordinate_range(table, "broken", 7), None);
        assert_eq!(subordinate_range(table, "zero", 7), None);
    }

    #[test]
    fn an_identity_map_keeps_every_id_that_the_caller_sees() {
        assert_eq!(
            identity_map("         0       1002          1\n         1     100000      65536\n"),
            "0 0 1\n1 1 65536\n"
        );
    }

    #[test]
    fn capabilities_are_read_from_the_status() {
        assert_eq!(effective_capabilities("Name:\tx\nCapEff:\t0000000000200000\n"), 1 << 21);
        assert_eq!(effective_capabilities(""), 0);
    }
}
