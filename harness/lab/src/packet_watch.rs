//! Watching the packets that arrive at a host, below every program and every rule of its own firewall.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant, SystemTime};

use lblab_model::Name;
use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc::sock_filter;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, setsockopt, socket,
    sockopt::ReceiveTimestampns,
};
use nix::sys::time::TimeSpec;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::kernel_calls::{attach_filter, await_readable, receive_ipv4};
use crate::{Lab, LabError};

/// As much of a packet as its headers take.
pub(crate) type Head = [u8; 128];

/// The IPv4 packets that arrive at a host and pass a filter, as long as it is kept.
#[derive(Debug)]
pub(crate) struct PacketWatch {
    /// None only while it is dropped.
    socket: Option<AsyncFd<OwnedFd>>,
}

impl Lab {
    /// Watches what arrives at the `eth0` of a member or client and passes the filter. Must be called within the runtime.
    pub(crate) fn watch_packets(
        &self,
        host: &Name,
        filter: &'static [sock_filter],
        doing: &'static str,
    ) -> Result<PacketWatch, LabError> {
        let interface = self.host(host)?.far.index;
        let namespace = self.namespace(host.as_str())?;
        let open = || {
            let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
            // Without a protocol it receives nothing, so nothing comes past the filter.
            let socket = socket(AddressFamily::Packet, SockType::Datagram, flags, None)?;
            attach_filter(&socket, filter)?;
            setsockopt(&socket, ReceiveTimestampns, &true)?;
            receive_ipv4(&socket, interface)?;
            Ok(socket)
        };
        let failed = namespace.failed(doing);
        let socket = namespace.hop(open)?.map_err(|errno: Errno| failed(errno.into()))?;
        Ok(PacketWatch { socket: Some(await_readable(socket).map_err(failed)?) })
    }
}

impl PacketWatch {
    /// The next packet that `read` makes something of, in the order in which they arrived, from its head and the moment at which the
    /// host's kernel received it. A host that is unplugged and plugged again stays watched.
    ///
    /// The moment is never later than that. In the first milliseconds of a watch, while the kernel is only about to stamp what it
    /// receives (`net_enable_timestamp()`, `net/core/dev.c`), it is when the packet was read.
    pub(crate) async fn next<T>(&mut self, read: fn(&[u8], Instant) -> Option<T>) -> io::Result<T> {
        let Some(socket) = &self.socket else { return Err(io::ErrorKind::NotConnected.into()) };
        loop {
            let mut head: Head = [0; 128];
            match socket.async_io(Interest::READABLE, |socket| receive(socket, &mut head)).await {
                Ok((length, at)) => {
                    if let Some(packet) = read(&head[..length], at) {
                        return Ok(packet);
                    }
                }
                // Told once when the interface is taken down.
                Err(error) if error.raw_os_error() == Some(Errno::ENETDOWN as i32) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for PacketWatch {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.take() {
            let socket = socket.into_inner();
            // Closing a packet socket waits for every CPU's RCU callbacks (`packet_release()`, `net/packet/af_packet.c`).
            std::thread::spawn(move || drop(socket));
        }
    }
}

/// Receives one packet: how much of it there is, and when it arrived.
fn receive(socket: &OwnedFd, head: &mut Head) -> io::Result<(usize, Instant)> {
    let mut control = cmsg_space!(TimeSpec);
    let mut into = [IoSliceMut::new(head)];
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut into, Some(&mut control), MsgFlags::empty())?;
    let length = message.bytes;
    let stamp = message.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::ScmTimestampns(stamp) => Some(Duration::from(stamp)),
        _ => None,
    });
    // Of the two clocks the one that is reported is read first: a pause between them makes the moment earlier, not later.
    let (now, real) = (Instant::now(), SystemTime::now());
    let age = stamp.and_then(|stamp| real.duration_since(SystemTime::UNIX_EPOCH + stamp).ok());
    let at = now.checked_sub(age.unwrap_or_default()).unwrap_or(now);
    Ok((length.min(head.len()), at))
}

/// Instructions of classic BPF (`Documentation/networking/filter.rst`), as far as filters here need them.
pub(crate) mod bpf {
    use nix::libc::sock_filter;

    pub(crate) const LOAD_BYTE: u16 = 0x30;
    pub(crate) const LOAD_HALF: u16 = 0x28;
    pub(crate) const LOAD_BYTE_BEHIND_HEADER: u16 = 0x50;
    pub(crate) const LOAD_HEADER_LENGTH: u16 = 0xb1;
    pub(crate) const IF_EQUAL: u16 = 0x15;
    pub(crate) const IF_ANY_BIT: u16 = 0x45;
    pub(crate) const AND: u16 = 0x54;
    pub(crate) const RETURN: u16 = 0x06;
    /// `SKF_AD_OFF + SKF_AD_PKTTYPE`.
    pub(crate) const PACKET_TYPE: u32 = 0xffff_f004;
    pub(crate) const PACKET_HOST: u32 = 0;
    /// Where an IPv4 header has the protocol.
    pub(crate) const PROTOCOL: u32 = 9;
    /// Where an IPv4 header has the flags and the fragment's offset.
    pub(crate) const FRAGMENT: u32 = 6;
    /// The bits of the fragment's offset.
    pub(crate) const LATER_FRAGMENT: u32 = 0x1fff;

    pub(crate) const fn then(code: u16, k: u32) -> sock_filter {
        sock_filter { code, jt: 0, jf: 0, k }
    }

    /// Skips so many instructions if the test holds, and so many if it does not.
    pub(crate) const fn test(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
        sock_filter { code, jt, jf, k }
    }
}
