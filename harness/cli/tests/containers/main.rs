//! Balancers in containers, on every engine of this machine: they are tested as any other, and nothing is left of them, however
//! their run ends. Where an engine cannot run the image its tests are ignored, with the reason; `make images` makes the image.

mod kills;
mod left;
mod runs;
mod session;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// The engines, as `LBLAB_ENGINE` names them.
const ENGINES: [&str; 2] = ["podman", "docker"];

/// The balancer that the tests use.
const BALANCER: &str = "haproxy-container";

/// A scenario that takes a moment and holds.
const SHORT: &str = "builtin:balancing/round-robin";

/// A test of an engine.
type Test = fn(&'static str) -> Result<(), Failed>;

fn main() -> ExitCode {
    let each: [(&str, Test); 3] = [
        ("scenarios_hold_and_the_report_names_the_way_of_attachment", runs::scenarios_hold),
        ("nothing_is_left_of_runs_that_are_killed_at_random_moments", kills::of_lblab),
        ("nothing_is_left_of_runs_whose_keeper_is_killed_too", kills::of_everything),
    ];
    let arguments = Arguments::from_args();
    // nextest starts a test by its exact name only if it was not listed as ignored.
    let listing = !arguments.exact;
    let mut trials = vec![Trial::test("a_machine_without_an_image_skips_its_balancer", runs::skips)];
    for engine in ENGINES {
        let missing = if listing { runs::missing(engine) } else { None };
        if let Some(why) = &missing {
            eprintln!("the tests of containers by {engine} are ignored: {why}");
        }
        for (name, test) in each {
            let trial = Trial::test(format!("{engine}::{name}"), move || test(engine));
            trials.push(trial.with_ignored_flag(missing.is_some()));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
