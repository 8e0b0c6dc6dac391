//! Every way in which a manifest can say that a balancer is ready, told, asked, heard and stopped, on a balancer that knows them all.

use std::fs;
use std::time::Duration;

use lblab_balancer::{BalancerError, Blame, Manifest, Running};
use lblab_history::MemberState::{Down, Up};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::Test;
use crate::bench::{Bench, load_balancer, named, with_bench};
use crate::toy::TOY;

pub const TESTS: &[Test] = &[
    ("a_balancer_is_ready_when_everything_in_the_list_has_come_true", ready_when_everything_has_come_true),
    ("a_balancer_that_never_says_yes_is_not_ready", never_says_yes),
    ("a_reload_is_in_force_when_a_line_says_so_or_is_refused_by_one", reload_by_signal),
    ("a_reload_by_command_is_in_force_when_the_command_ends", reload_by_command),
    ("a_reload_whose_command_fails_changes_nothing", reload_by_a_command_that_fails),
    ("a_reload_by_files_is_in_force_when_the_answer_matches", reload_by_files),
    ("a_reload_by_restart_starts_another_process", reload_by_restart),
    ("states_are_read_by_a_pattern_and_announced_by_address", states_by_pattern),
    ("a_balancer_that_announces_nothing_is_asked_again_and_again", states_by_asking),
    ("states_are_read_from_a_command_and_announced_by_a_companion", states_by_command),
    ("a_balancer_in_the_kernel_has_no_process_and_is_stopped_by_a_command", in_the_kernel),
    ("a_check_that_hangs_is_told_as_what_it_is", a_check_that_hangs),
    ("the_balancer_of_the_documentation_serves_and_reloads", the_documented_balancer),
];

/// The template of the toy's configuration.
const CONF: &str = "\
vip {{ vip }}
sock {{ sock }}
busy 2
generation {{ generation }}
members{% for member in lb.listeners[0].pool.members %} {{ member.name }}={{ member.address }}:{{ member.port }}{% endfor %}
";

/// The toy's manifest, with what is peculiar to a test.
fn toy(keys: &str, conf: &str) -> (TempDir, Manifest) {
    let program = std::env::current_exe().expect("this program");
    let (name, folder) = (program.file_name().expect("a name"), program.parent().expect("a folder"));
    let text = format!(
        "\
name: toy
program: {{names: [{}], search: [{}], install: cargo test}}
version: {{command: [\"{{{{ program }}}}\", --version], pattern: '(?<version>.*)'}}
files: [{{template: toy.j2, to: conf/toy}}]
{keys}
traits:
  protocols: [HTTP]
  balances: requests
  methods: [ROUND_ROBIN]
  rotation: in-turn
  weights: ignored
  workers: 1
  ties: first
  persistence: []
  monitors: []
  passive: none
  redispatch: {{retries: 0, bound_requests: move, connect_timeout: 1, response_timeout: 1}}
  reload: keeps-all
",
        name.display(),
        folder.display()
    );
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("manifest.yaml"), text).expect("it is written");
    fs::write(folder.path().join("toy.j2"), conf).expect("it is written");
    let manifest = Manifest::load(&folder.path().display().to_string()).unwrap_or_else(|error| panic!("{error}"));
    (folder, manifest)
}

/// The keys that most tests share.
fn keys(reload: &str, more: &str) -> String {
    format!(
        "start: [\"{{{{ program }}}}\", {TOY}, \"{{{{ state_dir }}}}/conf/toy\"]
ready: [{{socket: \"{{{{ sock }}}}\", get: /}}]
stop: {{signal: TERM, grace: 2s}}
reload: {reload}
{more}"
    )
}

async fn deployed(bench: &Bench, manifest: &Manifest) -> Running {
    bench.deploy_manifest(manifest, 2).await.unwrap_or_else(|error| panic!("{error}"))
}

fn pid_of(running: &Running) -> i32 {
    let text = fs::read_to_string(running.state_dir().join("pid")).expect("a pid");
    text.trim().parse().expect("a number")
}

fn ready_when_everything_has_come_true() {
    with_bench(async |bench| {
        // The socket answers 503 once and the VIP once, each before it answers 200.
        let conditions = "\
ready:
  - {output: '^ready with (blue|red)$'}
  - {socket: \"{{ sock }}\", get: /}
  - {address: \"{{ vip }}\"}
  - {address: \"{{ vip }}\", get: /}
  - {socket: \"{{ sock }}\", ask: hello}
environment: {TOY_COLOUR: blue}
sysctls: {net.ipv4.ip_forward: \"1\"}
start: [\"{{ program }}\", --toy, \"{{ state_dir }}/conf/toy\"]
stop: {signal: TERM, grace: 2s}
reload: {restart: true}";
        let (_folder, manifest) = toy(conditions, CONF);
        let running = deployed(&bench, &manifest).await;
        let forwards = bench.namespace.hop(|| fs::read_to_string("/proc/sys/net/ipv4/ip_forward"));
        assert_eq!(forwards.expect("a hop").expect("a setting").trim(), "1");
        assert!(running.output().contains(&"ready with blue".to_owned()), "{:?}", running.output());
        assert_eq!(running.states(&bench.lab).await.expect("no error"), None);
        bench.get("/").await.expect("an answer");
        running.stop(&bench.lab).await.expect("an orderly end");
    });
}

fn never_says_yes() {
    with_bench(async |bench| {
        let (_folder, manifest) = toy(&keys("{restart: true}", ""), &CONF.replace("busy 2", "busy 1000000"));
        let error = bench.deploy_manifest(&manifest, 2).await.map(drop).expect_err("503 is not ready");
        assert!(matches!(error, BalancerError::NotReady { .. }), "{error}");
        assert!(error.to_string().contains("ready with"), "what it printed is quoted: {error}");
    });
}

fn reload_by_signal() {
    with_bench(async |bench| {
        let reload = "{signal: HUP, done: '^loaded [0-9]+$', refused: '^refused: (?<reason>.*)$'}";
        let wrong = "{% if lb.listeners[0].pool.members | length == 1 %}wrong yes\n{% endif %}";
        let (_folder, manifest) = toy(&keys(reload, ""), &format!("{CONF}{wrong}"));
        let mut running = deployed(&bench, &manifest).await;
        let reloaded = running.reload(&bench.lab, &load_balancer(3)).await.unwrap_or_else(|error| panic!("{error}"));
        assert!(reloaded.begun < reloaded.in_force);
        let conf = running.state_dir().join("conf/toy");
        let before = fs::read_to_string(&conf).expect("a configuration");
        assert!(before.contains("generation 2") && before.contains("vm03="), "{before}");
        let error = running.reload(&bench.lab, &load_balancer(1)).await.expect_err("it is refused");
        assert!(
            matches!(&error, BalancerError::Refused { which: "reload", status, .. } if status == "I do not like it")
        );
        assert_eq!(error.blame(), Blame::Balancer);
        assert_eq!(fs::read_to_string(&conf).expect("a configuration"), before);
        running.stop(&bench.lab).await.expect("an orderly end");
    });
}

fn reload_by_command() {
    with_bench(async |bench| {
        let (_folder, manifest) = toy(&keys("{command: [touch, \"{{ state_dir }}/told\"]}", ""), CONF);
        let mut running = deployed(&bench, &manifest).await;
        running.reload(&bench.lab, &load_balancer(3)).await.unwrap_or_else(|error| panic!("{error}"));
        assert!(running.state_dir().join("told").exists());
        running.stop(&bench.lab).await.expect("an orderly end");
    });
}

fn reload_by_a_command_that_fails() {
    with_bench(async |bench| {
        let (_folder, manifest) = toy(&keys("{command: [sh, -c, 'echo no way; exit 3']}", ""), CONF);
        let mut running = deployed(&bench, &manifest).await;
        let error = running.reload(&bench.lab, &load_balancer(3)).await.expect_err("the command fails");
        assert!(matches!(error, BalancerError::Refused { which: "reload", .. }), "{error}");
        assert!(error.to_string().contains("no way"), "{error}");
        let conf = fs::read_to_string(running.state_dir().join("conf/toy")).expect("a configuration");
        assert!(conf.contains("generation 1"), "{conf}");
        running.stop(&bench.lab).await.expect("an orderly end");
    });
}

fn reload_by_files() {
    with_bench(async |bench| {
        let asks = "{files: true, asks: {address: \"{{ vip }}\", get: /, matches: '^generation {{ generation }}\\n'}}";
        let (_folder, manifest) = toy(&keys(asks, ""), CONF);
        let mut running = deployed(&bench, &manifest).await;
        let process = Pid::from_raw(pid_of(&running));
        // The toy watches no files, so somebody else tells it, and does so late.
        let late = tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            kill(process, Signal::SIGHUP).expect("a signal");
        });
        let reloaded = running.reload(&bench.lab, &load_balancer(3)).await.unwrap_or_else(|error| panic!("{error}"));
        assert!(reloaded.in_force - reloaded.begun > Duration::from_millis(250), "{reloaded:?}");
        late.await.expect("no panic");
        running.stop(&bench.lab).await.expect("an orderly end");
    });
}

fn reload_by_restart() {
    with_bench(async |bench| {
        let (_folder, manifest) = toy(&keys("{restart: true}", ""), CONF);
        let mut running = deployed(&bench, &manifest).await;
        let first = pid_of(&running);
        running.reload(&bench.lab, &load_balancer(3)).await.unwrap_or_else(|error| panic!("{error}"));
        assert_ne!(pid_of(&running), first);
        bench.get("/").await.expect("an answer");
        running.stop(&bench.lab).await.expect("an orderly end");
    });
}

fn states_by_pattern() {
    with_bench(async |bench| {
        let more = "\
status: {address: \"{{ vip }}\", get: /states, members: '(?<address>[0-9.]+:[0-9]+) (?:UP|(?<down>DOWN))'}
events: {down: 'member (?<address>\\S+) went down', up: 'member (?<address>\\S+) came up'}";
        let (_folder, manifest) = toy(&keys("{restart: true}", more), CONF);
        let mut running = deployed(&bench, &manifest).await;
        let mut events = running.events().expect("the first caller gets them");
        let states = running.states(&bench.lab).await.expect("an answer");
        assert_eq!(states, Some(vec![(named("vm01"), Up), (named("vm02"), Up)]));
        for (signal, state) in [(Signal::SIGUSR1, Down), (Signal::SIGUSR2, Up)] {
            kill(Pid::from_raw(pid_of(&running)), signal).expect("a signal");
            let event = timeout(Duration::from_secs(5), events.recv()).await.expect("in time").expect("an event");
            assert_eq!((event.member, event.state), (named("vm01"), state));
            let states = running.states(&bench.lab).await.expect("an answer");
            assert_eq!(states, Some(vec![(named("vm01"), state), (named("vm02"), Up)]));
        }
        running.stop(&bench.lab).await.expect("an orderly end");
    });
}

fn states_by_asking() {
    with_bench(async |bench| {
        let status = "\
status: {socket: \"{{ sock }}\", ask: states, members: '(?<member>vm\\d+) \\S+ (?:UP|(?<down>DOWN))', every: 10ms}";
        let (_folder, manifest) = toy(&keys("{signal: HUP, done: loaded}", status), CONF);
        assert_eq!(manifest.traits().states_every, Duration::from_millis(10));
        let mut running = deployed(&bench, &manifest).await;
        let mut events = running.events().expect("the first caller gets them");
        let mut next = async || {
            let event = timeout(Duration::from_secs(5), events.recv()).await.expect("in time").expect("an event");
            (event.member, event.state)
        };
        assert_eq!([next().await, next().await], [(named("vm01"), Up), (named("vm02"), Up)]);
        kill(Pid::from_raw(pid_of(&running)), Signal::SIGUSR1).expect("a signal");
        assert_eq!(next().await, (named("vm01"), Down));
        running.reload(&bench.lab, &load_balancer(3)).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(next().await, (named("vm03"), Up));
        running.stop(&bench.lab).await.expect("an orderly end");
    });
}

fn states_by_command() {
    with_bench(async |bench| {
        let more = "\
status: {command: [sh, -c, 'echo vm01 sick; echo vm02 healthy'], members: '(?<member>vm\\d+) (?:healthy|(?<down>sick))'}
events: {command: [sh, -c, 'echo vm02 sick; exec sleep 60'], down: '(?<member>vm\\d+) sick', up: '(?<member>vm\\d+) healthy'}";
        let (_folder, manifest) = toy(&keys("{restart: true}", more), CONF);
        let mut running = deployed(&bench, &manifest).await;
        let mut events = running.events().expect("the first caller gets them");
        let event = timeout(Duration::from_secs(5), events.recv()).await.expect("in time").expect("an event");
        assert_eq!((event.member, event.state), (named("vm02"), Down));
        let states = running.states(&bench.lab).await.expect("an answer");
        assert_eq!(states, Some(vec![(named("vm01"), Down), (named("vm02"), Up)]));
        running.stop(&bench.lab).await.expect("an orderly end, the companion's too");
        let left = bench.unplug().await;
        assert!(left.is_empty(), "{left}");
    });
}

fn in_the_kernel() {
    with_bench(async |bench| {
        let folder = tempfile::tempdir().expect("a folder");
        let stopped = folder.path().join("stopped");
        let keys = format!(
            "start: [sh, -c, 'echo done']\nready: [{{ends: true}}, {{output: done}}]\n\
             stop: {{command: [touch, {}], grace: 1s}}\nreload: {{command: [\"true\"]}}",
            stopped.display()
        );
        let (_folder, manifest) = toy(&keys, CONF);
        assert!(manifest.is_in_kernel());
        let mut running = deployed(&bench, &manifest).await;
        assert_eq!(running.exit_status(), None);
        timeout(Duration::from_millis(100), running.ended()).await.expect_err("the kernel does not end");
        running.reload(&bench.lab, &load_balancer(3)).await.unwrap_or_else(|error| panic!("{error}"));
        let error = running.kill().await.expect_err("there is nothing to kill");
        assert!(matches!(error, BalancerError::NoProcess { .. }), "{error}");
        assert_eq!(error.blame(), Blame::Scenario);
        running.stop(&bench.lab).await.expect("an orderly end");
        assert!(stopped.exists());

        let (_folder, manifest) = toy(&keys.replace("echo done", "echo done; exit 1"), CONF);
        let error = bench.deploy_manifest(&manifest, 2).await.map(drop).expect_err("the command fails");
        assert!(matches!(error, BalancerError::DidNotStart { .. }), "{error}");
    });
}

fn a_check_that_hangs() {
    with_bench(async |bench| {
        let (_folder, manifest) = toy(&keys("{restart: true}", "check: [sleep, \"60\"]"), CONF);
        let error = bench.deploy_manifest(&manifest, 2).await.map(drop).expect_err("it hangs");
        assert!(matches!(error, BalancerError::Hangs { which: "check", .. }), "{error}");
    });
}

fn the_documented_balancer() {
    const TEXT: &str = include_str!("../../../../docs/balancers.md");
    let block = |language: &str| {
        let (_, rest) = TEXT.split_once(&format!("```{language}\n")).expect("the document has such a block");
        rest.split_once("```").expect("the block ends").0
    };
    with_bench(async |bench| {
        let folder = tempfile::tempdir().expect("a folder");
        for (file, language) in [("turns.py", "python"), ("turns.json.j2", "jinja"), ("manifest.yaml", "yaml")] {
            fs::write(folder.path().join(file), block(language)).expect("it is written");
        }
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(folder.path().join("turns.py"), mode).expect("it is made executable");
        let manifest = Manifest::load(&folder.path().display().to_string()).unwrap_or_else(|error| panic!("{error}"));
        let found = manifest.find_program().unwrap_or_else(|error| panic!("{error}"));
        assert!(found.version.starts_with('3'), "{found:?}");
        let mut running = deployed(&bench, &manifest).await;
        bench.get("/").await.expect("an answer");
        running.reload(&bench.lab, &load_balancer(3)).await.unwrap_or_else(|error| panic!("{error}"));
        bench.get("/").await.expect("an answer");
        running.stop(&bench.lab).await.expect("an orderly end");
        let left = bench.unplug().await;
        assert!(left.is_empty(), "{left}");
    });
}
