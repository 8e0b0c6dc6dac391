//! Runs that somebody ends, politely or one process at a time.

use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::host::host;
use crate::judging::histories;
use crate::session::{Ended, LONG, Process, SHORT, Session, User};

/// How long what was ended may take to be gone.
const SOON: Duration = Duration::from_millis(500);

/// The processes of a run, each the parent of the next.
struct Family {
    launcher: Process,
    init: Process,
    worker: Process,
}

type Who = fn(&Family) -> i32;

/// Waits until the run is under way, which it is when its history has requests.
fn under_way(session: &Session, program: &Child) -> Family {
    let pid = i32::try_from(program.id()).expect("a process id");
    let begin = Instant::now();
    loop {
        let processes = session.processes();
        let child = |parent: i32| {
            processes.iter().find(|process| process.parent == parent && process.command.contains("__lab"))
        };
        let served = histories(&session.path("lblab-results")).iter().any(|file| {
            std::fs::read_to_string(file)
                .is_ok_and(|history| history.lines().filter(|line| line.contains("\"request\"")).count() > 10)
        });
        if let Some(launcher) = child(pid)
            && let Some(init) = child(launcher.pid)
            && let Some(worker) = child(init.pid)
            && served
        {
            return Family { launcher: launcher.clone(), init: init.clone(), worker: worker.clone() };
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "the run is not under way: {processes:?}");
        sleep(Duration::from_millis(5));
    }
}

fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("a signal");
}

/// Does something to a run that is under way, checks that nothing is left, and gives how it ended.
fn after(user: User, blow: impl FnOnce(&Child, &Family)) -> (Session, Ended, Option<i32>) {
    let before = host();
    let session = Session::of(user);
    session.file("long.yaml", LONG);
    let program = session.start(&["run", "long.yaml"]);
    let family = under_way(&session, &program);
    blow(&program, &family);
    let struck = Instant::now();
    let output = program.wait_with_output().expect("an end");
    assert!(struck.elapsed() < Duration::from_secs(2), "it took {:?} to end", struck.elapsed());
    let by = output.status.signal();
    session.gone_within(SOON).expect("no process is left");
    assert_eq!(host(), before);
    (session, output.into(), by)
}

/// Every one of the run's processes can end by a fault of its own; that is lblab's problem and nobody else's.
#[test]
fn a_process_of_the_run_that_dies_is_exit_code_5() {
    for user in User::all() {
        let launcher = |family: &Family| family.launcher.pid;
        let init = |family: &Family| family.init.pid;
        let worker = |family: &Family| family.worker.pid;
        // The first process of a pid namespace is spared every signal that it does not ask for, but for SIGKILL.
        let deaths: [(Who, Signal); 5] = [
            (launcher, Signal::SIGKILL),
            (launcher, Signal::SIGABRT),
            (init, Signal::SIGKILL),
            (worker, Signal::SIGKILL),
            (worker, Signal::SIGABRT),
        ];
        for (who, deadly) in deaths {
            let (_, ended, _) = after(user, |_, family| signal(who(family), deadly));
            let ended = ended.with(5);
            assert!(ended.said().contains("ended without a reason"), "{}", ended.said());
        }
    }
}

#[test]
fn an_interrupt_ends_the_run_and_its_record_can_be_judged() {
    for user in User::all() {
        for stop in [Signal::SIGINT, Signal::SIGTERM] {
            let (session, ended, by) = after(user, |program, _| {
                signal(i32::try_from(program.id()).expect("a process id"), stop);
            });
            assert!(by == Some(stop as i32) || ended.code == Some(128 + stop as i32), "{by:?} {ended:?}");
            let history = histories(&session.path("lblab-results")).pop().expect("a history");
            let judged = session.run(&["judge", &history.display().to_string()]);
            assert!(judged.out.contains("traffic for a while"), "{}", judged.said());
            assert!(!matches!(judged.code, Some(0) | None), "a run that was cut short is no pass: {}", judged.said());
        }
    }
}

#[test]
fn runs_side_by_side_do_not_disturb_each_other() {
    let before = host();
    let sessions: Vec<Session> = [User::all(), User::all()].into_iter().flatten().map(Session::of).collect();
    let programs: Vec<Child> = sessions.iter().map(|session| session.start(&["run", SHORT])).collect();
    for program in programs {
        let ended = Ended::from(program.wait_with_output().expect("an end")).with(0);
        assert!(ended.out.contains("1 run: 1 holds"), "{}", ended.out);
    }
    assert!(sessions.iter().all(|session| session.processes().is_empty()));
    assert_eq!(host(), before);
}
