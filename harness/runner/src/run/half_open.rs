//! Health probes that only a member's network sees: the balancer breaks them off before they can be accepted.
//!
//! HAProxy's TCP check answers the SYN-ACK with a reset. To the member's server nothing has happened, and to HAProxy the
//! member is well.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use lblab_history::{Answer, Clock, Purpose, Served};
use lblab_lab::{HandshakeKind, HandshakeSegment, HandshakeWatch, Lab};
use lblab_members::Log;
use lblab_model::{BalancerTraits, Moment, MonitorKind, Name};
use lblab_scenario::Plan;
use tokio::task::{spawn_local, yield_now};

use crate::Problem;

/// Writes the half-open probes of every member into the members' log, if the balancer's monitor sends any.
pub(super) fn watch(lab: &Lab, plan: &Plan, traits: &BalancerTraits, clock: Clock, log: &Log) -> Result<(), Problem> {
    // A PING monitor is not to connect to anybody, which some do in such a way.
    let kinds = [MonitorKind::Tcp, MonitorKind::Ping];
    if !plan.monitor_on(traits).is_some_and(|monitor| kinds.contains(&monitor.kind)) {
        return Ok(());
    }
    for planned in &plan.members {
        let member = planned.member.name.clone();
        let watch = lab.watch_handshakes(&member)?;
        let prober =
            Prober { balancer: plan.network.balancer(), port: planned.member.port.get(), begun: BTreeMap::new() };
        spawn_local(follow(watch, prober, member, clock, log.clone()));
    }
    Ok(())
}

async fn follow(mut watch: HandshakeWatch, mut prober: Prober, member: Name, clock: Clock, log: Log) {
    loop {
        let segment = match watch.next().await {
            Ok(segment) => segment,
            Err(error) => {
                tracing::error!(%member, %error, "half-open probes are not seen any more");
                return;
            }
        };
        let Some((source, started)) = prober.ended_by(&segment, clock) else { continue };
        // A connection that was complete before the reset came is waiting to be accepted, if it has not been yet. The
        // runtime looks at all sockets before it comes back here, and wakes the server first.
        yield_now().await;
        if !log.has_accepted(&member, source, started) {
            log.add(Served {
                member: member.clone(),
                purpose: Purpose::Probe,
                source,
                started,
                ended: Some(clock.at(segment.at)),
                answer: Answer::Nothing,
                target: None,
                forwarded_for: None,
                cookie: None,
                unchanged: None,
                end_seen: None,
            });
        }
    }
}

/// The balancer's connections to one member that have begun, and may be broken off.
struct Prober {
    balancer: Ipv4Addr,
    port: u16,
    /// When the last connection from each source began.
    begun: BTreeMap<SocketAddrV4, Moment>,
}

impl Prober {
    /// The source and the beginning of the balancer's connection that this segment breaks off, if it does.
    fn ended_by(&mut self, segment: &HandshakeSegment, clock: Clock) -> Option<(SocketAddrV4, Moment)> {
        if *segment.source.ip() != self.balancer || segment.port != self.port {
            return None;
        }
        match segment.kind {
            HandshakeKind::Syn => {
                self.begun.insert(segment.source, clock.at(segment.at));
                None
            }
            HandshakeKind::Reset => Some((segment.source, self.begun.remove(&segment.source)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::{Duration, Instant};

    use lblab_history::Clock;
    use lblab_lab::{HandshakeKind, HandshakeSegment};

    use super::Prober;

    #[test]
    fn a_reset_ends_the_connection_of_the_balancer_that_its_syn_began() {
        let clock = Clock::start();
        let begin = Instant::now();
        let mut prober = Prober { balancer: [192, 168, 1, 250].into(), port: 80, begun: BTreeMap::new() };
        let mut see = |millis, source: &str, port, kind| {
            let at = begin + Duration::from_millis(millis);
            let source = source.parse().expect("an address");
            prober.ended_by(&HandshakeSegment { source, port, kind, at }, clock)
        };
        let at = |millis| clock.at(begin + Duration::from_millis(millis));
        let (balancer, router) = ("192.168.1.250:40000", "192.168.1.1:40000");
        let source = balancer.parse().expect("an address");
        assert_eq!(see(1, balancer, 80, HandshakeKind::Reset), None, "nothing had begun");
        assert_eq!(see(2, balancer, 80, HandshakeKind::Syn), None);
        assert_eq!(see(3, balancer, 81, HandshakeKind::Reset), None, "another port");
        assert_eq!(see(4, router, 80, HandshakeKind::Syn), None);
        assert_eq!(see(5, router, 80, HandshakeKind::Reset), None, "another source");
        assert_eq!(see(6, balancer, 80, HandshakeKind::Reset), Some((source, at(2))));
        assert_eq!(see(7, balancer, 80, HandshakeKind::Reset), None, "it is over");
        assert_eq!(see(8, balancer, 80, HandshakeKind::Syn), None);
        assert_eq!(see(9, balancer, 80, HandshakeKind::Syn), None, "the port is used again");
        assert_eq!(see(10, balancer, 80, HandshakeKind::Reset), Some((source, at(9))));
    }
}
