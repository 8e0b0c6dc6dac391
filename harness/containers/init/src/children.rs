//! The processes that were asked for: their starts, signals, stops and ends.

use std::collections::HashMap;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::output::lines;
use crate::protocol::{Reply, Request, Stream, read_line};
use crate::waits;

/// How long a killed group may take to end; a process with hundreds of threads takes some milliseconds.
const GROUP: Duration = Duration::from_secs(1);

/// How often it is looked whether a killed group is gone, of which nobody tells.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Leaves SIGCHLD, which all threads share, to [`SigSet::wait`]. Children start with a clean mask all the same.
pub(crate) fn without_sigchld() -> io::Result<()> {
    Ok(child_signal().thread_block()?)
}

fn child_signal() -> SigSet {
    let mut set = SigSet::empty();
    set.add(Signal::SIGCHLD);
    set
}

/// Where replies go. A reader that is gone is noticed by whoever reads requests.
type Told = Arc<Mutex<UnixStream>>;

/// The processes that run, by process id.
#[derive(Default)]
struct Running {
    processes: HashMap<Pid, u64>,
    /// Those that have been told to stop and have not been seen to have stopped.
    stopping: Vec<Pid>,
}

impl Running {
    fn pid(&self, process: u64) -> Option<Pid> {
        self.processes.iter().find(|(_, number)| **number == process).map(|(pid, _)| *pid)
    }
}

/// The processes that were asked for; a clone is another handle to them.
#[derive(Clone, Default)]
pub(crate) struct Children {
    /// Locked while a process is started: until its number is known, nobody else may wait for it.
    running: Arc<Mutex<Running>>,
}

impl Children {
    /// Kills every process and its group, and ends this one. The lock is kept, so that no other is started meanwhile.
    pub(crate) fn end(&self) -> ! {
        let running = locked(&self.running);
        for pid in running.processes.keys() {
            let _ = killpg(*pid, Signal::SIGKILL);
        }
        std::process::exit(0)
    }

    /// Carries out what is asked; replies go to whoever asked first.
    pub(crate) fn serve(&self, connection: UnixStream) -> io::Result<()> {
        let told = Arc::new(Mutex::new(connection.try_clone()?));
        let (running, to) = (Arc::clone(&self.running), Arc::clone(&told));
        // It also waits for the orphans that come to this process.
        thread::spawn(move || {
            loop {
                // Any child that ends or stops from here on leaves the signal pending.
                reap(&mut locked(&running), &to);
                let _ = child_signal().wait();
            }
        });
        let mut requests = BufReader::new(connection);
        while let Some(request) = read_line(&mut requests)? {
            self.carry_out(request, &told);
        }
        Ok(())
    }

    fn carry_out(&self, request: Request, told: &Told) {
        match request {
            Request::Spawn { process, words, environment } => self.spawn(process, &words, environment, told),
            Request::Signal { process, signal, group } => {
                let running = locked(&self.running);
                if let (Some(pid), Ok(signal)) = (running.pid(process), Signal::try_from(signal)) {
                    // The lock keeps the process from being reaped, so its number is still its own.
                    let _ = if group { killpg(pid, signal) } else { kill(pid, signal) };
                }
            }
            Request::Pause { process } => {
                let mut running = locked(&self.running);
                // One that has ended has been told of.
                if let Some(pid) = running.pid(process) {
                    running.stopping.push(pid);
                    // The process comes first: one that waits in vfork(2) for a child of its group cannot stop before
                    // that child goes on, which a stopped child does not.
                    let _ = kill(pid, Signal::SIGSTOP);
                }
            }
            Request::Resume { process } => {
                let running = locked(&self.running);
                if let Some(pid) = running.pid(process) {
                    let _ = killpg(pid, Signal::SIGCONT);
                }
                tell(told, &Reply::Resumed { process });
            }
            Request::Kill { process } => self.kill(process, told),
            Request::Waits => tell(told, &Reply::Waits { threads: waits::threads() }),
        }
    }

    fn kill(&self, process: u64, told: &Told) {
        let group = locked(&self.running).pid(process);
        if let Some(group) = group {
            // It may have ended since, and its number is not another's: this is all that starts anything here.
            let _ = killpg(group, Signal::SIGKILL);
        }
        let told = Arc::clone(told);
        // Requests go on to be read, and children to be reaped: those that a killed process leaves come to this one.
        thread::spawn(move || {
            let deadline = Instant::now() + GROUP;
            while group.is_some_and(|group| killpg(group, None).is_ok()) && Instant::now() < deadline {
                thread::sleep(LOOK_AGAIN);
            }
            tell(&told, &Reply::Killed { process });
        });
    }

    fn spawn(&self, process: u64, words: &[String], environment: Vec<(String, String)>, told: &Told) {
        let Some((program, arguments)) = words.split_first() else {
            return tell(told, &Reply::NotSpawned { process, errno: Errno::EINVAL as i32 });
        };
        let mut command = Command::new(program);
        command.args(arguments).envs(environment).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = locked(&self.running);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(Errno::EINVAL as i32);
                return tell(told, &Reply::NotSpawned { process, errno });
            }
        };
        // Process ids are positive and fit.
        running.processes.insert(Pid::from_raw(child.id().cast_signed()), process);
        tell(told, &Reply::Spawned { process, pid: child.id() });
        drop(running);
        if let Some(stream) = child.stdout.take() {
            follow(process, stream, Stream::Stdout, told);
        }
        if let Some(stream) = child.stderr.take() {
            follow(process, stream, Stream::Stderr, told);
        }
    }
}

fn follow(process: u64, from: impl Read + Send + 'static, stream: Stream, told: &Told) {
    let told = Arc::clone(told);
    thread::spawn(move || {
        lines(from, |text| tell(&told, &Reply::Line { process, stream, text }));
        tell(&told, &Reply::Closed { process, stream });
    });
}

/// Takes note of every child that has ended or stopped.
fn reap(running: &mut Running, told: &Told) {
    while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED)) {
        let (pid, ended) = match status {
            WaitStatus::Exited(pid, code) => (pid, Some(code << 8)),
            WaitStatus::Signaled(pid, signal, _) => (pid, Some(signal as i32)),
            WaitStatus::Stopped(pid, _) => (pid, None),
            _ => return,
        };
        // An orphan of somebody's is reaped in silence.
        let Some(&process) = running.processes.get(&pid) else { continue };
        if let Some(status) = ended {
            running.processes.remove(&pid);
            running.stopping.retain(|stopping| *stopping != pid);
            tell(told, &Reply::Ended { process, status });
        } else if running.stopping.contains(&pid) {
            running.stopping.retain(|stopping| *stopping != pid);
            let _ = killpg(pid, Signal::SIGSTOP);
            tell(told, &Reply::Paused { process });
        }
    }
}

fn tell(told: &Told, reply: &Reply) {
    if let Ok(mut line) = serde_json::to_vec(reply) {
        line.push(b'\n');
        let _ = locked(told).write_all(&line);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
