//! Watching how TCP connections to a host begin and break off, below the program that would accept them.
//!
//! A connection that its peer resets before the handshake is complete is never accepted: HAProxy's TCP checks end so,
//! because the kernel is told to hold the last acknowledgement back (`TCP_QUICKACK` off in `tcp_connect_server()`) and to
//! reset on close. Only the host's network sees them.

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddrV4};
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

/// A TCP segment that arrived at a host and that begins a handshake or breaks a connection off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandshakeSegment {
    /// Who sent it.
    pub source: SocketAddrV4,
    /// The host's port that it was sent to.
    pub port: u16,
    /// What it says.
    pub kind: HandshakeKind,
    /// When the host's kernel received it, never later than that. In the first milliseconds of a watch, while the kernel is
    /// only about to stamp what it receives (`net_enable_timestamp()`, `net/core/dev.c`), when it was read.
    pub at: Instant,
}

/// What a segment says of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeKind {
    /// It opens the connection: SYN without ACK. A repeated one is seen again.
    Syn,
    /// It breaks the connection off: RST.
    Reset,
}

/// The segments with SYN or RST that arrive at a host, as long as it is kept.
#[derive(Debug)]
pub struct HandshakeWatch {
    /// None only while it is dropped.
    socket: Option<AsyncFd<OwnedFd>>,
}

impl Lab {
    /// Watches the connections to a member or client; what arrives at its `eth0` after this returns is seen, before any
    /// rule of the host's own firewall. Must be called within the runtime.
    pub fn watch_handshakes(&self, host: &Name) -> Result<HandshakeWatch, LabError> {
        let interface = self.host(host)?.far.index;
        let namespace = self.namespace(host.as_str())?;
        let open = || {
            let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
            // Without a protocol it receives nothing, so nothing comes past the filter.
            let socket = socket(AddressFamily::Packet, SockType::Datagram, flags, None)?;
            attach_filter(&socket, &FILTER)?;
            setsockopt(&socket, ReceiveTimestampns, &true)?;
            receive_ipv4(&socket, interface)?;
            Ok(socket)
        };
        let failed = namespace.failed("watching for handshakes");
        let socket = namespace.hop(open)?.map_err(|errno: Errno| failed(errno.into()))?;
        Ok(HandshakeWatch { socket: Some(await_readable(socket).map_err(failed)?) })
    }
}

impl HandshakeWatch {
    /// The next segment, in the order in which they arrived. A host that is unplugged and plugged again stays watched.
    pub async fn next(&mut self) -> io::Result<HandshakeSegment> {
        let Some(socket) = &self.socket else { return Err(io::ErrorKind::NotConnected.into()) };
        loop {
            match socket.async_io(Interest::READABLE, receive).await {
                Ok(Some(segment)) => return Ok(segment),
                Ok(None) => {}
                // Told once when the interface is taken down.
                Err(error) if error.raw_os_error() == Some(Errno::ENETDOWN as i32) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for HandshakeWatch {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.take() {
            let socket = socket.into_inner();
            // Closing a packet socket waits for every CPU's RCU callbacks (`packet_release()`, `net/packet/af_packet.c`).
            std::thread::spawn(move || drop(socket));
        }
    }
}

/// Receives one packet; none if it is no segment that this program can read.
fn receive(socket: &OwnedFd) -> io::Result<Option<HandshakeSegment>> {
    let mut packet = [0; 128];
    let mut control = cmsg_space!(TimeSpec);
    let mut into = [IoSliceMut::new(&mut packet)];
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
    Ok(segment(&packet[..length.min(128)], at))
}

/// Reads the headers of an IPv4 packet that carries TCP (RFC 791 section 3.1, RFC 9293 section 3.1).
fn segment(packet: &[u8], at: Instant) -> Option<HandshakeSegment> {
    let source: [u8; 4] = packet.get(12..16)?.try_into().ok()?;
    let tcp = packet.get(usize::from(packet.first()? & 0x0f) * 4..)?;
    let port = |at: usize| Some(u16::from_be_bytes([*tcp.get(at)?, *tcp.get(at + 1)?]));
    let kind = if tcp.get(13)? & RST == 0 { HandshakeKind::Syn } else { HandshakeKind::Reset };
    Some(HandshakeSegment { source: SocketAddrV4::new(Ipv4Addr::from(source), port(0)?), port: port(2)?, kind, at })
}

const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// Lets pass what came in from outside and is TCP, no later fragment, and has RST, or SYN without ACK; classic BPF
/// (`Documentation/networking/filter.rst`). Other programs' packets cost a few instructions each and wake nobody.
static FILTER: [sock_filter; 14] = {
    const LOAD_BYTE: u16 = 0x30;
    const LOAD_HALF: u16 = 0x28;
    const LOAD_BYTE_BEHIND_HEADER: u16 = 0x50;
    const LOAD_HEADER_LENGTH: u16 = 0xb1;
    const IF_EQUAL: u16 = 0x15;
    const IF_ANY_BIT: u16 = 0x45;
    const AND: u16 = 0x54;
    const RETURN: u16 = 0x06;
    /// `SKF_AD_OFF + SKF_AD_PKTTYPE`.
    const PACKET_TYPE: u32 = 0xffff_f004;
    const PACKET_HOST: u32 = 0;
    const TCP: u32 = 6;

    const fn then(code: u16, k: u32) -> sock_filter {
        sock_filter { code, jt: 0, jf: 0, k }
    }
    /// Skips so many instructions if the test holds, and so many if it does not.
    const fn test(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
        sock_filter { code, jt, jf, k }
    }
    [
        then(LOAD_BYTE, PACKET_TYPE),
        test(IF_EQUAL, PACKET_HOST, 0, 11),
        then(LOAD_BYTE, 9),
        test(IF_EQUAL, TCP, 0, 9),
        then(LOAD_HALF, 6),
        test(IF_ANY_BIT, 0x1fff, 7, 0),
        then(LOAD_HEADER_LENGTH, 0),
        then(LOAD_BYTE_BEHIND_HEADER, 13),
        test(IF_ANY_BIT, RST as u32, 2, 0),
        then(AND, (SYN | ACK) as u32),
        test(IF_EQUAL, SYN as u32, 0, 2),
        then(RETURN, u32::MAX),
        then(RETURN, u32::MAX),
        then(RETURN, 0),
    ]
};

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{HandshakeKind, HandshakeSegment, segment};

    /// A packet of 192.168.1.250:40000 to port 80 with these flags, its header this many words long.
    fn packet(words: u8, flags: u8) -> Vec<u8> {
        let mut packet = vec![0; usize::from(words) * 4 + 20];
        packet[0] = 0x40 | words;
        packet[12..16].copy_from_slice(&[192, 168, 1, 250]);
        let tcp = usize::from(words) * 4;
        packet[tcp..tcp + 4].copy_from_slice(&[0x9c, 0x40, 0, 80]);
        packet[tcp + 13] = flags;
        packet
    }

    #[test]
    fn a_segment_is_read_behind_a_header_of_any_length() {
        let at = Instant::now();
        let source = "192.168.1.250:40000".parse().expect("an address");
        let read = |kind| Some(HandshakeSegment { source, port: 80, kind, at });
        assert_eq!(segment(&packet(5, 0x02), at), read(HandshakeKind::Syn));
        assert_eq!(segment(&packet(15, 0x14), at), read(HandshakeKind::Reset));
    }

    #[test]
    fn a_packet_that_is_cut_short_is_no_segment() {
        let whole = packet(5, 0x02);
        for length in 0..34 {
            assert_eq!(segment(&whole[..length], Instant::now()), None, "{length}");
        }
    }
}
