//! The system calls that no safe wrapper covers. Nothing else in this crate is unsafe.
#![expect(unsafe_code, reason = "raw clone, fork, one ioctl and four calls on packet sockets have no safe wrapper")]

use std::ffi::{c_char, c_int, c_long};
use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sched::CloneFlags;
use nix::unistd::{ForkResult, Pid};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Forks into new namespaces: the child is PID 1 of a new pid namespace if the flags say so.
///
/// This is the raw system call without a stack, as bubblewrap uses it, because `clone(3)` wants a stack of its own and
/// the child goes on to run the whole program on it. The caller must be single-threaded: the child gets a copy of every
/// lock in the state in which another thread may have left it.
pub(crate) fn fork_into(namespaces: CloneFlags) -> nix::Result<ForkResult> {
    let flags = c_long::from(namespaces.bits() | libc::SIGCHLD);
    // SAFETY: a null stack makes this a fork; the child runs on a copy of this very stack. The callers check that there
    // is one thread only, so no lock is held by anyone else.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0 as c_long, 0 as c_long, 0 as c_long, 0 as c_long) };
    match c_int::try_from(Errno::result(pid)?).map_err(|_| Errno::EOVERFLOW)? {
        0 => Ok(ForkResult::Child),
        child => Ok(ForkResult::Parent { child: Pid::from_raw(child) }),
    }
}

/// Forks within PID 1, which is single-threaded.
pub(crate) fn fork() -> nix::Result<ForkResult> {
    // SAFETY: only PID 1 of a sandbox calls this; it has one thread, so the child may go on as any program.
    unsafe { nix::unistd::fork() }
}

/// Whether the interface has carrier, after the kernel has handled the carrier events that it still has pending for it.
///
/// `ETHTOOL_GLINK` ends in `linkwatch_sync_dev()` (`net/core/link_watch.c`), which otherwise runs once a second. The
/// namespace is the one that the socket was made in.
pub(crate) fn settle_carrier(socket: &impl AsFd, interface: &str) -> nix::Result<bool> {
    const ETHTOOL_GLINK: u32 = 0x0a;

    #[repr(C)]
    struct EthtoolValue {
        command: u32,
        data: u32,
    }

    let mut value = EthtoolValue { command: ETHTOOL_GLINK, data: 0 };
    // SAFETY: `ifreq` is a plain C struct for which all zeroes is a valid value.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    if interface.len() >= request.ifr_name.len() {
        return Err(Errno::ENAMETOOLONG);
    }
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = c_char::from_ne_bytes([from]);
    }
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    // SAFETY: the request names an interface and points to a value that outlives the call; the kernel writes `data`
    // only.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
    Errno::result(result)?;
    Ok(value.data == 1)
}

/// Sends an Ethernet frame as it is out of the interface with this index.
///
/// The socket is an `AF_PACKET` socket of the interface's namespace.
pub(crate) fn send_frame(socket: &impl AsFd, interface: u32, frame: &[u8]) -> nix::Result<()> {
    let address = link_address(interface, 0)?;
    // SAFETY: both pointers and their lengths describe live values that the kernel only reads.
    let sent = unsafe {
        libc::sendto(
            socket.as_fd().as_raw_fd(),
            frame.as_ptr().cast(),
            frame.len(),
            0,
            (&raw const address).cast(),
            length_of::<libc::sockaddr_ll>()?,
        )
    };
    Errno::result(sent).map(drop)
}

/// Has an `AF_PACKET` socket receive the IPv4 packets of the interface with this index in its namespace.
pub(crate) fn receive_ipv4(socket: &impl AsFd, interface: u32) -> nix::Result<()> {
    let protocol = u16::try_from(libc::ETH_P_IP).map_err(|_| Errno::EPROTONOSUPPORT)?;
    let address = link_address(interface, protocol)?;
    // SAFETY: the pointer and its length describe a live value that the kernel only reads.
    let bound = unsafe {
        libc::bind(socket.as_fd().as_raw_fd(), (&raw const address).cast(), length_of::<libc::sockaddr_ll>()?)
    };
    Errno::result(bound).map(drop)
}

/// Has the socket receive only what the classic BPF program returns a length for; the kernel checks the program.
pub(crate) fn attach_filter(socket: &impl AsFd, program: &'static [libc::sock_filter]) -> nix::Result<()> {
    let length = libc::c_ushort::try_from(program.len()).map_err(|_| Errno::EINVAL)?;
    let filter = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    // SAFETY: the value and the program that it points to live longer than the call; the kernel copies both and writes
    // neither, so that the program's pointer may come from a shared reference.
    let attached = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const filter).cast(),
            length_of::<libc::sock_fprog>()?,
        )
    };
    Errno::result(attached).map(drop)
}

/// Has the runtime tell when there is something to receive on the socket.
pub(crate) fn await_readable(socket: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open, and always the same descriptor, until it is dropped.
    let registered = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) };
    Ok(registered?)
}

/// The link-layer address of an interface, with the `EtherType` of what is meant; 0 is none.
fn link_address(interface: u32, protocol: u16) -> nix::Result<libc::sockaddr_ll> {
    // SAFETY: `sockaddr_ll` is a plain C struct for which all zeroes is a valid value.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = libc::sa_family_t::try_from(libc::AF_PACKET).map_err(|_| Errno::EAFNOSUPPORT)?;
    address.sll_protocol = protocol.to_be();
    address.sll_ifindex = c_int::try_from(interface).map_err(|_| Errno::ENODEV)?;
    Ok(address)
}

fn length_of<T>() -> nix::Result<libc::socklen_t> {
    libc::socklen_t::try_from(size_of::<T>()).map_err(|_| Errno::EINVAL)
}
