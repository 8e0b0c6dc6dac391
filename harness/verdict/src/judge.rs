//! From expectations to verdicts.

use lblab_history::History;
use lblab_scenario::{Expectation, Plan, Step};

use crate::run::Run;
use crate::verdict::{Judgement, Verdict};
use crate::{
    CheckId, answers, asked, backups, change, cookies, counters, detection, forwarded, freed, held, homes, in_flight,
    kept_down, limit, loads, loss, overflow, phases, pinged, recovery, replay, scaled, schedule, sharing, shown,
    sources, stays, teardown,
};

/// Judges the history of a run of the plan.
///
/// Every expectation yields at least one verdict, in the plan's order. Then come the checks that are made of every run in which
/// there is something to judge, among them each member's probe period (HM-12), changes of the pool under traffic (RR-14), and what
/// was left behind (RC-6). A history that was cut short passes nothing that it does not show whole.
pub fn judge(plan: &Plan, history: &History) -> Judgement {
    let run = Run::new(plan, history);
    let mut verdicts = Vec::new();
    for (step, planned) in plan.steps.iter().enumerate() {
        if let Step::Expect(expectation) = &planned.step {
            let found = expected(&run, step, expectation);
            verdicts.extend(found.into_iter().map(|verdict| Verdict { step: Some(step), ..verdict }));
        }
    }
    verdicts.extend(schedule::periods(&run));
    verdicts.extend(asked::as_told(&run));
    verdicts.extend(pinged::by_icmp(&run));
    verdicts.extend(shown::as_announced(&run));
    verdicts.extend(phases::spread(&run));
    verdicts.extend(replay::never(&run));
    verdicts.extend(in_flight::survive_others_faults(&run));
    verdicts.extend(in_flight::survive_changes(&run));
    verdicts.extend(kept_down::over_changes(&run));
    verdicts.extend(freed::without_monitor(&run));
    verdicts.extend(backups::serve_in_need(&run));
    verdicts.extend(limit::is_kept(&run));
    verdicts.extend(forwarded::names_the_client(&run));
    verdicts.extend(counters::add_up(&run));
    verdicts.extend(change::under_traffic(&run));
    verdicts.push(teardown::leaves_nothing(&run));
    Judgement { verdicts: verdicts.into_iter().map(|verdict| scaled::told(&run, verdict)).collect() }
}

fn expected(run: &Run<'_>, step: usize, expectation: &Expectation) -> Vec<Verdict> {
    let verdicts = match expectation {
        Expectation::SharedByWeight => sharing::by_weight(run, step),
        Expectation::SourcesSpread => sources::are_spread(run, step),
        Expectation::SourcesStick => sources::stick(run, step),
        Expectation::CookiesStick => cookies::stick(run, step),
        Expectation::OnlyVictimsMoved => sources::only_victims_moved(run, step),
        Expectation::SourcesStay => homes::sources_stay(run, step),
        Expectation::SourcesRestored => homes::sources_restored(run, step),
        Expectation::SourcesRemembered => overflow::remembered(run, step),
        Expectation::CookiesOnlyVictimsMoved => homes::cookies_of_victims_moved(run, step),
        Expectation::CookiesStay => homes::cookies_stay(run, step),
        Expectation::CookiesRestored => homes::cookies_restored(run, step),
        Expectation::TiesAsDeclared => loads::ties(run, step),
        Expectation::LoadsEven => loads::even(run, step),
        Expectation::HeldBalanced => held::balanced(run, step),
        Expectation::Refills { member } => held::refills(run, step, member),
        Expectation::Leaves { member } => detection::leaves(run, step, member),
        Expectation::Returns { member } => recovery::returns(run, step, member),
        Expectation::Stays { member } => stays::stays(run, step, member),
        Expectation::Idle { member } => stays::idle(run, step, member),
        Expectation::Lost(bound) => loss::lost(run, step, *bound),
        Expectation::Answers { status } => answers::with_status(run, step, *status),
        Expectation::NoProbes => stays::no_probes(run),
    };
    if verdicts.is_empty() {
        return vec![Verdict::inconclusive(CheckId::Tr0, "no check made anything of this expectation")];
    }
    verdicts
}
