//! What the processes of a sandbox do when things end, and what they leave.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use lblab_lab::sandbox::{self, Identity, Sandbox, SandboxError, SandboxOptions};
use lblab_lab::{Lab, ProcessSpec, Signal};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{kill, killpg};
use nix::unistd::{Pid, getpgrp, getsid};
use tokio::signal::unix::{SignalKind, signal};

use crate::fixture::{ask, member, serve_members, topology, within};
use crate::{INSIDE, Test, Verdict};

pub const TESTS: &[Test] = &[
    ("sandboxes::the_workers_exit_code_is_passed_on", the_workers_exit_code_is_passed_on),
    ("sandboxes::a_panic_of_the_worker_is_exit_code_5", a_panic_of_the_worker_is_exit_code_5),
    ("sandboxes::a_signal_reaches_the_worker", a_signal_reaches_the_worker),
    (
        "sandboxes::a_signal_that_kills_the_worker_shows_in_the_exit_code",
        a_signal_that_kills_the_worker_shows_in_the_exit_code,
    ),
    ("sandboxes::a_second_signal_kills_a_deaf_worker", a_second_signal_kills_a_deaf_worker),
    ("sandboxes::an_interrupt_of_the_foreground_group_arrives_once", an_interrupt_of_the_foreground_group_arrives_once),
    ("sandboxes::the_sandbox_has_a_session_of_its_own", the_sandbox_has_a_session_of_its_own),
    ("sandboxes::a_program_with_threads_is_turned_away", a_program_with_threads_is_turned_away),
    ("sandboxes::ids_are_mapped_as_stated", ids_are_mapped_as_stated),
    (
        "sandboxes::a_killed_launcher_leaves_no_process_and_no_namespace",
        a_killed_launcher_leaves_no_process_and_no_namespace,
    ),
    ("sandboxes::a_launcher_killed_at_any_moment_leaves_no_process", a_launcher_killed_at_any_moment_leaves_no_process),
    ("sandboxes::a_run_changes_nothing_of_the_host", a_run_changes_nothing_of_the_host),
];

/// Programs that the tests start and signal.
pub const COMPANIONS: &[Test] = &[
    ("companion::panics", || worker(|_| panic!("as intended"))),
    ("companion::waits", || worker(|_| wait_for_signals())),
    ("companion::is_deaf", || worker(|_| be_deaf())),
    ("companion::just_dies", || worker(|_| be_ready_and_block())),
    ("companion::is_hostile", || worker(|_| be_hostile())),
];

fn worker(body: impl FnOnce(Sandbox) -> u8) -> Verdict {
    let code = sandbox::enter(&SandboxOptions::default(), body).expect("a sandbox");
    std::process::exit(i32::from(code))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Counts the signals that arrive until none has for a while; the exit code tells what came.
fn wait_for_signals() -> u8 {
    runtime().block_on(async {
        let mut interrupts = signal(SignalKind::interrupt()).expect("a stream");
        let mut terminations = signal(SignalKind::terminate()).expect("a stream");
        println!("ready");
        let mut code = 0;
        loop {
            let quiet = if code == 0 { Duration::from_secs(60) } else { Duration::from_millis(200) };
            tokio::select! {
                _ = interrupts.recv() => code += 10,
                _ = terminations.recv() => code += 1,
                () = tokio::time::sleep(quiet) => return code,
            }
        }
    })
}

fn be_deaf() -> u8 {
    runtime().block_on(async {
        let _deaf = signal(SignalKind::terminate()).expect("a stream");
        println!("ready");
        std::future::pending().await
    })
}

fn be_ready_and_block() -> u8 {
    println!("ready");
    loop {
        std::thread::park();
    }
}

/// Builds a lab and fills it with processes that cannot be ended politely.
fn be_hostile() -> u8 {
    runtime().block_on(async {
        let lab = Lab::build(&topology(10)).await.expect("a lab");
        let (lines, mut listener) = tokio::sync::mpsc::unbounded_channel();
        let script = "trap '' TERM HUP INT
            (setsid sh -c 'sleep 1000 & sleep 1000' &) &
            sleep 1000 &
            echo up
            wait";
        let mut processes = Vec::new();
        for number in 1..=10 {
            let spec = ProcessSpec {
                program: "sh".into(),
                args: vec!["-c".into(), script.into()],
                lines: Some(lines.clone()),
                ..ProcessSpec::default()
            };
            let vm = lab.namespace(&format!("vm{number:02}")).expect("a member");
            processes.push(lab.spawn(&vm, spec).expect("a process"));
            listener.recv().await.expect("a line");
        }
        println!("ready");
        std::future::pending().await
    })
}

/// Starts a companion in a process group of its own and waits until it says that it is ready, if it is one that does.
fn start(name: &str, ready: bool) -> Child {
    let mut command = Command::new("/proc/self/exe");
    command.args([INSIDE, name]).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().expect("a companion");
    if ready {
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        output.read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n", "{}", errors(&mut child));
    }
    child
}

fn errors(child: &mut Child) -> String {
    let mut text = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut text).expect("text");
    text
}

fn id(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("a process id"))
}

fn the_workers_exit_code_is_passed_on() -> Verdict {
    for code in [0, 1, 42, 255] {
        assert_eq!(sandbox::enter(&SandboxOptions::default(), |_| code).expect("a sandbox"), code);
    }
    Verdict::Passed
}

fn a_panic_of_the_worker_is_exit_code_5() -> Verdict {
    let mut child = start("companion::panics", false);
    assert_eq!(child.wait().expect("an end").code(), Some(5));
    assert!(errors(&mut child).contains("as intended"));
    Verdict::Passed
}

fn a_signal_reaches_the_worker() -> Verdict {
    for (signal, code) in [(Signal::SIGTERM, 1), (Signal::SIGINT, 10)] {
        let mut child = start("companion::waits", true);
        kill(id(&child), signal).expect("a signal");
        assert_eq!(child.wait().expect("an end").code(), Some(code));
    }
    Verdict::Passed
}

fn a_signal_that_kills_the_worker_shows_in_the_exit_code() -> Verdict {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let mut child = start("companion::just_dies", true);
        kill(id(&child), signal).expect("a signal");
        assert_eq!(child.wait().expect("an end").code(), Some(128 + signal as i32));
    }
    Verdict::Passed
}

fn a_second_signal_kills_a_deaf_worker() -> Verdict {
    let mut child = start("companion::is_deaf", true);
    kill(id(&child), Signal::SIGTERM).expect("a signal");
    // Signals of one kind are merged while one is pending, so the second is another.
    kill(id(&child), Signal::SIGINT).expect("a signal");
    let code = child.wait().expect("an end").code().expect("an exit code");
    assert!([128 + Signal::SIGTERM as i32, 128 + Signal::SIGINT as i32].contains(&code), "{code}");
    Verdict::Passed
}

fn the_sandbox_has_a_session_of_its_own() -> Verdict {
    let code = sandbox::enter(&SandboxOptions::default(), |_| {
        // A group or session whose leader is outside would have the number 0.
        assert_eq!((getpgrp(), getsid(None)), (Pid::from_raw(1), Ok(Pid::from_raw(1))));
        0
    });
    assert_eq!(code.expect("a sandbox"), 0);
    Verdict::Passed
}

/// As a terminal does on ^C.
fn an_interrupt_of_the_foreground_group_arrives_once() -> Verdict {
    let mut child = start("companion::waits", true);
    killpg(id(&child), Signal::SIGINT).expect("a signal");
    assert_eq!(child.wait().expect("an end").code(), Some(10));
    Verdict::Passed
}

fn a_program_with_threads_is_turned_away() -> Verdict {
    let (stop, wait) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || wait.recv());
    let error = sandbox::enter(&SandboxOptions::default(), |_| 0).expect_err("an error");
    assert!(matches!(error, SandboxError::Threads(2)), "{error}");
    drop(stop);
    thread.join().expect("a thread").expect_err("nothing was sent");
    Verdict::Passed
}

fn ids_are_mapped_as_stated() -> Verdict {
    let check = |options: SandboxOptions, expected: fn(Identity) -> bool| {
        let code = sandbox::enter(&options, |sandbox| {
            assert!(expected(sandbox.identity), "{:?}", sandbox.identity);
            assert!(nix::unistd::geteuid().is_root());
            assert_eq!(fs::read_to_string("/proc/sys/kernel/hostname").expect("a name"), "network\n");
            let map = fs::read_to_string("/proc/self/uid_map").expect("a map");
            let ids: u64 = map
                .lines()
                .map(|line| line.split_whitespace().nth(2).expect("a count").parse::<u64>().expect("a number"))
                .sum();
            assert_eq!(ids > 1, sandbox.identity != Identity::SingleUid, "{map}");
            0
        });
        assert_eq!(code.expect("a sandbox"), 0);
    };
    check(SandboxOptions { user_namespace: Some(true) }, |identity| identity != Identity::Root);
    check(SandboxOptions::default(), |_| true);
    if nix::unistd::geteuid().is_root() {
        check(SandboxOptions { user_namespace: Some(true) }, |identity| identity == Identity::Range);
    }
    Verdict::Passed
}

/// The process ids in this pid namespace.
fn processes() -> Vec<String> {
    let names = fs::read_dir("/proc").expect("a folder").filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).collect()
}

/// The same with their names, states and where in the kernel they wait.
fn described_processes() -> Vec<String> {
    let read = |pid: &String, file| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    processes().iter().map(|pid| format!("{} {}", read(pid, "stat"), read(pid, "wchan"))).collect()
}

/// Runs a launcher in an outer sandbox, whose process list and namespace count then show what is left of it.
fn a_killed_launcher_leaves_no_process_and_no_namespace() -> Verdict {
    let options = SandboxOptions { user_namespace: Some(true) };
    let code = sandbox::enter(&options, |_| {
        let before = processes().len();
        let mut launcher = start("companion::is_hostile", true);
        let during = processes().len();
        assert!(during > before + 40, "{during} processes are fewer than the hostile ones");

        // The outer sandbox's namespace is one; the kernel makes a second only when no other is left.
        fs::write("/proc/sys/user/max_net_namespaces", "2").expect("a limit");
        let no_other_is_left = || unshare(CloneFlags::CLONE_NEWNET).is_ok();
        assert!(!no_other_is_left(), "the limit does not count the lab's namespaces");

        launcher.kill().expect("a kill");
        launcher.wait().expect("an end");
        let gone = within(Duration::from_millis(200), || processes().len() == before);
        assert!(gone.is_some(), "processes are left: {:?}", described_processes());
        let freed = within(Duration::from_secs(5), no_other_is_left);
        assert!(freed.is_some(), "network namespaces are left");
        println!("processes gone after {gone:?}, namespaces after {freed:?}");
        0
    });
    assert_eq!(code.expect("a sandbox"), 0);
    Verdict::Passed
}

/// From before the namespaces exist to after the lab does.
fn a_launcher_killed_at_any_moment_leaves_no_process() -> Verdict {
    let options = SandboxOptions { user_namespace: Some(true) };
    let code = sandbox::enter(&options, |_| {
        let before = processes().len();
        for step in 0..60 {
            let mut launcher = start("companion::is_hostile", false);
            sleep(Duration::from_micros(step * step * 30));
            launcher.kill().expect("a kill");
            let status = launcher.wait().expect("an end");
            assert_eq!(status.signal(), Some(9));
            // A process inside a system call ends with it, and those of a half-built lab wait for the kernel's one
            // network lock, which the clearing away of the labs before holds for long on a busy machine.
            let gone = within(Duration::from_secs(5), || processes().len() == before);
            assert!(gone.is_some(), "step {step}: processes are left: {:?}", described_processes());
        }
        0
    });
    assert_eq!(code.expect("a sandbox"), 0);
    Verdict::Passed
}

/// What a lab could change of the host if it were not in a sandbox.
fn host_network() -> Vec<String> {
    let links = fs::read_dir("/sys/class/net").map(|folder| {
        let mut names: Vec<String> = folder.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        names.join(" ")
    });
    let named = fs::read_dir("/run/netns").map(|folder| folder.count().to_string());
    let read = |path| fs::read_to_string(path);
    let ip = |arguments: &[&str]| {
        let output = Command::new("/usr/sbin/ip").args(arguments).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    [
        links,
        named,
        read("/proc/self/net/route"),
        read("/proc/self/mountinfo"),
        read("/proc/sys/net/ipv4/ip_forward"),
        read("/proc/sys/kernel/hostname"),
        ip(&["rule"]),
        ip(&["-brief", "address"]),
    ]
    .into_iter()
    .map(|part| part.unwrap_or_else(|error| error.to_string()))
    .collect()
}

fn a_run_changes_nothing_of_the_host() -> Verdict {
    let before = host_network();
    let code = sandbox::enter(&SandboxOptions::default(), |_| {
        runtime().block_on(async {
            tokio::task::LocalSet::new()
                .run_until(async {
                    let lab = Lab::build(&topology(3)).await.expect("a lab");
                    serve_members(&lab, 3);
                    ask(&lab.namespace("client").expect("a client"), member(3), 80).await.prompt();
                })
                .await;
        });
        0
    });
    assert_eq!(code.expect("a sandbox"), 0);
    assert_eq!(host_network(), before);
    Verdict::Passed
}
