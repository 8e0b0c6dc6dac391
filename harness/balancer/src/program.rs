//! Finding a balancer's program and learning its version.

use std::env;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use minijinja::context;

use crate::error::BalancerError;
use crate::manifest::{Manifest, Program};
use crate::template::render_argument;

/// A balancer's program that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The program.
    pub path: PathBuf,
    /// The version that it printed.
    pub version: String,
}

impl Manifest {
    /// Finds the balancer's program on this machine and asks for its version.
    ///
    /// # Errors
    /// [`BalancerError::Missing`] says how to install it.
    pub fn find_program(&self) -> Result<Found, BalancerError> {
        let path = self.locate()?;
        let Some(version) = &self.version else {
            return Ok(Found { version: env!("CARGO_PKG_VERSION").to_owned(), path });
        };
        let mut command = Vec::new();
        for argument in &version.command {
            let rendered = render_argument(argument, &context! { program => path.to_string_lossy() });
            command.push(rendered.map_err(|why| BalancerError::Argument {
                balancer: self.name.clone(),
                text: argument.clone(),
                why,
            })?);
        }
        let no_version = |why| BalancerError::NoVersion { program: path.clone(), why };
        let output = Command::new(&command[0])
            .args(&command[1..])
            .output()
            .map_err(|error| no_version(format!("{} cannot be run: {error}", command[0])))?;
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        let found = version.pattern.captures(&text).and_then(|found| found.name("version"));
        let Some(found) = found else {
            let first = text.lines().next().unwrap_or_default();
            return Err(no_version(format!("it printed {first:?}, in which the pattern finds none")));
        };
        Ok(Found { version: found.as_str().to_owned(), path })
    }

    /// Finds the balancer's program.
    pub(crate) fn locate(&self) -> Result<PathBuf, BalancerError> {
        let (names, search, install) = match &self.program {
            Program::Own => {
                let doing = "finding the running program, which is the balancer too:";
                return env::current_exe().map_err(|source| BalancerError::Io { doing, path: PathBuf::new(), source });
            }
            Program::Installed { names, search, install } => (names, search, install),
        };
        let path = env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = env::split_paths(&path).chain(search.iter().map(PathBuf::from)).collect();
        let candidates = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        candidates.into_iter().find(|path| is_executable(path)).ok_or_else(|| BalancerError::Missing {
            balancer: self.name.clone(),
            names: names.clone(),
            install: install.clone(),
        })
    }
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}
