//! Expectations about one member: it leaves, returns, stays, is idle.

use std::time::Duration;

use lblab_model::Method;

use super::super::scene::{Member, Scene, Sent};
use super::super::steps::Stage;
use super::last_sent;
use super::shares::round;
use crate::diagnostic::Findings;
use crate::raw::NameText;
use crate::shape::At;
use crate::{Clients, Expectation};

pub(super) fn leaves(
    stage: &Stage<'_>,
    name: &At<NameText>,
    scene: &mut Scene,
    found: &mut Findings,
) -> Option<Expectation> {
    let doubt = scene.doubt;
    no_monitor(stage, name, "takes a member out", found);
    let index = stage.cast.find(name, found)?;
    let dead_from_the_start = !stage.cast.roles()[index].is_open();
    let member = &mut scene.members[index];
    let who = &name.value.0;
    if !doubt {
        if !member.in_pool {
            found
                .add("not-in-pool", name.at, format!("`{who}` is not in the pool"))
                .help(format!("add it before: `- add: {who}`"));
        } else if let Some(left) = member.left {
            found
                .add("has-left", name.at, format!("`{who}` is out of rotation already"))
                .related(left, "it was expected to leave here");
        } else if let Some((fault, at)) = member.fault {
            if let Some(why) = stage.blind_spot(fault) {
                found
                    .add("never-leaves", name.at, format!("the monitor never finds {fault}: {why}"))
                    .related(at, "the fault")
                    .help(format!("expect that it stays: `- expect: {{stays: {who}}}`"));
            }
        } else if !dead_from_the_start {
            found
                .add("no-fault", name.at, format!("`{who}` has no fault that it could leave for"))
                .help(format!("a fault comes first: `- fault: {{on: {who}, kind: refuse}}`"));
        }
    }
    member.left = Some(name.at);
    member.ever_left = Some(name.at);
    member.unsettled = None;
    Some(Expectation::Leaves { member: who.clone() })
}

pub(super) fn returns(
    stage: &Stage<'_>,
    name: &At<NameText>,
    scene: &mut Scene,
    found: &mut Findings,
) -> Option<Expectation> {
    let doubt = scene.doubt;
    no_monitor(stage, name, "brings a member back", found);
    let member = &mut scene.members[stage.cast.find(name, found)?];
    let who = &name.value.0;
    if !doubt {
        if member.left.is_none() {
            found
                .add("never-left", name.at, format!("`{who}` has not been seen to leave"))
                .help(format!("expect it before the heal: `- expect: {{leaves: {who}}}`"));
        } else if let Some((_, at)) = member.fault {
            found
                .add("not-healed", name.at, format!("`{who}` is still faulty"))
                .related(at, "the fault")
                .help(format!("heal it before: `- heal: {who}`"));
        }
    }
    member.left = None;
    member.unsettled = None;
    scene.changed = Some(name.at);
    Some(Expectation::Returns { member: who.clone() })
}

pub(super) fn stays(
    stage: &Stage<'_>,
    name: &At<NameText>,
    scene: &mut Scene,
    found: &mut Findings,
) -> Option<Expectation> {
    let index = stage.cast.find(name, found)?;
    let member = &scene.members[index];
    let who = &name.value.0;
    if !scene.doubt {
        if let Some(left) = member.ever_left {
            found
                .add("has-left", name.at, format!("`{who}` is expected to have left before this"))
                .related(left, "here")
                .help("`stays` is about the whole run so far");
        } else if let Some(flap) = member.flapped_out {
            found
                .add("flapped-out", name.at, format!("as many bad probes in a row as `max_retries` take `{who}` out"))
                .related(flap, "the flap")
                .help("lower `bad_probes`");
        } else if !member.joined {
            found.add("not-in-pool", name.at, format!("`{who}` has not been in the pool so far"));
        } else if stage.has_no_monitor() && member.ever_faulty.is_none() {
            found
                .add("cannot-fail", name.at, format!("nothing could have taken `{who}` out: no monitor, and no fault"))
                .help("add a monitor, or a fault before this");
        } else if let (Some((flap, bad)), Some(fall)) =
            (member.flap, stage.monitor().map(|monitor| monitor.max_retries))
            && bad < fall
        {
            found
                .add(
                    "too-few",
                    name.at,
                    format!("{bad} bad probes could not take `{who}` out, however they are counted"),
                )
                .related(flap, "the flap")
                .help(format!("flap more often: `max_retries` is {fall}"));
        } else {
            too_early(stage, name, member, scene.passed, found);
        }
    }
    let member = &mut scene.members[index];
    if member.fault.is_none() {
        member.unsettled = None;
    }
    Some(Expectation::Stays { member: who.clone() })
}

pub(super) fn idle(stage: &Stage<'_>, name: &At<NameText>, scene: &Scene, found: &mut Findings) -> Option<Expectation> {
    let index = stage.cast.find(name, found)?;
    let who = &name.value.0;
    if let Some(sent) = last_sent(scene, name.at, found)
        && !scene.doubt
    {
        let member = &sent.members[index];
        let in_turn = stage.pool.method == Some(Method::RoundRobin) && stage.pool.persistence == Ok(None);
        if in_turn && member.takes_clients() && member.fault.is_none() && member.unsettled.is_none() {
            found
                .add("in-rotation", name.at, format!("`{who}` was in rotation during the last traffic"))
                .related(sent.at, "the last traffic")
                .help("a member is idle with weight 0, out of the pool, out of rotation, or as a `backup` of one that is in");
        } else {
            idle_by_chance(stage, name, index, sent, found);
        }
    }
    Some(Expectation::Idle { member: who.clone() })
}

/// Reports traffic in which a member need not have had a turn even if it was in rotation.
fn idle_by_chance(stage: &Stage<'_>, name: &At<NameText>, index: usize, sent: &Sent, found: &mut Findings) {
    let (picks, of) = match sent.traffic.clients {
        Clients::Sources(sources) if stage.pool.binds_addresses() == Some(true) => (u64::from(sources), "sources"),
        _ if stage.pool.binds_addresses() == Some(true) => (1, "sources"),
        clients if stage.pool.binds_cookies() == Some(true) && sent.traffic.cookies.are_kept() => {
            (u64::from(clients.count()), "clients")
        }
        _ => (sent.requests(), "requests"),
    };
    let others = sent.members.iter().enumerate().filter(|&(other, member)| other != index && member.takes_clients());
    let own = u64::from(sent.members[index].weight.max(1));
    let turns = round(others.map(|(_, member)| u64::from(member.weight)).chain([own]));
    if picks < turns {
        found
            .add(
                "too-few",
                name.at,
                format!("`{}` may be idle by chance: its turn comes once in {turns}", name.value.0),
            )
            .related(sent.at, "the last traffic")
            .help(format!("write `{of}: {turns}` or more, not {picks}"));
    }
}

/// Reports that a member is to stay before anything could have taken it out.
fn too_early(stage: &Stage<'_>, name: &At<NameText>, member: &Member, passed: Duration, found: &mut Findings) {
    let passed = passed.saturating_sub(member.watched_since);
    let who = &name.value.0;
    match stage.monitor() {
        // Good probes take nobody out, but a balancer that takes them for bad ones needs as many of them.
        Some(monitor) if member.ever_seen_faulty.is_none() => {
            let (delay, fall) = (monitor.delay, monitor.max_retries);
            let wanted = (delay * (fall - 1)).max(delay / 2);
            if passed < wanted {
                let message = format!("nothing could have taken `{who}` out yet: {fall} probes have not had time");
                found
                    .add("too-early", name.at, message)
                    .help(format!("wait before: `- wait: {:?}`, max_retries times the delay", delay * fall));
            }
        }
        _ if passed.is_zero() && (stage.monitor().is_some() || stage.has_no_monitor()) => {
            found
                .add(
                    "too-early",
                    name.at,
                    format!("nothing has been done since the fault that `{who}` is to stay through"),
                )
                .help("send traffic meanwhile, or wait: `- wait: 1s`");
        }
        _ => {}
    }
}

fn no_monitor(stage: &Stage<'_>, name: &At<NameText>, what: &str, found: &mut Findings) {
    if stage.has_no_monitor() {
        found
            .add("no-monitor", name.at, format!("there is no monitor, and only a monitor {what}"))
            .help("add one at the top: `monitor: {type: HTTP, delay: 5s, timeout: 2s, max_retries: 3}`");
    }
}
