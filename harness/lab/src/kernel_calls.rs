//! The system calls that no safe wrapper covers. Nothing else in this crate is unsafe.
#![expect(unsafe_code, reason = "raw clone, fork, one ioctl and one link-layer send have no safe wrapper")]

use std::ffi::{c_char, c_int, c_long};
use std::mem;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::libc;
use nix::sched::CloneFlags;
use nix::unistd::{ForkResult, Pid};

/// Forks into new namespaces: the child is PID 1 of a new pid namespace if the flags say so.
///
/// This is the raw system call without a stack, as bubblewrap uses it, because `clone(3)` wants a stack of its own and
/// the child goes on to run the whole program on it. The caller must be single-threaded: the child gets a copy of every lock
/// in the state in which another thread may have left it.
pub(crate) fn fork_into(namespaces: CloneFlags) -> nix::Result<ForkResult> {
    let flags = c_long::from(namespaces.bits() | libc::SIGCHLD);
    // SAFETY: a null stack makes this a fork; the child runs on a copy of this very stack. The callers check that there is
    // one thread only, so no lock is held by anyone else.
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
    // SAFETY: the request names an interface and points to a value that outlives the call; the kernel writes `data` only.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
    Errno::result(result)?;
    Ok(value.data == 1)
}

/// Sends an Ethernet frame as it is out of the interface with this index.
///
/// The socket is an `AF_PACKET` socket of the interface's namespace.
pub(crate) fn send_frame(socket: &impl AsFd, interface: u32, frame: &[u8]) -> nix::Result<()> {
    // SAFETY: `sockaddr_ll` is a plain C struct for which all zeroes is a valid value.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = libc::sa_family_t::try_from(libc::AF_PACKET).map_err(|_| Errno::EAFNOSUPPORT)?;
    address.sll_ifindex = c_int::try_from(interface).map_err(|_| Errno::ENODEV)?;
    let length = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).map_err(|_| Errno::EINVAL)?;
    // SAFETY: both pointers and their lengths describe live values that the kernel only reads.
    let sent = unsafe {
        libc::sendto(
            socket.as_fd().as_raw_fd(),
            frame.as_ptr().cast(),
            frame.len(),
            0,
            (&raw const address).cast(),
            length,
        )
    };
    Errno::result(sent).map(drop)
}
