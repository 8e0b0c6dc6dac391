//! What is tried inside a sandbox, as a lab would do it.

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};

use lblab_model::{Name, SecurityGroup};
use nix::unistd::User;

use super::{Finding, State};
use crate::build::Site;
use crate::layout::Layout;
use crate::namespace::Home;
use crate::nft::{self, find_program};
use crate::sandbox::{Identity, Sandbox, callers_ranges, callers_uid};
use crate::{External, Host, LabError, Namespace, Topology, barrier, build, messages, rules};

/// Tries the ids, a namespace, a bridge with a port, and the rules of each kind.
pub(super) fn probe(sandbox: &Sandbox) -> Vec<Finding> {
    let mut findings =
        vec![Finding::ok("sandbox", "entered; its mounts, limits and loopback were set up"), ids(sandbox)];
    let layout = match Layout::new(&sample()) {
        Ok(layout) => layout,
        Err(error) => {
            findings.push(Finding::new("network namespaces", State::Missing, error.to_string(), None));
            return findings;
        }
    };
    match sites(&layout) {
        Err(error) => findings.push(Finding::new("network namespaces", State::Missing, error.to_string(), None)),
        Ok((mut switch, mut router)) => {
            findings.push(Finding::ok("network namespaces", "two were made and named"));
            findings.push(match bridge(&layout, &mut switch, &mut router) {
                Ok(()) => Finding::ok("bridge and veth", "a port forwards"),
                Err(error) => {
                    let remedy = Some("modprobe -a bridge veth");
                    Finding::new("bridge and veth", State::Missing, error.to_string(), remedy)
                }
            });
            findings.extend(rulesets(&layout, &switch.namespace, &router.namespace));
        }
    }
    findings
}

fn ids(sandbox: &Sandbox) -> Finding {
    const SUBJECT: &str = "id ranges";
    match sandbox.identity {
        Identity::Root => Finding::ok(SUBJECT, "real root: every id is as it is"),
        Identity::Range => Finding::ok(SUBJECT, "balancers can change to other users inside"),
        Identity::SingleUid => {
            let user =
                User::from_uid(callers_uid()).ok().flatten().map_or_else(|| "$USER".to_owned(), |user| user.name);
            let ranges = format!("usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}");
            let (seen, remedy) = match (find_program("newuidmap"), callers_ranges(callers_uid())) {
                (None, _) => ("there is no newuidmap", Some("apt-get install uidmap".to_owned())),
                (_, None) => ("/etc/subuid and /etc/subgid list no range for the user", Some(ranges)),
                _ => ("newuidmap or newgidmap failed", Some("apt-get install --reinstall uidmap".to_owned())),
            };
            let detail = format!("{seen}: a balancer that changes to another user cannot start");
            Finding { remedy, ..Finding::new(SUBJECT, State::Degraded, detail, None) }
        }
    }
}

fn sites(layout: &Layout) -> Result<(Site, Site), LabError> {
    let failed =
        |source| LabError::System { doing: "remembering the way home", namespace: layout.switch.clone(), source };
    let _home = Home::here().map_err(failed)?;
    let switch = Site::create_and_stay(&layout.switch, false)?;
    Ok((switch, Site::create_and_stay(&layout.router().namespace, false)?))
}

fn bridge(layout: &Layout, switch: &mut Site, router: &mut Site) -> Result<(), LabError> {
    let port = layout.router();
    let there = router.namespace.file().as_fd();
    switch.send([
        messages::bridge(&layout.bridge),
        messages::veth(&port.near, Some(layout.bridge.index), &port.far, there),
    ])?;
    router.send(build::own_settings(layout, port).into_iter().chain([messages::link_up(port.far.index)]))?;
    switch.send([messages::link_up(port.near.index)])?;
    barrier::require_carrier(&router.namespace, &router.netlink, &port.far)?;
    barrier::require_carrier(&switch.namespace, &switch.netlink, &port.near)?;
    barrier::require_forwarding(&switch.namespace, &mut switch.netlink, [port])
}

/// Loads a ruleset of each kind that a lab uses.
fn rulesets(layout: &Layout, switch: &Namespace, router: &Namespace) -> Vec<Finding> {
    const INSTALL: Option<&str> = Some("apt-get install nftables");
    let Some(program) = nft::program() else {
        let detail = "not in PATH, /usr/sbin or /sbin: no security groups, floating addresses or reject faults";
        return vec![Finding::new("nft", State::Missing, detail, INSTALL)];
    };
    let closed = SecurityGroup::default();
    let uplink = layout.uplink.iter();
    let translation = uplink.map(|uplink| rules::address_translation(layout.router(), layout.subnet, uplink)).collect();
    let kinds = [
        (
            "nft: security groups (bridge)",
            switch,
            rules::security_groups([("port10", &closed)]),
            "nf_tables nft_meta_bridge",
        ),
        ("nft: floating addresses (ip nat)", router, translation, "nf_tables nft_nat nft_chain_nat"),
        ("nft: reject faults (inet)", router, rules::reject(80), "nf_tables nft_reject_inet"),
    ];
    kinds
        .into_iter()
        .map(|(subject, namespace, ruleset, modules)| {
            let outcome = namespace.hop(|| load(&program, &ruleset));
            match outcome.map_err(io::Error::other).flatten() {
                Ok(()) => Finding::ok(subject, format!("{} loaded it", program.display())),
                Err(error) => {
                    let remedy = format!("modprobe -a {modules}");
                    Finding::new(subject, State::Missing, error.to_string(), Some(&remedy))
                }
            }
        })
        .collect()
}

fn load(program: &Path, ruleset: &str) -> io::Result<()> {
    let mut child = Command::new(program).args(["-f", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(ruleset.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

/// The smallest topology with a floating address.
fn sample() -> Topology {
    let fixed = Ipv4Addr::new(192, 168, 1, 17);
    let member = Name::try_from("vm01").map(|name| Host {
        name,
        address: fixed,
        security_group: Some(SecurityGroup::default()),
    });
    let network = |third| ipnet::Ipv4Net::new_assert(Ipv4Addr::new(192, 168, third, 0), 24);
    Topology {
        id: "doctor".to_owned(),
        subnet: network(1),
        gateway: Ipv4Addr::new(192, 168, 1, 1),
        dhcp: Ipv4Addr::new(192, 168, 1, 2),
        members: member.into_iter().collect(),
        clients: Vec::new(),
        sources: None,
        external: Some(External {
            subnet: network(2),
            router: Ipv4Addr::new(192, 168, 2, 1),
            client: Ipv4Addr::new(192, 168, 2, 2),
            floating: vec![(Ipv4Addr::new(192, 168, 2, 17), fixed)],
        }),
        ipv6: None,
    }
}
