//! What a removed balancer has left behind, as the kernel has it rather than as the lab remembers it.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::layout::Port;
use crate::netlink::Netlink;
use crate::{LabError, Namespace, messages};

/// What is still there after a balancer has been unplugged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// The namespace's name, if `ip netns` still lists it.
    pub namespace: Option<String>,
    /// The switch's port, if it still exists.
    pub port: Option<String>,
    /// The processes that are still in the namespace, which lives as long as they do.
    pub processes: Vec<LeftProcess>,
}

/// A process that outlived its balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftProcess {
    /// Its id.
    pub pid: u32,
    /// Its command line, or its name if it has none.
    pub command: String,
}

impl Leftovers {
    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        *self == Leftovers::default()
    }
}

impl fmt::Display for Leftovers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = self.namespace.iter().map(|name| format!("namespace {name}"));
        let port = self.port.iter().map(|name| format!("switch port {name}"));
        let processes = self.processes.iter().map(|process| format!("process {} ({})", process.pid, process.command));
        let all: Vec<String> = namespace.chain(port).chain(processes).collect();
        if all.is_empty() { f.write_str("nothing") } else { f.write_str(&all.join(", ")) }
    }
}

pub(crate) fn find(switch: &Namespace, namespace: &Namespace, port: &Port) -> Result<Leftovers, LabError> {
    let mut netlink = switch.hop(Netlink::open)?.map_err(switch.failed("opening a netlink socket"))?;
    let ports = netlink.dump(messages::all_ports(), "listing the ports").map_err(|refusal| refusal.at(switch))?;
    let listed = ports.iter().filter_map(messages::parse_port).any(|(index, _)| index == port.near.index);
    Ok(Leftovers {
        namespace: namespace.path().exists().then(|| namespace.name().to_owned()),
        port: listed.then(|| port.near.name.clone()),
        processes: processes_in(namespace).map_err(namespace.failed("looking for processes"))?,
    })
}

pub(crate) fn processes_in(namespace: &Namespace) -> std::io::Result<Vec<LeftProcess>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process that ends meanwhile, or is a zombie, is in no namespace.
        let Ok(metadata) = fs::metadata(entry.path().join("ns/net")) else { continue };
        if metadata.ino() == namespace.inode() {
            let command = command_line(&entry.path());
            found.push(LeftProcess { pid, command });
        }
    }
    Ok(found)
}

/// The command line of the process with this folder in `/proc`.
fn command_line(process: &Path) -> String {
    let arguments = fs::read(process.join("cmdline")).unwrap_or_default();
    let arguments: Vec<_> = arguments.split(|&byte| byte == 0).map(String::from_utf8_lossy).collect();
    let line = arguments.join(" ");
    if line.trim().is_empty() {
        return fs::read_to_string(process.join("comm")).unwrap_or_default().trim().to_owned();
    }
    line.trim().to_owned()
}
