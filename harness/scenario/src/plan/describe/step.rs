//! The lines of a step.

use std::fmt::{self, Write};
use std::time::Duration;

use lblab_model::{BalancerTraits, Fault, Name};

use super::super::{Clients, Cookies, Load, Plan, Span, Step, Target, Traffic, Wait};
use super::{expectation, span};

/// Writes the step of this index, which typically takes so long, and what follows from it below.
pub(super) fn write(
    to: &mut String,
    plan: &Plan,
    index: usize,
    typical: Duration,
    faults: &mut Vec<(Option<Name>, Fault)>,
    traits: &BalancerTraits,
) -> fmt::Result {
    match &plan.steps[index].step {
        Step::Traffic(traffic) => writeln!(to, "{}", describe_traffic(plan, traffic)),
        Step::Hold { connections } => writeln!(to, "hold {connections} requests open, one after the other"),
        Step::Release { member: Some(member) } => writeln!(to, "{member} answers the requests held on it"),
        Step::Release { member: None } => writeln!(to, "every held request is answered"),
        Step::Fault { member, fault } => {
            faults.push((member.clone(), *fault));
            writeln!(to, "fault on {}: {fault}", who(member.as_ref()))
        }
        Step::Heal { member } => writeln!(to, "heal {}", who(member.as_ref())),
        Step::Flap(flap) => writeln!(
            to,
            "flap {}: {}, {} bad and {} good probes in turn, {} times",
            flap.member, flap.fault, flap.bad_probes, flap.good_probes, flap.times
        ),
        Step::Wait(Wait::For(span)) => writeln!(to, "wait {span:?}"),
        Step::Wait(Wait::Probes { member, count }) => {
            writeln!(to, "wait until {member} has seen {count} more probes, about {}", span(typical))
        }
        Step::Add { member } => writeln!(to, "add {member} to the pool"),
        Step::Remove { member } => writeln!(to, "remove {member} from the pool"),
        Step::Reweight { member, weight } => writeln!(to, "give {member} the weight {weight}"),
        Step::RemoveMonitor => {
            writeln!(to, "remove the monitor: nobody is probed any more, and who was down is used again")
        }
        Step::Busy { percent: Some(percent) } => writeln!(to, "keep the processors busy, {percent} % of their time"),
        Step::Busy { percent: None } => writeln!(to, "let the processors be"),
        Step::Expect(expectation) => expectation::write(to, plan, index, expectation, faults, traits),
    }
}

fn who(member: Option<&Name>) -> &str {
    member.map_or("the balancer", Name::as_str)
}

fn describe_traffic(plan: &Plan, traffic: &Traffic) -> String {
    let mut text = match traffic.load {
        Load::Closed { requests } => format!("{requests} requests"),
        Load::Open { rate, span: Span::For(span) } => format!("{rate} requests a second for {span:?}"),
        Load::Open { rate, span: Span::Rest } => format!("{rate} requests a second in the background, until the end"),
    };
    let clients = match traffic.clients {
        Clients::Tenant(1) => "the client".to_owned(),
        Clients::Tenant(count) => format!("{count} clients at a time"),
        Clients::Outside(1) => "the client outside".to_owned(),
        Clients::Outside(count) => format!("{count} clients outside at a time"),
        Clients::Sources(count) if traffic.skipped_sources > 0 => {
            format!("{count} sources in turn, the first {} left out", traffic.skipped_sources)
        }
        Clients::Sources(count) => format!("{count} sources in turn"),
    };
    let target = match (traffic.to, plan.network.floating_ip) {
        (Target::FloatingIp, Some(floating_ip)) => format!("the floating IP {floating_ip}"),
        (Target::FloatingIp, None) => "the floating IP".to_owned(),
        (Target::Vip, _) => "the VIP".to_owned(),
    };
    let _ = write!(text, " from {clients} to {target}");
    if traffic.method != "GET" || traffic.path != "/" {
        let _ = write!(text, ", {} {}", traffic.method, traffic.path);
    }
    if traffic.reuse {
        text.push_str(", on one connection each");
    }
    if traffic.half_close {
        text.push_str(", each half of the connection closed with its request");
    }
    match &traffic.cookies {
        Cookies::None => {}
        Cookies::Keep => text.push_str(", cookies kept"),
        Cookies::Bring => text.push_str(", cookies kept, and brought along from before"),
        Cookies::First => text.push_str(", cookies kept, beginning with those that were given first"),
        Cookies::Fixed(cookie) => {
            let _ = write!(text, ", with the cookie {cookie}");
        }
    }
    text
}
