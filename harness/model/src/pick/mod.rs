//! How members are picked: one file per method, all of them pure.
//!
//! A pick reads the [`Candidate`]s and its own state, and nothing else; the same calls give the same picks. Nothing is
//! allocated while picking, once the number of members has been seen.

mod hash_formula;
mod least_connections;
mod round_robin;
mod source_hash;
mod source_table;

use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};

pub use least_connections::LeastConnections;
pub use round_robin::SmoothRoundRobin;
pub use source_table::{ClientTable, SourceTable};

use crate::{Member, Method, Sequence, Weight};

/// A member as a picker sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where the member listens; to a source hash this is who it is.
    pub address: SocketAddrV4,
    /// The member's weight; with weight 0 it is never picked.
    pub weight: Weight,
    /// Requests (HTTP) or connections (TCP) that the member has in flight.
    pub load: u32,
    /// Whether the member's monitor, if it has one, says that it is up.
    pub up: bool,
    /// Whether this very request was sent to the member before, in vain.
    pub tried: bool,
}

impl Candidate {
    /// The member, up and with nothing to do.
    pub fn idle(member: &Member) -> Candidate {
        let address = SocketAddrV4::new(member.address, member.port.get());
        Candidate { address, weight: member.weight, load: 0, up: true, tried: false }
    }

    /// Whether the member takes a client that is bound to it, whatever its weight.
    pub fn usable(&self) -> bool {
        self.up && !self.tried
    }

    /// Whether the member takes a client that is bound to no member.
    pub fn takes_new(&self) -> bool {
        self.usable() && self.weight.get() > 0
    }
}

/// A period of a rotation over idle members of these weights, as the places of the members; the weights have no common divisor.
pub fn period(sequence: Sequence, weights: &[Weight]) -> Vec<usize> {
    let blocks =
        weights.iter().enumerate().flat_map(|(at, &weight)| std::iter::repeat_n(at, usize::from(weight.get())));
    match sequence {
        Sequence::Blocks => blocks.collect(),
        Sequence::Smooth => {
            let address = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
            let members: Vec<Candidate> =
                weights.iter().map(|&weight| Candidate { address, weight, load: 0, up: true, tried: false }).collect();
            let mut picker = SmoothRoundRobin::default();
            blocks.map_while(|_| picker.pick(&members)).collect()
        }
    }
}

/// One of the methods, with its state.
///
/// A picker knows members by their place in the slice of candidates.
#[derive(Clone, Debug)]
pub enum Picker {
    /// `ROUND_ROBIN`.
    RoundRobin(SmoothRoundRobin),
    /// `LEAST_CONNECTIONS`.
    LeastConnections(LeastConnections),
    /// `SOURCE_IP`.
    SourceHash,
}

impl Picker {
    /// A picker that has not picked yet.
    pub fn new(method: Method) -> Picker {
        match method {
            Method::RoundRobin => Picker::RoundRobin(SmoothRoundRobin::default()),
            Method::LeastConnections => Picker::LeastConnections(LeastConnections::default()),
            Method::SourceIp => Picker::SourceHash,
        }
    }

    /// The place of the member that the next request of `client` goes to, or none if no candidate takes new clients.
    pub fn pick(&mut self, candidates: &[Candidate], client: IpAddr) -> Option<usize> {
        match self {
            Picker::RoundRobin(picker) => picker.pick(candidates),
            Picker::LeastConnections(picker) => picker.pick(candidates),
            Picker::SourceHash => source_hash::pick(candidates, client),
        }
    }
}

#[cfg(test)]
mod testing {
    //! Candidates for the tests of every method.

    use std::net::{Ipv4Addr, SocketAddrV4};

    use proptest::prelude::*;

    use super::Candidate;
    use crate::Weight;

    /// Idle members that are up, 192.168.1.1:80 and onwards, with these weights.
    pub(super) fn candidates(weights: &[u16]) -> Vec<Candidate> {
        (1..)
            .zip(weights)
            .map(|(host, &weight)| Candidate {
                address: SocketAddrV4::new(Ipv4Addr::new(192, 168, 1, host), 80),
                weight: Weight::try_from(weight).expect("the test's weights are valid"),
                load: 0,
                up: true,
                tried: false,
            })
            .collect()
    }

    /// One to eight weights, not all of them 0.
    pub(super) fn weights() -> impl Strategy<Value = Vec<u16>> {
        let weight = prop_oneof![4 => 0..=12_u16, 1 => 0..=256_u16];
        prop::collection::vec(weight, 1..=8).prop_filter("all weights are 0", |weights| weights.iter().any(|&w| w > 0))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;

    use super::Picker;
    use super::testing::{candidates, weights};
    use crate::Method;

    proptest! {
        #[test]
        fn a_member_that_is_down_or_has_weight_0_is_never_picked(
            weights in weights(),
            downs in prop::collection::vec(any::<u8>(), 1..40),
            loads in prop::collection::vec(0..5_u32, 8),
            client in any::<u32>(),
        ) {
            for method in [Method::RoundRobin, Method::LeastConnections, Method::SourceIp] {
                let mut members = candidates(&weights);
                let mut picker = Picker::new(method);
                for down in &downs {
                    for (at, member) in members.iter_mut().enumerate() {
                        member.up = down >> at & 1 == 0;
                        member.load = loads[at];
                    }
                    let pick = picker.pick(&members, IpAddr::V4(Ipv4Addr::from(client)));
                    prop_assert_eq!(pick.is_some(), members.iter().any(|m| m.up && m.weight.get() > 0));
                    if let Some(at) = pick {
                        prop_assert!(members[at].up && members[at].weight.get() > 0);
                    }
                }
            }
        }
    }

    #[test]
    fn nobody_is_picked_from_an_empty_pool() {
        for method in [Method::RoundRobin, Method::LeastConnections, Method::SourceIp] {
            assert_eq!(Picker::new(method).pick(&[], IpAddr::V4(Ipv4Addr::LOCALHOST)), None);
        }
    }
}
