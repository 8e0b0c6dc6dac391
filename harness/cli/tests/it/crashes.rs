//! Runs that are killed at any moment.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::host::host;
use crate::random::Random;
use crate::session::{SHORT, Session, User};

/// How many runs are killed, unless `LBLAB_KILLS` says otherwise.
const KILLS: usize = 12;

/// How long a run may outlive its program.
const SOON: Duration = Duration::from_millis(200);

#[test]
fn runs_that_are_killed_at_any_moment_leave_nothing() {
    let kills = std::env::var("LBLAB_KILLS").map_or(KILLS, |text| text.parse().expect("a number of kills"));
    let before = host();
    let users = User::all();
    let mut random = Random(1);
    let begin = Instant::now();
    Session::of(User::Caller).run(&["run", SHORT]).with(0);
    let whole = begin.elapsed();
    let (mut slowest, mut most) = (Duration::ZERO, 0);
    for round in 0..kills {
        let session = Session::of(users[round % users.len()]);
        let mut program = session.start(&["run", SHORT]);
        let moment = random.below(whole);
        sleep(moment);
        most = most.max(session.processes().len());
        program.kill().expect("a kill");
        program.wait().expect("an end");
        match session.gone_within(SOON) {
            Ok(time) => slowest = slowest.max(time),
            Err(left) => panic!("round {round}, killed after {moment:?}: {left:?} is left"),
        }
    }
    // The program, the launcher, PID 1, the worker and the balancer: the mark finds them all.
    assert!(most >= 5, "never more than {most} processes were seen");
    assert_eq!(host(), before);
    println!(
        "{kills} runs of {whole:?} killed; the slowest was gone {slowest:?} later, the largest had {most} processes"
    );
}
