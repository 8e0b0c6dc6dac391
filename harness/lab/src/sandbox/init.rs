//! PID 1 of a sandbox: reaps orphans, forwards signals to the worker, and ends with the worker or the launcher.
//!
//! When PID 1 ends the kernel kills every process of its pid namespace and only then lets its parent see the exit, so
//! there is nothing to clean up.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, setsid};

use super::launcher::{FORWARDED, Inheritance, watched_signals};
use super::{INTERNAL, Identity, Sandbox, worker};
use crate::kernel_calls;

/// The exit code if the launcher is gone; nobody reads it.
const ABANDONED: i32 = 128 + Signal::SIGKILL as i32;

pub(super) fn run(mut inheritance: Inheritance, body: impl FnOnce(Sandbox) -> u8) -> ! {
    // The life-line notices the launcher's death as well, and without the race between its death and this call; this is
    // for a PID 1 that is stopped.
    let _ = prctl::set_pdeathsig(Signal::SIGKILL);
    let _ = prctl::set_name(c"lblab-init");
    let mut byte = [0];
    if inheritance.lifeline.read_exact(&mut byte).is_err() {
        std::process::exit(ABANDONED);
    }
    let identity = Identity::from_byte(byte[0]);
    let signals = match SignalFd::with_flags(&watched_signals(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK) {
        Ok(signals) => signals,
        Err(error) => fail(&mut inheritance.report, &format!("watching for signals in PID 1: {error}")),
    };
    // PID 1 leads no process group yet, so this cannot fail.
    let _ = setsid();
    match kernel_calls::fork() {
        Ok(ForkResult::Child) => {
            drop((signals, inheritance.lifeline));
            worker::run(identity, inheritance.report, &inheritance.mask, body)
        }
        Ok(ForkResult::Parent { child }) => {
            drop(inheritance.report);
            std::process::exit(attend(child, &signals, &inheritance.lifeline))
        }
        Err(error) => fail(&mut inheritance.report, &format!("forking the worker: {error}")),
    }
}

/// Tells the launcher why there is no sandbox.
pub(super) fn fail(report: &mut File, reason: &str) -> ! {
    // A launcher that is gone does not read reasons.
    let _ = report.write_all(reason.as_bytes());
    std::process::exit(i32::from(INTERNAL))
}

/// Serves until the worker or the launcher ends; returns the exit code.
fn attend(worker: Pid, signals: &SignalFd, lifeline: &File) -> i32 {
    loop {
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            match status {
                WaitStatus::Exited(pid, code) if pid == worker => return code,
                WaitStatus::Signaled(pid, signal, _) if pid == worker => return 128 + signal as i32,
                WaitStatus::StillAlive => break,
                _ => {}
            }
        }
        let mut fds =
            [PollFd::new(signals.as_fd(), PollFlags::POLLIN), PollFd::new(lifeline.as_fd(), PollFlags::POLLIN)];
        let polled = poll(&mut fds, PollTimeout::NONE);
        // The launcher writes nothing after the identity, so anything that happens to the life-line is its end.
        if polled.is_ok() && fds[1].any() == Some(true) {
            return ABANDONED;
        }
        while let Ok(Some(info)) = signals.read_signal() {
            if let Some(signal) = FORWARDED.into_iter().find(|&signal| signal as u32 == info.ssi_signo) {
                let _ = kill(worker, signal);
            }
        }
    }
}
