//! What is found out from outside a sandbox.

use std::fs;
use std::path::Path;

use nix::sys::resource::{Resource, getrlimit};
use nix::sys::utsname::uname;
use nix::unistd::geteuid;

use super::{Finding, State};
use crate::nft::find_program;
use crate::sandbox::{self, SandboxOptions, may_make_namespaces};

/// Settings that forbid user namespaces: the file, the value that forbids, and the command that allows.
const FORBIDDING: [(&str, &str, &str); 3] = [
    ("/proc/sys/user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=15000"),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
];

/// Fewer descriptors than this limit the members of a lab: each takes two or three.
const ENOUGH_FILES: u64 = 4_096;

pub(super) fn user_namespaces() -> Finding {
    const SUBJECT: &str = "user namespaces";
    let error = match sandbox::enter(&SandboxOptions { user_namespace: Some(true) }, |_| 0) {
        Ok(0) => return Finding::ok(SUBJECT, "a sandbox in a user namespace was entered"),
        Ok(code) => format!("a sandbox in a user namespace ended with exit code {code}"),
        Err(error) => error.to_string(),
    };
    let forbidding = FORBIDDING
        .iter()
        .find(|(file, value, _)| fs::read_to_string(file).is_ok_and(|content| content.trim() == *value));
    let remedy = forbidding.map(|(_, _, remedy)| *remedy);
    if may_make_namespaces() {
        Finding::new(SUBJECT, State::Degraded, format!("{error}; root does without"), remedy)
    } else {
        Finding::new(SUBJECT, State::Missing, error, remedy)
    }
}

/// Whether root has root's powers, which a container's often has not.
pub(super) fn capabilities() -> Option<Finding> {
    const SUBJECT: &str = "capabilities of root";
    if !geteuid().is_root() {
        return None;
    }
    Some(if may_make_namespaces() {
        Finding::ok(SUBJECT, "root may make namespaces")
    } else {
        let detail = "root lacks CAP_SYS_ADMIN, so a user namespace is used as for an ordinary user";
        Finding::new(SUBJECT, State::Degraded, detail, Some("docker run --privileged ..."))
    })
}

/// The ip program, which the lab never runs, but people who look into one do.
pub(super) fn ip() -> Finding {
    if let Some(path) = find_program("ip") {
        return Finding::ok("ip", path.display().to_string());
    }
    let detail = "not found; only `ip netns` inside a lab is missed";
    Finding::new("ip", State::Degraded, detail, Some("apt-get install iproute2"))
}

pub(super) fn open_files() -> Finding {
    const SUBJECT: &str = "open files";
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((_, hard)) if hard >= ENOUGH_FILES => Finding::ok(SUBJECT, format!("up to {hard}")),
        Ok((_, hard)) => {
            let detail = format!("up to {hard}, which bounds a lab to about {} members", hard / 4);
            Finding::new(SUBJECT, State::Degraded, detail, Some("prlimit --pid $$ --nofile=65536:65536"))
        }
        Err(errno) => Finding::new(SUBJECT, State::Degraded, format!("the limit cannot be read: {errno}"), None),
    }
}

/// IPv6, which only labs with an IPv6 VIP need.
pub(super) fn ipv6() -> Finding {
    if Path::new("/proc/sys/net/ipv6").exists() {
        return Finding::ok("IPv6", "the kernel has it");
    }
    let detail = "the kernel has none: no scenario whose VIP is an IPv6 address can be run";
    Finding::new("IPv6", State::Degraded, detail, Some("modprobe ipv6"))
}

/// Parts of the kernel that other labs use and this one does not. They are looked for and not tried, because trying
/// would load a module into the host's kernel for nothing.
pub(super) fn unused_modules() -> Vec<Finding> {
    let release = uname().map_or_else(|_| String::new(), |name| name.release().to_string_lossy().into_owned());
    let read = |file| fs::read_to_string(Path::new("/lib/modules").join(&release).join(file)).unwrap_or_default();
    let installed = read("modules.dep") + &read("modules.builtin");
    ["sch_netem", "dummy"]
        .into_iter()
        .map(|module| {
            let subject = format!("kernel module {module}");
            let present = Path::new("/sys/module").join(module).exists() || lists(&installed, module);
            if present {
                Finding::ok(&subject, "present, and not used")
            } else {
                Finding::new(&subject, State::Degraded, "absent, and nothing here needs it", None)
            }
        })
        .collect()
}

/// Whether a list of module files, such as `modules.dep`, has the module.
fn lists(files: &str, module: &str) -> bool {
    let names = files.lines().filter_map(|line| line.split(':').next()?.rsplit('/').next());
    names.filter_map(|name| name.split_once(".ko")).any(|(name, _)| name.replace('-', "_") == module)
}

#[cfg(test)]
mod tests {
    use super::lists;

    #[test]
    fn a_module_is_found_by_its_files_name() {
        let files = "kernel/net/sched/sch_netem.ko.xz: kernel/x.ko\nkernel/drivers/net/dummy.ko\n";
        assert!(lists(files, "sch_netem") && lists(files, "dummy"));
        assert!(!lists(files, "x") && !lists(files, "netem"));
    }
}
