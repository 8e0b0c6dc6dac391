//! From a manifest as written to a checked one; every mistake has its place.

use std::collections::BTreeMap;
use std::time::Duration;

use nix::sys::signal::Signal;
use regex_lite::Regex;
use serde_saphyr::{Error, Location, Spanned};

use super::raw::{RawManifest, RawProgram, RawReload, RawSignal, Text};
use super::{Events, File, Manifest, Program, Question, Reload, ReloadWay, RunsAs, Stop, Version};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::template;

/// The longest time that a balancer may be given to end.
const LONGEST_GRACE: Duration = Duration::from_secs(60);

type Checked<T> = Result<T, Diagnostic>;

/// A manifest's text under the name by which mistakes are reported.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub file: &'a str,
    pub text: &'a str,
}

impl Source<'_> {
    /// Checks the manifest against the templates that it may use.
    pub fn manifest(self, templates: BTreeMap<String, String>) -> Checked<Manifest> {
        let options = serde_saphyr::options! {
            with_snippet: false,
            budget: serde_saphyr::budget! { max_nodes: 10_000, max_aliases: 64 },
        };
        let raw: RawManifest =
            serde_saphyr::from_str_with_options(self.text, options).map_err(|error| self.misread(&error))?;
        template::check_files(&templates)?;
        if raw.name.value.is_empty() || !raw.name.value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        {
            return Err(self.wrong(&raw.name, "a name is made of letters, digits, `-`, `_` and `.`", None));
        }
        let pattern = |text: &Text, group| self.pattern(text, &[group]);
        let version = match raw.version {
            Some(raw) => {
                Some(Version { pattern: pattern(&raw.pattern, "version")?, command: self.command(raw.command)? })
            }
            None if raw.program.value.own => None,
            None => {
                let help = "for example {command: [\"{{ program }}\", -v], pattern: 'version (?<version>\\S+)'}";
                return Err(self.wrong(&raw.program, "an installed program needs `version`, to learn it", Some(help)));
            }
        };
        let traits = &raw.traits.value;
        if !(1..=64).contains(&traits.workers) || !(1..=10).contains(&traits.rise) || traits.redispatch.retries > 100 {
            let what = "`workers` lies in 1..=64, `rise` in 1..=10, and `retries` is at most 100";
            return Err(self.wrong(&raw.traits, what, None));
        }
        Ok(Manifest {
            program: self.program(raw.program)?,
            version,
            runs_as: raw.runs_as.map(|raw| RunsAs { user: raw.user, group: raw.group }),
            files: raw
                .files
                .into_iter()
                .map(|file| self.rendered(&file.template, &file.to, &templates))
                .collect::<Result<_, _>>()?,
            check: raw.check.map(|command| self.command(command)).transpose()?,
            start: self.command(raw.start)?,
            ready: Question { socket: self.template(raw.ready.socket)?, ask: self.line(raw.ready.ask)? },
            reload: self.reload(raw.reload)?,
            stop: Stop { signal: signal(raw.stop.signal), grace: self.grace(&raw.stop.grace)? },
            status: Question { socket: self.template(raw.status.socket)?, ask: self.line(raw.status.ask)? },
            status_format: raw.status.format,
            events: Events {
                down: pattern(&raw.events.down, "member")?,
                up: pattern(&raw.events.up, "member")?,
                socket: self.template(raw.events.socket)?,
            },
            mutants: raw.mutants,
            traits: raw.traits.value,
            name: raw.name.value,
            templates,
        })
    }

    fn program(self, raw: Spanned<RawProgram>) -> Checked<Program> {
        let program = &raw.value;
        match &program.install {
            _ if program.own
                && (!program.names.is_empty() || !program.search.is_empty() || program.install.is_some()) =>
            {
                Err(self.wrong(&raw, "a program is either `own` or has `names`, `search` and `install`", None))
            }
            _ if program.own => Ok(Program::Own),
            _ if program.names.is_empty() || program.names.iter().any(|name| name.is_empty() || name.contains('/')) => {
                let help = "for example {names: [haproxy], search: [/usr/sbin], install: apt-get install -y haproxy}";
                Err(self.wrong(&raw, "a program needs at least one name, without slashes", Some(help)))
            }
            None => Err(self.wrong(&raw, "a program needs `install`, the command that installs it", None)),
            Some(install) => {
                Ok(Program::Installed { install: install.clone(), names: raw.value.names, search: raw.value.search })
            }
        }
    }

    fn rendered(self, template: &Text, to: &Text, templates: &BTreeMap<String, String>) -> Checked<File> {
        if !templates.contains_key(&template.value) {
            let near = did_you_mean(&template.value, templates.keys().map(String::as_str));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let what = format!("no template is called {:?}; it has to lie beside the manifest", template.value);
            return Err(self.wrong(template, &what, help.as_deref()));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if to.value.is_empty() || to.value.starts_with('.') || !to.value.chars().all(plain) {
            return Err(self.wrong(to, "a rendered file needs a plain name in the state directory", None));
        }
        Ok(File { template: template.value.clone(), to: to.value.clone() })
    }

    fn reload(self, raw: Spanned<RawReload>) -> Checked<Reload> {
        let choose = "a reload is either by `signal` or by `replace`";
        let way = match (raw.value.signal, raw.value.replace) {
            (Some(by), None) => ReloadWay::Signal(signal(by)),
            (None, Some(command)) => ReloadWay::Replace(self.command(command)?),
            (None, None) | (Some(_), Some(_)) => return Err(self.at(raw.referenced, choose, None)),
        };
        Ok(Reload {
            way,
            done: self.pattern(&raw.value.done, &[])?,
            refused: raw.value.refused.map(|text| self.pattern(&text, &[])).transpose()?,
        })
    }

    fn command(self, raw: Spanned<Vec<Text>>) -> Checked<Vec<String>> {
        if raw.value.is_empty() {
            return Err(self.wrong(&raw, "a command needs at least the program", None));
        }
        raw.value.into_iter().map(|argument| self.template(argument)).collect()
    }

    fn template(self, text: Text) -> Checked<String> {
        match template::check_argument(&text.value) {
            Ok(()) => Ok(text.value),
            Err(why) => Err(self.wrong(&text, &why, None)),
        }
    }

    fn line(self, text: Text) -> Checked<String> {
        if text.value.is_empty() || text.value.contains(char::is_control) {
            return Err(self.wrong(&text, "a question is one line of text", None));
        }
        Ok(text.value)
    }

    fn pattern(self, text: &Text, groups: &[&str]) -> Checked<Regex> {
        let pattern = Regex::new(&text.value)
            .map_err(|error| self.wrong(text, &format!("the pattern does not compile: {error}"), None))?;
        match groups.iter().find(|&&group| !pattern.capture_names().flatten().any(|name| name == group)) {
            Some(group) => {
                let what = format!("the pattern needs a group called `{group}`");
                Err(self.wrong(text, &what, Some(&format!("for example (?<{group}>[^ ]+)"))))
            }
            None => Ok(pattern),
        }
    }

    fn grace(self, text: &Text) -> Checked<Duration> {
        let number = |digits: &str| digits.trim().parse::<u64>().ok();
        let span = match text.value.strip_suffix("ms") {
            Some(digits) => number(digits).map(Duration::from_millis),
            None => text.value.strip_suffix('s').and_then(number).map(Duration::from_secs),
        };
        match span {
            Some(span) if span <= LONGEST_GRACE => Ok(span),
            Some(_) => Err(self.wrong(text, "a balancer may take at most 60s to stop", None)),
            None => Err(self.wrong(text, "a span of time is a whole number with a unit, `2s` or `500ms`", None)),
        }
    }

    fn wrong<T>(self, place: &Spanned<T>, what: &str, help: Option<&str>) -> Diagnostic {
        self.at(place.referenced, what, help)
    }

    fn at(self, place: Location, what: &str, help: Option<&str>) -> Diagnostic {
        let byte = |value: Option<u64>| value.and_then(|value| usize::try_from(value).ok()).unwrap_or(0);
        let start = byte(place.span().byte_offset());
        let end = start + byte(place.span().byte_len()).max(1);
        Diagnostic::new(self.file, self.text, start..end, what, help)
    }

    fn misread(self, error: &Error) -> Diagnostic {
        let error = error.without_snippet();
        let place = error.location().unwrap_or(Location::UNKNOWN);
        match error {
            Error::SerdeUnknownField { field: wrong, expected, .. } => self.unknown(place, "key", wrong, expected),
            Error::SerdeUnknownVariant { variant: wrong, expected, .. } => {
                self.unknown(place, "value", wrong, expected)
            }
            Error::SerdeMissingField { field, .. } => self.at(place, &format!("the key `{field}` is missing"), None),
            other => {
                let text = other.to_string();
                // The place is shown by the caret.
                let what = text.split(" at line ").next().unwrap_or(&text);
                self.at(place, what, None)
            }
        }
    }

    fn unknown(self, place: Location, kind: &str, wrong: &str, expected: &[&'static str]) -> Diagnostic {
        let what = format!("there is no {kind} `{wrong}` here");
        let help = match did_you_mean(wrong, expected.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("what may stand here: {}", expected.join(", ")),
        };
        self.at(place, &what, Some(&help))
    }
}

fn signal(raw: RawSignal) -> Signal {
    match raw {
        RawSignal::Hup => Signal::SIGHUP,
        RawSignal::Int => Signal::SIGINT,
        RawSignal::Quit => Signal::SIGQUIT,
        RawSignal::Term => Signal::SIGTERM,
        RawSignal::Kill => Signal::SIGKILL,
        RawSignal::Usr1 => Signal::SIGUSR1,
        RawSignal::Usr2 => Signal::SIGUSR2,
        RawSignal::Winch => Signal::SIGWINCH,
    }
}
