//! The program at work, as an ordinary process: commands come over its socket, and it ends with its life-line.

use std::io::{BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use lblab_init::{Reply, Request, Stream, read_line};
use tempfile::TempDir;

/// A started program, and the two connections to it.
struct Program {
    child: Child,
    lifeline: UnixStream,
    requests: UnixStream,
    replies: BufReader<UnixStream>,
    _folder: TempDir,
}

impl Program {
    fn start() -> Program {
        let folder = tempfile::tempdir().expect("a folder");
        let (line, socket) = (folder.path().join("line"), folder.path().join("requests"));
        let listener = UnixListener::bind(&line).expect("a listener");
        let child = Command::new(env!("CARGO_BIN_EXE_lblab-init")).args([&line, &socket]).spawn().expect("a start");
        let (lifeline, _) = listener.accept().expect("a life-line");
        let requests = UnixStream::connect(&socket).expect("the socket is there once the life-line is");
        requests.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
        let replies = BufReader::new(requests.try_clone().expect("another handle"));
        Program { child, lifeline, requests, replies, _folder: folder }
    }

    fn ask(&mut self, request: &Request) {
        let mut line = serde_json::to_vec(request).expect("a line");
        line.push(b'\n');
        self.requests.write_all(&line).expect("it reads");
    }

    fn spawn(&mut self, process: u64, words: &[&str]) -> u32 {
        let words = words.iter().map(ToString::to_string).collect();
        self.ask(&Request::Spawn { process, words, environment: vec![("GREETING".to_owned(), "hello".to_owned())] });
        match self.reply() {
            Reply::Spawned { process: started, pid } if started == process => pid,
            other => panic!("{other:?}"),
        }
    }

    fn reply(&mut self) -> Reply {
        read_line(&mut self.replies).expect("a reply in time").expect("no end yet")
    }

    /// Replies until both streams are closed and the process has ended.
    fn until_it_ends(&mut self) -> (Vec<String>, i32) {
        let (mut lines, mut closed, mut ended) = (Vec::new(), 0, None);
        while closed < 2 || ended.is_none() {
            match self.reply() {
                Reply::Line { stream: Stream::Stdout, text, .. } => lines.push(text),
                Reply::Line { stream: Stream::Stderr, text, .. } => lines.push(format!("! {text}")),
                Reply::Closed { .. } => closed += 1,
                Reply::Ended { status, .. } => ended = Some(status),
                other => panic!("{other:?}"),
            }
        }
        (lines, ended.expect("an end"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended where a test has seen to it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_there(pid: u32) -> bool {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).unwrap_or_default();
    status.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

/// Waits for something of which nobody is told.
fn within(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}

#[test]
fn a_commands_lines_environment_and_end_are_told() {
    let mut program = Program::start();
    program.spawn(7, &["sh", "-c", "echo $GREETING; echo trouble >&2; exit 3"]);
    let (mut lines, status) = program.until_it_ends();
    lines.sort();
    assert_eq!((lines, status), (vec!["! trouble".to_owned(), "hello".to_owned()], 3 << 8));
}

#[test]
fn a_command_starts_with_no_signal_blocked_in_a_group_of_its_own() {
    let mut program = Program::start();
    let pid = program.spawn(1, &["sh", "-c", "grep SigBlk /proc/self/status; cut -d' ' -f5 /proc/$$/stat"]);
    let (lines, _) = program.until_it_ends();
    assert_eq!(lines, ["SigBlk:\t0000000000000000".to_owned(), pid.to_string()]);
}

#[test]
fn what_cannot_be_started_has_the_kernels_reason_and_harms_no_other() {
    let mut program = Program::start();
    program.ask(&Request::Spawn { process: 1, words: vec!["/nowhere".to_owned()], environment: Vec::new() });
    assert_eq!(program.reply(), Reply::NotSpawned { process: 1, errno: 2 });
    program.ask(&Request::Spawn { process: 2, words: Vec::new(), environment: Vec::new() });
    assert_eq!(program.reply(), Reply::NotSpawned { process: 2, errno: 22 });
    program.spawn(3, &["true"]);
    assert_eq!(program.until_it_ends().1, 0);
}

#[test]
fn a_group_is_paused_resumed_and_killed() {
    let mut program = Program::start();
    let pid = program.spawn(1, &["sh", "-c", "sleep 100 & echo $!; wait"]);
    let Reply::Line { text, .. } = program.reply() else { panic!("the child's number comes first") };
    let other: u32 = text.parse().expect("a number");
    let state = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().and_then(|rest| rest.chars().next())
    };
    program.ask(&Request::Pause { process: 1 });
    assert_eq!(program.reply(), Reply::Paused { process: 1 });
    assert_eq!(state(pid), Some('T'));
    assert!(within(Duration::from_secs(1), || state(other) == Some('T')), "the group follows");
    program.ask(&Request::Resume { process: 1 });
    assert_eq!(program.reply(), Reply::Resumed { process: 1 });
    assert!(within(Duration::from_secs(1), || state(other) == Some('S')));
    program.ask(&Request::Signal { process: 1, signal: 9, group: true });
    assert_eq!(program.until_it_ends().1, 9);
    assert!(within(Duration::from_secs(1), || !is_there(other)));
    // A process that has ended is not signalled: its number may be another's.
    program.ask(&Request::Signal { process: 1, signal: 9, group: true });
    program.spawn(2, &["true"]);
    assert_eq!(program.until_it_ends().1, 0);
}

#[test]
fn a_kill_is_over_with_the_last_process_of_the_group() {
    let mut program = Program::start();
    program.spawn(1, &["sh", "-c", "sleep 100 & echo $!; wait"]);
    let Reply::Line { text, .. } = program.reply() else { panic!("the child's number comes first") };
    program.ask(&Request::Kill { process: 1 });
    while program.reply() != (Reply::Killed { process: 1 }) {}
    assert!(!Path::new("/proc").join(text).exists(), "not even its remains are there");
    program.ask(&Request::Kill { process: 1 });
    while program.reply() != (Reply::Killed { process: 1 }) {}
}

#[test]
fn the_waits_for_a_processor_are_those_of_others() {
    let mut program = Program::start();
    let pid = program.spawn(1, &["sleep", "100"]);
    program.ask(&Request::Waits);
    let Reply::Waits { threads } = program.reply() else { panic!("an answer") };
    assert!(threads.iter().any(|&(thread, _)| thread == pid));
    assert!(threads.iter().all(|&(thread, _)| thread != program.child.id()));
}

#[test]
fn everything_ends_with_the_life_line() {
    let mut program = Program::start();
    let pid = program.spawn(1, &["sleep", "100"]);
    program.lifeline.shutdown(std::net::Shutdown::Both).expect("a cut");
    assert!(program.child.wait().expect("an end").success());
    assert!(within(Duration::from_secs(1), || !is_there(pid)));
}

#[test]
fn everything_ends_with_the_connection_that_requests_come_over() {
    let mut program = Program::start();
    let pid = program.spawn(1, &["sleep", "100"]);
    program.requests.shutdown(std::net::Shutdown::Both).expect("an end");
    assert!(program.child.wait().expect("an end").success());
    assert!(within(Duration::from_secs(1), || !is_there(pid)));
}

#[test]
fn without_a_socket_for_requests_it_only_waits_for_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = folder.path().join("line");
    let listener = UnixListener::bind(&line).expect("a listener");
    let mut child = Command::new(env!("CARGO_BIN_EXE_lblab-init")).arg(&line).spawn().expect("a start");
    let (lifeline, _) = listener.accept().expect("a life-line");
    assert!(child.try_wait().expect("a look").is_none());
    drop(lifeline);
    assert!(child.wait().expect("an end").success());
}
