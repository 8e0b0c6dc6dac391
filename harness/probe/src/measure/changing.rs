//! `reload`: what a change of the configuration keeps.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use lblab_history::{Change, Outcome, Request};
use lblab_model::{Moment, ReloadClass};

use crate::finding::Measured;
use crate::seen::{Reading, Seen, departure, missed_after, probes, unknown};

/// The member that is out when the configuration is changed.
const OUT: usize = 6;
/// How long before a change is begun and after it is in force requests may be lost to it.
const AROUND: Duration = Duration::from_millis(400);

/// What the change kept of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    /// All of it.
    All(String),
    /// Some of it, as no restart would.
    Part(String),
    /// Not all of it.
    Lost(String),
    /// Nobody could tell.
    Unknown(String),
}

/// What a reload keeps; `passive` is the experiment that shows states that come from failed requests, if there are no others.
pub(crate) fn reload(seen: Reading<Seen<'_>>, passive: Option<Reading<Seen<'_>>>) -> Reading<Measured<ReloadClass>> {
    let seen = seen?;
    if seen.changes().is_empty() {
        return Err(seen.cut_short("change"));
    }
    let states = match passive {
        Some(passive) => passive_states(passive?)?,
        None => states(seen)?,
    };
    reload_of(&connections(seen)?, &states, &table(seen)?)
}

fn reload_of(connections: &Kept, states: &Kept, table: &Kept) -> Reading<Measured<ReloadClass>> {
    let told = |kept: &Kept| match kept {
        Kept::All(told) | Kept::Part(told) | Kept::Lost(told) | Kept::Unknown(told) => told.clone(),
    };
    let told = [connections, states, table].map(told).join("; ");
    match (connections, states, table) {
        (Kept::Unknown(_), ..) => unknown(told),
        // Which class it means to be of cannot be told; what it loses is for the checks.
        (Kept::Part(_), ..) => {
            let others = vec![ReloadClass::KeepsConnections, ReloadClass::Restarts];
            Ok(Measured::one_of(ReloadClass::KeepsAll, others, told))
        }
        (Kept::Lost(_), ..) => Ok(Measured::is(ReloadClass::Restarts, told)),
        (_, Kept::Lost(_), _) | (_, _, Kept::Lost(_)) => Ok(Measured::is(ReloadClass::KeepsConnections, told)),
        (_, Kept::All(_), _) | (_, _, Kept::All(_)) => Ok(Measured::is(ReloadClass::KeepsAll, told)),
        (_, Kept::Unknown(_) | Kept::Part(_), Kept::Unknown(_) | Kept::Part(_)) => {
            Ok(Measured::one_of(ReloadClass::KeepsAll, vec![ReloadClass::KeepsConnections], told))
        }
    }
}

/// The listening sockets and the open connections.
fn connections(seen: Seen<'_>) -> Reading<Kept> {
    let background = seen.background()?;
    let near = |request: &Request, change: &Change| {
        request.ended + AROUND >= change.begun && request.sent <= change.in_force + AROUND
    };
    let around = |request: &Request| seen.changes().iter().any(|change| near(request, change));
    let (during, before): (Vec<&Request>, Vec<&Request>) = background.into_iter().partition(|request| around(request));
    if let Some(failed) = before.iter().find(|request| is_lost(request)) {
        return unknown(format!(
            "request {} was lost although nothing was changed ({})",
            failed.id,
            failed.outcome.describe()
        ));
    }
    let lost: Vec<_> = during.iter().filter(|request| is_lost(request)).collect();
    if !lost.is_empty() {
        // A balancer that is starved may lose what it does not lose otherwise.
        for change in seen.changes() {
            seen.punctual(change.begun - AROUND, change.in_force + AROUND, AROUND / 4)?;
        }
    }
    let held = seen.held(0)?;
    let kept = held.iter().filter(|id| seen.request(**id).is_some_and(|request| request.outcome.is_ok())).count();
    let told = format!(
        "{} changes lost {} of {} requests and {} of {} held ones",
        seen.changes().len(),
        lost.len(),
        during.len(),
        held.len() - kept,
        held.len()
    );
    Ok(if lost.is_empty() && kept == held.len() {
        Kept::All(told)
    } else if kept == held.len() {
        Kept::Part(told)
    } else {
        Kept::Lost(told)
    })
}

/// What a member answers with a status of its own is not lost.
fn is_lost(request: &Request) -> bool {
    !matches!(request.outcome, Outcome::Ok | Outcome::OtherStatus)
}

/// The members' states: a member that is out is not used again before a probe has found it good.
fn states(seen: Seen<'_>) -> Reading<Kept> {
    if seen.monitor().is_err() {
        return Ok(Kept::Unknown("it has no member states".to_owned()));
    }
    let member = seen.member(OUT)?;
    let fault = seen.fault(Some(member), 0)?;
    let change = &seen.changes()[0];
    if departure(seen, member, fault.at, change.begun)?.is_err() {
        return Ok(Kept::Unknown(format!("{member} was not out before the change")));
    }
    let until = seen.changes().get(1).map_or_else(|| seen.end(), |next| next.begun);
    let used = seen.arrivals(member).into_iter().filter(|at| *at >= change.begun && *at < until).count();
    let probed = probes(seen, member).into_iter().find(|probe| probe.started >= change.begun);
    Ok(match (used, probed) {
        (0, Some(probe)) if probe.started.since(change.in_force) < seen.turn()? * 3 => {
            Kept::Unknown(format!("{member}, which was out, was probed again at once"))
        }
        (0, _) => Kept::All(format!("{member}, which was out, stayed out")),
        (used, _) => Kept::Lost(format!("{used} requests went to {member}, which was out")),
    })
}

/// States that come from failed requests: a member that is left alone for having failed stays so.
///
/// A balancer that counts afresh comes to it in its next turn after every change. One that does not comes when the time is up, which
/// may be just then by chance, but hardly after most changes.
fn passive_states(seen: Seen<'_>) -> Reading<Kept> {
    let member = seen.member(FAILS)?;
    let fault = seen.fault(Some(member), 0)?;
    let changes = seen.changes();
    let Some(first) = changes.first() else { return Err(seen.cut_short("change")) };
    let arrivals: Vec<Moment> = seen.arrivals(member).into_iter().filter(|at| *at >= fault.at).collect();
    let turn = missed_after(seen)?;
    let Some(alone) = alone(&arrivals, first.begun).filter(|alone| *alone > turn * 3) else {
        return Ok(Kept::Unknown(format!("{member}, which reset every connection, was never left alone")));
    };
    seen.punctual(fault.at, seen.end(), turn / 2)?;
    let came = |change: &&Change| arrivals.iter().any(|at| *at >= change.begun && *at < change.in_force + turn);
    let at_once = changes.iter().filter(came).count();
    let told = format!(
        "{member}, left alone for {:.1} s after failed requests, was used at once after {at_once} of {} changes",
        alone.as_secs_f64(),
        changes.len()
    );
    Ok(passive_kept(at_once, changes.len(), told))
}

fn passive_kept(at_once: usize, changes: usize, told: String) -> Kept {
    if at_once == changes {
        Kept::Lost(told)
    } else if at_once * 2 <= changes {
        Kept::All(told)
    } else {
        Kept::Unknown(told)
    }
}

/// The member that fails requests.
const FAILS: usize = 1;

/// The longest pause between two arrivals up to this moment.
fn alone(arrivals: &[Moment], until: Moment) -> Option<Duration> {
    arrivals.windows(2).filter(|pair| pair[1] <= until).map(|pair| pair[1].since(pair[0])).max()
}

/// The table of sources: nobody moves.
fn table(seen: Seen<'_>) -> Reading<Kept> {
    if seen.plan().persistence.is_none() {
        return Ok(Kept::Unknown("it has no table of sources".to_owned()));
    }
    let change = &seen.changes()[0];
    let until = seen.changes().get(1).map_or_else(|| seen.end(), |next| next.begun);
    let (mut before, mut after): (BTreeMap<IpAddr, usize>, BTreeMap<IpAddr, usize>) = Default::default();
    for request in seen.background()? {
        let Some(place) = seen.place_of(request) else { continue };
        if request.ended < change.begun {
            before.insert(request.source.ip(), place);
        } else if request.sent > change.in_force && request.ended < until {
            after.entry(request.source.ip()).or_insert(place);
        }
    }
    // Those of the member that is out have to move.
    before.retain(|_, place| *place + 1 != OUT);
    let both: Vec<_> = before.iter().filter_map(|(source, place)| Some((place, after.get(source)?))).collect();
    if both.len() < 12 {
        return Ok(Kept::Unknown("too few sources came before and after the change".to_owned()));
    }
    let moved = both.iter().filter(|(before, after)| before != after).count();
    let told = format!("{moved} of {} sources moved", both.len());
    Ok(if moved == 0 { Kept::All(told) } else { Kept::Lost(told) })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lblab_model::{Moment, ReloadClass};

    use super::{Kept, alone, passive_kept, reload_of};

    #[test]
    fn a_balancer_that_counts_afresh_comes_to_a_failing_member_right_after_every_change() {
        let at = |millis: u64| Moment::EPOCH + Duration::from_millis(millis);
        let tries = [100, 130, 160, 1170, 2180, 2300, 2330].map(at);
        assert_eq!(alone(&tries, at(2250)), Some(Duration::from_millis(1010)));
        let check = |at_once| passive_kept(at_once, 4, String::new());
        assert!(matches!(check(4), Kept::Lost(_)));
        assert!(matches!(check(3), Kept::Unknown(_)));
        assert!(matches!(check(1), Kept::All(_)), "by chance");
        assert!(matches!(check(0), Kept::All(_)));
    }

    #[test]
    fn the_class_is_the_strongest_that_holds() {
        let (all, lost, unknown) =
            (|| Kept::All(String::new()), || Kept::Lost(String::new()), || Kept::Unknown(String::new()));
        let check = |connections, states, table| {
            reload_of(&connections, &states, &table).map(|measured| (measured.value, measured.or.len()))
        };
        assert_eq!(check(all(), all(), all()), Ok((Some(ReloadClass::KeepsAll), 0)));
        assert_eq!(check(all(), all(), unknown()), Ok((Some(ReloadClass::KeepsAll), 0)));
        assert_eq!(check(all(), lost(), all()), Ok((Some(ReloadClass::KeepsConnections), 0)));
        assert_eq!(check(all(), unknown(), lost()), Ok((Some(ReloadClass::KeepsConnections), 0)));
        assert_eq!(check(all(), unknown(), unknown()), Ok((Some(ReloadClass::KeepsAll), 1)), "nothing to keep");
        assert_eq!(check(lost(), all(), all()), Ok((Some(ReloadClass::Restarts), 0)));
        let part = || Kept::Part(String::new());
        assert_eq!(check(part(), all(), all()), Ok((Some(ReloadClass::KeepsAll), 2)), "a few requests were lost");
        assert!(check(unknown(), all(), all()).is_err());
    }
}
