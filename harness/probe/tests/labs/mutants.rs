//! A probe that cannot fail would measure nothing: mutants of the reference balancer are caught by the trait that they break.

use lblab_probe::{Standing, Trait, probe};
use lblab_reference::Mutant;
use libtest_mimic::{Failed, Trial};

use crate::fixture::{forget, lacks, setup, told};

pub(crate) fn trials() -> Vec<Trial> {
    let lacking = lacks("reference");
    if let Some(why) = &lacking {
        eprintln!("mutants are not probed here: {why}");
    }
    let trial = |&(mutant, broken): &(Mutant, Trait)| {
        Trial::test(format!("mutants::{mutant}"), move || caught(mutant, broken)).with_ignored_flag(lacking.is_some())
    };
    BREAKING.iter().map(trial).collect()
}

/// Mutants that are wrong in what a manifest declares, and the trait that is not as declared any more.
const BREAKING: [(Mutant, Trait); 12] = [
    (Mutant::SkipsAMember, Trait::Rotation),
    (Mutant::RandomPick, Trait::Rotation),
    (Mutant::DoublesSuccessor, Trait::Rotation),
    (Mutant::IgnoresWeights, Trait::Weights),
    (Mutant::ForgetsStickiness, Trait::Persistence),
    (Mutant::CookieNotHonoured, Trait::Persistence),
    (Mutant::FallPlusOne, Trait::Fall),
    (Mutant::NeverReAdds, Trait::Rise),
    (Mutant::RiseOne, Trait::Rise),
    (Mutant::CountsClosed, Trait::Methods),
    (Mutant::PingByTcp, Trait::Monitors),
    (Mutant::IgnoresExpectedCodes, Trait::ExpectedCodes),
];

fn caught(mutant: Mutant, broken: Trait) -> Result<(), Failed> {
    let setup = setup("reference", Some(mutant.name()));
    let report = probe(&setup, &[broken], false, &|_, _| ());
    let found: Vec<String> = report.findings.iter().map(told).collect();
    if report.count(Standing::Differs) == 1 {
        forget(setup.out);
        return Ok(());
    }
    Err(format!("{mutant} was not caught: {}\nrecords in {}", found.join("; "), setup.out.display()).into())
}
