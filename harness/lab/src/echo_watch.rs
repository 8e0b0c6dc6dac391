//! Watching the ICMP echo requests to a host, which its kernel answers without telling any program.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;

use lblab_model::Name;
use nix::libc::sock_filter;

use crate::packet_watch::PacketWatch;
use crate::{Lab, LabError};

/// An ICMP echo request that arrived at a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoRequest {
    /// Who sent it; its identifier stands for the port, which it has none of.
    pub source: SocketAddrV4,
    /// When the host's kernel received it, never later than that. In the first milliseconds of a watch, when it was read.
    pub at: Instant,
}

/// The echo requests that arrive at a host, as long as it is kept.
#[derive(Debug)]
pub struct EchoWatch {
    packets: PacketWatch,
}

impl Lab {
    /// Watches the echo requests to a member or client; what arrives at its `eth0` after this returns is seen, before any
    /// rule of the host's own firewall. Must be called within the runtime.
    pub fn watch_echo_requests(&self, host: &Name) -> Result<EchoWatch, LabError> {
        Ok(EchoWatch { packets: self.watch_packets(host, &FILTER, "watching for echo requests")? })
    }
}

impl EchoWatch {
    /// The next request, in the order in which they arrived. A host that is unplugged and plugged again stays watched.
    pub async fn next(&mut self) -> io::Result<EchoRequest> {
        self.packets.next(request).await
    }
}

/// Reads the headers of an IPv4 packet that carries an echo request (RFC 791 section 3.1, RFC 792).
fn request(packet: &[u8], at: Instant) -> Option<EchoRequest> {
    let source: [u8; 4] = packet.get(12..16)?.try_into().ok()?;
    let icmp = packet.get(usize::from(packet.first()? & 0x0f) * 4..)?;
    let identifier = u16::from_be_bytes([*icmp.get(4)?, *icmp.get(5)?]);
    Some(EchoRequest { source: SocketAddrV4::new(Ipv4Addr::from(source), identifier), at })
}

/// Lets pass what came in from outside and is ICMP, no later fragment, and an echo request.
static FILTER: [sock_filter; 11] = {
    use crate::packet_watch::bpf::{
        FRAGMENT, IF_ANY_BIT, IF_EQUAL, LATER_FRAGMENT, LOAD_BYTE, LOAD_BYTE_BEHIND_HEADER, LOAD_HALF,
        LOAD_HEADER_LENGTH, PACKET_HOST, PACKET_TYPE, PROTOCOL, RETURN, test, then,
    };
    const ICMP: u32 = 1;
    const ECHO_REQUEST: u32 = 8;
    [
        then(LOAD_BYTE, PACKET_TYPE),
        test(IF_EQUAL, PACKET_HOST, 0, 8),
        then(LOAD_BYTE, PROTOCOL),
        test(IF_EQUAL, ICMP, 0, 6),
        then(LOAD_HALF, FRAGMENT),
        test(IF_ANY_BIT, LATER_FRAGMENT, 4, 0),
        then(LOAD_HEADER_LENGTH, 0),
        then(LOAD_BYTE_BEHIND_HEADER, 0),
        test(IF_EQUAL, ECHO_REQUEST, 0, 1),
        then(RETURN, u32::MAX),
        then(RETURN, 0),
    ]
};

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{EchoRequest, request};

    /// An echo request of 192.168.1.250 with identifier 0x1234, its IP header this many words long.
    fn packet(words: u8) -> Vec<u8> {
        let mut packet = vec![0; usize::from(words) * 4 + 8];
        packet[0] = 0x40 | words;
        packet[12..16].copy_from_slice(&[192, 168, 1, 250]);
        let icmp = usize::from(words) * 4;
        packet[icmp..].copy_from_slice(&[8, 0, 0, 0, 0x12, 0x34, 0, 1]);
        packet
    }

    #[test]
    fn a_request_is_read_behind_a_header_of_any_length() {
        let at = Instant::now();
        let source = "192.168.1.250:4660".parse().expect("an address");
        assert_eq!(request(&packet(5), at), Some(EchoRequest { source, at }));
        assert_eq!(request(&packet(15), at), Some(EchoRequest { source, at }));
    }

    #[test]
    fn a_packet_that_is_cut_short_is_no_request() {
        let whole = packet(5);
        for length in 0..26 {
            assert_eq!(request(&whole[..length], Instant::now()), None, "{length}");
        }
    }
}
