//! How a balancer is changed and ended.

use nix::sys::signal::Signal;
use serde_saphyr::{Location, Spanned};

use super::{Checked, Source};
use crate::manifest::raw::{RawReload, RawSignal, RawStop};
use crate::manifest::{InForce, Ready, Reload, ReloadWay, Stop, StopWay};

impl Source<'_> {
    pub(super) fn reload(self, raw: Spanned<RawReload>, ready: &[Ready]) -> Checked<Reload> {
        let place = raw.referenced;
        let RawReload { signal, replace, command, files, restart, done, asks, refused } = raw.value;
        let way = match (signal, replace, command, files, restart) {
            (Some(by), None, None, false, false) => ReloadWay::Signal(self.to_a_process(place, by, ready)?),
            (None, Some(command), None, false, false) => ReloadWay::Replace(self.command(command)?),
            (None, None, Some(command), false, false) => ReloadWay::Command(self.command(command)?),
            (None, None, None, true, false) => ReloadWay::Files,
            (None, None, None, false, true) => ReloadWay::Restart,
            _ => {
                let choose = "a reload is by one of `signal`, `replace`, `command`, `files: true` and `restart: true`";
                return Err(self.at(place, choose, None));
            }
        };
        let in_force = match (done, asks) {
            (Some(done), None) => InForce::Says(self.pattern(&done, &[])?),
            (None, Some(asks)) => {
                let (question, matches) = self.asks(asks)?;
                InForce::Answers(question, matches)
            }
            (None, None) if matches!(way, ReloadWay::Command(_) | ReloadWay::Restart) => InForce::Through,
            _ => {
                let what = "a reload needs either `done`, the line that tells that it is in force, or `asks`, the \
                            question whose answer does";
                return Err(self.at(place, what, None));
            }
        };
        let refused = refused.map(|text| self.pattern(&text, &[])).transpose()?;
        Ok(Reload { way, in_force, refused })
    }

    pub(super) fn stop(self, raw: Spanned<RawStop>, ready: &[Ready]) -> Checked<Stop> {
        let place = raw.referenced;
        let way = match (raw.value.signal, raw.value.command) {
            (Some(by), None) => StopWay::Signal(self.to_a_process(place, by, ready)?),
            (None, Some(command)) => StopWay::Command(self.command(command)?),
            _ => return Err(self.at(place, "a balancer is stopped either by a `signal` or by a `command`", None)),
        };
        Ok(Stop { way, grace: self.grace(&raw.value.grace)? })
    }

    fn to_a_process(self, place: Location, by: RawSignal, ready: &[Ready]) -> Checked<Signal> {
        if ready.iter().any(|ready| matches!(ready, Ready::Ends)) {
            let what = "a balancer that is ready when its start command ends has no process to signal; use a `command`";
            return Err(self.at(place, what, None));
        }
        Ok(match by {
            RawSignal::Hup => Signal::SIGHUP,
            RawSignal::Int => Signal::SIGINT,
            RawSignal::Quit => Signal::SIGQUIT,
            RawSignal::Term => Signal::SIGTERM,
            RawSignal::Kill => Signal::SIGKILL,
            RawSignal::Usr1 => Signal::SIGUSR1,
            RawSignal::Usr2 => Signal::SIGUSR2,
            RawSignal::Winch => Signal::SIGWINCH,
        })
    }
}
