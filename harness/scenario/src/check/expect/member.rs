//! Expectations about one member: it leaves, returns, stays, is idle.

use super::super::scene::Scene;
use super::super::steps::Stage;
use super::last_sent;
use crate::Expectation;
use crate::diagnostic::Findings;
use crate::raw::NameText;
use crate::shape::At;
use lblab_model::Method;

pub(super) fn leaves(
    stage: &Stage<'_>,
    name: &At<NameText>,
    scene: &mut Scene,
    found: &mut Findings,
) -> Option<Expectation> {
    let doubt = scene.doubt;
    no_monitor(stage, name, "takes a member out", found);
    let member = &mut scene.members[stage.cast.find(name, found)?];
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
        } else {
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
    let doubt = scene.doubt;
    let member = &mut scene.members[stage.cast.find(name, found)?];
    let who = &name.value.0;
    if !doubt {
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
        }
    }
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
        && stage.pool.method == Some(Method::RoundRobin)
        && stage.pool.persistence == Ok(None)
    {
        let member = &sent.members[index];
        if member.takes_clients() && member.fault.is_none() && member.unsettled.is_none() {
            found
                .add("in-rotation", name.at, format!("`{who}` was in rotation during the last traffic"))
                .related(sent.at, "the last traffic")
                .help("a member is idle with weight 0, out of the pool, or out of rotation");
        }
    }
    Some(Expectation::Idle { member: who.clone() })
}

fn no_monitor(stage: &Stage<'_>, name: &At<NameText>, what: &str, found: &mut Findings) {
    if stage.has_no_monitor() {
        found
            .add("no-monitor", name.at, format!("there is no monitor, and only a monitor {what}"))
            .help("add one at the top: `monitor: {type: HTTP, delay: 5s, timeout: 2s, max_retries: 3}`");
    }
}
