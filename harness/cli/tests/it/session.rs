//! A user's use of the program, and the processes that it has.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// A scenario that takes a moment and holds.
pub const SHORT: &str = "builtin:balancing/round-robin";

/// A scenario that takes half a minute.
pub const LONG: &str = "\
name: traffic for a while
pool: {method: ROUND_ROBIN}
members:
  - {name: vm01, address: 192.168.1.17}
  - {name: vm02, address: 192.168.1.18}
vip: 192.168.1.250:80
steps:
  - traffic: {requests: 20}
  - expect: {shares: by weight}
  - traffic: {rate: 50/s, for: 30s}
  - expect: {lost: 0}
";

/// The variable that marks the processes of a session; a program hands it on to what it starts.
const MARK: &str = "LBLAB_TEST_SESSION";

/// An ordinary user who is on every machine: `nobody`.
const NOBODY: u32 = 65534;

/// Who uses the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// Whoever runs the tests.
    Caller,
    /// An ordinary user, which only root can become.
    Nobody,
}

impl User {
    /// Everyone that the program can be used as.
    pub fn all() -> Vec<User> {
        if nix::unistd::geteuid().is_root() { vec![User::Caller, User::Nobody] } else { vec![User::Caller] }
    }
}

/// A folder and a mark of its own.
pub struct Session {
    pub user: User,
    folder: TempDir,
    program: PathBuf,
    mark: String,
}

/// A process of a session.
#[derive(Clone, Debug)]
pub struct Process {
    pub pid: i32,
    pub parent: i32,
    pub command: String,
}

/// How the program ended and what it said.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// Everything that it said.
    pub fn said(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// Checks the exit code.
    #[track_caller]
    pub fn with(self, code: i32) -> Ended {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Ended {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Session {
    pub fn of(user: User) -> Session {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::tempdir().expect("a folder");
        let mut program = PathBuf::from(env!("CARGO_BIN_EXE_lblab"));
        if user == User::Nobody {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("a folder of another user");
            if !open_to_everyone(&program) {
                let copy = folder.path().join("lblab");
                fs::copy(&program, &copy).expect("a copy of the program");
                program = copy;
            }
        }
        let mark = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Session { user, folder, program, mark }
    }

    /// A file or folder of the session.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and gives its name.
    pub fn file<'a>(&self, name: &'a str, text: &str) -> &'a str {
        fs::write(self.path(name), text).expect("a file");
        name
    }

    /// The program, in the session's folder.
    pub fn lblab(&self, arguments: &[&str]) -> Command {
        self.command(&self.program.display().to_string(), arguments)
    }

    /// The program behind a shell script, which gets it and its arguments as `"$@"`, in mounts of its own.
    pub fn behind(&self, script: &str, arguments: &[&str]) -> Command {
        let mut unshare = vec!["--mount"];
        if !nix::unistd::geteuid().is_root() || self.user == User::Nobody {
            unshare.push("--map-root-user");
        }
        let program = self.program.display().to_string();
        unshare.extend(["sh", "-ec", script, "sh", &program]);
        unshare.extend(arguments);
        self.command("unshare", &unshare)
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.lblab(arguments).output().expect("a program that runs").into()
    }

    pub fn start(&self, arguments: &[&str]) -> Child {
        self.lblab(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a program that runs")
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).env(MARK, &self.mark);
        if self.user == User::Nobody {
            command.uid(NOBODY).gid(NOBODY).env("HOME", self.folder.path());
        }
        command
    }

    /// The processes of the session that are alive.
    pub fn processes(&self) -> Vec<Process> {
        let mark = format!("{MARK}={}", self.mark);
        let is_marked = |environment: &[u8]| environment.split(|&byte| byte == 0).any(|one| one == mark.as_bytes());
        let pids = fs::read_dir("/proc").expect("a list of processes").flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        // One that ends meanwhile cannot be read, and a zombie has no environment.
        pids.filter(|pid: &i32| {
            fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| is_marked(&environment))
        })
        .filter_map(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
            let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let command = String::from_utf8_lossy(&command).replace('\0', " ").trim().to_owned();
            Some(Process { pid, parent, command })
        })
        .collect()
    }

    /// Waits until none of the session's processes is left; gives how long that took, or what is left.
    pub fn gone_within(&self, limit: Duration) -> Result<Duration, Vec<Process>> {
        let begin = Instant::now();
        loop {
            let left = self.processes();
            if left.is_empty() {
                return Ok(begin.elapsed());
            }
            if begin.elapsed() > limit {
                return Err(left);
            }
            // The kernel sends no notice of the end of somebody else's child.
            sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A test that failed half-way has left some.
        for process in self.processes() {
            let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
        }
    }
}

fn open_to_everyone(program: &Path) -> bool {
    let mode = |path: &Path| path.metadata().map_or(0, |file| file.permissions().mode());
    mode(program) & 0o005 == 0o005 && program.ancestors().skip(1).all(|folder| mode(folder) & 0o001 != 0)
}
