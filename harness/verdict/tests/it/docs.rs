//! The documented checks are the checks that there are.

use std::fmt::Write;

use expect_test::expect_file;
use lblab_verdict::{CHECKS, UNMADE};

const HEAD: &str = "\
# The checks

What `lblab` asserts about a balancer. Which checks an expectation means follows from the scenario: from its method, its
monitor, the fault at hand and what happened before. Some are made of every run without being asked for, wherever there is
something to judge: HM-9, HM-10, HM-12, HM-15, HM-27, FO-5, FO-6, RR-14, HM-25, RC-2, RC-3, RC-6, RC-7, RC-8 and RC-9.

A check ends in one of four ways. It **holds**; it **fails**, with evidence; it is **inconclusive**, because the history does
not say (the run was cut short, the harness itself was late, members came and went meanwhile); or it is **unsupported**,
because the balancer declares that it does something else. Neither of the last two is a pass.

Times are compared give or take 100 ms and 2 % of the bound. Every history tells when the harness's own timer was late. If it
was later than half of that in the time that a judgement rests on, a time is judged only if being that much off could not have
made a difference, and so are counts of probes. Counts that depend on an open loop's rate pass only if
no more than 1 % of its requests were sent over 100 ms late.

Symbols: n members, weights w, W their sum over their greatest common divisor; d the monitor's delay, f its max_retries or the
balancer's own `fall`, r the balancer's `rise`, c what a bad probe costs; s a member's share, l requests a second, D how long a
dead member stays in use, R the balancer's retries, k its workers.

Some of what a balancer declares bears on many checks:

- **States that are not shown.** If a manifest has neither `status` nor `events`, nobody knows when a member leaves or returns.
  Every check of that is unsupported (HM-1 to HM-8, HM-11, HM-18 to HM-20, HM-22, TR-5), and so is every check that rests on who
  is in rotation from the first fault on that the monitor could see. What holds whoever is in rotation is judged: that nothing is
  lost where nothing may be, for example.
- **A monitor that is beyond it.** If nothing in the scenario rests on the monitor, the balancer is configured without it, and
  HM-12 is unsupported; otherwise the scenario is skipped.
- **Less time.** With `--time-scale` delays are shorter, and what times are compared give or take is not. Where it is no less than a
  delay, a time that lies within its bounds says too little, and the check is unsupported; counts of probes are judged all the same.
- **Connections.** Where they are shared (`balances: connections`, or a pool of protocol TCP), each is counted once, by its first
  request, and requests on one that is open already are no decision. What is lost on those is not predicted.
- **Passive checks.** Once requests may have failed on a member often enough, it may be out by them alone, for as long as
  declared. Until then and afterwards everything is judged; meanwhile who is in rotation is not known, and that a member left too
  early, returned too late or did not stay is unsupported. That it left too late is not.
- **Panic.** While fewer members are up than declared, requests are sent to all of them: shares, HM-20, HM-22 and losses are
  unsupported.
- **Losses.** The 2 in their bounds is 2k with k workers, and the largest 2k*w(1 - w/W) with `rotation: shuffled`; with
  `weights: ignored` every member's share s is the same.
";

const UNMADE_HEAD: &str = "
## Checks that cannot be made yet

Conformance reports count them as skipped.

| | What it would assert | LBaaS | What is missing |
|---|---|---|---|
";

#[test]
fn the_checks_are_documented_as_they_are() {
    let mut text = HEAD.to_owned();
    for check in CHECKS {
        write!(
            text,
            "\n## {}: {}\n\n- Bound: {}.\n- Why: {}\n- Needs: {}.\n- Errors: {}.\n- LBaaS: {}.\n",
            check.code,
            check.title,
            check.bound,
            check.why,
            check.needs,
            check.errors_in_words(),
            check.lbaas
        )
        .expect("a string takes everything");
        if !check.scenarios.is_empty() {
            writeln!(text, "- Scenarios: `{}`.", check.scenarios.join("`, `")).expect("a string takes everything");
        }
    }
    text.push_str(UNMADE_HEAD);
    for unmade in UNMADE {
        writeln!(text, "| {} | {} | {} | {} |", unmade.code, unmade.title, unmade.lbaas, unmade.why)
            .expect("a string takes everything");
    }
    expect_file!["../../../../docs/checks.md"].assert_eq(&text);
}

#[test]
fn every_scenario_that_a_check_names_is_shipped() {
    let shipped: Vec<&str> = lblab_scenario::builtin().map(|(name, _)| name).collect();
    for check in CHECKS {
        for scenario in check.scenarios {
            assert!(shipped.contains(scenario), "{} names {scenario}", check.code);
        }
    }
}

#[test]
fn what_cannot_be_made_is_not_made() {
    for unmade in UNMADE {
        assert!(unmade.code.parse::<lblab_verdict::CheckId>().is_err(), "{} has a row", unmade.code);
    }
}
