//! Expectations about clients that keep to their members.

use lblab_model::{Persistence, Protocol};

use super::super::scene::{Scene, Sent};
use super::super::steps::Stage;
use super::{last_sent, only_one};
use crate::diagnostic::Findings;
use crate::{Clients, Cookies, Expectation, Place};

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
    binds_cookies(stage, at, found);
    if let Some(sent) = last_sent(scene, at, found) {
        if sent.traffic.cookies.are_kept() {
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

pub(super) fn sources_stay(stage: &Stage<'_>, at: Place, scene: &Scene, found: &mut Findings) -> Expectation {
    has_table(stage, at, found);
    only_one(stage, at, found);
    if let Some(sent) = last_sent(scene, at, found) {
        many_sources(sent, at, found);
        let before = scene.sent.len().checked_sub(2).map(|index| &scene.sent[index]);
        if let Some(before) = before {
            many_sources(before, at, found);
        }
        between(before, sent, at, scene, found);
    }
    Expectation::SourcesStay
}

/// Reports a pool in which no table remembers sources.
fn has_table(stage: &Stage<'_>, at: Place, found: &mut Findings) {
    if let Some(pool) = stage.scenario.pool.given()
        && stage.pool.persistence != Ok(Some(Persistence::SourceIp))
        && stage.pool.persistence.is_ok()
    {
        found
            .add("not-sticky", at, "no table remembers where a source was, so it need not stay")
            .related(pool.at, "the pool")
            .help("add `persistence: {type: SOURCE_IP}`; by a hash, sources are `restored` when a member returns");
    }
}

pub(super) fn sources_remembered(stage: &Stage<'_>, at: Place, scene: &Scene, found: &mut Findings) -> Expectation {
    has_table(stage, at, found);
    only_one(stage, at, found);
    if let Some(sent) = last_sent(scene, at, found) {
        many_sources(sent, at, found);
        if scene.sent.len() < 2 && !scene.doubt {
            found
                .add("no-traffic", at, "there is no traffic before the last one in which a source could have been seen")
                .help("send from more sources than a table has room for, and then from those that came last");
        }
    }
    Expectation::SourcesRemembered
}

pub(super) fn sources_restored(stage: &Stage<'_>, at: Place, scene: &Scene, found: &mut Findings) -> Expectation {
    binds_addresses(stage, at, found);
    if let (Some(pool), Ok(Some(Persistence::SourceIp))) = (stage.scenario.pool.given(), &stage.pool.persistence) {
        found
            .add("kept-elsewhere", at, "a table keeps sources where they went meanwhile, so they do not come back")
            .related(pool.at, "the pool")
            .help("expect that they `stay`, or write `method: SOURCE_IP` without persistence");
    }
    only_one(stage, at, found);
    if let Some(sent) = last_sent(scene, at, found) {
        many_sources(sent, at, found);
        let first = [scene.first_fault, scene.first_change].into_iter().flatten().min_by_key(|place| place.start);
        let before = scene.sent.iter().rfind(|sent| first.is_some_and(|first| sent.at.start < first.start));
        if let Some(before) = before {
            many_sources(before, at, found);
        }
        between(before, sent, at, scene, found);
    }
    Expectation::SourcesRestored
}

/// What is expected of clients that come again with the cookies that they have.
pub(super) fn cookies_again(stage: &Stage<'_>, at: Place, scene: &Scene, found: &mut Findings) {
    come_again(stage, &Cookies::Bring, "bring", at, scene, found);
}

pub(super) fn cookies_restored(stage: &Stage<'_>, at: Place, scene: &Scene, found: &mut Findings) -> Expectation {
    come_again(stage, &Cookies::First, "first", at, scene, found);
    Expectation::CookiesRestored
}

fn come_again(stage: &Stage<'_>, with: &Cookies, word: &str, at: Place, scene: &Scene, found: &mut Findings) {
    binds_cookies(stage, at, found);
    only_one(stage, at, found);
    let Some(sent) = last_sent(scene, at, found) else { return };
    if sent.traffic.cookies != *with {
        found
            .add("no-cookies", at, "clients of the last traffic do not come with the cookies that this is about")
            .related(sent.at, "the last traffic")
            .help(format!("write `cookies: {word}` in it"));
        return;
    }
    let mut earlier = scene.sent.iter().rev().skip(1).filter(|sent| sent.traffic.cookies.are_kept());
    let before = match with {
        Cookies::First => earlier.find(|sent| sent.traffic.cookies == Cookies::Keep),
        _ => earlier.next(),
    };
    between(before, sent, at, scene, found);
}

/// Reports that nothing has happened that could have moved anybody.
fn between(before: Option<&Sent>, sent: &Sent, at: Place, scene: &Scene, found: &mut Findings) {
    if scene.doubt {
        return;
    }
    let Some(before) = before else {
        found
            .add("no-traffic", at, "there is no traffic before the last one to compare it with")
            .help("send from the same clients before the change, and after it");
        return;
    };
    let since = |place: Option<Place>| place.is_some_and(|place| place.start > before.at.start);
    let left = sent.members.iter().any(|member| since(member.ever_left));
    if !since(sent.changed) && !left {
        found
            .add("cannot-fail", at, "nothing has happened to the pool between the two that could have moved anybody")
            .related(before.at, "the traffic before")
            .help("change the pool in between, or expect a member to leave or to return");
    }
}

fn binds_cookies(stage: &Stage<'_>, at: Place, found: &mut Findings) {
    if stage.pool.binds_cookies() == Some(false) && stage.pool.protocol != Some(Protocol::Tcp) {
        let pool = stage.scenario.pool.given().map_or(at, |pool| pool.at);
        found
            .add("not-sticky", at, "nothing in the pool keeps a client to a member by a cookie")
            .related(pool, "the pool")
            .help("add `persistence: {type: HTTP_COOKIE}`");
    }
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
