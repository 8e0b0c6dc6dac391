//! The folder of one deployed balancer, laid out as LBaaS does: `conf`, `pid` and `sock` under the load balancer's id.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::BalancerError;

/// The longest path of a socket, in bytes. The kernel takes 107, and HAProxy binds `<path>.<pid>.tmp` first.
const LONGEST_SOCKET: usize = 94;

/// The paths of a state directory, which need not exist yet.
#[derive(Clone, Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
}

/// A file of a state directory as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedFile {
    /// Its name in the state directory.
    pub name: String,
    /// What it holds.
    pub text: String,
}

impl StateDir {
    /// The state directory of a load balancer below a root.
    pub fn new(root: &Path, id: &str) -> Result<StateDir, BalancerError> {
        let path = root.join(id);
        let unusable = |why: &str| BalancerError::StateDir { path: path.clone(), why: why.to_owned() };
        if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            return Err(unusable("a load balancer's id is made of letters, digits, `-` and `_`"));
        }
        let dir = StateDir { path: path.clone() };
        if dir.event_sock().as_os_str().len() > LONGEST_SOCKET {
            return Err(unusable("its path is too long for a unix socket; choose a root nearer to /"));
        }
        Ok(dir)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn conf(&self) -> PathBuf {
        self.path.join("conf")
    }

    pub fn pid(&self) -> PathBuf {
        self.path.join("pid")
    }

    pub fn sock(&self) -> PathBuf {
        self.path.join("sock")
    }

    pub fn event_sock(&self) -> PathBuf {
        self.path.join("event_sock")
    }

    pub fn log_sock(&self) -> PathBuf {
        self.path.join("log_sock")
    }

    /// Makes the folder, passable for whatever user the balancer drops to.
    pub fn make(&self) -> Result<(), BalancerError> {
        make(&self.path)
    }

    /// Puts each file in its place at once, so that nobody reads half of it. It is written outside of the folder that it may have
    /// of its own, for whoever watches that folder.
    pub fn write(&self, files: &[RenderedFile]) -> Result<(), BalancerError> {
        for file in files {
            let path = self.path.join(&file.name);
            if let Some(folder) = path.parent().filter(|folder| *folder != self.path && !folder.exists()) {
                make(folder)?;
            }
            let fresh = self.path.join(format!("{}.new", file.name.replace('/', "_")));
            fs::write(&fresh, &file.text)
                .and_then(|()| fs::set_permissions(&fresh, Permissions::from_mode(0o644)))
                .and_then(|()| fs::rename(&fresh, &path))
                .map_err(|source| failed("writing", &path, source))?;
        }
        Ok(())
    }

    /// Writes the process id that serves, as LBaaS has it; a balancer in the foreground often does not.
    pub fn write_pid(&self, pid: u32) -> Result<(), BalancerError> {
        self.write(&[RenderedFile { name: "pid".to_owned(), text: format!("{pid}\n") }])
    }

    /// Removes the folder and whatever the balancer left in it.
    pub fn remove(&self) -> Result<(), BalancerError> {
        match fs::remove_dir_all(&self.path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(failed("removing", &self.path, source)),
            _ => Ok(()),
        }
    }
}

fn make(folder: &Path) -> Result<(), BalancerError> {
    let made = DirBuilder::new().recursive(true).mode(0o755).create(folder);
    // The mode above is subject to the umask.
    made.and_then(|()| fs::set_permissions(folder, Permissions::from_mode(0o755)))
        .map_err(|source| failed("making", folder, source))
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> BalancerError {
    BalancerError::Io { doing, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::StateDir;

    #[test]
    fn an_id_that_leaves_the_root_or_a_path_too_long_for_a_socket_is_refused() {
        let root = Path::new("/run/lblab");
        assert!(StateDir::new(root, "8d333495-8228-46d5-bd62-f0845d16fe9b").is_ok());
        for id in ["", "..", "a/b", "/etc", "a\0b", "a b"] {
            assert!(StateDir::new(root, id).is_err(), "{id:?}");
        }
        let deep = format!("/{}", "x".repeat(80));
        let wrong = StateDir::new(Path::new(&deep), "8d333495").expect_err("108 bytes are the kernel's limit");
        assert!(wrong.to_string().contains("too long"), "{wrong}");
    }
}
