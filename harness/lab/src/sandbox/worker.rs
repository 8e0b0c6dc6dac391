//! The process that the program goes on in: private mounts, limits, then the caller's closure.

use std::fmt::Display;
use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use nix::fcntl::{FcntlArg, fcntl};
use nix::mount::{MsFlags, mount};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::SigSet;
use nix::unistd::{close, sethostname};

use super::{INTERNAL, Identity, Sandbox, init};
use crate::messages;
use crate::netlink::Netlink;

/// The most descriptors that the worker and its children may have. A hard limit can be a thousand million, and programs
/// exist that make a table of as many entries as the soft limit says.
const OPEN_FILES: u64 = 65_536;

/// The size that the descriptor table is given at once; growing it later costs an RCU grace period for each doubling.
const FD_TABLE: i32 = 8_192;

pub(super) fn run(identity: Identity, mut report: File, mask: &SigSet, body: impl FnOnce(Sandbox) -> u8) -> ! {
    if let Err(reason) = prepare() {
        init::fail(&mut report, &reason);
    }
    drop(report);
    // The mask is one that the kernel gave.
    let _ = mask.thread_set_mask();
    // The panic hook has printed the panic by the time that this returns.
    let code = catch_unwind(AssertUnwindSafe(|| body(Sandbox { identity }))).unwrap_or(INTERNAL);
    std::process::exit(i32::from(code))
}

fn prepare() -> Result<(), String> {
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .map_err(because("making the mounts private"))?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("proc"), "/proc", Some("proc"), flags | MsFlags::MS_NOEXEC, none)
        .map_err(because("mounting a fresh /proc (a container needs an unmasked /proc for this)"))?;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), flags, Some("mode=755"))
        .map_err(because("mounting a tmpfs on /run"))?;
    for folder in [Path::new(crate::namespace::FOLDER), Path::new(crate::nft::FOLDER)] {
        fs::create_dir(folder).map_err(because("making a folder below /run"))?;
    }
    sethostname("network").map_err(because("setting the host name"))?;
    Netlink::open()
        .map_err(because("opening a netlink socket"))?
        .send([messages::link_up(messages::LOOPBACK)])
        .map_err(because("bringing the loopback up"))?;
    raise_limits().map_err(because("raising the limit of open files"))
}

fn raise_limits() -> nix::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let limit = hard.min(OPEN_FILES).max(soft);
    setrlimit(Resource::RLIMIT_NOFILE, limit, hard)?;
    let table = FD_TABLE.min(i32::try_from(limit).unwrap_or(FD_TABLE));
    close(fcntl(std::io::stdin(), FcntlArg::F_DUPFD_CLOEXEC(table - 1))?)
}

fn because<E: Display>(doing: &'static str) -> impl Fn(E) -> String {
    move |error| format!("{doing}: {error}")
}
