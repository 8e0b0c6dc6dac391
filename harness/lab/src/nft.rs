//! Loading nftables rulesets with the nft program.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::{LabError, Namespace};

/// How long nft may take; it needs milliseconds, and more of them for a thousand members.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where rulesets lie, each as its namespace got it last.
pub(crate) const FOLDER: &str = "/run/lblab";

/// The nft program, which an ordinary user often has outside PATH.
pub(crate) fn program() -> Option<PathBuf> {
    find_program("nft")
}

/// A program in PATH or where system administration programs are.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(system).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// A ruleset that nft is loading.
pub(crate) struct Loading {
    namespace: String,
    child: Child,
}

/// Starts to load a ruleset into the namespace.
///
/// The text comes from a file, so that nft is at work while the caller goes on without yielding to the runtime.
pub(crate) fn start(namespace: &Namespace, ruleset: &str) -> Result<Loading, LabError> {
    let program = program().ok_or(LabError::NoNft)?;
    let path = Path::new(FOLDER).join(format!("{}.nft", namespace.name()));
    let failed = namespace.failed("writing a ruleset");
    fs::write(&path, ruleset).map_err(&failed)?;
    let input = File::open(&path).map_err(&failed)?;
    let mut command = Command::new(&program);
    command.args(["-f", "-"]).stdin(input).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let child = namespace.hop(|| command.spawn())?.map_err(|source| LabError::Spawn {
        program: program.display().to_string(),
        namespace: namespace.name().to_owned(),
        source,
    })?;
    Ok(Loading { namespace: namespace.name().to_owned(), child })
}

impl Loading {
    /// Waits until the kernel has the ruleset.
    pub(crate) async fn finish(self) -> Result<(), LabError> {
        let Loading { namespace, child } = self;
        let ended = timeout(PATIENCE, child.wait_with_output()).await.map_err(io::Error::from);
        let output = ended.flatten().map_err(|source| LabError::System {
            doing: "waiting for nft",
            namespace: namespace.clone(),
            source,
        })?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().chars().take(500).collect();
        Err(LabError::Nft { namespace, status: output.status, said })
    }
}

/// Loads a ruleset into the namespace; when this returns the kernel applies it.
pub(crate) async fn load(namespace: &Namespace, ruleset: &str) -> Result<(), LabError> {
    start(namespace, ruleset)?.finish().await
}
