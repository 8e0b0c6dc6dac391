//! Expectations about who gets requests by how busy members are.

use lblab_model::Method;

use super::super::scene::{Scene, Sent};
use super::super::steps::Stage;
use super::{background, last_sent, only_one};
use crate::diagnostic::Findings;
use crate::{Clients, Expectation, Load, Place};

/// How many requests for each member tell who gets them.
const EACH: u64 = 20;

pub(super) fn ties(stage: &Stage<'_>, at: Place, scene: &Scene, found: &mut Findings) -> Expectation {
    if let Some(sent) = by_load(stage, at, scene, found)
        && !scene.doubt
    {
        let takers = sent.members.iter().filter(|member| member.takes_clients()).count() as u64;
        if !matches!(sent.traffic.load, Load::Open { .. }) {
            found
                .add("too-close", at, "the last traffic leaves no time between requests in which members are idle")
                .related(sent.at, "the last traffic")
                .help("send at a rate: `- traffic: {rate: 15/s, for: 4s}`");
        } else if sent.requests() < EACH * takers {
            found
                .add("too-few", at, format!("{} requests are too few for {takers} members", sent.requests()))
                .related(sent.at, "the last traffic")
                .help(format!("send {} or more", EACH * takers));
        }
    }
    Expectation::TiesAsDeclared
}

pub(super) fn even(stage: &Stage<'_>, at: Place, scene: &Scene, found: &mut Findings) -> Expectation {
    if let Some(sent) = by_load(stage, at, scene, found)
        && !scene.doubt
        && matches!(sent.traffic.load, Load::Closed { .. })
    {
        let together = match sent.traffic.clients {
            Clients::Sources(_) => 1,
            clients => clients.count(),
        };
        let takers = sent.members.iter().filter(|member| member.takes_clients()).count();
        if (together as usize) <= takers {
            found
                .add("cannot-fail", at, format!("{together} requests at a time leave a member idle for each of them"))
                .related(sent.at, "the last traffic")
                .help(format!("send from more clients: `clients: {}`", 4 * takers));
        }
    }
    Expectation::LoadsEven
}

/// The last traffic, in a pool where members are picked by how busy they are.
fn by_load<'s>(stage: &Stage<'_>, at: Place, scene: &'s Scene, found: &mut Findings) -> Option<&'s Sent> {
    if let (Some(method), Some(pool)) = (stage.pool.method, stage.scenario.pool.value())
        && method != Method::LeastConnections
    {
        found
            .add("wrong-method", at, format!("{method} does not look at what members are busy with"))
            .related(pool.method.given().map_or(at, |method| method.at), "the method")
            .help("this is for LEAST_CONNECTIONS");
    }
    only_one(stage, at, found);
    let sent = last_sent(scene, at, found)?;
    background(at, sent.background, "requests of others are open meanwhile", found);
    Some(sent)
}
