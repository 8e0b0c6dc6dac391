//! What runs have left on the machine: processes, containers, folders and mounts.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use crate::session::Session;

/// What is left of the session's runs, in words. Other runs may have containers of their own meanwhile: only those of keepers that
/// have ended are left.
pub fn left(session: &Session) -> Vec<String> {
    let processes = session.processes().into_iter().map(|(pid, command)| format!("process {pid} {command}"));
    processes.chain(containers()).chain(folders()).chain(mounts()).collect()
}

/// Waits until nothing is left; gives how long that took.
pub fn nothing_within(limit: Duration, session: &Session) -> Result<Duration, Failed> {
    let begun = Instant::now();
    loop {
        let left = left(session);
        if left.is_empty() {
            return Ok(begun.elapsed());
        }
        if begun.elapsed() > limit {
            return Err(format!("left after {limit:?}: {left:#?}").into());
        }
        // Nobody gives notice of all of these.
        sleep(Duration::from_millis(20));
    }
}

/// The containers of lblab whose keeper has ended, running or not.
pub fn containers() -> Vec<String> {
    let format = "{{.Label \"lblab.owner\"}} {{.ID}} {{.Status}}";
    let listed =
        Command::new("docker").args(["ps", "--all", "--filter", "label=lblab.owner", "--format", format]).output();
    // Without Docker there are none of it.
    let listed = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let of_ended = |line: &&str| line.split(' ').next().is_some_and(has_ended);
    listed.lines().filter(of_ended).map(|line| format!("container {line}")).collect()
}

fn folders() -> Vec<String> {
    let entries = fs::read_dir("/tmp").expect("a list").flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let of_ended = |name: &String| name.strip_prefix("lblab-").is_some_and(|owner| is_owner(owner) && has_ended(owner));
    names.filter(of_ended).map(|name| format!("folder /tmp/{name}")).collect()
}

/// Mounts of podman, which are to be in the sandbox only.
fn mounts() -> Vec<String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("the mounts");
    mounts.lines().filter(|line| line.contains("/lblab/podman")).map(|line| format!("mount {line}")).collect()
}

/// Whether this is what a keeper calls itself: pid namespace, process id, start.
fn is_owner(text: &str) -> bool {
    text.split('.').count() == 3 && text.split('.').all(|part| part.parse::<u64>().is_ok())
}

fn has_ended(owner: &str) -> bool {
    let mut parts = owner.split('.');
    let mut part = || parts.next().unwrap_or_default().to_owned();
    let (namespace, pid, started) = (part(), part(), part());
    let here = fs::metadata("/proc/self/ns/pid").expect("a namespace").ino().to_string();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect()).unwrap_or_default();
    // The remains of a process, which nobody has reaped yet, keep nothing.
    let lives = fields.first().is_some_and(|state| *state != "Z") && fields.get(19) == Some(&started.as_str());
    namespace == here && !lives
}
