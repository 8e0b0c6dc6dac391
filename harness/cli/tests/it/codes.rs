//! The exit code for each way in which a run ends.

use crate::host::host;
use crate::session::{LONG, SHORT, Session, User};

/// A manifest whose program is found by this name and started so.
pub fn manifest(session: &Session, program: &str) -> &'static str {
    let text = format!(
        "\
name: mine
program: {{names: [{program}], search: [PATH], install: apt-get install -y mine}}
version: {{command: [sh, -c, 'echo version 1.0'], pattern: 'version (?<version>\\S+)'}}
files: [{{template: conf.j2, to: conf}}]
start: [\"{{{{ program }}}}\"]
ready: [{{socket: \"{{{{ sock }}}}\", ask: show info}}]
reload: {{signal: HUP, done: reloaded}}
stop: {{signal: TERM, grace: 1s}}
status: {{socket: \"{{{{ sock }}}}\", ask: show stat, format: haproxy-csv}}
events: {{socket: \"{{{{ event_sock }}}}\", down: '(?<member>\\S+) is down', up: '(?<member>\\S+) is up'}}
traits:
  protocols: [HTTP, TCP]
  balances: requests
  methods: [ROUND_ROBIN]
  rotation: in-turn
  weights: exact
  workers: 1
  ties: rotating
  persistence: []
  monitors: [TCP, HTTP]
  passive: none
  probe_schedule: end-to-start
  unanswered_syn: timeout
  unanswered_request: timeout
  probe_reads: status
  fall: max-retries
  rise: 2
  first_failure: counts
  expected_codes: [one, list, range]
  panic: 0
  sub_second_probes: true
  redispatch: {{retries: 3, bound_requests: wait, connect_timeout: 5, response_timeout: 50}}
  reload: keeps-connections
"
    );
    session.file("conf.j2", "nothing\n");
    session.file("manifest.yaml", &text)
}

#[test]
fn a_scenario_that_holds_is_exit_code_0() {
    for user in User::all() {
        let before = host();
        let session = Session::of(user);
        let ended = session.run(&["run", SHORT]).with(0);
        assert!(ended.out.contains("1 run: 1 holds"), "{}", ended.out);
        assert_eq!(session.processes().len(), 0);
        assert_eq!(host(), before);
    }
}

#[test]
fn a_user_namespace_changes_nothing_of_the_verdict() {
    Session::of(User::Caller).run(&["run", SHORT, "--user-namespace"]).with(0);
}

#[test]
fn a_mutant_that_is_caught_is_exit_code_1() {
    let session = Session::of(User::Caller);
    let ended = session.run(&["run", SHORT, "--mutant", "skips-a-member"]).with(1);
    assert!(ended.out.contains("expect: {shares: by weight}"), "the line is not shown: {}", ended.out);
}

#[test]
fn an_invalid_scenario_is_exit_code_2_and_nothing_is_run() {
    let session = Session::of(User::Caller);
    let wrong = session.file("wrong.yaml", &LONG.replace("ROUND_ROBIN", "ROUND_ROBBIN"));
    let ended = session.run(&["run", wrong, SHORT]).with(2);
    assert!(ended.err.contains("wrong.yaml:2:16"), "{}", ended.err);
    assert!(ended.err.contains("nothing was run"), "{}", ended.err);
    assert!(!session.path("lblab-results").exists());
}

#[test]
fn a_shipped_scenario_that_is_unknown_is_exit_code_2() {
    let ended = Session::of(User::Caller).run(&["run", "builtin:no-such"]).with(2);
    assert!(ended.err.contains("builtin:no-such") && ended.err.contains("lblab scenarios"), "{}", ended.err);
}

#[test]
fn a_missing_program_is_exit_code_3_and_says_how_to_install_it() {
    let session = Session::of(User::Caller);
    let manifest = manifest(&session, "no-such-balancer");
    let ended = session.run(&["run", SHORT, "--balancer", manifest]).with(3);
    assert!(ended.said().contains("apt-get install -y mine"), "{}", ended.said());
}

#[test]
fn an_unknown_balancer_is_exit_code_2() {
    let ended = Session::of(User::Caller).run(&["run", SHORT, "--balancer", "no-such-balancer"]).with(2);
    assert!(ended.said().contains("no-such-balancer"), "{}", ended.said());
}

#[test]
fn a_balancer_that_does_not_start_is_exit_code_4() {
    for user in User::all() {
        let before = host();
        let session = Session::of(user);
        let manifest = manifest(&session, "false");
        let ended = session.run(&["run", SHORT, "--balancer", manifest]).with(4);
        assert!(ended.said().contains("mine"), "{}", ended.said());
        assert_eq!(session.processes().len(), 0);
        assert_eq!(host(), before);
    }
}
