//! The whole file.

use std::net::Ipv4Addr;

use super::{Endpoint, Member, Monitor, Pool, Rule, Sentence, Step, Subnet};
use crate::Profile;
use crate::shape::{Filled, List, Number, mapping, words};

/// The most members: a Linux bridge has 1023 ports, and some are needed for others.
pub(crate) const MOST_MEMBERS: usize = 900;
/// The most steps.
pub(crate) const MOST_STEPS: usize = 500;

mapping! {
    /// What a load balancer is asked to do, what happens to it, and what is expected of it.
    Scenario {
        /// What the scenario shows, in a sentence of at most 120 characters.
        required name: Sentence<120, 1> = ["a dead member leaves the pool in time and returns"],
        /// More about it, for whoever reads it.
        optional about: Sentence<2000, 40>,
        /// The profile of the conformance suite from which on it is run. When left out, it is no part of the suite.
        optional profile: Profile,
        /// How requests are shared.
        required pool: Pool,
        /// The tenant subnet. Its first address is the gateway's, its second the DHCP server's. Default: 192.168.1.0/24.
        optional subnet: Subnet = ["192.168.1.0/24"],
        /// The external subnet, for floating IPs. Default: 172.16.1.0/24.
        optional external: Subnet = ["172.16.1.0/24"],
        /// The web servers, in the order in which they are added to the pool. 1 to 900.
        required members: Filled<Member, MOST_MEMBERS>,
        /// The address and port on which clients are served. The port is 80 when left out. With an IPv6 address clients have IPv6
        /// addresses as well, in its network of 64 bits; members have IPv4 addresses all the same.
        required vip: Endpoint = ["192.168.1.250:80", "[2001:db8:1::250]:80", "2001:db8:1::250"],
        /// How many clients are served at a time. When left out, as many as come.
        optional connection_limit: Number<1, 10_000> = [20],
        /// An address in the external subnet that leads to the VIP.
        optional floating_ip: Ipv4Addr = ["172.16.1.209"],
        /// What every member lets in. When left out, each lets in its own port, and ICMP where the monitor is
        /// PING; `[]` lets in nothing, as OpenStack does.
        optional security_group: List<Rule> = [["tcp/80"]],
        /// The health monitor. Without one, no member is ever marked down.
        optional monitor: Monitor,
        /// What is done and what is expected, in order. At most 500 steps, at least one of them an `expect`.
        required steps: Filled<Step, MOST_STEPS>,
    }
}

words! { Profile:
    /// What every balancer has to do, in less than a minute.
    "core" => Profile::Core,
    /// What takes longer, or what fewer balancers have.
    "extended" => Profile::Extended,
    /// What takes many minutes.
    "nightly" => Profile::Nightly,
}
