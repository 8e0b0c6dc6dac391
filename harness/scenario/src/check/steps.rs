//! Walks the steps in order, and knows at each what the ones before have done.

use std::time::Duration;

use lblab_model::{Fault, Monitor, Weight, window};

use super::cast::Cast;
use super::pool::Pool;
use super::scene::{BackgroundLoad, Hold, Scene, Sent};
use super::{Unreadable, expect, fault, idle_talk, traffic};
use crate::diagnostic::Findings;
use crate::raw::{self, MOST_STEPS, Scenario};
use crate::shape::At;
use crate::{Expectation, Flap, Load, MemberKind, Place, PlannedStep, Step, Wait};

/// About how long a request takes.
const REQUEST: Duration = Duration::from_micros(500);

/// What the steps are checked against.
pub(super) struct Stage<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) cast: &'a Cast,
    pub(super) pool: &'a Pool,
    /// The monitor, if there is one.
    pub(super) monitor: &'a Result<Option<Monitor>, Unreadable>,
}

impl Stage<'_> {
    /// The monitor, if there is certainly one.
    pub(super) fn monitor(&self) -> Option<&Monitor> {
        self.monitor.as_ref().ok()?.as_ref()
    }

    /// Whether there is certainly no monitor.
    pub(super) fn has_no_monitor(&self) -> bool {
        matches!(self.monitor, Ok(None))
    }

    /// Why the monitor certainly never finds this fault.
    pub(super) fn blind_spot(&self, fault: Fault) -> Option<&'static str> {
        window::blind_spot(self.monitor()?, &fault)
    }
}

pub(super) fn check(
    scenario: &Scenario,
    cast: &Cast,
    pool: &Pool,
    monitor: &Result<Option<Monitor>, Unreadable>,
    found: &mut Findings,
) -> Option<Vec<PlannedStep>> {
    let list = scenario.steps.given()?;
    if let Some(Some(too_many)) = list.value.0.get(MOST_STEPS) {
        found.add("too-many-steps", too_many.at, format!("there are more than {MOST_STEPS} steps"));
        return None;
    }
    let expects =
        |step: &Option<At<raw::Step>>| step.as_ref().is_none_or(|step| matches!(step.value, raw::Step::Expect(_)));
    if !list.value.0.iter().any(expects) {
        found
            .add("nothing-expected", list.at, "no step expects anything, so the scenario could not fail")
            .help("add one: `- expect: {lost: 0}`");
    }
    let stage = Stage { scenario, cast, pool, monitor };
    let mut scene = Scene::before(cast);
    let mut planned = Vec::with_capacity(list.value.0.len());
    for step in &list.value.0 {
        let step = step.as_ref().and_then(|step| {
            let place = Place { end: step.value.at().end.max(step.at.end), ..step.at };
            Some(PlannedStep { place, step: stage.take(&step.value, &mut scene, found)? })
        });
        scene.doubt |= step.is_none();
        scene.call_backups();
        planned.push(step);
    }
    for (member, role) in scene.members.iter().zip(cast.roles()) {
        if !member.joined && !scene.doubt {
            found
                .add("never-joins", role.at, format!("`{}` joins later, and no step adds it", role.name))
                .help(format!("add a step `- add: {}`, or delete `joins`", role.name));
        }
    }
    if !scene.doubt {
        idle_talk::check(&scene, found);
    }
    planned.into_iter().collect()
}

impl Stage<'_> {
    /// Checks a step and does it to the scene; none if it is wrong in itself.
    fn take(&self, step: &raw::Step, scene: &mut Scene, found: &mut Findings) -> Option<Step> {
        let at = step.at();
        monitor_is_there(step, scene, found);
        let step = match step {
            raw::Step::Traffic(step) => self.traffic(step, scene, found),
            raw::Step::Hold(step) => self.hold(step, scene, found),
            raw::Step::Release(step) => self.release(step, scene, found),
            raw::Step::Fault(step) => self.fault(step, scene, found),
            raw::Step::Heal(step) => self.heal(step, scene, found),
            raw::Step::Flap(step) => self.flap(step, scene, found),
            raw::Step::Wait(step) => self.wait(step, scene, found),
            raw::Step::Add(step) => self.add(step, scene, found),
            raw::Step::Remove(step) => self.remove(step, scene, found),
            raw::Step::Reweight(step) => self.reweight(step, scene, found),
            raw::Step::Monitor(step) => self.remove_monitor(step.at, scene, found),
            raw::Step::Busy(step) => Some(busy(step, scene, found)),
            raw::Step::Expect(step) => expect::check(self, step, scene, found).map(Step::Expect),
        };
        match &step {
            Some(Step::Add { .. } | Step::Remove { .. } | Step::Reweight { .. } | Step::RemoveMonitor) => {
                scene.changed = Some(at);
                scene.first_change.get_or_insert(at);
            }
            Some(Step::Traffic(traffic)) if traffic.in_background() => return step,
            _ => {}
        }
        let waits = !matches!(&step, Some(Step::Expect(expectation)) if !expectation.is_waited_for());
        if let (Some(Step::Expect(_)), true, Some(monitor)) = (&step, waits, self.monitor()) {
            let longest = (monitor.delay + monitor.timeout).saturating_mul(monitor.max_retries);
            scene.patience = scene.patience.saturating_add(longest);
        }
        if let Some(load) = scene.background_load.as_mut() {
            load.lasts |= waits;
        }
        scene.passed = scene.passed.saturating_add(step.as_ref().map_or(Duration::ZERO, |step| self.takes(step)));
        step
    }

    fn remove_monitor(&self, at: Place, scene: &mut Scene, found: &mut Findings) -> Option<Step> {
        if self.has_no_monitor() {
            found.add("no-monitor", at, "there is no monitor that could be removed").help("add a `monitor` at the top");
            return None;
        }
        scene.unmonitored.get_or_insert(at);
        // Whoever was out is used again, faulty or not.
        for member in &mut scene.members {
            (member.left, member.unsettled) = (None, None);
        }
        Some(Step::RemoveMonitor)
    }

    /// About how long a step takes, with a balancer that does as it should.
    fn takes(&self, step: &Step) -> Duration {
        let (delay, fall) = self.monitor().map_or((Duration::ZERO, 1), |monitor| (monitor.delay, monitor.max_retries));
        match step {
            Step::Traffic(traffic) => match traffic.load {
                Load::Closed { requests } => REQUEST.saturating_mul(u32::try_from(requests).unwrap_or(u32::MAX)),
                Load::Open { span: crate::Span::For(span), .. } => span,
                Load::Open { span: crate::Span::Rest, .. } => Duration::ZERO,
            },
            Step::Hold { connections } => REQUEST * *connections,
            Step::Wait(Wait::For(span)) => *span,
            Step::Wait(Wait::Probes { count, .. }) => delay * *count,
            Step::Flap(flap) => delay * (flap.bad_probes + flap.good_probes) * flap.times,
            Step::Expect(Expectation::Leaves { .. }) => delay * fall.saturating_sub(1) + delay / 2,
            Step::Expect(Expectation::Returns { .. }) => delay / 2,
            _ => Duration::ZERO,
        }
    }

    fn traffic(&self, step: &At<raw::Traffic>, scene: &mut Scene, found: &mut Findings) -> Option<Step> {
        let traffic = traffic::check(step, self.scenario, self.pool, found)?;
        if traffic.in_background() {
            if let Some(first) = scene.background {
                found
                    .add("second-background", step.at, "traffic already goes on in the background")
                    .related(first, "since here")
                    .help("raise the rate of the first");
                return None;
            }
            scene.background = Some(step.at);
            if let Load::Open { rate, .. } = traffic.load {
                scene.background_load = Some(BackgroundLoad { rate, since: scene.passed, lasts: false });
            }
        } else {
            let (background, changed, members) = (scene.background, scene.changed, scene.members.clone());
            scene.sent.push(Sent { at: step.at, traffic: traffic.clone(), background, changed, members });
        }
        Some(Step::Traffic(traffic))
    }

    fn hold(&self, step: &At<crate::shape::Number<1, 2000>>, scene: &mut Scene, found: &mut Findings) -> Option<Step> {
        let netcat = self
            .cast
            .roles()
            .iter()
            .find(|role| role.plan.as_ref().is_some_and(|plan| plan.kind == MemberKind::Netcat));
        if let Some(netcat) = netcat {
            found
                .add("netcat-holds-one", step.at, format!("`{}` serves one connection at a time", netcat.name))
                .related(netcat.at, "a netcat member")
                .help("make it `kind: http`");
            return None;
        }
        let after_release = scene.released.take();
        scene.held = Some(Hold {
            at: step.at,
            connections: step.value.0,
            after_release,
            background: scene.background,
            takers: scene.takers(),
        });
        scene.holding = true;
        Some(Step::Hold { connections: step.value.0 })
    }

    fn release(&self, step: &At<raw::Release>, scene: &mut Scene, found: &mut Findings) -> Option<Step> {
        if !scene.holding && !scene.doubt {
            found.add("nothing-held", step.at, "no requests are held here").help("hold some before: `- hold: 120`");
        }
        match &step.value {
            raw::Release::All => {
                scene.holding = false;
                scene.released = None;
                Some(Step::Release { member: None })
            }
            raw::Release::Of(name) => {
                let index = self.cast.find(&At { at: step.at, value: name.clone() }, found)?;
                scene.released = Some(index);
                Some(Step::Release { member: Some(name.0.clone()) })
            }
        }
    }

    fn fault(&self, step: &At<raw::Fault>, scene: &mut Scene, found: &mut Findings) -> Option<Step> {
        let fault = fault::check(&step.value, found);
        let on = step.value.on.given()?;
        let kind_at = step.value.kind.given().map_or(step.at, |kind| kind.at);
        let on_balancer = on.value.0.as_str() == "balancer";
        if let Some(fault) = fault {
            fault::misplaced(fault, on_balancer, kind_at, found);
        }
        if on_balancer {
            already(scene.balancer_fault, "the balancer", "balancer", on.at, scene.doubt, found);
            scene.balancer_fault = Some(step.at);
            return Some(Step::Fault { member: None, fault: fault? });
        }
        scene.first_fault.get_or_insert(step.at);
        let member = &mut scene.members[self.cast.find(on, found)?];
        let name = on.value.0.as_str();
        already(member.fault.map(|(_, at)| at), &format!("`{name}`"), name, on.at, scene.doubt, found);
        member.ever_faulty = Some(step.at);
        let fault = fault?;
        member.fault = Some((fault, step.at));
        member.watched_since = scene.passed;
        if member.in_pool && self.monitor().is_some() && self.blind_spot(fault).is_none() {
            member.unsettled = Some(step.at);
            member.ever_seen_faulty = Some(step.at);
        }
        Some(Step::Fault { member: Some(on.value.0.clone()), fault })
    }

    fn heal(&self, step: &At<raw::NameText>, scene: &mut Scene, found: &mut Findings) -> Option<Step> {
        let not_faulty = |who: &str, name: &str, doubt: bool, found: &mut Findings| {
            if !doubt {
                found
                    .add("not-faulty", step.at, format!("{who} has no fault to be healed"))
                    .help(format!("a fault comes first: `- fault: {{on: {name}, kind: ...}}`"));
            }
        };
        if step.value.0.as_str() == "balancer" {
            if scene.balancer_fault.take().is_none() {
                not_faulty("the balancer", "balancer", scene.doubt, found);
            }
            return Some(Step::Heal { member: None });
        }
        let member = &mut scene.members[self.cast.find(step, found)?];
        match member.fault.take() {
            None => not_faulty(&format!("`{}`", step.value.0), step.value.0.as_str(), scene.doubt, found),
            // A healed member that nobody has seen leave may have left or not.
            Some((fault, _)) if self.monitor().is_some() && self.blind_spot(fault).is_none() => {
                member.unsettled = Some(step.at);
            }
            Some(_) => {}
        }
        Some(Step::Heal { member: Some(step.value.0.clone()) })
    }

    fn flap(&self, step: &At<raw::Flap>, scene: &mut Scene, found: &mut Findings) -> Option<Step> {
        let fault = fault::check(&step.value.fault(), found);
        let on = step.value.on.given()?;
        let kind_at = step.value.kind.given().map_or(step.at, |kind| kind.at);
        let index = if on.value.0.as_str() == "balancer" {
            found.add("misplaced-fault", on.at, "a flap is a member's").help("name a member");
            None
        } else {
            self.cast.find(on, found)
        };
        if self.has_no_monitor() {
            found
                .add("no-monitor", step.at, "a flap is counted in probes, and there is no monitor")
                .help("add a `monitor` at the top");
            return None;
        }
        let fault = fault?;
        if !matches!(fault, Fault::Status { .. } | Fault::Hang | Fault::Reset { .. } | Fault::Slow { .. }) {
            found
                .add(
                    "unseen-probes",
                    kind_at,
                    format!("with {fault}, the member does not see the probes that are to be counted"),
                )
                .help("a flap is `status`, `hang`, `reset` or `slow`");
            return None;
        }
        if let Some(why) = self.blind_spot(fault) {
            found.add("good-probes", kind_at, format!("with {fault}, no probe is bad: {why}"));
            return None;
        }
        let (bad, good) = (step.value.bad_probes.value()?.0, step.value.good_probes.value()?.0);
        let member = &mut scene.members[index?];
        let name = on.value.0.as_str();
        already(member.fault.map(|(_, at)| at), &format!("`{name}`"), name, on.at, scene.doubt, found);
        if !member.in_pool && !scene.doubt {
            not_in_pool(on, found);
        }
        member.ever_faulty = Some(step.at);
        member.ever_seen_faulty = Some(step.at);
        let times = step.value.times.value()?.0;
        member.flap = Some((step.at, bad * times));
        if self.monitor().is_some_and(|monitor| bad >= monitor.max_retries) {
            member.flapped_out = Some(step.at);
            member.unsettled = Some(step.at);
        }
        Some(Step::Flap(Flap { member: on.value.0.clone(), fault, bad_probes: bad, good_probes: good, times }))
    }

    fn wait(&self, step: &At<raw::Wait>, scene: &mut Scene, found: &mut Findings) -> Option<Step> {
        let wait = match &step.value {
            raw::Wait::For(length) => return Some(Step::Wait(Wait::For(length.0))),
            raw::Wait::Probes(wait) => wait,
        };
        let of = wait.of.given()?;
        let index = self.cast.find(of, found)?;
        if self.has_no_monitor() {
            found
                .add("no-monitor", step.at, "there is no monitor whose probes could be waited for")
                .help("add a `monitor` at the top, or wait for some time: `- wait: 3s`");
        }
        let member = &scene.members[index];
        if !scene.doubt {
            let hidden =
                |fault: &Fault| matches!(fault, Fault::Refuse | Fault::Reject | Fault::Blackhole | Fault::Unplug);
            if !member.in_pool {
                not_in_pool(of, found);
            } else if let Some((fault, at)) =
                member.fault.filter(|(fault, _)| hidden(fault) && self.blind_spot(*fault).is_none())
            {
                found
                    .add("unseen-probes", of.at, format!("with {fault}, `{}` sees no probes", of.value.0))
                    .related(at, "since here")
                    .help("wait for some time: `- wait: 3s`");
            } else if !member.open {
                found
                    .add(
                        "unseen-probes",
                        of.at,
                        format!("`{}` sees no probes: its security group lets none in", of.value.0),
                    )
                    .help("wait for some time: `- wait: 3s`");
            }
        }
        Some(Step::Wait(Wait::Probes { member: of.value.0.clone(), count: wait.probes.value()?.0 }))
    }

    fn add(&self, step: &At<raw::NameText>, scene: &mut Scene, found: &mut Findings) -> Option<Step> {
        let member = &mut scene.members[self.cast.find(step, found)?];
        if member.in_pool && !scene.doubt {
            found
                .add("in-pool", step.at, format!("`{}` is in the pool already", step.value.0))
                .help("declare it with `joins: later`, or remove it before");
        }
        (member.in_pool, member.joined, member.left) = (true, true, None);
        member.watched_since = scene.passed;
        Some(Step::Add { member: step.value.0.clone() })
    }

    fn remove(&self, step: &At<raw::NameText>, scene: &mut Scene, found: &mut Findings) -> Option<Step> {
        let member = &mut scene.members[self.cast.find(step, found)?];
        if !member.in_pool && !scene.doubt {
            not_in_pool(step, found);
        }
        (member.in_pool, member.left, member.unsettled) = (false, None, None);
        Some(Step::Remove { member: step.value.0.clone() })
    }

    fn reweight(&self, step: &At<raw::Reweight>, scene: &mut Scene, found: &mut Findings) -> Option<Step> {
        let name = step.value.member.given()?;
        let member = &mut scene.members[self.cast.find(name, found)?];
        if !member.in_pool && !scene.doubt {
            not_in_pool(name, found);
        }
        let weight = Weight::try_from(u16::try_from(step.value.weight.value()?.0).ok()?).ok()?;
        member.weight = weight.get();
        Some(Step::Reweight { member: name.value.0.clone(), weight })
    }
}

/// Processors are kept busy until they are let be.
fn busy(step: &At<raw::Busyness>, scene: &mut Scene, found: &mut Findings) -> Step {
    let percent = match step.value {
        raw::Busyness::Percent(percent) => Some(percent),
        raw::Busyness::None => None,
    };
    let since = if percent.is_some() { scene.busy.replace(step.at) } else { scene.busy.take() };
    match (percent, since) {
        (Some(_), Some(since)) if !scene.doubt => {
            found
                .add("already-busy", step.at, "the processors are kept busy already")
                .related(since, "since here")
                .help("let them be before: `- busy: none`");
        }
        (None, None) if !scene.doubt => {
            found
                .add("not-busy", step.at, "nothing keeps the processors busy")
                .help("keep them so before: `- busy: 80%`");
        }
        _ => {}
    }
    Step::Busy { percent }
}

/// Reports a step that needs the monitor after that was removed.
fn monitor_is_there(step: &raw::Step, scene: &Scene, found: &mut Findings) {
    let needs = match step {
        raw::Step::Flap(_) | raw::Step::Monitor(_) => true,
        raw::Step::Wait(wait) => matches!(wait.value, raw::Wait::Probes(_)),
        raw::Step::Expect(expect) => matches!(expect.value, raw::Expect::Leaves(_) | raw::Expect::Returns(_)),
        _ => false,
    };
    if let (true, Some(removed)) = (needs, scene.unmonitored) {
        found
            .add("no-monitor", step.at(), "there is no monitor any more that this could come about by")
            .related(removed, "it was removed here")
            .help("do this before");
    }
}

fn already(since: Option<Place>, who: &str, name: &str, at: Place, doubt: bool, found: &mut Findings) {
    if let (Some(since), false) = (since, doubt) {
        found
            .add("already-faulty", at, format!("{who} is faulty already"))
            .related(since, "since here")
            .help(format!("heal it before: `- heal: {name}`"));
    }
}

fn not_in_pool(name: &At<raw::NameText>, found: &mut Findings) {
    found
        .add("not-in-pool", name.at, format!("`{}` is not in the pool", name.value.0))
        .help(format!("add it before: `- add: {}`", name.value.0));
}
