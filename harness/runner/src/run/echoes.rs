//! Health probes that a member's kernel answers by itself: ICMP echo requests.

use std::net::Ipv4Addr;

use lblab_history::{Answer, Clock, Purpose, Served};
use lblab_lab::{EchoWatch, Lab};
use lblab_members::Log;
use lblab_model::{BalancerTraits, MonitorKind, Name};
use lblab_scenario::Plan;
use tokio::task::spawn_local;

use crate::Problem;

/// Writes the balancer's echo requests to every member into the members' log, if its monitor sends any.
pub(super) fn watch(lab: &Lab, plan: &Plan, traits: &BalancerTraits, clock: Clock, log: &Log) -> Result<(), Problem> {
    if !plan.monitor_on(traits).is_some_and(|monitor| monitor.kind == MonitorKind::Ping) {
        return Ok(());
    }
    for planned in &plan.members {
        let member = planned.member.name.clone();
        let watch = lab.watch_echo_requests(&member)?;
        spawn_local(follow(watch, plan.network.balancer(), member, clock, log.clone()));
    }
    Ok(())
}

async fn follow(mut watch: EchoWatch, balancer: Ipv4Addr, member: Name, clock: Clock, log: Log) {
    loop {
        let request = match watch.next().await {
            Ok(request) => request,
            Err(error) => {
                tracing::error!(%member, %error, "echo requests are not seen any more");
                return;
            }
        };
        if *request.source.ip() != balancer {
            continue;
        }
        // The kernel replies while it receives, so the probe is over when it has arrived.
        let at = clock.at(request.at);
        log.add(Served {
            member: member.clone(),
            purpose: Purpose::Probe,
            source: request.source,
            started: at,
            ended: Some(at),
            answer: Answer::Echoed,
            target: None,
            forwarded_for: None,
            cookie: None,
            unchanged: None,
            end_seen: None,
        });
    }
}
