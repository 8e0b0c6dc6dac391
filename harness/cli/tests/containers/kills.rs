//! Runs that are killed.

use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libtest_mimic::Failed;

use crate::BALANCER;
use crate::left::{containers, nothing_within};
use crate::session::Session;

/// How long what was ended may take to be gone: an engine that has been asked for a container finishes it before it removes it.
pub const SOON: Duration = Duration::from_secs(10);

/// The moments lie in a run's first so many milliseconds: it is looked for the balancer, made, used and taken down.
const SPAN: u64 = 2_500;

/// How many runs are killed; `LBLAB_TEST_KILLS` asks for more.
fn rounds() -> u64 {
    std::env::var("LBLAB_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

/// Numbers below [`SPAN`], others every time.
fn moments() -> impl Iterator<Item = Duration> {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos();
    let mut state = u64::from(seed);
    let draw = move || {
        // Knuth's multiplier for 64 bits; the upper half is random enough.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some(Duration::from_millis((state >> 33) % SPAN))
    };
    std::iter::from_fn(draw)
}

fn start(session: &Session) -> Child {
    session.start(&["run", "builtin:balancing/round-robin", "--balancer", BALANCER])
}

/// The program alone is killed, as an impatient person does.
pub fn of_lblab(engine: &'static str) -> Result<(), Failed> {
    let session = Session::of(engine);
    let mut slowest = Duration::ZERO;
    for moment in moments().take(usize::try_from(rounds())?) {
        let mut program = start(&session);
        sleep(moment);
        program.kill()?;
        program.wait()?;
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
    for moment in moments().take(usize::try_from(rounds())?) {
        let mut program = start(&session);
        sleep(moment);
        session.kill("");
        program.wait()?;
        let begun = std::time::Instant::now();
        while containers().iter().any(|container| !container.contains(" Created")) {
            if begun.elapsed() > SOON {
                return Err(at(moment, &format!("left after {SOON:?}: {:?}", containers()).into()));
            }
            sleep(Duration::from_millis(20));
        }
    }
    let swept = start(&session).wait()?;
    if !swept.success() {
        return Err(format!("the run that sweeps up ended with {swept}").into());
    }
    nothing_within(SOON, &session).map(drop)
}

fn at(moment: Duration, what: &Failed) -> Failed {
    format!("killed after {moment:?}: {}", what.message().unwrap_or_default()).into()
}
