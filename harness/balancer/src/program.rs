//! Finding a balancer's program and learning its version.

use std::env;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lblab_containers::Engine;
use minijinja::context;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::error::BalancerError;
use crate::manifest::{Manifest, PATH, Program};
use crate::template::render_argument;

/// A balancer's program that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The program; of one in an image, its path in there.
    pub path: PathBuf,
    /// The version that it printed.
    pub version: String,
    /// The engine that runs its image, if it is in one.
    pub engine: Option<Engine>,
}

impl Manifest {
    /// Finds the balancer's program on this machine, or an engine that runs its image, and asks for its version.
    ///
    /// # Errors
    /// [`BalancerError::Missing`] says how to install it, [`BalancerError::NoContainer`] why no engine has it.
    pub fn find_program(&self) -> Result<Found, BalancerError> {
        let path = self.locate()?;
        let Some(version) = &self.version else {
            return Ok(Found { version: env!("CARGO_PKG_VERSION").to_owned(), path, engine: None });
        };
        let mut command = Vec::new();
        for argument in &version.command {
            let here = self.folder.as_ref().map(|folder| folder.to_string_lossy());
            let rendered = render_argument(argument, &context! { program => path.to_string_lossy(), here });
            command.push(rendered.map_err(|why| self.misrendered(argument, why))?);
        }
        let no_version = |why| BalancerError::NoVersion { program: path.clone(), why };
        let (text, engine) = if let Program::InImage { image, build, .. } = &self.program {
            let here = lblab_containers::find(image, &command).map_err(|tried| BalancerError::NoContainer {
                balancer: self.name.clone(),
                image: image.clone(),
                tried,
                build: build.clone(),
            })?;
            (here.printed.join("\n"), Some(here.engine))
        } else {
            let text = first_words(&command).map_err(|error| no_version(format!("{}: {error}", command[0])))?;
            (text, None)
        };
        let found = version.pattern.captures(&text).and_then(|found| found.name("version"));
        let Some(found) = found else {
            let first = text.lines().next().unwrap_or_default();
            return Err(no_version(format!("it printed {first:?}, in which the pattern finds none")));
        };
        let version = found.as_str();
        if let Some(odd) = version.chars().find(|c| c.is_control()) {
            return Err(no_version(format!("the pattern finds {version:?}, and {odd:?} is part of no version")));
        }
        Ok(Found { version: version.to_owned(), path, engine })
    }

    /// Finds the balancer's program.
    pub(crate) fn locate(&self) -> Result<PathBuf, BalancerError> {
        let (names, search, install) = match &self.program {
            Program::Own => {
                let doing = "finding the running program, which is the balancer too:";
                // Inside a sandbox the path may be found no more through what it goes by outside.
                let own = env::current_exe().and_then(|path| path.canonicalize());
                return own.map_err(|source| BalancerError::Io { doing, path: PathBuf::new(), source });
            }
            Program::InImage { program, .. } => return Ok(program.clone()),
            Program::Installed { names, search, install } => (names, search, install),
        };
        let path = env::var_os("PATH").unwrap_or_default();
        let (mut folders, mut told): (Vec<PathBuf>, Vec<String>) = Default::default();
        for folder in search {
            if folder == PATH {
                folders.extend(env::split_paths(&path));
                told.push(PATH.to_owned());
            } else {
                let here = self.folder.as_ref().map(|folder| folder.to_string_lossy());
                let known = context! { balancers => balancers_folder().to_string_lossy(), here };
                let rendered = render_argument(folder, &known);
                let rendered = rendered.map_err(|why| self.misrendered(folder, why))?;
                folders.push(PathBuf::from(&rendered));
                told.push(rendered);
            }
        }
        let candidates = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        let candidates: Vec<PathBuf> = candidates.collect();
        if let Some(found) = candidates.iter().find(|path| is_executable(path)) {
            return Ok(found.clone());
        }
        if let Some(path) = candidates.into_iter().find(|path| path.is_file()) {
            return Err(BalancerError::NotExecutable { balancer: self.name.clone(), path });
        }
        Err(BalancerError::Missing {
            balancer: self.name.clone(),
            names: names.clone(),
            folders: told,
            install: install.clone(),
        })
    }

    fn misrendered(&self, text: &str, why: String) -> BalancerError {
        BalancerError::Argument { balancer: self.name.clone(), text: text.to_owned(), why }
    }
}

/// The folder that `make balancers` puts balancers in which are not packaged: `LBLAB_BALANCERS`, or
/// `~/.local/share/lblab/balancers`.
pub(crate) fn balancers_folder() -> PathBuf {
    let chosen = env::var_os("LBLAB_BALANCERS").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let home = || env::home_dir().unwrap_or_else(|| PathBuf::from("/"));
    chosen.unwrap_or_else(|| home().join(".local/share/lblab/balancers"))
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// How long a program may take to say which version it is.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than any program says of its version.
const LONGEST: u64 = 64 * 1024;

/// What a command prints, on both of its outputs, until it ends or has said enough. It is ended if it goes on for longer.
fn first_words(command: &[String]) -> io::Result<String> {
    let (reader, writer) = io::pipe()?;
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0)
        .spawn()?;
    let words = read_words(reader);
    // The whole group, since a child of its own may hold the pipe open. One that has ended already is no error.
    if let Ok(group) = i32::try_from(child.id()) {
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
    child.wait()?;
    words
}

fn read_words(mut reader: io::PipeReader) -> io::Result<String> {
    let deadline = Instant::now() + PATIENCE;
    let mut words = Vec::new();
    let mut chunk = [0_u8; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, timeout)? == 0 {
            let told = format!("it, or what it has started, was not done within {PATIENCE:?}");
            return Err(io::Error::new(io::ErrorKind::TimedOut, told));
        }
        let length = reader.read(&mut chunk)?;
        words.extend_from_slice(&chunk[..length]);
        if length == 0 || words.len() as u64 >= LONGEST {
            return Ok(String::from_utf8_lossy(&words).into_owned());
        }
    }
}
