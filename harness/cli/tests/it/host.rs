//! What a run could change of the machine if it were not in a sandbox.

use std::fs;
use std::process::Command;

/// Links, routes, rules, mounts and named namespaces, as text to compare.
pub fn host() -> String {
    let told = |program: &str, arguments: &[&str]| {
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
        let output = Command::new(program).args(arguments).env("PATH", path).output();
        // An ordinary user is refused the rules, before and after alike.
        output.map_or_else(|error| error.to_string(), |output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let named = fs::read_dir("/run/netns").map_or(0, Iterator::count);
    [
        told("ip", &["link"]),
        told("ip", &["address"]),
        told("ip", &["route", "show", "table", "all"]),
        told("ip", &["rule"]),
        told("nft", &["--stateless", "list", "ruleset"]),
        fs::read_to_string("/proc/self/mountinfo").expect("the mounts"),
        format!("{named} named namespaces\n"),
    ]
    .concat()
}
