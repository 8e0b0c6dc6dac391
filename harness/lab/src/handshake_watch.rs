//! Watching how TCP connections to a host begin and break off, below the program that would accept them.
//!
//! A connection that its peer resets before the handshake is complete is never accepted: HAProxy's TCP checks end so,
//! because the kernel is told to hold the last acknowledgement back (`TCP_QUICKACK` off in `tcp_connect_server()`) and to
//! reset on close. Only the host's network sees them.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;

use lblab_model::Name;
use nix::libc::sock_filter;

use crate::packet_watch::PacketWatch;
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
    packets: PacketWatch,
}

impl Lab {
    /// Watches the connections to a member or client; what arrives at its `eth0` after this returns is seen, before any
    /// rule of the host's own firewall. Must be called within the runtime.
    pub fn watch_handshakes(&self, host: &Name) -> Result<HandshakeWatch, LabError> {
        Ok(HandshakeWatch { packets: self.watch_packets(host, &FILTER, "watching for handshakes")? })
    }
}

impl HandshakeWatch {
    /// The next segment, in the order in which they arrived. A host that is unplugged and plugged again stays watched.
    pub async fn next(&mut self) -> io::Result<HandshakeSegment> {
        self.packets.next(segment).await
    }
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

/// Lets pass what came in from outside and is TCP, no later fragment, and has RST, or SYN without ACK. Other programs' packets cost
/// a few instructions each and wake nobody.
static FILTER: [sock_filter; 14] = {
    use crate::packet_watch::bpf::{
        AND, FRAGMENT, IF_ANY_BIT, IF_EQUAL, LATER_FRAGMENT, LOAD_BYTE, LOAD_BYTE_BEHIND_HEADER, LOAD_HALF,
        LOAD_HEADER_LENGTH, PACKET_HOST, PACKET_TYPE, PROTOCOL, RETURN, test, then,
    };
    const TCP: u32 = 6;
    const FLAGS: u32 = 13;
    [
        then(LOAD_BYTE, PACKET_TYPE),
        test(IF_EQUAL, PACKET_HOST, 0, 11),
        then(LOAD_BYTE, PROTOCOL),
        test(IF_EQUAL, TCP, 0, 9),
        then(LOAD_HALF, FRAGMENT),
        test(IF_ANY_BIT, LATER_FRAGMENT, 7, 0),
        then(LOAD_HEADER_LENGTH, 0),
        then(LOAD_BYTE_BEHIND_HEADER, FLAGS),
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
