//! What a member saw of its monitor's probes.

use std::time::Duration;

use lblab_history::{Answer, Purpose, Served};
use lblab_model::window::{declared_cost, probe_period};
use lblab_model::{Fault, FaultLayer, Moment, Monitor, MonitorKind, Name, ProbeSchedule};

use crate::run::Run;

/// One probe, as the member saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) started: Moment,
    pub(crate) ended: Moment,
    /// Whether the balancer must have found it good.
    pub(crate) good: bool,
    /// Whether the member's link was cut so close to its end that the balancer may have found the opposite.
    pub(crate) doubtful: bool,
}

/// How far apart a link's cut and the kernel's word for it may lie.
const CUT: Duration = Duration::from_millis(50);

/// The member's probes by their start.
pub(crate) fn of(run: &Run<'_>, monitor: &Monitor, member: &Name) -> Vec<Probe> {
    let seen = run.history.served.iter().filter(|served| served.member == *member && served.purpose == Purpose::Probe);
    let mut probes: Vec<Probe> = seen.filter_map(|served| probe(run, monitor, served)).collect();
    probes.sort_by_key(|probe| probe.started);
    probes
}

fn probe(run: &Run<'_>, monitor: &Monitor, served: &Served) -> Option<Probe> {
    let started = served.started;
    let cost = declared_cost(run.traits().unanswered_request, monitor);
    let ended = served.ended.unwrap_or(started + cost);
    let good = match (&monitor.kind, served.answer) {
        (MonitorKind::Tcp, _) => true,
        (MonitorKind::Http { expected_codes, .. }, Answer::Status(status)) => {
            expected_codes.contains(status) && ended.since(started) <= monitor.timeout
        }
        // A connection on which nothing was asked is no probe of an HTTP monitor.
        (MonitorKind::Http { .. }, Answer::Nothing) => return None,
        (MonitorKind::Http { .. }, Answer::Silent | Answer::Reset | Answer::Abandoned | Answer::Open) => false,
    };
    // Whatever a member answers once it is cut off does not arrive. A connection that came later shows that it was healed.
    let cuts = run.history.faults.iter().filter(|fault| {
        fault.member.as_ref() == Some(&served.member) && fault.fault.layer() == FaultLayer::Link && started <= fault.at
    });
    let cuts: Vec<Moment> = cuts.map(|fault| fault.at).collect();
    let cut_off = cuts.iter().any(|&at| ended >= at);
    let doubtful = good && cuts.iter().any(|&at| ended + CUT >= at);
    let silent = matches!(served.answer, Answer::Silent | Answer::Abandoned | Answer::Open);
    // A balancer may give a probe up and leave its connection open for a while.
    let ended = if silent { ended.min(started + cost) } else { ended };
    Some(Probe { started, ended, good: good && !cut_off, doubtful })
}

/// Whether the member sees the probes that fail because of this fault.
pub(crate) fn are_seen(fault: Fault) -> bool {
    match fault {
        Fault::Hang | Fault::Status { .. } | Fault::Slow { .. } | Fault::Reset { .. } => true,
        Fault::Refuse | Fault::Blackhole | Fault::Reject | Fault::Unplug | Fault::Pause | Fault::Kill => false,
    }
}

/// The ends of the bad probes in a row up to this moment, the one in flight included.
pub(crate) fn bad_run(probes: &[Probe], until: Moment) -> Vec<Moment> {
    let before = probes.iter().take_while(|probe| probe.started <= until);
    before.fold(Vec::new(), |mut row, probe| {
        if probe.good {
            row.clear();
        } else {
            row.push(probe.ended);
        }
        row
    })
}

/// The ends of the good probes in a row up to this moment that started after `since`.
pub(crate) fn good_run(probes: &[Probe], since: Moment, until: Moment) -> Vec<Moment> {
    let before = probes.iter().filter(|probe| probe.started > since && probe.started <= until);
    before.fold(Vec::new(), |mut row, probe| {
        if probe.good {
            row.push(probe.ended);
        } else {
            row.clear();
        }
        row
    })
}

/// The ends of the first `count` probes after the good one `last`, if each is bad and costs `cost`.
pub(crate) fn extrapolated(
    last: Probe,
    schedule: ProbeSchedule,
    delay: Duration,
    cost: Duration,
    count: u32,
) -> Vec<Moment> {
    let first = match schedule {
        ProbeSchedule::EndToStart => last.ended + delay,
        ProbeSchedule::StartToStart => last.started + delay,
    };
    let period = probe_period(schedule, delay, cost);
    (0..count).map(|index| first + period * index + cost).collect()
}

/// How many of these ends had come at this moment, if the balancer may be seen to act this much before the member sees the end.
pub(crate) fn completed(ends: &[Moment], at: Moment, tolerance: Duration) -> usize {
    ends.iter().filter(|end| **end <= at + tolerance).count()
}

/// How far apart the balancer's and the member's view of a probe's end may lie without one probe being taken for the next.
pub(crate) fn tolerance(monitor: &Monitor) -> Duration {
    (monitor.delay / 4).min(Duration::from_millis(100))
}
