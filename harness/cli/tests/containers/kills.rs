//! Runs that are killed.

use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use libtest_mimic::Failed;

use crate::left::{containers, nothing_within};
use crate::session::Session;
use crate::{BALANCER, SHORT};

/// How long what was ended may take to be gone: an engine that has been asked for a container finishes it before it removes it.
pub const SOON: Duration = Duration::from_secs(10);

/// How many runs are killed; `LBLAB_TEST_KILLS` asks for more.
fn rounds() -> usize {
    std::env::var("LBLAB_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

/// A run that goes on for longer than it is let live.
const LONG: &str = "\
name: traffic for a while
pool: {method: ROUND_ROBIN}
members:
  - {name: vm01, address: 192.168.1.17}
vip: 192.168.1.250:80
steps:
  - traffic: {rate: 20/s, for: 30s}
  - expect: {lost: 0}
";

/// What is killed, and when.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// A run that would go on, while it looks for the balancer, has its containers made, or uses them: so long after its start.
    Early(Duration),
    /// A run that is short, while it uses its containers or has them removed: so long after it began to have them.
    Late(Duration),
}

/// As many moments as there are rounds, others every time.
fn moments() -> impl Iterator<Item = Moment> {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos();
    let mut state = u64::from(seed);
    let mut draw = move |below: u64| {
        // Knuth's multiplier for 64 bits; the upper half is random enough.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis((state >> 33) % below)
    };
    (0..rounds()).map(move |round| if round % 2 == 0 { Moment::Early(draw(2_000)) } else { Moment::Late(draw(800)) })
}

/// A run that has got so far.
fn run_until(session: &Session, moment: Moment) -> Child {
    let run = |scenario| session.start(&["run", scenario, "--balancer", BALANCER]);
    match moment {
        Moment::Early(after) => {
            let program = run(session.file("long.yaml", LONG));
            sleep(after);
            program
        }
        Moment::Late(after) => {
            let mut program = run(SHORT);
            let begun = || session.processes().iter().any(|(_, command)| command.contains("__lab"));
            while !begun() && matches!(program.try_wait(), Ok(None)) {
                sleep(Duration::from_millis(5));
            }
            sleep(after);
            program
        }
    }
}

/// The program alone is killed, as an impatient person does.
pub fn of_lblab(engine: &'static str) -> Result<(), Failed> {
    let session = Session::of(engine);
    let mut slowest = Duration::ZERO;
    for moment in moments() {
        let mut program = run_until(&session, moment);
        let killed = program.kill();
        program.wait()?;
        killed?;
        let gone = nothing_within(SOON, &session).map_err(|left| at(moment, &left))?;
        slowest = slowest.max(gone);
    }
    eprintln!("{engine}: all gone within {slowest:?} of a kill");
    Ok(())
}

/// Every process of the run is killed at once, the keeper too, as a service manager does. Containers end by themselves then. One that
/// was made and had not been started has nobody to remove it, and neither have folders; the next run does.
pub fn of_everything(engine: &'static str) -> Result<(), Failed> {
    let session = Session::of(engine);
    for moment in moments() {
        let mut program = run_until(&session, moment);
        session.kill("");
        program.wait()?;
        let begun = Instant::now();
        while containers().iter().any(|container| !container.contains(" Created")) {
            if begun.elapsed() > SOON {
                return Err(at(moment, &format!("left after {SOON:?}: {:?}", containers()).into()));
            }
            sleep(Duration::from_millis(20));
        }
    }
    let swept = session.start(&["run", SHORT, "--balancer", BALANCER]).wait()?;
    if !swept.success() {
        return Err(format!("the run that sweeps up ended with {swept}").into());
    }
    nothing_within(SOON, &session).map(drop)
}

fn at(moment: Moment, what: &Failed) -> Failed {
    format!("killed at {moment:?}: {}", what.message().unwrap_or_default()).into()
}
