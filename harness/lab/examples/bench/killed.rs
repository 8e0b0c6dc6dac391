//! What SIGKILL of the launcher leaves, and for how long.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use lblab_lab::{Lab, ProcessSpec, sandbox};
use nix::sched::{CloneFlags, unshare};
use tokio::sync::mpsc::unbounded_channel;

use crate::row::{Row, median, ms};
use crate::{Result, sandboxed, topology};

/// Makes this program the launcher that is killed.
pub const STUBBORN: &str = "stubborn";

const MEMBERS: u32 = 100;
const GOAL: Duration = Duration::from_millis(200);
/// How long the kernel may take to free what nobody uses any more.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ignores what can be ignored, and has a child in a session of its own that does so too and lost its parent.
const SCRIPT: &str = "trap '' TERM HUP INT; (setsid sleep 1000 &); echo up; exec sleep 1000";

/// Kills launchers, each in an outer sandbox whose process list and namespace count show what is left of it.
pub fn measure(rounds: &str) -> Result<()> {
    let (mut gone, mut freed) = (Vec::new(), Vec::new());
    for _ in 0..rounds.parse()? {
        let times = sandboxed::times(kill_one)?;
        eprintln!("processes gone after {:.1} ms, namespaces freed after {:.1} ms", ms(times[0]), ms(times[1]));
        gone.push(times[0]);
        freed.push(ms(times[1]));
    }
    let slowest = gone.iter().max().copied().ok_or("no rounds")?;
    let row = |what: &str, lblab, goal, met| Row {
        what: format!("SIGKILL of a run with {MEMBERS} members and {} stubborn processes: {what}", 2 * (MEMBERS + 1)),
        lblab,
        other: "-".to_owned(),
        ratio: "-".to_owned(),
        goal,
        met,
    };
    let time = format!("{:.1} ms at most (of {rounds})", ms(slowest));
    println!("{}", row("until no process is left", time, format!("at most {} ms", GOAL.as_millis()), slowest <= GOAL));
    let time = format!("{:.0} ms (median of {rounds})", median(freed).ok_or("no rounds")?);
    println!("{}", row("until the kernel has freed every namespace", time, "all freed".to_owned(), true));
    Ok(())
}

fn kill_one() -> Result<Vec<Duration>> {
    let before = processes()?;
    let mut launcher = Command::new(std::env::current_exe()?).arg(STUBBORN).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(launcher.stdout.take().ok_or("the launcher has no output")?).read_line(&mut line)?;
    let during = processes()?;
    if line != "ready\n" || during < before + 2 * MEMBERS as usize {
        return Err(format!("the launcher said {line:?} and there are {during} processes").into());
    }
    // The outer sandbox's own namespace is one; the kernel makes a second only when no other is left.
    fs::write("/proc/sys/user/max_net_namespaces", "2")?;
    let none_is_left = || unshare(CloneFlags::CLONE_NEWNET).is_ok();
    if none_is_left() {
        return Err("the limit does not count the lab's namespaces".into());
    }
    let killed = Instant::now();
    launcher.kill()?;
    launcher.wait()?;
    let gone = since(killed, || Ok(processes()? == before))?;
    let freed = since(killed, || Ok(none_is_left()))?;
    Ok(vec![gone, freed])
}

/// Waits for something of which the kernel sends no notice.
fn since(begin: Instant, holds: impl Fn() -> Result<bool>) -> Result<Duration> {
    while !holds()? {
        if begin.elapsed() > PATIENCE {
            return Err(format!("something of the run is left after {PATIENCE:?}").into());
        }
        sleep(Duration::from_millis(1));
    }
    Ok(begin.elapsed())
}

/// How many processes there are in this pid namespace.
fn processes() -> Result<usize> {
    let names = fs::read_dir("/proc")?.flatten().map(|entry| entry.file_name());
    Ok(names.filter(|name| name.as_encoded_bytes().iter().all(u8::is_ascii_digit)).count())
}

/// Builds a lab and fills it with processes that cannot be ended politely.
pub fn be_stubborn() -> Result<()> {
    sandbox::enter(&sandboxed::OPTIONS, |_| sandboxed::exit_code(sandboxed::on_one_thread(stay())))?;
    Ok(())
}

async fn stay() -> Result<()> {
    let topology = topology::topology(topology::Members::Guarded, MEMBERS, 0)?;
    let lab = Lab::build(&topology).await?;
    let balancer = topology::plug(&lab)?;
    let (lines, mut said) = unbounded_channel();
    let mut kept = Vec::new();
    let members = topology.members.iter().map(|host| lab.namespace(host.name.as_str()));
    for namespace in members.chain([Ok(balancer)]) {
        let args = vec!["-c".into(), SCRIPT.into()];
        let spec = ProcessSpec { program: "sh".into(), args, lines: Some(lines.clone()), ..ProcessSpec::default() };
        kept.push(lab.spawn(&namespace?, spec)?);
        said.recv().await.ok_or("a process that said nothing")?;
    }
    println!("ready");
    std::future::pending().await
}
