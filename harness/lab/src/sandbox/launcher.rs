//! The process that stays outside: starts PID 1, forwards signals, waits.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsFd;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::CloneFlags;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, pipe2};

use super::{Identity, Sandbox, SandboxError, SandboxOptions, id_map, init};
use crate::kernel_calls;

/// What PID 1 gets from the launcher.
pub(super) struct Inheritance {
    /// Carries one byte, the [`Identity`], when the ids are mapped; its end is the launcher's end.
    pub(super) lifeline: File,
    /// Takes the reason if the sandbox cannot be prepared.
    pub(super) report: File,
    /// The signals that the launcher had blocked before it came here.
    pub(super) mask: SigSet,
}

/// The signals that end a run when they reach the launcher.
pub(super) const FORWARDED: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// Those and SIGCHLD, which both the launcher and PID 1 take from a descriptor instead of a handler.
pub(super) fn watched_signals() -> SigSet {
    FORWARDED.into_iter().chain([Signal::SIGCHLD]).collect()
}

/// Gives the launcher's thread its signal mask back.
struct MaskGuard(SigSet);

impl Drop for MaskGuard {
    fn drop(&mut self) {
        // The mask came from the kernel, so the kernel takes it back.
        let _ = self.0.thread_set_mask();
    }
}

pub(super) fn launch(options: SandboxOptions, worker: impl FnOnce(Sandbox) -> u8) -> Result<u8, SandboxError> {
    let system = |doing| move |source| SandboxError::System { doing, source };
    let threads = fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads != 1 {
        return Err(SandboxError::Threads(threads));
    }
    let user = options.user_namespace.unwrap_or_else(|| !id_map::may_make_namespaces());
    let mut namespaces =
        CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWUTS;
    namespaces.set(CloneFlags::CLONE_NEWUSER, user);

    let watched = watched_signals();
    let mask = watched.thread_swap_mask(SigmaskHow::SIG_BLOCK).map_err(system("blocking signals"))?;
    let _mask = MaskGuard(mask);
    let signals = SignalFd::with_flags(&watched, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .map_err(system("watching for signals"))?;
    let (lifeline_end, lifeline) = pipe2(OFlag::O_CLOEXEC).map_err(system("making the life-line"))?;
    let (report, report_end) = pipe2(OFlag::O_CLOEXEC).map_err(system("making the report pipe"))?;
    let (mut lifeline, mut report) = (File::from(lifeline), File::from(report));

    // What is still buffered would otherwise be printed by both processes.
    let _ = std::io::stdout().flush();
    let _ = std::io::stderr().flush();
    let init = match kernel_calls::fork_into(namespaces).map_err(|source| SandboxError::Namespaces { user, source })? {
        ForkResult::Child => {
            // The launcher's end of the life-line must exist in the launcher only, or its end would go unnoticed.
            drop((lifeline, report, signals));
            init::run(Inheritance { lifeline: lifeline_end.into(), report: report_end.into(), mask }, worker)
        }
        ForkResult::Parent { child } => child,
    };
    drop((lifeline_end, report_end));

    let identity = if user { id_map::map(init) } else { Ok(Identity::Root) };
    let identity = match identity {
        Ok(identity) => identity,
        Err(error) => {
            let _ = kill(init, Signal::SIGKILL);
            let _ = waitpid(init, None);
            return Err(SandboxError::Ids(error));
        }
    };
    // A PID 1 that is gone already shows in its exit status.
    let _ = lifeline.write_all(&[identity.to_byte()]);

    let code = attend(init, &signals)?;
    let mut reason = String::new();
    // Every writer is gone, so this ends; a reason that is not text is still a reason.
    let _ = report.read_to_string(&mut reason);
    if reason.is_empty() { Ok(code) } else { Err(SandboxError::Inside(reason)) }
}

/// Forwards signals until PID 1 has ended; returns the exit code.
fn attend(init: Pid, signals: &SignalFd) -> Result<u8, SandboxError> {
    let mut asked: Option<Signal> = None;
    loop {
        match waitpid(init, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, code)) => return Ok(u8::try_from(code).unwrap_or(super::INTERNAL)),
            // PID 1 dies by SIGKILL only: ours, on behalf of the signal that asked for it, or somebody else's.
            Ok(WaitStatus::Signaled(_, by, _)) => return Ok(128 + asked.unwrap_or(by) as u8),
            Ok(_) => {}
            Err(source) => return Err(SandboxError::System { doing: "waiting for the sandbox", source }),
        }
        wait_readable(signals)?;
        while let Ok(Some(info)) = signals.read_signal() {
            let Some(signal) = FORWARDED.into_iter().find(|&signal| signal as u32 == info.ssi_signo) else { continue };
            let deadly = asked.replace(signal).is_some();
            // ESRCH only means that the next round finds the exit status.
            let _ = kill(init, if deadly { Signal::SIGKILL } else { signal });
        }
    }
}

fn wait_readable(signals: &SignalFd) -> Result<(), SandboxError> {
    let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
    match poll(&mut fds, PollTimeout::NONE) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(source) => Err(SandboxError::System { doing: "waiting for a signal", source }),
    }
}
