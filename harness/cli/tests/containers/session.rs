//! Uses of the program, whose processes are known by a mark.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// The variable that marks the processes of a session; a program hands it on to what it starts.
const MARK: &str = "LBLAB_TEST_SESSION";

/// A folder and a mark of its own.
pub struct Session {
    engine: &'static str,
    folder: TempDir,
    mark: String,
}

impl Session {
    pub fn of(engine: &'static str) -> Session {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mark = format!("containers-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Session { engine, folder: tempfile::tempdir().expect("a folder"), mark }
    }

    /// Writes a file and gives its name.
    pub fn file<'a>(&self, name: &'a str, text: &str) -> &'a str {
        fs::write(self.folder.path().join(name), text).expect("a file");
        name
    }

    /// The program, in the session's folder.
    pub fn lblab(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lblab"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env(MARK, &self.mark).env("LBLAB_ENGINE", self.engine);
        command
    }

    /// Starts the program, which nobody listens to.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.lblab(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a program that runs")
    }

    /// The processes of the session that are alive, with their commands.
    pub fn processes(&self) -> Vec<(i32, String)> {
        let mark = format!("{MARK}={}", self.mark);
        let is_marked = |environment: &[u8]| environment.split(|&byte| byte == 0).any(|one| one == mark.as_bytes());
        let pids = fs::read_dir("/proc").expect("a list of processes").flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        // One that ends meanwhile cannot be read, and a zombie has no environment.
        pids.filter(|pid: &i32| fs::read(format!("/proc/{pid}/environ")).is_ok_and(|text| is_marked(&text)))
            .filter_map(|pid| {
                let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
                Some((pid, String::from_utf8_lossy(&command).replace('\0', " ").trim().to_owned()))
            })
            .collect()
    }

    /// Kills the processes whose command has this in it.
    pub fn kill(&self, part: &str) {
        for (pid, _) in self.processes().into_iter().filter(|(_, command)| command.contains(part)) {
            // It may have ended by itself.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A test that failed half-way has left some.
        self.kill("");
    }
}
