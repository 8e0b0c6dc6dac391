//! A probe that cannot fail would measure nothing: each mutant of the reference balancer is caught by the trait that it breaks.

use lblab_probe::{Standing, Trait, probe};
use lblab_reference::Mutant;
use libtest_mimic::{Failed, Trial};

use crate::fixture::{forget, lacks, setup, told};

pub(crate) fn trials() -> Vec<Trial> {
    let lacking = lacks("reference");
    if let Some(why) = &lacking {
        eprintln!("mutants are not probed here: {why}");
    }
    let trial = |mutant: Mutant| {
        Trial::test(format!("mutants::{mutant}"), move || caught(mutant)).with_ignored_flag(lacking.is_some())
    };
    Mutant::ALL.into_iter().map(trial).collect()
}

/// The trait that is not as declared any more.
fn broken(mutant: Mutant) -> Trait {
    match mutant {
        Mutant::SkipsAMember | Mutant::RandomPick | Mutant::DoublesSuccessor => Trait::Rotation,
        Mutant::IgnoresWeights => Trait::Weights,
        Mutant::ForgetsStickiness | Mutant::CookieNotHonoured => Trait::Persistence,
        Mutant::FallPlusOne => Trait::Fall,
        Mutant::NeverReAdds | Mutant::RiseOne => Trait::Rise,
        Mutant::CountsClosed => Trait::Methods,
        Mutant::IgnoresExpectedCodes => Trait::ExpectedCodes,
    }
}

fn caught(mutant: Mutant) -> Result<(), Failed> {
    let setup = setup("reference", Some(mutant.name()));
    let report = probe(&setup, &[broken(mutant)], false, &|_, _| ());
    let found: Vec<String> = report.findings.iter().map(told).collect();
    if report.count(Standing::Differs) == 1 {
        forget(setup.out);
        return Ok(());
    }
    Err(format!("{mutant} was not caught: {}\nrecords in {}", found.join("; "), setup.out.display()).into())
}
