//! Whether a dead member is left in time, after the right number of probes.

use std::time::Duration;

use lblab_history::FaultRecord;
use lblab_model::window::{Detection, Window, declared_detection, detection, epsilon, unreachable_cost};
use lblab_model::{BalancerTraits, Fall, Fault, FirstFailure, Moment, Monitor, Name, ProbeSchedule, ReloadClass};

use crate::CheckId;
use crate::busy;
use crate::probes::{self, Probe};
use crate::run::Run;
use crate::tells_apart;
use crate::timing::{Bounds, UNKNOWN, judge_time, lateness, stalled};
use crate::verdict::{Measurement, Unit, Verdict};

/// How many good probes before the last one tell whether that was seen late.
const IN_STEP: usize = 4;

/// The verdicts on `leaves: <member>`.
pub(crate) fn leaves(run: &Run<'_>, step: usize, member: &Name) -> Vec<Verdict> {
    let fault = run.fault_before(step, member);
    if let Some(reason) = run.unmonitored().or_else(|| run.traits().hides_members()) {
        let checks = match fault {
            Some(fault) => {
                let apart = run.plan.monitor.as_ref().and_then(|monitor| tells_apart::check_of(monitor, fault.fault));
                [check_of(fault.fault), CheckId::Hm1, CheckId::Hm11].into_iter().chain(apart).collect()
            }
            None => vec![CheckId::Hm19],
        };
        return checks.into_iter().map(|check| Verdict::unsupported(check, reason.clone()).of(member)).collect();
    }
    let Some(monitor) = run.monitor() else {
        let summary = format!("{member} cannot be left: the pool has no monitor");
        return vec![Verdict::fails(CheckId::Hm4, summary).of(member)];
    };
    let verdicts = match fault {
        Some(fault) => Case::new(run, monitor, member, fault).judge(),
        None => vec![dead_from_the_start(run, monitor, member)],
    };
    verdicts.into_iter().map(|verdict| verdict.of(member)).collect()
}

/// Which check on time the fault calls for.
fn check_of(fault: Fault) -> CheckId {
    match fault {
        Fault::Refuse | Fault::Reject | Fault::Pause | Fault::Kill => CheckId::Hm4,
        Fault::Blackhole | Fault::Unplug => CheckId::Hm5,
        Fault::Hang | Fault::Slow { .. } => CheckId::Hm6,
        Fault::Status { .. } | Fault::Reset { .. } => CheckId::Hm7,
    }
}

/// From when to when a member may be left, by this check.
fn bounds_of(check: CheckId, window: &Window) -> Bounds {
    let bounds = Bounds::window(window.earliest, window.latest);
    if check == CheckId::Hm23 { bounds.with_patience(busy::PATIENCE) } else { bounds }
}

/// The window of the fault and when the member left, if it left because of it before it was healed.
pub(crate) fn timed(run: &Run<'_>, monitor: &Monitor, member: &Name, fault: &FaultRecord) -> Option<(Window, Moment)> {
    if run.is_out(member, fault.at) {
        return None;
    }
    let case = Case::new(run, monitor, member, fault);
    let Detection::Within(window) = detection(monitor, &fault.fault, &case.traits) else { return None };
    let at = run.left(member, fault.at).filter(|&at| run.heal_of(fault).is_none_or(|heal| at <= heal.at))?;
    Some((window, at))
}

struct Case<'a> {
    run: &'a Run<'a>,
    member: &'a Name,
    fault: &'a FaultRecord,
    monitor: &'a Monitor,
    /// What the balancer declares, with a fall of 1 where the first failure since a start counts for all.
    traits: BalancerTraits,
    probes: Vec<Probe>,
}

impl<'a> Case<'a> {
    fn new(run: &'a Run<'a>, monitor: &'a Monitor, member: &'a Name, fault: &'a FaultRecord) -> Case<'a> {
        let probes = probes::of(run, monitor, member);
        let traits = run.traits();
        let forgetful = traits.reload != ReloadClass::KeepsAll;
        let reloads = run.history.changes.iter().filter(|_| forgetful).map(|change| change.in_force);
        let kills = run.history.faults.iter().filter(|fault| fault.fault == Fault::Kill);
        let restarts = kills.filter_map(|kill| run.heal_of(kill)).map(|heal| heal.at);
        let started = reloads.chain(restarts).filter(|&at| at <= fault.at).max();
        let proven = probes.iter().any(|probe| probe.good && probe.ended <= fault.at && Some(probe.started) > started);
        let first = traits.first_failure == FirstFailure::TakesOut && !proven;
        let fall = if first { Fall::Fixed(1) } else { traits.fall };
        Case { run, member, fault, monitor, traits: BalancerTraits { fall, ..traits.clone() }, probes }
    }

    /// Bad probes that take the member out.
    fn fall(&self) -> u32 {
        self.traits.fall.of(self.monitor.max_retries)
    }

    fn judge(&self) -> Vec<Verdict> {
        let Case { run, member, fault, monitor, traits, .. } = self;
        let check = self.check();
        if run.is_out(member, fault.at) {
            return vec![Verdict::inconclusive(check, format!("{member} was out of rotation before the fault"))];
        }
        let left = run.left(member, fault.at);
        let window = match (detection(monitor, &fault.fault, traits), left) {
            (Detection::Within(window), _) => window,
            (Detection::Never { why }, None) => {
                let summary = format!("{member} stayed in rotation, and its monitor cannot see `{}`", fault.fault);
                return vec![Verdict::fails(check, summary).because(why)];
            }
            (Detection::Never { why }, Some(at)) => {
                let reason = format!(
                    "{member} left {:.3} s after `{}`, for which there is no bound",
                    since(at, fault),
                    fault.fault
                );
                return vec![match run.passive(member, fault.at, at) {
                    Some(passive) => Verdict::unsupported(check, passive).because(reason),
                    None => Verdict::inconclusive(check, reason).because(why),
                }];
            }
        };
        let Some(at) = left.filter(|&at| run.heal_of(fault).is_none_or(|heal| at <= heal.at)) else {
            let stayed = self.beside_load(self.stayed(check, &window), run.end());
            let apart = self.told_apart(None, &stayed);
            return [stayed].into_iter().chain(apart).collect();
        };
        // Passive checks may explain that it left so soon, and nothing explains that it left late.
        let bounds = bounds_of(check, &window);
        let late = at.since(fault.at) > bounds.latest + bounds.slack.1;
        let passive = if late { None } else { run.passive(member, fault.at, at) };
        let in_time = self.beside_load(self.in_time(check, &window, at), at);
        let apart = self.told_apart(Some(at), &in_time);
        // Beside a load, exact times are asserted of nobody.
        let in_phase = (check != CheckId::Hm23).then(|| self.in_phase(&window, at));
        let verdicts = [in_time, self.by_count(at)].into_iter().chain(in_phase).chain(apart);
        verdicts.map(|verdict| verdict.if_supported(passive.clone())).collect()
    }

    /// The verdict on what is good and what is bad, if the fault is an answer that could have been either.
    fn told_apart(&self, left: Option<Moment>, in_time: &Verdict) -> Option<Verdict> {
        let check = tells_apart::check_of(self.monitor, self.fault.fault)?;
        Some(tells_apart::leaves(check, self.member, self.fault, left, in_time))
    }

    /// Which check on time the fault calls for, with what goes on beside it.
    fn check(&self) -> CheckId {
        let check = check_of(self.fault.fault);
        let at = self.fault.at;
        if check == CheckId::Hm4 && self.run.busy_during(at, at).is_some() { CheckId::Hm23 } else { check }
    }

    /// The verdict on a detection beside a load, for what that load was worth: less than it was to be excuses nobody who is late.
    fn beside_load(&self, verdict: Verdict, until: Moment) -> Verdict {
        if verdict.check != CheckId::Hm23 {
            return verdict;
        }
        let from = self.fault.at;
        match self.run.busy_during(from, until) {
            None => verdict.unless(Some("the processors were let be before the member was left")),
            Some(load) => {
                let used = busy::used(load, from, until).map(|used| {
                    let (used, processors) = (used * 100.0, load.processors);
                    format!("{processors} processors were busy for {used:.0} % of their time meanwhile")
                });
                let verdict = verdict.unless(busy::idled(load, from, until));
                used.into_iter().fold(verdict, Verdict::because)
            }
        }
    }

    fn stayed(&self, check: CheckId, window: &Window) -> Verdict {
        let Case { run, member, fault, .. } = self;
        let bounds = bounds_of(check, window);
        let heal = run.heal_of(fault).map(|heal| heal.at);
        let until = heal.unwrap_or_else(|| run.end());
        let watched = until.since(fault.at);
        let summary =
            format!("{member} was still in rotation {:.3} s after the fault; {}", watched.as_secs_f64(), bounds.tell());
        if watched <= bounds.latest + bounds.slack.1 {
            let what = if heal.is_some() { "it was healed" } else { "the history ends" };
            let reason =
                format!("{what} {:.3} s after the fault, before {member} had to be left", watched.as_secs_f64());
            return Verdict::inconclusive(check, reason).because(format!("window: {}", window.formula));
        }
        let bad = self
            .probes
            .iter()
            .filter(|probe| !probe.good && probe.started >= fault.at && probe.started <= until)
            .count();
        judge_time(check, summary, watched, bounds, lateness(run, fault.at, until))
            .because(format!("window: {}", window.formula))
            .because(format!("{member} saw {bad} bad probes in that time, {}", self.wanted()))
    }

    /// How many bad probes have to take the member out, and why so many.
    fn wanted(&self) -> String {
        match self.run.traits().fall {
            Fall::MaxRetries => format!("max_retries is {}", self.fall()),
            Fall::Fixed(_) => format!("the balancer declares a fall of {}", self.fall()),
        }
    }

    /// Whether the time from the fault to the removal lies within the window.
    fn in_time(&self, check: CheckId, window: &Window, at: Moment) -> Verdict {
        let Case { member, fault, monitor, .. } = self;
        let bounds = bounds_of(check, window);
        let took = at.since(fault.at);
        let summary =
            format!("{member} was out of rotation {:.3} s after the fault; {}", took.as_secs_f64(), bounds.tell());
        let mut verdict =
            judge_time(check, summary, took, bounds, self.lateness(at)).because(format!("window: {}", window.formula));
        let symbols: Vec<String> = window
            .symbols
            .iter()
            .map(|symbol| format!("{} = {} ({})", symbol.name, symbol.value, symbol.meaning))
            .collect();
        verdict = verdict.because(symbols.join(", "));
        if !bounds.contains(took)
            && let Detection::Within(declared) = declared_detection(monitor, &fault.fault, &self.traits)
            && Bounds::window(declared.earliest, declared.latest).contains(took)
        {
            let line =
                format!("it fits the cost that the balancer declares, which exceeds the timeout: {}", declared.formula);
            verdict.evidence.insert(0, line);
        }
        verdict.because(format!("`{}` took hold at {}, {member} was out at {at}", fault.fault, fault.at))
    }

    /// The ends of the bad probes, seen by the member or following from its last good one.
    fn bad_ends(&self, at: Moment) -> Result<(Vec<Moment>, String), String> {
        let Case { run, member, fault, monitor, .. } = self;
        let distance = |ends: &[Moment]| {
            let last = (self.fall() as usize).checked_sub(1).and_then(|index| ends.get(index).copied());
            last.map_or(Duration::MAX, |end| end.since(at).max(at.since(end)))
        };
        if probes::are_seen(fault.fault) {
            let tolerance = probes::tolerance(monitor).max(stalled(run, at, at));
            let readings = probes::readings(&self.probes, monitor).into_iter();
            let rows = readings.map(|probes| probes::bad_run(&probes, at, tolerance));
            let ends = rows.min_by_key(|ends| distance(ends)).unwrap_or_default();
            let seen = ends.len();
            return Ok((ends, format!("{member} saw {seen} bad probes in a row")));
        }
        let traits = run.traits();
        let cost = match fault.fault {
            Fault::Blackhole | Fault::Unplug => unreachable_cost(monitor, traits),
            _ => Duration::ZERO,
        };
        let extrapolate = |last: Probe| {
            let count = self.fall() + 8;
            probes::extrapolated(last, traits.probe_schedule, monitor.delay, cost, count)
        };
        // Of a probe that was cut close to its end nobody but the balancer knows how it ended; what it did says so.
        let before = self.probes.iter().filter(|probe| probe.started <= fault.at);
        let sure = before.clone().filter(|probe| probe.good && !probe.doubtful).max_by_key(|probe| probe.started);
        let doubtful = before.filter(|probe| probe.doubtful);
        // One that was let in before the fault may be written down after it, up to when the fault was seen to bite.
        let let_in = fault.at..=fault.at.max(fault.proven);
        let behind = self.probes.iter().filter(|probe| probe.good && let_in.contains(&probe.started));
        let seen = sure.into_iter().chain(doubtful).chain(behind);
        let on_time = seen.clone().filter_map(|probe| self.in_step(*probe));
        let last = seen.copied().chain(on_time).min_by_key(|probe| distance(&extrapolate(*probe)));
        let last =
            last.ok_or_else(|| format!("{member} had seen no good probe before the fault, so its phase is not known"))?;
        let gap = fault.at.since(last.ended);
        if gap > monitor.delay * 2 + epsilon(monitor.delay) {
            let gap = gap.as_secs_f64();
            return Err(format!(
                "{member}'s last good probe ended {gap:.3} s before the fault, so its phase is not known"
            ));
        }
        let line = format!(
            "as follows from {member}'s last good probe, {} to {}, with {:.3} s for a bad one",
            last.started,
            last.ended,
            cost.as_secs_f64()
        );
        Ok((extrapolate(last), line))
    }

    /// The good probe as it follows from those before it, if that is earlier than it was seen.
    ///
    /// A probe may be seen late and never early. On a schedule that runs from start to start the earliest phase of the last few
    /// is the true one.
    fn in_step(&self, last: Probe) -> Option<Probe> {
        let delay = self.monitor.delay;
        if self.run.traits().probe_schedule == ProbeSchedule::EndToStart {
            return None;
        }
        let good = self.probes.iter().rev().filter(|probe| probe.good && probe.started < last.started);
        let mut next = last.started;
        let mut delays = 0;
        let mut earliest = last.started;
        for probe in good.take(IN_STEP) {
            if next.since(probe.started).abs_diff(delay) > delay / 4 {
                break;
            }
            next = probe.started;
            delays += 1;
            earliest = earliest.min(probe.started + delay * delays);
        }
        let early = last.started.since(earliest);
        (!early.is_zero()).then(|| Probe { started: earliest, ended: last.ended - early, ..last })
    }

    /// How late the harness may have been in the time that the removal is judged by: from a delay before the last good probe
    /// on, which tells the phase, until it was seen.
    fn lateness(&self, at: Moment) -> Option<Duration> {
        let good = self.probes.iter().filter(|probe| probe.good && probe.started <= self.fault.at);
        let last = good.map(|probe| probe.started).max().unwrap_or(self.fault.at);
        lateness(self.run, last - self.monitor.delay, at)
    }

    /// Whether the right number of bad probes had ended when the member was out.
    fn by_count(&self, at: Moment) -> Verdict {
        if let Some(reason) = self.run.traits().falls_otherwise(self.monitor) {
            return Verdict::unsupported(CheckId::Hm1, reason);
        }
        let (ends, line) = match self.bad_ends(at) {
            Ok(found) => found,
            Err(reason) => return Verdict::inconclusive(CheckId::Hm1, reason),
        };
        let tolerance = probes::tolerance(self.monitor);
        let counted = probes::completed(&ends, at, tolerance);
        let wanted = self.fall();
        let exactly = wanted as usize..=wanted as usize;
        let (holds, doubt) = probes::counted(&ends, at, &exactly, tolerance, self.lateness(at));
        let summary = format!("{} was out after {counted} bad probes, {}", self.member, self.wanted());
        Verdict::holds_if(holds, CheckId::Hm1, summary)
            .measuring(Measurement::exactly(Unit::Probes, counted as f64, f64::from(wanted)))
            .if_trusted(doubt)
            .because(line)
            .because(tell(&ends, at, wanted))
    }

    /// Whether the member was out at the end of the f-th bad probe.
    fn in_phase(&self, window: &Window, at: Moment) -> Verdict {
        let check = CheckId::Hm11;
        let (ends, line) = match self.bad_ends(at) {
            Ok(found) => found,
            Err(reason) => return Verdict::inconclusive(check, reason),
        };
        let wanted = self.fall();
        let Some(&end) = (wanted as usize).checked_sub(1).and_then(|index| ends.get(index)) else {
            let summary = format!("{} was out at {at}, before bad probe {wanted} had come", self.member);
            let unknown = self.lateness(at).is_none().then_some(UNKNOWN);
            return Verdict::fails(check, summary).if_trusted(unknown).because(line);
        };
        let slack = epsilon(window.latest);
        let (off, side) = if at >= end { (at.since(end), "after") } else { (end.since(at), "before") };
        let bounds = Bounds { earliest: Duration::ZERO, latest: Duration::ZERO, slack: (slack, slack) };
        let summary = format!(
            "{} was out {:.3} s {side} the end of bad probe {wanted}; {:.3} s allowed",
            self.member,
            off.as_secs_f64(),
            slack.as_secs_f64()
        );
        judge_time(check, summary, off, bounds, self.lateness(at)).because(line).because(tell(&ends, at, wanted))
    }
}

fn since(at: Moment, fault: &FaultRecord) -> f64 {
    at.since(fault.at).as_secs_f64()
}

/// The ends of the bad probes up to the one that had to be the last, or to the one that was.
fn tell(ends: &[Moment], at: Moment, wanted: u32) -> String {
    let told = ends.iter().enumerate().take_while(|(index, end)| *index < wanted as usize || **end <= at);
    let told: Vec<String> = told.map(|(_, end)| format!("{:.3}", end.as_secs_f64())).collect();
    format!("bad probes end at {} s; out at {:.3} s", told.join(", "), at.as_secs_f64())
}

/// The verdict on a member that no fault was injected into: it must have been unreachable all along.
fn dead_from_the_start(run: &Run<'_>, monitor: &Monitor, member: &Name) -> Verdict {
    let check = CheckId::Hm19;
    let Some(start) = run.history.steps.iter().map(|step| step.started).min() else {
        return Verdict::inconclusive(check, "no step was carried out");
    };
    if probes::of(run, monitor, member).iter().any(|probe| probe.good) {
        return Verdict::inconclusive(
            check,
            format!("no fault was injected into {member}, and it has answered probes"),
        );
    }
    let traits = run.traits();
    let first = traits.first_failure == FirstFailure::TakesOut;
    let fall = if first { Fall::Fixed(1) } else { traits.fall };
    let traits = BalancerTraits { fall, ..traits.clone() };
    let Detection::Within(window) = detection(monitor, &Fault::Blackhole, &traits) else {
        return Verdict::inconclusive(check, "there is no bound");
    };
    // Before the run there was no balancer that could have probed. How it does its first probes is not known where one is enough.
    let earliest = if first { Duration::ZERO } else { window.earliest.saturating_sub(start.since(Moment::EPOCH)) };
    let bounds = Bounds { earliest, ..Bounds::window(window.earliest, window.latest) };
    let before = run.is_out(member, start);
    if before && bounds.contains(Duration::ZERO) {
        return Verdict::holds(check, format!("{member} was out of rotation before the first step"));
    }
    let left = if before { Some(start) } else { run.left(member, start) };
    let took = left.unwrap_or_else(|| run.end()).since(start);
    let what = if left.is_some() { "out of" } else { "still in" };
    let summary = format!(
        "{member} was {what} rotation {:.3} s after the first step began; {}",
        took.as_secs_f64(),
        bounds.tell()
    );
    let verdict = if left.is_none() && bounds.contains(took) {
        Verdict::inconclusive(check, format!("the history ends before {member} had to be left"))
    } else {
        judge_time(check, summary, took, bounds, lateness(run, start, start + took))
    };
    verdict.because(format!("window: {}", window.formula))
}
