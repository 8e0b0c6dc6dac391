//! The folder in which a lab that is up keeps what outlives it: the database, the balancers' files, the log, and who has it up.

use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use lblab_lbaas::keystone::DOMAIN_NAME;
use lblab_lbaas::seed::{DEMO, Seed};
use serde::{Deserialize, Serialize};

/// Why a state folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another lab has it.
    #[error("a lab is up already with the state of {}; end it with `lblab down`, or name another folder with --state", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// No lab has it.
    #[error("no lab is up with the state of {}; start one with `lblab up`, or name its folder with --state", folder.display())]
    NotInUse {
        /// The folder.
        folder: PathBuf,
    },
    /// It lies where a sandbox has a folder of its own.
    #[error("the state of a lab cannot be kept in {}: below /run a lab has files of its own; name another folder with --state", folder.display())]
    Hidden {
        /// The folder.
        folder: PathBuf,
    },
    /// A file of it cannot be used.
    #[error("{doing} {}: {source}; name another folder with --state", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The lab that is up, as others find it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The process that has it up, outside of the sandbox; it ends the lab when it is told to end.
    pub pid: u32,
    /// Where the API is.
    pub endpoint: String,
    /// The version of LBaaS: `v1` or `v2`.
    pub service: String,
    /// The balancer that the agent deploys.
    pub balancer: String,
    /// When it was started.
    pub started: String,
}

/// A state folder.
#[derive(Clone, Debug)]
pub struct StateFolder {
    path: PathBuf,
}

/// The right to use a state folder. It is shared with the processes that are forked off, and ends with the last of them.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl StateFolder {
    /// The folder at this path, or the usual one: `lblab/up` below `XDG_STATE_HOME`, which is `~/.local/state` unless it is set.
    pub fn at(path: Option<&Path>) -> StateFolder {
        let usual = || {
            let named = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
            let home = || std::env::home_dir().unwrap_or_else(|| PathBuf::from("/"));
            named.unwrap_or_else(|| home().join(".local/state")).join("lblab/up")
        };
        StateFolder { path: path.map_or_else(usual, Path::to_owned) }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The control plane's database.
    pub fn database(&self) -> PathBuf {
        self.path.join("neutron.sqlite")
    }

    /// The log of the lab that is up, or was last.
    pub fn log(&self) -> PathBuf {
        self.path.join("log.jsonl")
    }

    /// The environment that clients need.
    pub fn openrc(&self) -> PathBuf {
        self.path.join("openrc")
    }

    /// The folder of the balancers' files, laid out as upstream's `$state_path/lbaas`.
    pub(crate) fn balancers(&self) -> PathBuf {
        self.path.join("lbaas")
    }

    fn record_file(&self) -> PathBuf {
        self.path.join("up.json")
    }

    /// Makes the folder, and takes it for a lab.
    pub(crate) fn take(&self) -> Result<(StateFolder, Lock), StateError> {
        let failed = |doing| move |source| StateError::File { doing, path: self.path.clone(), source };
        fs::create_dir_all(&self.path).map_err(failed("making the folder"))?;
        let path = self.path.canonicalize().map_err(failed("finding the folder"))?;
        if path.starts_with("/run") {
            return Err(StateError::Hidden { folder: path });
        }
        let folder = StateFolder { path };
        let lock = folder.lock_file()?;
        match lock.try_lock() {
            Ok(()) => Ok((folder, Lock { _file: lock })),
            Err(TryLockError::WouldBlock) => Err(StateError::InUse { folder: folder.path }),
            Err(TryLockError::Error(source)) => Err(failed("locking")(source)),
        }
    }

    fn lock_file(&self) -> Result<File, StateError> {
        let path = self.path.join("lock");
        let open = File::options().create(true).truncate(false).write(true).open(&path);
        open.map_err(|source| StateError::File { doing: "opening", path, source })
    }

    /// The lab that has the folder.
    pub fn record(&self) -> Result<Record, StateError> {
        let not_in_use = || StateError::NotInUse { folder: self.path.clone() };
        if !self.path.exists() || self.lock_file()?.try_lock().is_ok() {
            return Err(not_in_use());
        }
        // One that has only just taken the folder has no record yet, and the last one's process may be anything by now.
        self.last_record().filter(|record| self.is_held_by(record.pid)).ok_or_else(not_in_use)
    }

    /// Whether a process has the lock's file open.
    fn is_held_by(&self, pid: u32) -> bool {
        let Ok(lock) = self.path.join("lock").canonicalize() else { return false };
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        descriptors.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|file| file == lock)
    }

    /// The lab that has the folder, or had it last.
    pub(crate) fn last_record(&self) -> Option<Record> {
        serde_json::from_slice(&fs::read(self.record_file()).ok()?).ok()
    }

    /// Waits until no lab has the folder.
    pub(crate) fn wait_until_free(&self) -> Result<(), StateError> {
        let path = self.path.join("lock");
        self.lock_file()?.lock().map_err(|source| StateError::File { doing: "waiting for", path, source })
    }

    /// Writes down who has the folder, and what clients need.
    pub(crate) fn write(&self, record: &Record) -> Result<(), StateError> {
        let json = serde_json::to_vec_pretty(record).unwrap_or_default();
        // The user `demo` of a fresh lab, by whom the walkthroughs are followed.
        let openrc = format!(
            "# For the clients of OpenStack: . {}\n\
             export OS_AUTH_URL={}/identity/v3\n\
             export OS_IDENTITY_API_VERSION=3\n\
             export OS_USERNAME={DEMO}\n\
             export OS_PASSWORD={}\n\
             export OS_PROJECT_NAME={DEMO}\n\
             export OS_USER_DOMAIN_NAME={DOMAIN_NAME}\n\
             export OS_PROJECT_DOMAIN_NAME={DOMAIN_NAME}\n",
            self.openrc().display(),
            record.endpoint,
            Seed::default().password,
        );
        for (path, text) in [(self.record_file(), json), (self.openrc(), openrc.into_bytes())] {
            // In its place at once, so that nobody reads half of it.
            let fresh = path.with_extension("new");
            let written = fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, &path));
            written.map_err(|source| StateError::File { doing: "writing", path, source })?;
        }
        Ok(())
    }

    /// Removes what balancers have left that did not end in order.
    pub(crate) fn sweep(&self) -> Result<(), StateError> {
        let path = self.balancers();
        let failed = |doing| {
            let path = path.clone();
            move |source| StateError::File { doing, path, source }
        };
        match fs::remove_dir_all(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(failed("sweeping")(source)),
            _ => {}
        }
        fs::create_dir(&path).map_err(failed("making the folder"))?;
        // Balancers drop to other users, whatever the umask is.
        fs::set_permissions(&path, Permissions::from_mode(0o755)).map_err(failed("opening the folder to balancers"))
    }
}
