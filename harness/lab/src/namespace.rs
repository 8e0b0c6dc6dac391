//! Named network namespaces, and going into one to do a single thing.

use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, SocketAddrV4, TcpListener};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use netns_rs::{Env, NetNs};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, listen, setsockopt, socket, sockopt::ReuseAddr,
};
use tokio::net::TcpSocket;

use crate::{LabError, sysctl};

/// Where the names are: as `ip netns` has it, so that it lists them inside the lab.
pub(crate) const FOLDER: &str = "/run/netns";

const CURRENT: &str = "/proc/thread-self/ns/net";

/// The naming of a lab's namespaces.
#[derive(Clone, Copy, Debug)]
struct LabEnv;

impl Env for LabEnv {
    fn persist_dir(&self) -> PathBuf {
        PathBuf::from(FOLDER)
    }
}

/// A network namespace of a lab; a clone is another handle to the same namespace.
#[derive(Clone, Debug)]
pub struct Namespace(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    net: NetNs<LabEnv>,
    inode: u64,
}

impl Namespace {
    /// The name, as `ip netns` shows it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Runs the closure in the namespace, on this very thread, and comes home.
    ///
    /// Sockets and processes that the closure makes stay in the namespace for life, so only their making needs the hop.
    /// The closure must not wait for anything: the thread's other work waits for it. A panic goes on after coming home;
    /// a thread that cannot come home aborts the process, because everything after would happen in the wrong namespace.
    pub fn hop<T>(&self, errand: impl FnOnce() -> T) -> Result<T, LabError> {
        let home = Home::here().map_err(self.failed("remembering the way home"))?;
        self.0.net.enter().map_err(|error| self.failed("going there")(io::Error::other(error)))?;
        let outcome = catch_unwind(AssertUnwindSafe(errand));
        drop(home);
        outcome.map_err(|panic| resume_unwind(panic))
    }

    /// A non-blocking listener, with `SO_REUSEADDR`, in the namespace; the backlog is capped at `SOMAXCONN`.
    pub fn tcp_listener(&self, address: SocketAddrV4, backlog: u16) -> io::Result<TcpListener> {
        self.hop(|| {
            let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
            let socket = socket(AddressFamily::Inet, SockType::Stream, flags, None)?;
            setsockopt(&socket, ReuseAddr, &true)?;
            bind(socket.as_raw_fd(), &SockaddrIn::from(address))?;
            listen(&socket, Backlog::new(i32::from(backlog).min(Backlog::MAXCONN.into()))?)?;
            Ok(TcpListener::from(socket))
        })
        .map_err(io::Error::other)?
    }

    /// A TCP socket in the namespace, to bind and connect from anywhere.
    pub fn tcp_socket(&self) -> io::Result<TcpSocket> {
        self.hop(TcpSocket::new_v4).map_err(io::Error::other)?
    }

    /// A TCP socket in the namespace that can connect to this address.
    pub fn tcp_socket_to(&self, peer: IpAddr) -> io::Result<TcpSocket> {
        let open = if peer.is_ipv4() { TcpSocket::new_v4 } else { TcpSocket::new_v6 };
        self.hop(open).map_err(io::Error::other)?
    }

    /// Sets a network setting of the namespace, as in `net.ipv4.ip_forward`.
    pub fn set_sysctl(&self, key: &str, value: &str) -> Result<(), LabError> {
        let path = key.strip_prefix("net.").unwrap_or(key).replace('.', "/");
        self.hop(|| sysctl::set(&[(&path, value)]))?.map_err(self.failed("setting a network setting"))
    }

    /// The number that the kernel knows the namespace by: that of `/proc/PID/ns/net`.
    pub(crate) fn inode(&self) -> u64 {
        self.0.inode
    }

    /// The descriptor of the namespace.
    pub(crate) fn file(&self) -> &File {
        self.0.net.file()
    }

    /// Makes a namespace and leaves the calling thread in it; the caller holds a [`Home`].
    ///
    /// Made in place rather than with `NetNs::new`, which starts a thread for each and waits for it.
    pub(crate) fn create_and_stay(name: &str) -> Result<Namespace, LabError> {
        let path = claim(name)?;
        unshare(CloneFlags::CLONE_NEWNET).map_err(|errno| failed(name, "making the namespace")(errno.into()))?;
        Namespace::of_this_thread(name, &path)
    }

    /// Gives a namespace that somebody else has made a name, and leaves the calling thread in it; the caller holds a [`Home`].
    pub(crate) fn adopt_and_stay(name: &str, network: &File) -> Result<Namespace, LabError> {
        let path = claim(name)?;
        setns(network, CloneFlags::CLONE_NEWNET).map_err(|errno| {
            // The name is no namespace's yet.
            let _ = fs::remove_file(&path);
            failed(name, "going into the namespace of a container")(errno.into())
        })?;
        Namespace::of_this_thread(name, &path)
    }

    /// Gives the calling thread's namespace the name that was claimed.
    fn of_this_thread(name: &str, path: &Path) -> Result<Namespace, LabError> {
        mount(Some(CURRENT), path, None::<&str>, MsFlags::MS_BIND, None::<&str>)
            .map_err(|errno| failed(name, "naming the namespace")(errno.into()))?;
        let net =
            NetNs::get_from_env(name, LabEnv).map_err(|error| failed(name, "opening")(io::Error::other(error)))?;
        let inode = net.file().metadata().map_err(failed(name, "examining"))?.ino();
        Ok(Namespace(Arc::new(Inner { name: name.to_owned(), net, inode })))
    }

    /// Takes the name away. The namespace itself ends with its last process, socket and handle.
    pub(crate) fn remove_name(&self) -> io::Result<()> {
        let path = self.path();
        umount2(&path, MntFlags::MNT_DETACH)?;
        fs::remove_file(path)
    }

    /// The file that carries the name.
    pub fn path(&self) -> PathBuf {
        Path::new(FOLDER).join(self.name())
    }

    /// Says what was being done when the error happened.
    pub(crate) fn failed(&self, doing: &'static str) -> impl Fn(io::Error) -> LabError + use<> {
        failed(self.name(), doing)
    }
}

/// The file for a name that is not taken.
fn claim(name: &str) -> Result<PathBuf, LabError> {
    let path = Path::new(FOLDER).join(name);
    File::create_new(&path).map_err(failed(name, "claiming the name"))?;
    Ok(path)
}

/// Says what was being done to the namespace with this name when the error happened.
fn failed(name: &str, doing: &'static str) -> impl Fn(io::Error) -> LabError + use<> {
    let namespace = name.to_owned();
    move |source| LabError::System { doing, namespace: namespace.clone(), source }
}

/// The namespace that a thread was in, to which it returns when this is dropped.
pub(crate) struct Home(File);

impl Home {
    /// Remembers where the calling thread is.
    pub(crate) fn here() -> io::Result<Home> {
        File::open(CURRENT).map(Home)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Err(error) = setns(&self.0, CloneFlags::CLONE_NEWNET) {
            eprintln!("cannot return to the sandbox's own network namespace ({error}); aborting");
            std::process::abort();
        }
    }
}
