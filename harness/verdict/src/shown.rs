//! Whether what a balancer shows of its members when it is asked is what it has announced.

use std::collections::BTreeSet;
use std::time::Duration;

use lblab_history::{MemberState, Shown};
use lblab_model::window::epsilon;
use lblab_model::{Moment, Name};

use crate::CheckId;
use crate::run::Run;
use crate::timing::stalled;
use crate::verdict::{Measurement, Unit, Verdict};

/// The most members of which a balancer's announcements are all heard: the kernel queues about ten datagrams.
const MOST_MEMBERS: usize = 10;

/// The verdict on every answer of a balancer that announces its members' states as well, if it was asked and has few members: of
/// many some announcements may not have been heard.
pub(crate) fn as_announced(run: &Run<'_>) -> Option<Verdict> {
    let check = CheckId::Hm27;
    let answers: Vec<&Shown> = run.history.shown.iter().filter(|shown| !is_starting(run, shown)).collect();
    if answers.is_empty() || run.plan.members.len() > MOST_MEMBERS {
        return None;
    }
    let mut compared = 0_u64;
    let mut wrong = Vec::new();
    for shown in &answers {
        for (member, &state) in &shown.states {
            compared += 1;
            let out = state == MemberState::Down;
            let announced = announced(run, member, shown);
            if !announced.contains(&out) {
                let word = |out: bool| if out { "out of" } else { "in" };
                let (shows, announced) = (word(out), word(!out));
                let at = shown.answered;
                wrong.push(format!(
                    "{member} was shown to be {shows} rotation at {at}, and {announced} it by what had been announced"
                ));
            }
        }
    }
    let summary = format!(
        "{} of {compared} states that were shown, in {} answers, are not as they were announced",
        wrong.len(),
        answers.len()
    );
    let verdict = Verdict::holds_if(wrong.is_empty(), check, summary).measuring(Measurement::at_most(
        Unit::States,
        wrong.len() as f64,
        0.0,
    ));
    Some(wrong.into_iter().take(3).fold(verdict, Verdict::because).unless(run.incomplete()))
}

/// Whether the balancer was being changed, or did not run as it should, when it was asked.
fn is_starting(run: &Run<'_>, shown: &Shown) -> bool {
    let slack = slack(run, shown);
    let overlaps =
        |from: Moment, to: Option<Moment>| from <= shown.answered && to.is_none_or(|to| to + slack >= shown.asked);
    let mut faults = run.history.faults.iter().filter(|fault| fault.member.is_none());
    run.history.changes.iter().any(|change| overlaps(change.begun, Some(change.in_force)))
        || faults.any(|fault| overlaps(fault.at, run.heal_of(fault).map(|heal| heal.proven)))
}

/// Whether the member was out, by what was announced, at any time to which the answer may belong: both, if that changed.
fn announced(run: &Run<'_>, member: &Name, shown: &Shown) -> BTreeSet<bool> {
    let slack = slack(run, shown);
    let (from, to) = (shown.asked - slack, shown.answered + slack);
    let flips = [run.left(member, from), run.returned(member, from)];
    let turns = flips.into_iter().flatten().filter(|&at| at <= to);
    turns.chain([from]).map(|at| run.is_out(member, at)).collect()
}

/// By how much an announcement and an answer may be off each other.
fn slack(run: &Run<'_>, shown: &Shown) -> Duration {
    epsilon(Duration::ZERO) + stalled(run, shown.asked, shown.answered)
}
