//! The time until every member listens, beside another program that builds as much, in the same kind of sandbox.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddrV4, TcpListener};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lblab_lab::Lab;
use nix::sched::{CloneFlags, setns};

use crate::quiet::Quiet;
use crate::row::{Row, median, ms};
use crate::topology::Members;
use crate::{Result, sandboxed, topology};

/// Makes this program the listener of the other one's members.
pub const LISTEN: &str = "listen";

/// Builds by turns and prints the median of the ratios.
pub fn compare(kind: Members, members: &str, rounds: &str, goal: &str, name: &str, program: &[&str]) -> Result<()> {
    let (members, rounds, goal): (u32, u32, f64) = (members.parse()?, rounds.parse()?, goal.parse()?);
    let times = sandboxed::times(|| by_turns(kind, members, rounds, program))?;
    let (mut ours, mut others, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (pairs, _) = times.as_chunks();
    for &[our, other] in pairs {
        eprintln!("{members} members: lblab {:.1} ms, {name} {:.1} ms", ms(our), ms(other));
        ours.push(ms(our));
        others.push(ms(other));
        ratios.push(other.as_secs_f64() / our.as_secs_f64());
    }
    let none = "no rounds";
    let ratio = median(ratios).ok_or(none)?;
    let row = Row {
        what: format!("lab with {members} members ready, beside {name}"),
        lblab: format!("{:.1} ms", median(ours).ok_or(none)?),
        other: format!("{:.1} ms", median(others).ok_or(none)?),
        ratio: format!("{ratio:.1} (median of {rounds})"),
        goal: format!("at least {goal}"),
        met: ratio >= goal,
    };
    println!("{row}");
    Ok(())
}

fn by_turns(kind: Members, members: u32, rounds: u32, program: &[&str]) -> Result<Vec<Duration>> {
    let mut quiet = Quiet::here()?;
    let mut times = Vec::new();
    for _ in 0..rounds {
        quiet.wait()?;
        times.extend(sandboxed::times(|| sandboxed::on_one_thread(by_lab(kind, members)))?);
        quiet.wait()?;
        times.extend(sandboxed::times(|| by_other(program, members))?);
    }
    Ok(times)
}

async fn by_lab(kind: Members, members: u32) -> Result<Vec<Duration>> {
    let topology = topology::topology(kind, members, 0)?;
    let begin = Instant::now();
    let lab = Lab::build(&topology).await?;
    topology::plug(&lab)?;
    let _listeners = topology::listeners(&lab, &topology)?;
    Ok(vec![begin.elapsed()])
}

/// The program prints `begin` when it has prepared itself, and starts the listener, which prints `listening`.
fn by_other(program: &[&str], members: u32) -> Result<Vec<Duration>> {
    let mut child = Command::new(program[0])
        .args(&program[1..])
        .arg(members.to_string())
        .arg(std::env::current_exe()?)
        .arg(LISTEN)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut said = BufReader::new(child.stdout.take().ok_or("the program has no output")?).lines();
    let mut until = |line: &str| match said.find(|said| said.as_ref().map_or(true, |said| said == line)) {
        Some(Ok(_)) => Ok(Instant::now()),
        Some(Err(error)) => Err(error.to_string()),
        None => Err(format!("{} ended before it said `{line}`", program[0])),
    };
    let begin = until("begin")?;
    let end = until("listening")?;
    // What still runs ends with the sandbox.
    Ok(vec![end - begin])
}

/// Reads `NAMESPACE-FILE ADDRESS` lines, listens at each address in its namespace, says so, and stays.
pub fn listen() -> Result<()> {
    let mut listeners = Vec::new();
    for line in std::io::stdin().lines() {
        let line = line?;
        let (namespace, address) = line.split_once(' ').ok_or("a line without an address")?;
        setns(File::open(namespace)?, CloneFlags::CLONE_NEWNET)?;
        listeners.push(TcpListener::bind(address.parse::<SocketAddrV4>()?)?);
    }
    println!("listening");
    loop {
        std::thread::park();
    }
}
