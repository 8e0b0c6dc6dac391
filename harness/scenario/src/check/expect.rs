//! The `expect` step: whether what is expected can hold, can fail, and has something to be judged by.

mod loads;
mod member;
mod shares;
mod sticking;

use std::time::Duration;

use lblab_model::{Method, Protocol};

use super::scene::{Allowance, Hold, Scene, Sent};
use super::steps::Stage;
use crate::diagnostic::Findings;
use crate::raw::{self, Expect};
use crate::shape::At;
use crate::{Expectation, LostBound, Place};

/// How long probes are looked out for at least: the shortest delay that a monitor could have.
const SHORTEST_WATCH: Duration = Duration::from_secs(1);

pub(super) fn check(
    stage: &Stage<'_>,
    step: &At<Expect>,
    scene: &mut Scene,
    found: &mut Findings,
) -> Option<Expectation> {
    match &step.value {
        Expect::Leaves(name) => member::leaves(stage, name, scene, found),
        Expect::Returns(name) => member::returns(stage, name, scene, found),
        Expect::Stays(name) => member::stays(stage, name, scene, found),
        Expect::Idle(name) => member::idle(stage, name, scene, found),
        Expect::Refills(name) => refills(stage, name, scene, found),
        Expect::Shares(shares) => Some(match shares.value {
            raw::Shares::ByWeight => shares::by_weight(stage, shares.at, scene, found),
            raw::Shares::Spread => shares::spread(shares.at, scene, found),
        }),
        Expect::Sources(sources) => Some(match sources.value {
            raw::Sources::Stick => sticking::sources(stage, sources.at, scene, found),
            raw::Sources::OnlyVictimsMoved => sticking::victims(stage, sources.at, scene, found),
            raw::Sources::Stay => sticking::sources_stay(stage, sources.at, scene, found),
            raw::Sources::Restored => sticking::sources_restored(stage, sources.at, scene, found),
            raw::Sources::Remembered => sticking::sources_remembered(stage, sources.at, scene, found),
        }),
        Expect::Cookies(cookies) => Some(match cookies.value {
            raw::Cookies::Stick => sticking::cookies(stage, cookies.at, scene, found),
            raw::Cookies::OnlyVictimsMoved => {
                sticking::cookies_again(stage, cookies.at, scene, found);
                Expectation::CookiesOnlyVictimsMoved
            }
            raw::Cookies::Stay => {
                sticking::cookies_again(stage, cookies.at, scene, found);
                Expectation::CookiesStay
            }
            raw::Cookies::Restored => sticking::cookies_restored(stage, cookies.at, scene, found),
        }),
        Expect::Ties(ties) => Some(loads::ties(stage, ties.at, scene, found)),
        Expect::Loads(even) => Some(loads::even(stage, even.at, scene, found)),
        Expect::Held(balanced) => Some(held(stage, balanced.at, scene, found)),
        Expect::Lost(lost) => {
            if scene.sent.is_empty() && scene.background.is_none() && !scene.doubt {
                no_traffic(lost.at, found);
            }
            Some(Expectation::Lost(match lost.value {
                raw::Lost::Predicted => LostBound::Predicted,
                raw::Lost::AtMost(most) => {
                    let foreground = scene.sent.iter().map(Sent::requests).sum();
                    let background = scene.background.is_some();
                    scene.allowances.push(Allowance { at: lost.at, most, foreground, background });
                    LostBound::AtMost(u64::from(most))
                }
            }))
        }
        Expect::Answers(status) => {
            last_sent(scene, status.at, found);
            let code = u16::try_from(status.value.0).ok()?;
            if stage.pool.protocol == Some(Protocol::Tcp) && (502..=504).contains(&code) && !any_status_fault(scene) {
                found
                    .add("tcp-answers", status.at, format!("nobody answers {code} here: a TCP pool closes connections"))
                    .help("balance HTTP, or expect how many are `lost`");
            }
            Some(Expectation::Answers { status: code })
        }
        Expect::Probes(none) => {
            if let Some(monitor) = stage.scenario.monitor.given() {
                found
                    .add("monitor-probes", none.at, "there is a monitor, so there are probes")
                    .related(monitor.at, "the monitor")
                    .help("delete the monitor, or this expectation");
            } else if scene.passed < SHORTEST_WATCH && !scene.doubt {
                found
                    .add("too-early", none.at, "not even a second has passed that a probe could have been sent in")
                    .help("wait before: `- wait: 5s`");
            }
            Some(Expectation::NoProbes)
        }
    }
}

fn any_status_fault(scene: &Scene) -> bool {
    scene.members.iter().any(|member| member.ever_faulty.is_some())
}

fn no_traffic(at: Place, found: &mut Findings) {
    found.add("no-traffic", at, "no traffic has run before this").help("send some before: `- traffic: {requests: 60}`");
}

/// The last traffic in the foreground, which most expectations are about.
fn last_sent<'s>(scene: &'s Scene, at: Place, found: &mut Findings) -> Option<&'s Sent> {
    let last = scene.sent.last();
    match (last, scene.background) {
        (None, None) if !scene.doubt => no_traffic(at, found),
        (last, Some(background)) if last.is_none_or(|last| last.at.start < background.start) => {
            found
                .add("no-traffic", at, "this is about the last traffic, which is still going on")
                .related(background, "in the background")
                .help("send some in the foreground after that: `- traffic: {requests: 60}`");
        }
        _ => {}
    }
    last
}

/// The last `hold`, in a pool where held requests can say something.
fn last_held<'s>(stage: &Stage<'_>, at: Place, scene: &'s Scene, found: &mut Findings) -> Option<&'s Hold> {
    if let (Some(method), Some(pool)) = (stage.pool.method, stage.scenario.pool.value())
        && method != Method::LeastConnections
    {
        let method_at = pool.method.given().map_or(at, |method| method.at);
        found
            .add("wrong-method", at, format!("{method} does not look at what members are busy with"))
            .related(method_at, "the method")
            .help("this is for LEAST_CONNECTIONS");
    }
    let held = scene.held.as_ref();
    if let (None, false) = (held, scene.doubt) {
        found.add("nothing-held", at, "no requests have been held before this").help("hold some: `- hold: 120`");
    }
    if let Some(hold) = held {
        background(at, hold.background, "requests of others are open beside the held ones", found);
    }
    held
}

/// Reports an expectation about who of the members served where there is only one.
fn only_one(stage: &Stage<'_>, at: Place, found: &mut Findings) {
    if let ([only], true) = (stage.cast.roles(), stage.cast.is_complete()) {
        found
            .add("cannot-fail", at, "there is one member only, so nobody else could have served")
            .related(only.at, "the only member")
            .help("add another member, or expect that no request is lost: `lost: 0`");
    }
}

/// Reports that something exact is expected beside background traffic.
fn background(at: Place, background: Option<Place>, why: &str, found: &mut Findings) {
    if let Some(background) = background {
        found
            .add("not-quiet", at, format!("exact counts need quiet: {why}"))
            .related(background, "in the background")
            .help("start the background traffic after it, or let it end: `for: 10s`");
    }
}

fn held(stage: &Stage<'_>, at: Place, scene: &Scene, found: &mut Findings) -> Expectation {
    only_one(stage, at, found);
    if let Some(hold) = last_held(stage, at, scene, found)
        && !scene.doubt
    {
        if hold.after_release.is_some() {
            found
                .add("refill", at, "the last hold refilled a member, it did not start in balance")
                .related(hold.at, "the last hold")
                .help("expect `refills`, or `release: all` before that hold");
        }
        if (hold.connections as usize) < 2 * hold.takers {
            found
                .add(
                    "too-few",
                    hold.at,
                    format!("a hold of {} says nothing about {} members", hold.connections, hold.takers),
                )
                .help(format!("hold {} or more", 2 * hold.takers));
        }
    }
    Expectation::HeldBalanced
}

fn refills(stage: &Stage<'_>, name: &At<raw::NameText>, scene: &Scene, found: &mut Findings) -> Option<Expectation> {
    let index = stage.cast.find(name, found);
    only_one(stage, name.at, found);
    if let Some(hold) = last_held(stage, name.at, scene, found)
        && !scene.doubt
        && index.is_some()
        && hold.after_release != index
    {
        found
            .add("no-refill", name.at, format!("`{}` was not released just before the last hold", name.value.0))
            .related(hold.at, "the last hold")
            .help(format!("the order is hold, `release: {}`, hold, expect", name.value.0));
    }
    Some(Expectation::Refills { member: stage.cast.roles()[index?].name.clone() })
}
