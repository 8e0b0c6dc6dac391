//! `monitors`, `expected_codes`, `panic`: what is watched, what is good, and what happens when little is left.

use std::collections::BTreeSet;
use std::time::Duration;

use lblab_history::{Answer, FaultRecord, Purpose};
use lblab_model::{Fall, ProbeReads};

use crate::finding::{Has, Measured};
use crate::measure::thresholds::{Fell, fell_at_status, known_fall};
use crate::seen::{Probe, Reading, Seen, departure, probes, return_of, unknown};

/// The member that is certainly bad, and the one whose status tells forms of codes apart.
const BAD: usize = 1;
const TELLING: usize = 2;

/// Whether members are watched by HTTP: probes ask for something, and a bad status takes a member out.
pub(crate) fn http_monitor(seen: Reading<Seen<'_>>) -> Reading<Has> {
    let seen = seen?;
    let member = seen.member(BAD)?;
    let asked = probes(seen, member).iter().filter(|probe| probe.asked).count();
    if asked == 0 {
        seen.last_wait()?;
        return Ok(Has::if_so(false, format!("no probe asked {member} for anything")));
    }
    if seen.fault(Some(member), 0).is_err() {
        return Ok(Has::if_so(true, format!("{asked} probes asked {member} for something")));
    }
    Ok(match fell_at_status(seen, BAD)? {
        Fell::After(count) => Has::if_so(true, format!("{member} left after bad probe {count}")),
        Fell::NotAfter(count) => Has::if_so(false, format!("{count} bad probes did not take {member} out")),
    })
}

/// Whether members are watched by connecting to them: probes ask for nothing, and a member that refused connections is not used
/// before one of them has succeeded.
pub(crate) fn tcp_monitor(seen: Reading<Seen<'_>>) -> Reading<Has> {
    let seen = seen?;
    let member = seen.member(BAD)?;
    let all = probes(seen, member);
    if let Some(asked) = all.iter().find(|probe| probe.asked) {
        return Ok(Has::if_so(false, format!("a probe asked {member} for something at {}", asked.started)));
    }
    if all.is_empty() {
        seen.last_wait()?;
        return Ok(Has::if_so(false, format!("no probe connected to {member}")));
    }
    let Ok(fault) = seen.fault(Some(member), 0) else {
        return Ok(Has::if_so(true, format!("{} probes connected to {member}", all.len())));
    };
    returns_by_probes(seen, fault, &all, &format!("{member} refused connections"))
}

/// Whether a member that was faulty is used again only when a probe has found it healed.
fn returns_by_probes(seen: Seen<'_>, fault: &FaultRecord, all: &[Probe], was: &str) -> Reading<Has> {
    let member = seen.member(BAD)?;
    let heal = seen.heal(Some(member), 0)?;
    let until = seen.last_wait()?;
    seen.punctual(fault.at, until, Duration::from_millis(150))?;
    let used = return_of(seen, member, heal.at, until);
    let good = |probe: &&Probe| probe.started >= heal.at && used.is_none_or(|used| probe.started < used);
    let good = all.iter().filter(good).count();
    Ok(match used {
        Some(_) if good == 0 => Has::if_so(false, format!("{member} was used before a probe had found it healed")),
        Some(_) => Has::if_so(true, format!("{was} and was used again after {good} good probes")),
        None => Has::if_so(true, format!("{was} and was not used again by {good} good probes")),
    })
}

/// Whether members are watched by asking their hosts: every probe is an ICMP echo request, and a host that nothing got through to is
/// not used before one of them has been answered.
pub(crate) fn ping_monitor(seen: Reading<Seen<'_>>) -> Reading<Has> {
    let seen = seen?;
    let member = seen.member(BAD)?;
    let all = probes(seen, member);
    if let Some(other) = all.iter().find(|probe| probe.answer != Answer::Echoed) {
        return Ok(Has::if_so(false, format!("a probe connected to {member} at {}", other.started)));
    }
    if all.is_empty() {
        seen.last_wait()?;
        return Ok(Has::if_so(false, format!("no probe asked the host of {member}")));
    }
    let Ok(fault) = seen.fault(Some(member), 0) else {
        return Ok(Has::if_so(true, format!("{} probes asked the host of {member}", all.len())));
    };
    returns_by_probes(seen, fault, &all, &format!("the host of {member} did not answer"))
}

/// Whether a form of codes is kept to: the bad status takes its member out, and the other one stays if it is among the codes.
pub(crate) fn codes(seen: Reading<Seen<'_>>) -> Reading<Has> {
    let seen = seen?;
    let until = seen.last_wait()?;
    let left = |number: usize| -> Reading<(bool, u16)> {
        let member = seen.member(number)?;
        let fault = seen.fault(Some(member), 0)?;
        seen.punctual(fault.at, until, Duration::from_millis(300))?;
        let lblab_model::Fault::Status { code } = fault.fault else { return unknown("the fault is no status") };
        Ok((departure(seen, member, fault.at, until)?.is_ok(), code))
    };
    let lblab_model::MonitorKind::Http { expected_codes, .. } = &seen.monitor()?.kind else {
        return unknown("the monitor expects no codes");
    };
    let mut right = true;
    let mut told = Vec::new();
    for number in [BAD, TELLING] {
        let (left, code) = left(number)?;
        right &= left != expected_codes.contains(code);
        told.push(format!("{code} {}", if left { "left" } else { "stayed" }));
    }
    Ok(Has::if_so(right, format!("with {expected_codes} {}", told.join(" and "))))
}

/// How much of an answer a probe reads: a member whose answers break off after their status is left only by who reads on.
pub(crate) fn probe_reads(seen: Reading<Seen<'_>>) -> Reading<Measured<ProbeReads>> {
    let seen = seen?;
    let member = seen.member(BAD)?;
    let fault = seen.fault(Some(member), 0)?;
    let until = seen.last_wait()?;
    seen.punctual(fault.at, until, Duration::from_millis(300))?;
    let broken = probes(seen, member).iter().filter(|probe| probe.started >= fault.at && probe.started < until).count();
    if broken < ENOUGH_BROKEN {
        return unknown(format!("{broken} probes got an answer that broke off, and {ENOUGH_BROKEN} are needed"));
    }
    let told = format!("{broken} probes got the status and half of the body");
    Ok(match departure(seen, member, fault.at, until)? {
        Ok(_) => Measured::is(ProbeReads::Answer, format!("{told}, and {member} was left")),
        Err(still) => Measured::is(ProbeReads::Status, format!("{told}, and {member} got {} requests", still.requests)),
    })
}

/// How many probes have to come to a member that breaks its answers off.
const ENOUGH_BROKEN: usize = 2;

/// From when on members are used that are out.
pub(crate) fn panic(seen: Reading<Seen<'_>>, fall: &Reading<Measured<Fall>>) -> Reading<Measured<u32>> {
    let seen = seen?;
    let needed = known_fall(fall, seen.monitor()?.max_retries)?;
    let members = seen.members();
    let mut stages = Vec::new();
    for number in 1.. {
        let Ok((requests, _)) = seen.traffic(number) else { break };
        let Some(begun) = requests.first().map(|request| request.sent) else { break };
        let mut bad = BTreeSet::new();
        for number in 1..=members {
            let member = seen.member(number)?;
            let Ok(fault) = seen.fault(Some(member), 0) else { continue };
            if fault.at > begun {
                continue;
            }
            let failed = probes(seen, member)
                .iter()
                .filter(|probe| probe.started >= fault.at && probe.ended.is_some_and(|ended| ended < begun))
                .count();
            if failed < needed as usize {
                return unknown(format!("{member} had seen {failed} bad probes, and {needed} take a member out"));
            }
            bad.insert(member);
        }
        let first = seen.first_arrivals();
        let at_bad = |id: u64| {
            first.get(&id).is_some_and(|served| served.purpose == Purpose::Request(id) && bad.contains(&served.member))
        };
        let hits = requests.iter().filter(|request| at_bad(request.id)).count();
        stages.push(Stage { members, up: members - bad.len(), requests: requests.len(), hits });
    }
    if stages.len() < 2 {
        return Err(seen.cut_short("traffic"));
    }
    panic_of(&stages)
}

/// What was used while some members were out.
#[derive(Clone, Copy, Debug)]
struct Stage {
    members: usize,
    up: usize,
    requests: usize,
    /// Requests that came to a member that was out.
    hits: usize,
}

impl Stage {
    fn percent_up(self) -> u32 {
        u32::try_from(self.up * 100 / self.members.max(1)).unwrap_or(100)
    }

    /// Whether all members were used; none if neither all nor only those that were up.
    fn panics(self) -> Option<bool> {
        let expected = self.requests * (self.members - self.up) / self.members.max(1);
        match self.hits {
            0 => Some(false),
            hits if hits * 2 >= expected => Some(true),
            _ => None,
        }
    }
}

/// The percentage is more than the most that were up in a panic, and no more than the fewest that were up in none.
fn panic_of(stages: &[Stage]) -> Reading<Measured<u32>> {
    let mut lowest_calm = 100;
    let mut highest_panic = None;
    for stage in stages {
        let percent = stage.percent_up();
        match stage.panics() {
            Some(true) => highest_panic = highest_panic.max(Some(percent)),
            Some(false) => lowest_calm = percent.min(lowest_calm),
            None => {
                let Stage { requests, hits, .. } = *stage;
                return unknown(format!(
                    "with {percent} % up, {hits} of {requests} requests went to members that were out"
                ));
            }
        }
    }
    Ok(match highest_panic {
        None => Measured::is(0, format!("with {lowest_calm} % up, none of the members that were out was used")),
        Some(panic) if panic >= lowest_calm => Measured::no_value(format!(
            "members that were out were used with {panic} % up and not with {lowest_calm} %"
        )),
        Some(panic) => Measured::is(
            lowest_calm,
            format!("members that were out were used with {panic} % up, and not with {lowest_calm} % up"),
        ),
    })
}

/// Whether a declared percentage is the measured one, as far as ten members tell: by which steps they went out.
pub(crate) fn same_panic(declared: u32, measured: u32) -> bool {
    const STEPS: [u32; 6] = [0, 10, 30, 50, 70, 100];
    let below = STEPS.iter().rev().find(|step| **step < measured);
    declared == measured || declared < measured && below.is_some_and(|below| declared > *below)
}

#[cfg(test)]
mod tests {
    use super::{Stage, panic_of, same_panic};

    fn stages(hits: [usize; 5]) -> Vec<Stage> {
        [7, 5, 3, 1, 0].into_iter().zip(hits).map(|(up, hits)| Stage { members: 10, up, requests: 120, hits }).collect()
    }

    #[test]
    fn panic_lies_between_the_most_that_were_up_in_one_and_the_fewest_in_none() {
        let check = |hits| panic_of(&stages(hits)).map(|measured| measured.value);
        assert_eq!(check([0, 0, 0, 0, 0]), Ok(Some(0)));
        assert_eq!(check([0, 0, 84, 108, 120]), Ok(Some(50)));
        assert_eq!(check([0, 0, 0, 0, 120]), Ok(Some(10)));
        assert_eq!(check([36, 60, 84, 108, 120]), Ok(Some(100)));
        assert_eq!(check([36, 0, 0, 0, 0]), Ok(None));
        assert!(check([0, 3, 0, 0, 0]).is_err(), "a few only");
    }

    #[test]
    fn a_declared_percentage_is_the_measured_one_if_no_step_lies_between() {
        for (declared, measured, same) in
            [(50, 50, true), (40, 50, true), (30, 50, false), (60, 50, false), (0, 10, false), (0, 0, true)]
        {
            assert_eq!(same_panic(declared, measured), same, "{declared} {measured}");
        }
    }
}
