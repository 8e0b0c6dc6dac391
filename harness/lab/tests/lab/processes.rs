//! Programs in namespaces.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use lblab_lab::{LabError, OutputLine, OutputStream, ProcessSpec, Signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::fixture::{topology, with_lab, within};
use crate::{Test, Verdict};

pub const TESTS: &[Test] = &[
    ("processes::a_process_runs_in_its_namespace", a_process_runs_in_its_namespace),
    ("processes::output_is_captured_line_by_line", output_is_captured_line_by_line),
    ("processes::a_paused_process_has_stopped_and_goes_on", a_paused_process_has_stopped_and_goes_on),
    ("processes::a_process_that_forks_all_the_time_can_be_paused", a_process_that_forks_all_the_time_can_be_paused),
    ("processes::a_kill_takes_the_whole_group", a_kill_takes_the_whole_group),
    ("processes::a_dropped_process_ends", a_dropped_process_ends),
    ("processes::a_process_that_has_ended_takes_no_signal", a_process_that_has_ended_takes_no_signal),
    ("processes::a_missing_program_is_an_error", a_missing_program_is_an_error),
];

/// A shell script whose lines can be awaited.
fn shell(script: &str) -> (ProcessSpec, UnboundedReceiver<OutputLine>) {
    let (lines, listener) = unbounded_channel();
    let args = vec!["-c".into(), script.into()];
    (ProcessSpec { program: "sh".into(), args, lines: Some(lines), ..ProcessSpec::default() }, listener)
}

/// The state letter of the process, or nothing if it has ended.
fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next().filter(|&state| state != 'Z')
}

/// Whether a process that has closed its files ends, too. It is nobody's child here, so there is no notice of it.
fn ends(pid: u32) -> bool {
    within(Duration::from_millis(200), || state(pid).is_none()).is_some()
}

fn a_process_runs_in_its_namespace() -> Verdict {
    with_lab(&topology(1), async |lab| {
        let vm = lab.namespace("vm01").expect("a member");
        let (mut spec, mut lines) = shell("readlink /proc/self/ns/net; echo $GREETING; pwd; exit 7");
        spec.env.push(("GREETING".into(), "hello".into()));
        spec.cwd = Some("/proc".into());
        let process = lab.spawn(&vm, spec).expect("a process");
        let there = vm.hop(|| fs::read_link("/proc/thread-self/ns/net")).expect("a hop").expect("a link");
        let mut line = async || lines.recv().await.expect("a line").text;
        assert_eq!(line().await, there.to_string_lossy());
        assert_eq!(line().await, "hello");
        assert_eq!(line().await, "/proc");
        assert_eq!(process.wait().await.expect("an end").code(), Some(7));
        assert_eq!(process.status().and_then(|status| status.code()), Some(7));
    })
}

fn output_is_captured_line_by_line() -> Verdict {
    with_lab(&topology(1), async |lab| {
        let (spec, mut lines) =
            shell("echo one; echo two >&2; printf three; i=0; while [ $i -lt 1500 ]; do i=$((i+1)); echo $i; done");
        let process = lab.spawn(&lab.namespace("vm01").expect("a member"), spec).expect("a process");
        let mut seen = Vec::new();
        while let Some(line) = lines.recv().await {
            seen.push(line);
        }
        let of = |stream| seen.iter().filter(move |line| line.stream == stream).map(|line| line.text.as_str());
        assert_eq!(of(OutputStream::Stderr).collect::<Vec<_>>(), ["two"]);
        assert_eq!(of(OutputStream::Stdout).take(3).collect::<Vec<_>>(), ["one", "three1", "2"]);
        assert_eq!(seen.len(), 1502);
        let kept = process.output();
        // The two streams are read by turns, so the line on standard error can come after the last.
        assert!(kept.len() == 1000 && kept[998..].iter().any(|line| line == "1500"), "{:?}", &kept[990..]);
    })
}

fn a_paused_process_has_stopped_and_goes_on() -> Verdict {
    with_lab(&topology(1), async |lab| {
        let (spec, mut lines) = shell("trap 'echo got it' USR1; echo ready; while :; do sleep 0.01; done");
        let process = lab.spawn(&lab.namespace("vm01").expect("a member"), spec).expect("a process");
        lines.recv().await.expect("a line");
        for _ in 0..3 {
            process.pause().await.expect("a pause");
            assert_eq!(state(process.pid()), Some('T'));
            process.signal(Signal::SIGUSR1).expect("a signal");
            assert!(lines.try_recv().is_err());
            process.resume().expect("a resume");
            assert_eq!(lines.recv().await.expect("a line").text, "got it");
        }
        process.pause().await.expect("a pause");
        process.kill().await.expect("a kill of a paused process");
        assert_eq!(process.status().and_then(|status| status.signal()), Some(9));
    })
}

/// A shell that starts a program waits for it in vfork(2), where it cannot stop.
fn a_process_that_forks_all_the_time_can_be_paused() -> Verdict {
    with_lab(&topology(1), async |lab| {
        let (spec, mut lines) = shell("while :; do echo starting; /bin/true; done");
        let process = lab.spawn(&lab.namespace("vm01").expect("a member"), spec).expect("a process");
        for round in 0..200 {
            lines.recv().await.expect("a line");
            let pause = tokio::time::timeout(Duration::from_secs(5), process.pause()).await;
            pause.unwrap_or_else(|_| panic!("round {round}: no pause")).expect("a pause");
            assert_eq!(state(process.pid()), Some('T'));
            process.pause().await.expect("a pause of a paused process");
            process.resume().expect("a resume");
        }
    })
}

fn a_kill_takes_the_whole_group() -> Verdict {
    with_lab(&topology(1), async |lab| {
        let (spec, mut lines) = shell("trap '' TERM HUP; sleep 1000 & echo $!; wait");
        let process = lab.spawn(&lab.namespace("vm01").expect("a member"), spec).expect("a process");
        let child: u32 = lines.recv().await.expect("a line").text.parse().expect("a process id");
        assert!(state(child).is_some());
        process.kill().await.expect("a kill");
        // Its output ends when the last process that could write is gone.
        assert!(lines.recv().await.is_none());
        assert!(ends(child));
    })
}

fn a_dropped_process_ends() -> Verdict {
    with_lab(&topology(1), async |lab| {
        let (spec, mut lines) = shell("echo $$; exec sleep 1000");
        let process = lab.spawn(&lab.namespace("vm01").expect("a member"), spec).expect("a process");
        let pid: u32 = lines.recv().await.expect("a line").text.parse().expect("a process id");
        drop(process);
        assert!(lines.recv().await.is_none());
        assert!(ends(pid));
    })
}

fn a_process_that_has_ended_takes_no_signal() -> Verdict {
    with_lab(&topology(1), async |lab| {
        let (spec, _lines) = shell("exit 0");
        let process = lab.spawn(&lab.namespace("vm01").expect("a member"), spec).expect("a process");
        process.wait().await.expect("an end");
        assert!(matches!(process.signal(Signal::SIGTERM), Err(LabError::Process { .. })));
        assert!(matches!(process.pause().await, Err(LabError::Process { .. })));
        assert!(process.resume().is_err());
        process.kill().await.expect("killing what has ended is done");
    })
}

fn a_missing_program_is_an_error() -> Verdict {
    with_lab(&topology(1), async |lab| {
        let spec = ProcessSpec { program: "no-such-program".into(), ..ProcessSpec::default() };
        let error = lab.spawn(&lab.namespace("vm01").expect("a member"), spec).expect_err("an error");
        assert!(error.to_string().starts_with("starting no-such-program in namespace vm01: "), "{error}");
    })
}
