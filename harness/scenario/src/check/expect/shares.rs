//! Expectations about how traffic was shared.

use lblab_model::Method;

use super::super::scene::{Scene, Sent};
use super::super::steps::Stage;
use super::{background, last_sent, only_one};
use crate::diagnostic::Findings;
use crate::{Clients, Expectation, Place};

/// How many requests at least, in rounds of the weights: with fewer, a wrong order could pass for a right one.
const ROUNDS: u64 = 2;
/// How many more after a change of the pool, which may fall anywhere in a round.
const ROUNDS_AFTER_CHANGE: u64 = 2;
/// How many sources at least for each member, so that a chi-square test can tell anything.
const SOURCES_EACH: usize = 5;

pub(super) fn by_weight(stage: &Stage<'_>, at: Place, scene: &Scene, found: &mut Findings) -> Expectation {
    if let (Some(method), Some(pool)) = (stage.pool.method, stage.scenario.pool.value())
        && method != Method::RoundRobin
    {
        let help = match method {
            Method::SourceIp => "for SOURCE_IP, expect `shares: spread`",
            Method::LeastConnections | Method::RoundRobin => {
                "for LEAST_CONNECTIONS, hold requests and expect `held: balanced`"
            }
        };
        found
            .add("wrong-method", at, format!("{method} does not share requests exactly"))
            .related(pool.method.given().map_or(at, |method| method.at), "the method")
            .help(help);
        return Expectation::SharedByWeight;
    }
    only_one(stage, at, found);
    let Some(sent) = last_sent(scene, at, found) else { return Expectation::SharedByWeight };
    background(at, sent.background, "requests of others come between", found);
    let bound = stage.pool.binds_addresses() == Some(true)
        || stage.pool.binds_cookies() == Some(true) && sent.traffic.cookies.are_kept();
    if bound {
        let persistence = stage.scenario.pool.value().and_then(|pool| pool.persistence.given());
        found
            .add("bound", at, "clients of the last traffic keep to their members, they do not take turns")
            .related(persistence.map_or(sent.at, |persistence| persistence.at), "the persistence")
            .help("expect that they stick: `sources: stick` or `cookies: stick`");
    } else if !scene.doubt {
        settled(stage, at, sent, found);
        enough(stage, at, sent, found);
    }
    Expectation::SharedByWeight
}

pub(super) fn spread(at: Place, scene: &Scene, found: &mut Findings) -> Expectation {
    let Some(sent) = last_sent(scene, at, found) else { return Expectation::SourcesSpread };
    let Clients::Sources(sources) = sent.traffic.clients else {
        found
            .add("no-sources", at, "the last traffic comes from one address")
            .related(sent.at, "the last traffic")
            .help("send it from many: `- traffic: {requests: 4000, sources: 400}`");
        return Expectation::SourcesSpread;
    };
    let takers = sent.members.iter().filter(|member| member.takes_clients()).count();
    if !scene.doubt && takers < 2 {
        found
            .add("cannot-fail", at, "fewer than two members were in rotation, so there was nothing to spread over")
            .related(sent.at, "the last traffic")
            .help("expect `shares: spread` of traffic that two members or more can serve");
    } else if !scene.doubt && (sources as usize) < SOURCES_EACH * takers {
        found
            .add("too-few", at, format!("{sources} sources are too few to tell how they spread over {takers} members"))
            .related(sent.at, "the last traffic")
            .help(format!("send from {} or more", SOURCES_EACH * takers));
    }
    Expectation::SourcesSpread
}

/// Reports a member of which nobody has waited to see whether it was in rotation.
fn settled(stage: &Stage<'_>, at: Place, sent: &Sent, found: &mut Findings) {
    for (member, role) in sent.members.iter().zip(stage.cast.roles()) {
        if let Some(since) = member.unsettled {
            let (now, help) = match member.fault {
                Some(_) => ("may or may not have left", "leaves"),
                None => ("may or may not have returned", "returns"),
            };
            found
                .add("unsettled", at, format!("`{}` {now} when the last traffic ran", role.name))
                .related(since, "since here")
                .help(format!("wait for it before that traffic: `- expect: {{{help}: {}}}`", role.name));
        }
    }
}

/// Reports traffic of too few requests.
fn enough(stage: &Stage<'_>, at: Place, sent: &Sent, found: &mut Findings) {
    let takers = sent.members.iter().filter(|member| member.takes_clients());
    let period = round(takers.map(|member| u64::from(member.weight)));
    if period == 0 {
        if let Some(pool) = stage.scenario.pool.given() {
            found
                .add("nobody-serves", at, "no member was in rotation when the last traffic ran")
                .related(sent.at, "the last traffic")
                .related(pool.at, "the pool")
                .help("a member serves that is in the pool, has a weight over 0, and lets requests in");
        }
        return;
    }
    let rounds = ROUNDS + if sent.changed.is_some() { ROUNDS_AFTER_CHANGE } else { 0 };
    if sent.requests() < rounds * period {
        let message = format!("{} requests are less than {rounds} rounds of {period}", sent.requests());
        let diagnostic = found
            .add("too-few", at, message)
            .related(sent.at, "the last traffic")
            .help(format!("send {} or more", rounds * period));
        if let Some(changed) = sent.changed {
            diagnostic.related(changed, "up to two rounds may pass after this before shares are even");
        }
    }
}

/// How many requests it takes until every member has had its turns; 0 if there is none.
pub(super) fn round(weights: impl Iterator<Item = u64>) -> u64 {
    let (sum, divisor) = weights.fold((0, 0), |(sum, divisor), weight| (sum + weight, gcd(divisor, weight)));
    u64::checked_div(sum, divisor).unwrap_or(0)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
