//! podman inside the sandbox: its configuration, its store of images, and the service that it answers with.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::statfs::{CGROUP2_SUPER_MAGIC, statfs};
use nix::unistd::{getegid, geteuid};

use crate::ImageName;
use crate::order::{PODMAN_FOLDER, PODMAN_SOCKET};

/// How long the service may take until it answers.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait when the socket is there and nobody listens on it: between bind(2), which the kernel reports, and
/// listen(2), which it does not.
const BETWEEN_BIND_AND_LISTEN: Duration = Duration::from_millis(1);
/// The most processes that a container may have where there is no limit.
const PROCESSES: u64 = 1 << 20;

/// podman's service, which ends with this.
#[derive(Debug)]
pub(super) struct Service(Child);

impl Service {
    /// Starts it, with the caller's own images, which it only reads, and with everything else in the sandbox. Must be called
    /// while the process has one thread.
    pub(super) fn start(image: &ImageName) -> Result<Service, String> {
        let store = Store::with(image)?;
        let podman = found("podman")?;
        let (runtime, conmon) = (found("crun")?, found("conmon")?);
        let folder = Path::new(PODMAN_FOLDER);
        let failed = |doing: &'static str| move |error: io::Error| format!("{doing}: {error}");
        for part in ["home", "run"] {
            fs::create_dir_all(folder.join(part)).map_err(failed("making podman's folders"))?;
        }
        let write = |name: &str, text: String| fs::write(folder.join(name), text).map_err(failed("configuring podman"));
        write("storage.conf", store.configuration())?;
        write("containers.conf", configuration(&runtime, &conmon))?;
        show_cgroups()?;
        let mut command = Command::new(podman);
        command.args(["system", "service", "--time=0"]).arg(format!("unix://{PODMAN_SOCKET}"));
        command.env("CONTAINERS_CONF", folder.join("containers.conf"));
        command.env("CONTAINERS_STORAGE_CONF", folder.join("storage.conf"));
        command.env("HOME", folder.join("home")).env("XDG_RUNTIME_DIR", folder.join("run")).env("TMPDIR", folder);
        command.env_remove("CONTAINER_HOST").env_remove("XDG_CONFIG_HOME").env_remove("XDG_DATA_HOME");
        command.env_remove("DBUS_SESSION_BUS_ADDRESS").env_remove("NOTIFY_SOCKET");
        if let Some((user, group)) = outside() {
            // It is told that it is rootless and has its user namespace already: the sandbox's.
            command.env("_CONTAINERS_USERNS_CONFIGURED", "done");
            command
                .env("_CONTAINERS_ROOTLESS_UID", user.to_string())
                .env("_CONTAINERS_ROOTLESS_GID", group.to_string());
        }
        let said = fs::File::create(folder.join("service.log")).map_err(failed("making podman's log"))?;
        let appears =
            Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).map_err(|errno| errno.to_string())?;
        appears.add_watch(folder, AddWatchFlags::IN_CREATE).map_err(|errno| errno.to_string())?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn();
        let mut service = Service(child.map_err(failed("starting podman"))?);
        service.answers(&appears)?;
        Ok(service)
    }

    /// Waits until somebody listens on the socket.
    fn answers(&mut self, appears: &Inotify) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            match UnixStream::connect(PODMAN_SOCKET) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    std::thread::sleep(BETWEEN_BIND_AND_LISTEN);
                }
                Err(_) => wait(appears),
            }
            let ended = self.0.try_wait().map_err(|error| error.to_string())?;
            if ended.is_some() || begun.elapsed() > PATIENCE {
                let said = fs::read_to_string(Path::new(PODMAN_FOLDER).join("service.log")).unwrap_or_default();
                let how = ended
                    .map_or_else(|| format!("not within {PATIENCE:?}"), |status| format!("it ended with {status}"));
                return Err(format!("podman does not answer ({how}): {}", said.trim()));
            }
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It does not end at SIGTERM while a connection is open, and it has nothing to save.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits a little for something to appear; a service that ends makes nothing appear.
fn wait(appears: &Inotify) {
    use nix::poll::{PollFd, PollFlags, poll};
    use std::os::fd::AsFd;
    let _ = poll(&mut [PollFd::new(appears.as_fd(), PollFlags::POLLIN)], 100_u8);
    let _ = appears.read_events();
}

/// A program by its name, also where Debian keeps those that an ordinary user's PATH does not have.
fn found(name: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/bin", "/usr/sbin", "/usr/libexec/podman", "/usr/lib/podman"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(more)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .ok_or_else(|| format!("there is no {name} in PATH; install it: apt-get install -y podman crun"))
}

/// The user and group outside the sandbox, unless they are root.
fn outside() -> Option<(u32, u32)> {
    let of = |map: &str, own: u32| {
        let text = fs::read_to_string(map).unwrap_or_default();
        text.split_whitespace().nth(1).and_then(|id| id.parse().ok()).unwrap_or(own)
    };
    let user = of("/proc/self/uid_map", geteuid().as_raw());
    (user != 0).then(|| (user, of("/proc/self/gid_map", getegid().as_raw())))
}

/// Sees to it that crun finds version 2 of control groups, which is all that it looks for; containers get none of their own.
/// Some hosts have version 1 mounted, or both.
fn show_cgroups() -> Result<(), String> {
    const GROUPS: &str = "/sys/fs/cgroup";
    if statfs(GROUPS).is_ok_and(|file_system| file_system.filesystem_type() == CGROUP2_SUPER_MAGIC) {
        return Ok(());
    }
    let failed = |doing: &'static str| move |errno: nix::Error| format!("{doing}: {errno}");
    // Only one that belongs to the sandbox's user namespace can be mounted in it.
    unshare(CloneFlags::CLONE_NEWCGROUP).map_err(failed("making a namespace of control groups"))?;
    mount(Some("none"), GROUPS, Some("cgroup2"), MsFlags::empty(), None::<&str>)
        .map_err(failed("mounting version 2 of control groups inside the sandbox"))
}

fn configuration(runtime: &Path, conmon: &Path) -> String {
    let limit = |resource, most: u64| {
        let (soft, hard) = getrlimit(resource).unwrap_or((most, most));
        (soft.min(most), hard.min(most))
    };
    let files = limit(Resource::RLIMIT_NOFILE, PROCESSES);
    let processes = limit(Resource::RLIMIT_NPROC, PROCESSES);
    // Limits are none but the caller's own, since raising one takes a privilege. Locks and events are files, since shared memory
    // and the journal are the host's.
    format!(
        "[containers]\n\
         cgroups = \"disabled\"\n\
         cgroupns = \"host\"\n\
         default_sysctls = []\n\
         default_ulimits = [\"nofile={}:{}\", \"nproc={}:{}\"]\n\
         log_driver = \"k8s-file\"\n\
         [engine]\n\
         cgroup_manager = \"cgroupfs\"\n\
         conmon_path = [{}]\n\
         events_logger = \"file\"\n\
         lock_type = \"file\"\n\
         num_locks = 64\n\
         runtime = \"crun\"\n\
         [engine.runtimes]\n\
         crun = [{}]\n",
        files.0,
        files.1,
        processes.0,
        processes.1,
        quoted(conmon),
        quoted(runtime)
    )
}

/// A path as a string of a configuration file.
fn quoted(path: &Path) -> String {
    format!("{:?}", path.to_string_lossy())
}

/// A folder of images that the caller's podman has, and the driver that they are kept with.
#[derive(Debug, PartialEq, Eq)]
struct Store {
    folder: PathBuf,
    driver: &'static str,
}

impl Store {
    /// The store that has the image.
    fn with(image: &ImageName) -> Result<Store, String> {
        let folder = if outside().is_none() {
            PathBuf::from("/var/lib/containers/storage")
        } else {
            let data = std::env::var_os("XDG_DATA_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
            let home = || std::env::home_dir().unwrap_or_default().join(".local/share");
            data.unwrap_or_else(home).join("containers/storage")
        };
        for driver in ["overlay", "vfs"] {
            let list = fs::read_to_string(folder.join(format!("{driver}-images/images.json"))).unwrap_or_default();
            if lists(&list, image) {
                return Ok(Store { folder, driver });
            }
        }
        Err(format!("podman has no image {image} in {}", folder.display()))
    }

    /// Everything that is made goes to the sandbox's `/run`; the images stay where they are.
    fn configuration(&self) -> String {
        let mut text = format!("[storage]\ndriver = {:?}\n", self.driver);
        for part in ["graphroot", "runroot"] {
            writeln!(text, "{part} = \"{PODMAN_FOLDER}/{part}\"").expect("a string takes it");
        }
        text + &format!("[storage.options]\nadditionalimagestores = [{}]\n", quoted(&self.folder))
    }
}

/// Whether podman's list of images has this one; one without a registry is a local image.
fn lists(images: &str, image: &ImageName) -> bool {
    #[derive(serde::Deserialize)]
    struct Listed {
        #[serde(default)]
        names: Vec<String>,
    }
    let listed: Vec<Listed> = serde_json::from_str(images).unwrap_or_default();
    let known = [
        image.to_string(),
        format!("localhost/{image}"),
        format!("docker.io/{image}"),
        format!("docker.io/library/{image}"),
    ];
    listed.iter().flat_map(|image| &image.names).any(|name| known.contains(name))
}

#[cfg(test)]
mod tests {
    use super::lists;
    use crate::ImageName;

    #[test]
    fn an_image_is_found_in_podmans_list_under_the_names_that_it_may_have_there() {
        let list =
            r#"[{"id": "0"}, {"id": "1", "names": ["localhost/lblab/haproxy:latest", "docker.io/library/nginx:1"]}]"#;
        let named = |text: &str| ImageName::try_from(text.to_owned()).expect("a name");
        assert!(lists(list, &named("lblab/haproxy")) && lists(list, &named("localhost/lblab/haproxy:latest")));
        assert!(lists(list, &named("nginx:1")) && !lists(list, &named("nginx")) && !lists(list, &named("haproxy")));
        assert!(!lists("", &named("nginx:1")) && !lists("{", &named("nginx:1")));
    }
}
