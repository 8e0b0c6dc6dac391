//! Whether requests were shared as the weights say.

use std::collections::{BTreeMap, BTreeSet};

use lblab_history::Request;
use lblab_model::window::cut_off;
use lblab_model::{Method, Name, Persistence, RotationOrder, Sequence, Weight, pick};
use lblab_scenario::{Cookies, Expectation, PlannedStep, Step, Traffic};

use crate::answers::failures;
use crate::chi_square::{ALPHA, Drawn, drawn};
use crate::rotation::{
    Alignment, alignment, alignment_of_multisets, chance_of_a_random_pick, counts, first_repetition, prefix_deviation,
    reduced, smoothness, window_deviation,
};
use crate::run::{Rotation, Run, one_after_the_other, span};
use crate::stays::gets_no_new_clients;
use crate::timing::fell_behind;
use crate::verdict::{Measurement, Unit, Verdict};
use crate::{Check, CheckId};

/// The most by which a random pick may do as well as a rotation whose order varies.
const CHANCE: f64 = 0.01;

/// The farthest that a count may lie from its quota. Smooth weighted round robin comes to 1.14 at most behind it and stays less than
/// 1 ahead, HAProxy's trees come to 1.24, as far as either was measured.
const SMOOTH: f64 = 2.0;

/// The largest and the smallest weight that LBaaS knows of a member that takes new clients.
const EXTREMES: (u32, u32) = (256, 1);

/// The verdicts on `shares: by weight`.
pub(crate) fn by_weight(run: &Run<'_>, step: usize) -> Vec<Verdict> {
    let Some((traffic_step, traffic)) = run.last_traffic(step) else {
        return vec![Verdict::inconclusive(CheckId::Rr2, "there was no traffic")];
    };
    if run.plan.method != Method::RoundRobin {
        let reason = format!("{} promises no exact shares, only ROUND_ROBIN does", run.plan.method);
        return vec![Verdict::unsupported(CheckId::Rr2, reason)];
    }
    let requests = run.requests(traffic_step);
    let Some((from, to)) = span(&requests) else {
        return vec![Verdict::inconclusive(CheckId::Rr2, "the traffic sent no request")];
    };
    let rotation = match run.rotation(from, to) {
        Ok(rotation) => rotation,
        Err(unknown) => return vec![unknown.verdict(CheckId::Rr2)],
    };
    if run.disturbed(traffic_step, from, to) {
        return vec![Verdict::inconclusive(CheckId::Rr2, "other requests were sent at the same time")];
    }
    if rotation.seats.is_empty() {
        return vec![Verdict::inconclusive(CheckId::Rr2, "no member was in rotation")];
    }
    let decided = run.decided_upon(&requests);
    let connections = if traffic.reuse && run.plan.persistence.is_none() { shared(&requests) } else { None };
    let case = Case { run, rotation: &rotation, requests: &requests, decided: &decided, connections };
    if let Some(reason) = run.traits().ignores_weights().filter(|_| case.rests_on_weights()) {
        return vec![Verdict::unsupported(case.check(), reason)];
    }
    let doubt = run.unfinished(traffic_step).or_else(|| fell_behind(traffic, &requests));
    let wrong = case.strayed().or_else(|| case.unheeded());
    let mut verdicts = match (run.traits().draws(), wrong.map_or_else(|| case.picks(), |wrong| Err(wrong.into()))) {
        (Some(reason), _) => vec![Verdict::unsupported(case.check(), reason), case.is_drawn()],
        (None, Ok(picks)) if run.traits().workers > 1 || !one_after_the_other(&decided) => {
            vec![case.concurrent(&picks)]
        }
        (None, Ok(picks)) => case.sequential(&picks),
        (None, Err(verdict)) => vec![*verdict],
    };
    let asked_for = |name: &&&Name| {
        let idle = |(index, planned): (usize, &PlannedStep)| {
            matches!(&planned.step, Step::Expect(Expectation::Idle { member }) if member == **name)
                && run.last_traffic(index).is_some_and(|(step, _)| step == traffic_step)
        };
        run.plan.steps.iter().enumerate().any(idle)
    };
    // Where the scenario itself says so, it is judged there.
    let drained = rotation.drained.iter().filter(|name| !asked_for(name));
    verdicts.extend(drained.map(|name| gets_no_new_clients(run, name, &decided)));
    verdicts.into_iter().map(|verdict| verdict.unless(doubt.as_ref())).collect()
}

struct Case<'a> {
    run: &'a Run<'a>,
    rotation: &'a Rotation<'a>,
    requests: &'a [&'a Request],
    /// Those of them for which a member had to be picked.
    decided: &'a [&'a Request],
    /// How many connections carried them, if clients were to use theirs again, and one did.
    connections: Option<usize>,
}

/// How many connections carried the requests, if one of them carried several.
fn shared(requests: &[&Request]) -> Option<usize> {
    let connections: BTreeSet<u64> = requests.iter().map(|request| request.connection).collect();
    (connections.len() < requests.len()).then_some(connections.len())
}

impl Case<'_> {
    /// Which of the checks on sharing this is.
    fn check(&self) -> CheckId {
        if self.unknown_cookie().is_some() {
            return CheckId::Sp5;
        }
        let weights = self.rotation.weights();
        let start = self.requests.first().map(|request| request.sent).unwrap_or_default();
        if !self.rotation.out.is_empty() {
            CheckId::Rr7
        } else if self.run.any_returned(start) {
            CheckId::Rr8
        } else if self.run.changes_in_force(start).any(|(step, _)| matches!(step, Step::Reweight { .. })) {
            CheckId::Rr10
        } else if self.connections.is_some() {
            CheckId::Rr12
        } else if weights.iter().all(|&weight| weight == weights[0]) {
            CheckId::Rr1
        } else if weights.contains(&EXTREMES.0) && weights.contains(&EXTREMES.1) {
            CheckId::Rr11
        } else {
            CheckId::Rr3
        }
    }

    /// The cookie that all of the requests carried and that the balancer cannot know.
    fn unknown_cookie(&self) -> Option<&str> {
        let step = self.requests.first()?.step;
        match &self.run.plan.steps.get(step)?.step {
            Step::Traffic(Traffic { cookies: Cookies::Fixed(cookie), .. }) => self
                .run
                .plan
                .persistence
                .as_ref()
                .filter(|kind| **kind != Persistence::SourceIp)
                .map(|_| cookie.as_str()),
            _ => None,
        }
    }

    /// The verdict on a new client that was given no cookie of its own.
    fn unheeded(&self) -> Option<Verdict> {
        let cookie = self.unknown_cookie().filter(|_| self.run.plan.persistence == Some(Persistence::HttpCookie))?;
        let request = self.requests.iter().find(|request| request.outcome.is_ok() && request.set_cookies.is_empty())?;
        let summary = format!("request {} carried the cookie {cookie}, and none was set in its place", request.id);
        Some(Verdict::fails(CheckId::Sp5, summary))
    }

    /// The verdict on a connection whose requests went to more than one member although connections are shared.
    fn strayed(&self) -> Option<Verdict> {
        self.connections.filter(|_| self.run.by_connection())?;
        let mut members = BTreeMap::new();
        let moved = self.requests.iter().find(|request| {
            let Some(member) = request.member else { return false };
            *members.entry(request.connection).or_insert(member) != member
        })?;
        let name = |address| self.run.name_of(address).map_or_else(String::new, ToString::to_string);
        let line = format!(
            "request {} on connection {} went to {}, an earlier one to {}",
            moved.id,
            moved.connection,
            name(moved.member?),
            name(members[&moved.connection])
        );
        let summary = "requests on one connection went to more than one member, and connections are to be shared";
        Some(Verdict::fails(CheckId::Rr12, summary).because(line))
    }

    /// Whether a balancer that ignores weights would be told from one that keeps them, or should be.
    fn rests_on_weights(&self) -> bool {
        let weights = self.rotation.weights();
        let unequal = weights.iter().any(|&weight| weight != weights[0]);
        unequal || !self.rotation.drained.is_empty() || self.check() == CheckId::Rr10
    }

    /// The seat of each request that had to be decided upon, in order, or what is wrong with the requests.
    ///
    /// A client that is kept on its member is decided upon once, and so is a connection where those are shared.
    fn picks(&self) -> Result<Vec<usize>, Box<Verdict>> {
        if let Some(failed) = failures(self.requests) {
            return Err(Verdict::fails(self.check(), failed.summary).because(failed.evidence).into());
        }
        let mut sources = BTreeSet::new();
        let mut picks = Vec::with_capacity(self.decided.len());
        for request in self.decided {
            let decided = match self.run.plan.persistence {
                Some(Persistence::SourceIp) => sources.insert(request.source.ip()),
                Some(Persistence::HttpCookie | Persistence::AppCookie { .. }) => {
                    request.cookie.is_none() || self.unknown_cookie().is_some()
                }
                None => true,
            };
            if !decided {
                continue;
            }
            let seat = request.member.and_then(|address| self.rotation.seat_at(address));
            picks.push(seat.ok_or_else(|| self.outsider(request))?);
        }
        Ok(picks)
    }

    fn outsider(&self, request: &Request) -> Verdict {
        let who = request.member.map_or_else(
            || "nobody known".to_owned(),
            |address| match self.run.name_of(address) {
                Some(name) => name.to_string(),
                None => address.to_string(),
            },
        );
        let at = request.sent;
        let drained = request
            .member
            .and_then(|address| self.run.name_of(address))
            .is_some_and(|name| self.rotation.drained.contains(&name) && !self.run.is_out(name, at));
        let why = if drained { "whose weight is 0" } else { "which was not in rotation" };
        let summary = format!("request {} was served by {who}, {why}", request.id);
        let seats: Vec<String> =
            self.rotation.seats.iter().map(|seat| format!("{} ({})", seat.name, seat.weight)).collect();
        Verdict::fails(self.check(), summary).because(format!("in rotation, with their weights: {}", seats.join(", ")))
    }

    /// Exact statements about requests that came one after the other.
    fn sequential(&self, picks: &[usize]) -> Vec<Verdict> {
        let weights = reduced(&self.rotation.weights());
        let period: usize = weights.iter().map(|&weight| weight as usize).sum();
        let check = self.check();
        let start = self.requests.first().map(|request| request.sent).unwrap_or_default();
        let settling = check == CheckId::Rr10 || self.run.any_returned(start);
        let skipped = if settling { (2 * period).min(picks.len()) } else { 0 };
        let picks = &picks[skipped..];
        if picks.len() < 2 * period {
            let reason = format!(
                "{} requests are too few to show a period of {period}; at least {} are needed",
                picks.len(),
                2 * period
            );
            return vec![Verdict::inconclusive(check, reason)];
        }
        let equal = weights.iter().all(|&weight| weight == 1);
        let mut verdicts = match self.run.traits().shuffles() {
            Some(reason) if equal && check == CheckId::Rr1 => {
                vec![Verdict::unsupported(check, reason), self.in_any_order(CheckId::Rr2, picks, &weights)]
            }
            Some(reason) => {
                let ordered = [CheckId::Rr4, CheckId::Rr5].map(|check| Verdict::unsupported(check, reason.clone()));
                let ordered = ordered.into_iter().filter(|_| is_undisturbed(check));
                [self.in_any_order(check, picks, &weights)].into_iter().chain(ordered).collect()
            }
            None if equal => vec![self.in_turn(check, picks), self.equal_counts(picks)],
            None if is_undisturbed(check) => {
                let in_periods = self.in_periods(check, picks, &weights);
                vec![in_periods, self.smoothly(picks, &weights), self.in_sequence(picks, &weights)]
            }
            None => vec![self.in_periods(check, picks, &weights)],
        };
        if skipped > 0 {
            for verdict in &mut verdicts {
                verdict.evidence.push(format!("the first {skipped} requests, two periods, were left out"));
            }
        }
        verdicts
    }

    fn in_turn(&self, check: CheckId, picks: &[usize]) -> Verdict {
        let n = self.rotation.seats.len();
        let told = self.rotation.tell(&counts(picks, n));
        let verdict = match first_repetition(picks, n) {
            None => Verdict::holds(check, format!("{} requests went to {n} members in turn", picks.len())),
            Some(start) => {
                let summary = format!("requests {} to {} did not hit {n} different members", start + 1, start + n);
                Verdict::fails(check, summary).because(format!(
                    "from request {}: {}",
                    start + 1,
                    self.sample(&picks[start..])
                ))
            }
        };
        verdict.because(format!("counts: {told}")).because(method(CheckId::Rr1.check()))
    }

    fn equal_counts(&self, picks: &[usize]) -> Verdict {
        let n = self.rotation.seats.len();
        let cycles = picks.len() / n;
        let whole = counts(&picks[..cycles * n], n);
        let told = self.rotation.tell(&whole);
        let exact = whole.iter().all(|&count| count == cycles as u64);
        let farthest = whole.iter().copied().max_by_key(|&count| count.abs_diff(cycles as u64)).unwrap_or(0);
        let summary = format!("{} requests to {n} members: {told}; {cycles} each allowed", cycles * n);
        Verdict::holds_if(exact, CheckId::Rr2, summary).measuring(Measurement::exactly(
            Unit::Requests,
            farthest as f64,
            cycles as f64,
        ))
    }

    /// Exact periods, the order within each of which is no matter.
    fn in_any_order(&self, check: CheckId, picks: &[usize], weights: &[u32]) -> Verdict {
        let found = alignment_of_multisets(picks, weights);
        let chance = chance_of_a_random_pick(picks.len(), weights);
        if found.broken.is_none() && weights.len() > 1 && chance > CHANCE {
            let reason = format!(
                "the balancer declares that the order of its rotation varies, and {} requests are too few to tell that from a \
                 random pick, which would do as well with a probability of {chance:.2}",
                picks.len()
            );
            return Verdict::unsupported(check, reason);
        }
        let verdict = if let Some(start) = found.broken {
            self.broken(check, picks, weights, found, start)
        } else {
            let (periods, period, wanted) = (found.periods, weights.iter().sum::<u32>(), self.wanted(weights));
            Verdict::holds(check, format!("each of {periods} periods of {period} requests was shared {wanted}"))
        };
        verdict
            .because(format!("counts of all {}: {}", picks.len(), self.rotation.tell(&counts(picks, weights.len()))))
            .because(format!("a random pick would do as well with a probability of at most {chance:.1e}"))
            .because("the order varies from period to period, as the balancer declares")
    }

    fn wanted(&self, weights: &[u32]) -> String {
        self.rotation.tell(&weights.iter().copied().map(u64::from).collect::<Vec<_>>())
    }

    /// The verdict on a period that begins at `start` and is not shared by weight.
    fn broken(&self, check: CheckId, picks: &[usize], weights: &[u32], found: Alignment, start: usize) -> Verdict {
        let period: usize = weights.iter().map(|&weight| weight as usize).sum();
        // The first and the last one may be cut off.
        let end = if start < found.offset { found.offset } else { picks.len().min(start + period) };
        let window = &picks[start..end];
        let summary = format!(
            "requests {} to {end} were shared {} instead of {}",
            start + 1,
            self.rotation.tell(&counts(window, weights.len())),
            self.wanted(weights)
        );
        let line = format!(
            "{} periods from request {} on, the offset at which most are exact",
            found.periods,
            found.offset + 1
        );
        Verdict::fails(check, summary).because(line).because(self.sample(window))
    }

    fn in_periods(&self, check: CheckId, picks: &[usize], weights: &[u32]) -> Verdict {
        let period: usize = weights.iter().map(|&weight| weight as usize).sum();
        let n = weights.len();
        let found = alignment(picks, weights);
        let (deviation, at) = window_deviation(picks, weights);
        let wanted = self.wanted(weights);
        let verdict = if let Some(start) = found.broken {
            self.broken(check, picks, weights, found, start)
        } else if deviation > 1 {
            let window = &picks[at..at + period];
            let summary = format!(
                "requests {} to {} were shared {}, more than 1 off {wanted}",
                at + 1,
                at + period,
                self.rotation.tell(&counts(window, n))
            );
            Verdict::fails(check, summary).because(self.sample(window))
        } else if let Some((seat, gap)) = uneven_gap(picks, weights).filter(|_| check == CheckId::Rr11) {
            let name = self.rotation.seats[seat].name;
            Verdict::fails(
                check,
                format!("{name} served two requests that were {gap} apart, with weight 1 in {period}"),
            )
        } else {
            Verdict::holds(check, format!("each of {} periods of {period} requests was shared {wanted}", found.periods))
        };
        verdict
            .because(format!("counts of all {}: {}", picks.len(), self.rotation.tell(&counts(picks, n))))
            .because(format!(
                "farthest from quota at any prefix: {:.2}",
                prefix_deviation(&picks[found.offset..], weights)
            ))
            .because(method(CheckId::Rr3.check()))
    }

    /// Whether no member gets far ahead of the others or far behind, within a period too.
    fn smoothly(&self, picks: &[usize], weights: &[u32]) -> Verdict {
        if self.run.traits().sequence == Some(Sequence::Blocks) {
            let reason = "the balancer declares that each member serves as often in a row as its weight says";
            return Verdict::unsupported(CheckId::Rr4, reason);
        }
        let (off, from) = smoothness(picks, weights);
        let summary = format!("at most {off:.2} off quota at every prefix, {SMOOTH} allowed");
        let verdict = Verdict::holds_if(off <= SMOOTH, CheckId::Rr4, summary).measuring(Measurement::at_most(
            Unit::Requests,
            off,
            SMOOTH,
        ));
        verdict.because(format!("counted from request {} on, from where on it is least", from + 1))
    }

    /// Whether the picks are those of the declared sequence, whichever of it came first.
    fn in_sequence(&self, picks: &[usize], weights: &[u32]) -> Verdict {
        let check = CheckId::Rr5;
        let Some(sequence) = self.run.traits().sequence else {
            return Verdict::unsupported(check, "the balancer declares no `sequence`");
        };
        let weights: Option<Vec<Weight>> =
            weights.iter().map(|&weight| Weight::try_from(u16::try_from(weight).ok()?).ok()).collect();
        let period = pick::period(sequence, &weights.unwrap_or_default());
        if period.is_empty() {
            return Verdict::inconclusive(check, "no member has a weight");
        }
        // The first request that is not as declared, at the phase at which it comes last.
        let broken = |phase: usize| {
            let expected = period.iter().cycle().skip(phase);
            let same = picks.iter().zip(expected).take_while(|(is, expected)| is == expected).count();
            (same < picks.len()).then_some(same)
        };
        let first = (0..period.len()).map(broken).reduce(|one, other| Some(one?.max(other?))).flatten();
        let name = match sequence {
            Sequence::Smooth => "smooth weighted round robin",
            Sequence::Blocks => "blocks",
        };
        let verdict = match first {
            None => Verdict::holds(check, format!("{} requests followed the sequence of {name}", picks.len())),
            Some(at) => Verdict::fails(check, format!("request {} is not in the sequence of {name}", at + 1))
                .because(format!("up to there: {}", self.sample(&picks[at.saturating_sub(11)..=at]))),
        };
        verdict.because(format!("a period of it: {}", self.sample(&period)))
    }

    /// Whether counts are those of draws by weight.
    fn is_drawn(&self) -> Verdict {
        let check = CheckId::Rr13;
        let picks = match self.picks() {
            Ok(picks) => picks,
            Err(verdict) => return Verdict { check, title: check.check().title.to_owned(), ..*verdict },
        };
        let weights = self.rotation.weights();
        let total = f64::from(weights.iter().sum::<u32>());
        let shares: Vec<f64> = weights.iter().map(|&weight| f64::from(weight) / total).collect();
        let counts = counts(&picks, weights.len());
        let told = self.rotation.tell(&counts);
        let Some(drawn) = drawn(&counts, &shares) else {
            let reason = format!("{} requests are too few: an expected count is below 5", picks.len());
            return Verdict::inconclusive(check, reason).because(format!("counts: {told}"));
        };
        let Drawn { statistic, freedom, bounds: (least, most), power } = drawn;
        let summary =
            format!("{} requests: {told}; chi-square {statistic:.2}, {least:.2e} to {most:.2} allowed", picks.len());
        let measurement = Measurement {
            value: statistic,
            unit: Unit::ChiSquare,
            at_least: Some(least),
            at_most: Some(most),
            slack: 0.0,
        };
        Verdict::holds_if((least..=most).contains(&statistic), check, summary)
            .measuring(measurement)
            .because(format!("degrees of freedom: {freedom}; alpha {ALPHA:.0e}, half of it at either end"))
            .because(format!("power against one member with 5 points more than its share: {power:.3}"))
    }

    /// Counts of requests whose order at the balancer is not known.
    fn concurrent(&self, picks: &[usize]) -> Verdict {
        let weights = self.rotation.weights();
        let n = weights.len();
        let total = f64::from(weights.iter().sum::<u32>());
        let check = if self.connections.is_some() { CheckId::Rr12 } else { CheckId::Rr6 };
        if picks.len() < 2 * n {
            return Verdict::inconclusive(check, format!("{} requests are too few for {n} members", picks.len()));
        }
        let equal = weights.iter().all(|&weight| weight == weights[0]);
        if let Some(connections) =
            self.connections.filter(|connections| !self.run.by_connection() && connections % n == 0)
            && equal
        {
            let reason = format!("{connections} connections can be shared as evenly by {n} members as their requests");
            return Verdict::inconclusive(check, reason);
        }
        let settling = 2 * reduced(&weights).iter().sum::<u32>();
        let workers = self.run.traits().workers.max(1);
        let start = self.requests.first().map(|request| request.sent).unwrap_or_default();
        if self.run.any_returned(start) && picks.len() < 20 * settling as usize {
            // Which of the requests were the first two periods after the return is not known, so they cannot be left out.
            return Verdict::inconclusive(
                check,
                "a member had returned, and the requests are too few to see past that",
            );
        }
        let counts = counts(picks, n);
        let told = self.rotation.tell(&counts);
        let returned = if self.run.any_returned(start) { f64::from(settling) } else { 0.0 };
        let traits = self.run.traits();
        let (off, most, what) = if equal {
            let (most, least) = (counts.iter().max().copied().unwrap_or(0), counts.iter().min().copied().unwrap_or(0));
            let each = if traits.rotation == RotationOrder::Shuffled { 2 } else { 1 };
            ((most - least) as f64, f64::from(each * workers) + returned, "between the largest and the smallest count")
        } else {
            let quota = |weight: u32| picks.len() as f64 * f64::from(weight) / total;
            let off = counts.iter().zip(&weights).map(|(&count, &weight)| (count as f64 - quota(weight)).abs());
            (off.fold(0.0, f64::max), cut_off(&weights, traits) + returned, "between a count and its quota")
        };
        Verdict::holds_if(off <= most, check, format!("{off:.1} {what}, at most {most} allowed"))
            .measuring(Measurement::at_most(Unit::Requests, off, most))
            .because(format!("counts of {}: {told}; declared workers: {workers}", picks.len()))
            .because(method(check.check()))
    }

    fn sample(&self, picks: &[usize]) -> String {
        let names: Vec<&str> = picks.iter().take(12).map(|&pick| self.rotation.seats[pick].name.as_str()).collect();
        let more = if picks.len() > 12 { " ..." } else { "" };
        format!("{}{more}", names.join(" "))
    }
}

/// The first two picks of a member of weight 1 that are not a period apart, as the distance between them.
fn uneven_gap(picks: &[usize], weights: &[u32]) -> Option<(usize, usize)> {
    let period: usize = weights.iter().map(|&weight| weight as usize).sum();
    weights.iter().enumerate().filter(|(_, weight)| **weight == 1).find_map(|(seat, _)| {
        let places: Vec<usize> = (0..picks.len()).filter(|&place| picks[place] == seat).collect();
        let gap = places.windows(2).map(|pair| pair[1] - pair[0]).find(|&gap| gap != period);
        gap.map(|gap| (seat, gap))
    })
}

/// Whether these are the periods of a rotation in which nothing has been changed: what follows a change may begin anywhere.
fn is_undisturbed(check: CheckId) -> bool {
    matches!(check, CheckId::Rr3 | CheckId::Rr11)
}

fn method(check: &Check) -> String {
    format!("bound: {}", check.bound)
}
