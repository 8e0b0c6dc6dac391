//! Expectations about clients that keep to their members.

use lblab_model::Protocol;

use super::super::scene::{Scene, Sent};
use super::super::steps::Stage;
use super::{last_sent, only_one};
use crate::diagnostic::Findings;
use crate::{Clients, Expectation, Place};

pub(super) fn sources(stage: &Stage<'_>, at: Place, scene: &Scene, found: &mut Findings) -> Expectation {
    binds_addresses(stage, at, found);
    only_one(stage, at, found);
    if let Some(sent) = last_sent(scene, at, found)
        && let Some(sources) = many_sources(sent, at, found)
    {
        twice(sent, sources, at, found);
    }
    Expectation::SourcesStick
}

pub(super) fn victims(stage: &Stage<'_>, at: Place, scene: &Scene, found: &mut Findings) -> Expectation {
    binds_addresses(stage, at, found);
    only_one(stage, at, found);
    if let Some(sent) = last_sent(scene, at, found) {
        many_sources(sent, at, found);
    }
    match scene.sent.len().checked_sub(2).map(|index| &scene.sent[index]) {
        Some(before) => {
            many_sources(before, at, found);
        }
        None if !scene.sent.is_empty() && !scene.doubt => {
            found
                .add("no-traffic", at, "there is no traffic before the last one to compare it with")
                .help("send from the same sources before the change, and after it");
        }
        None => {}
    }
    Expectation::OnlyVictimsMoved
}

pub(super) fn cookies(stage: &Stage<'_>, at: Place, scene: &Scene, found: &mut Findings) -> Expectation {
    if stage.pool.binds_cookies() == Some(false) && stage.pool.protocol != Some(Protocol::Tcp) {
        let pool = stage.scenario.pool.given().map_or(at, |pool| pool.at);
        found
            .add("not-sticky", at, "nothing in the pool keeps a client to a member by a cookie")
            .related(pool, "the pool")
            .help("add `persistence: {type: HTTP_COOKIE}`");
    }
    if let Some(sent) = last_sent(scene, at, found) {
        if sent.traffic.cookies {
            twice(sent, sent.traffic.clients.count(), at, found);
        } else {
            found
                .add("no-cookies", at, "clients of the last traffic do not keep their cookies")
                .related(sent.at, "the last traffic")
                .help("add `cookies: keep` to it");
        }
    }
    Expectation::CookiesStick
}

fn binds_addresses(stage: &Stage<'_>, at: Place, found: &mut Findings) {
    if stage.pool.binds_addresses() == Some(false) {
        let pool = stage.scenario.pool.given().map_or(at, |pool| pool.at);
        found
            .add("not-sticky", at, "nothing in the pool keeps a source to a member")
            .related(pool, "the pool")
            .help("write `method: SOURCE_IP`, or add `persistence: {type: SOURCE_IP}`");
    }
}

/// How many sources sent the traffic; it is reported if it was one address.
fn many_sources(sent: &Sent, at: Place, found: &mut Findings) -> Option<u32> {
    if let Clients::Sources(sources) = sent.traffic.clients {
        return Some(sources);
    }
    found
        .add("no-sources", at, "the traffic that this is about comes from one address")
        .related(sent.at, "this traffic")
        .help("send it from many: `- traffic: {requests: 4000, sources: 400}`");
    None
}

/// Reports clients that sent one request only: they cannot but stick.
fn twice(sent: &Sent, clients: u32, at: Place, found: &mut Findings) {
    let least = 2 * u64::from(clients);
    if sent.requests() < least {
        found
            .add("cannot-fail", at, "not every client sent two requests, so it could not but stick")
            .related(sent.at, "the last traffic")
            .help(format!("send {least} requests or more"));
    }
}
