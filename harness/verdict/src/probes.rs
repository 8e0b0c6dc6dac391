//! What a member saw of its monitor's probes.

use std::ops::RangeInclusive;
use std::time::Duration;

use lblab_history::{Answer, Purpose, Served};
use lblab_model::window::{declared_cost, probe_period};
use lblab_model::{Fault, FaultLayer, Moment, Monitor, MonitorKind, Name, ProbeSchedule};

use crate::run::Run;
use crate::timing::{UNKNOWN, difference, stalled};

/// One probe, as the member saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) started: Moment,
    pub(crate) ended: Moment,
    /// Whether the balancer must have found it good.
    pub(crate) good: bool,
    /// Whether the balancer may have found the opposite: the member's link was cut close to its end, or the answer came about
    /// when the balancer's patience was at its end.
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
        // Whatever else comes is no probe of a PING monitor.
        (MonitorKind::Ping, answer) if answer != Answer::Echoed => return None,
        (MonitorKind::Tcp | MonitorKind::Ping, _) => true,
        (
            MonitorKind::Http { expected_codes, .. } | MonitorKind::Https { expected_codes, .. },
            Answer::Status(status),
        ) => expected_codes.contains(status) && ended.since(started) <= monitor.timeout,
        // A connection on which nothing was asked is no probe of an HTTP monitor.
        (MonitorKind::Http { .. } | MonitorKind::Https { .. }, Answer::Nothing | Answer::Echoed) => return None,
        // One that was broken off in its handshake may be a client's as well.
        (MonitorKind::Https { .. }, Answer::Reset) if served.target.is_none() => return None,
        (
            MonitorKind::Http { .. } | MonitorKind::Https { .. },
            Answer::Silent | Answer::Reset | Answer::Abandoned | Answer::Open,
        ) => false,
    };
    // Whatever a member answers once it is cut off does not arrive. A connection that came later shows that it was healed.
    let cuts = run.history.faults.iter().filter(|fault| {
        fault.member.as_ref() == Some(&served.member) && fault.fault.layer() == FaultLayer::Link && started <= fault.at
    });
    let cuts: Vec<Moment> = cuts.map(|fault| fault.at).collect();
    let cut_off = cuts.iter().any(|&at| ended >= at);
    let expected = monitor.kind.expected_codes();
    let answered =
        matches!(served.answer, Answer::Status(status) if expected.is_some_and(|codes| codes.contains(status)));
    let blurred = stalled(run, started, started).max(stalled(run, ended, ended)).max(CUT.min(monitor.timeout / 4));
    let at_the_limit = answered && ended.since(started).abs_diff(monitor.timeout) <= blurred;
    // A client's connection that is torn down before its request has come looks like a TCP probe.
    let torn = monitor.kind == MonitorKind::Tcp && served.answer == Answer::Reset;
    let doubtful = torn || good && cuts.iter().any(|&at| ended + CUT >= at) || at_the_limit && !cut_off;
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

/// Until when a connection that reaches the member may be a SYN that its balancer's kernel has repeated.
///
/// A probe that was sent into a blackhole goes on until it has timed out. If the member is healed meanwhile, the repeated SYN is
/// accepted; whether the balancer still waits when the answer comes only the balancer knows. With a timeout of 1 s both happen
/// at the same time, since the kernel repeats a SYN after a second. It does not repeat an echo request.
pub(crate) fn repeated_until(run: &Run<'_>, monitor: &Monitor, fault: Fault, healed: Moment) -> Moment {
    match fault {
        Fault::Blackhole | Fault::Unplug if monitor.kind != MonitorKind::Ping => {
            healed + declared_cost(run.traits().unanswered_syn, monitor) + CUT
        }
        _ => healed,
    }
}

/// What the balancer may have found: each probe as it looks, and, if some are doubtful, those the other way round.
pub(crate) fn readings(probes: &[Probe], monitor: &Monitor) -> Vec<Vec<Probe>> {
    let seen = probes.to_vec();
    if !probes.iter().any(|probe| probe.doubtful) {
        return vec![seen];
    }
    let otherwise = |probe: &Probe| match probe.doubtful {
        true if probe.good => Probe { good: false, ended: probe.ended.min(probe.started + monitor.timeout), ..*probe },
        true => Probe { good: true, ..*probe },
        false => *probe,
    };
    let other = probes.iter().map(otherwise).collect();
    vec![seen, other]
}

/// The ends of the bad probes in a row at this moment, those included that began until the tolerance after it.
///
/// With a timeout of one delay the next probe begins as the last one ends. It may be under way when the balancer acts on the
/// last one, or meet a member that was healed at once; a good one that had not ended then says nothing of the row before.
pub(crate) fn bad_run(probes: &[Probe], at: Moment, tolerance: Duration) -> Vec<Moment> {
    let mut row = Vec::new();
    for probe in probes.iter().take_while(|probe| probe.started <= at + tolerance) {
        if !probe.good {
            row.push(probe.ended);
        } else if probe.ended <= at {
            row.clear();
        } else {
            break;
        }
    }
    row
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
        ProbeSchedule::StartToStart | ProbeSchedule::Ticks => last.started + delay,
    };
    let period = probe_period(schedule, delay, cost);
    (0..count).map(|index| first + period * index + cost).collect()
}

/// How many of these probes had ended when the balancer acted, if the member may see an end this much sooner or later.
///
/// The end that lies nearest is the one that it acted on. With a timeout of one delay the next probe begins at that very
/// moment, and a heal soon after ends it before its time; it counts for nothing.
pub(crate) fn completed(ends: &[Moment], at: Moment, tolerance: Duration) -> usize {
    let distance = |end: Moment| end.since(at).max(at.since(end));
    let near = ends.iter().enumerate().filter(|(_, end)| distance(**end) <= tolerance);
    match near.min_by_key(|(_, end)| distance(**end)) {
        Some((index, _)) => index + 1,
        None => ends.iter().filter(|end| **end <= at).count(),
    }
}

/// Whether the balancer acted after as many probes as `wanted`, and why that cannot be told, if it cannot.
///
/// A balancer acts at the end of a probe. A count that is wrong is not held against it where the end of a right one lies so near
/// that the harness's lateness explains the rest; a right count is doubted where the harness was later than the tolerance and the
/// end of a wrong one lies as near.
pub(crate) fn counted(
    ends: &[Moment],
    at: Moment,
    wanted: &RangeInclusive<usize>,
    tolerance: Duration,
    late: Option<Duration>,
) -> (bool, Option<String>) {
    let right = wanted.contains(&completed(ends, at, tolerance));
    let Some(late) = late else { return (right, Some(UNKNOWN.to_owned())) };
    let near = |end: Moment| end.since(at).max(at.since(end)) <= late + tolerance;
    let mut reachable = ends.iter().enumerate().filter(|(_, end)| near(**end)).map(|(index, _)| index + 1);
    let doubtful = (!right || late > tolerance) && reachable.any(|count| wanted.contains(&count) != right);
    (right, doubtful.then(|| difference(late)))
}

/// How far apart the balancer's and the member's view of a probe's end may lie without one probe being taken for the next.
pub(crate) fn tolerance(monitor: &Monitor) -> Duration {
    (monitor.delay / 4).min(Duration::from_millis(100))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lblab_model::Moment;

    use super::{Probe, bad_run, completed};

    #[test]
    fn the_probe_that_was_acted_on_is_the_one_that_ended_nearest() {
        let at = |millis: u64| Moment::EPOCH + Duration::from_millis(millis);
        let check = |ends: &[u64], acted: u64| {
            let ends: Vec<Moment> = ends.iter().map(|&end| at(end)).collect();
            completed(&ends, at(acted), Duration::from_millis(100))
        };
        assert_eq!(check(&[2144, 3147, 4149, 4205], 4153), 3);
        assert_eq!(check(&[2144, 3147, 4149], 4145), 3);
        assert_eq!(check(&[2144, 3147, 4149], 3900), 2);
        assert_eq!(check(&[], 3900), 0);
    }

    #[test]
    fn a_good_probe_that_began_after_the_member_was_out_does_not_end_the_row() {
        let at = |millis: u64| Moment::EPOCH + Duration::from_millis(millis);
        let probe = |started, ended, good| Probe { started: at(started), ended: at(ended), good, doubtful: false };
        let probes = [
            probe(129, 129, true),
            probe(1104, 2106, false),
            probe(2107, 3109, false),
            probe(3110, 4111, false),
            probe(4115, 4116, true),
        ];
        assert_eq!(bad_run(&probes, at(4112), Duration::from_millis(100)), [at(2106), at(3109), at(4111)]);
        // It began before the harness had noticed that the member was out, and was answered afterwards.
        let row = bad_run(&probes[..4], at(4116), Duration::from_millis(100));
        assert_eq!(bad_run(&[&probes[..4], &[probe(4115, 4118, true)]].concat(), at(4116), Duration::ZERO), row);
        assert_eq!(bad_run(&probes, at(4120), Duration::from_millis(100)), []);
    }
}
