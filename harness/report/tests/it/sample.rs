//! Runs to show.

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use lblab_model::{
    Backups, Balanced, BalancerTraits, BoundRequests, CodesForm, ConnectionLimit, CookieRule, Fall, FirstFailure,
    ForwardedFor, HashClass, Method, PersistenceKind, ProbeCost, ProbeKind, ProbeReads, ProbeSchedule, Protocol,
    Redispatch, ReloadClass, RotationOrder, TieRule, WeightRule,
};
use lblab_report::{BalancerRef, Findings, Judged, Known, Problem, RunReport, RunResult, ScenarioRef, Whose};
use lblab_scenario::{Expectation, Network, Place, Plan, PlannedStep, Step};
use lblab_verdict::{Judgement, Measurement, Outcome, Unit, Verdict};

const TEXT: &str = "\
name: a refused member leaves in time
pool: {method: ROUND_ROBIN, protocol: HTTP}
steps:
  - fault: {on: vm01, kind: refuse}
  - expect: {leaves: vm01}
  - expect: {lost: predicted}
";

/// A plan whose steps are the two expectations of [`TEXT`].
fn plan() -> Plan {
    let step = |line: usize, text: &str, expectation: Expectation| {
        let start = TEXT.find(text).expect("the text has the step");
        PlannedStep {
            place: Place { line, column: 5, start, end: start + text.len() },
            step: Step::Expect(expectation),
        }
    };
    let address = |last: u8| std::net::Ipv4Addr::new(192, 168, 1, last);
    Plan {
        path: "scenarios/failover/refuse.yaml".to_owned(),
        text: TEXT.to_owned(),
        name: "a refused member leaves in time".to_owned(),
        about: None,
        profile: None,
        time_scale: None,
        network: Network {
            subnet: "192.168.1.0/24".parse().expect("a prefix"),
            gateway: address(1),
            dhcp: address(2),
            client: address(254),
            vip: address(250).into(),
            ipv6: None,
            sources: None,
            external: "172.16.1.0/24".parse().expect("a prefix"),
            external_router: [172, 16, 1, 1].into(),
            outside: [172, 16, 1, 10].into(),
            floating_ip: None,
        },
        port: NonZeroU16::MIN,
        connection_limit: None,
        method: Method::RoundRobin,
        protocol: Protocol::Http,
        persistence: None,
        tls: false,
        session_length: None,
        monitor: None,
        members: Vec::new(),
        steps: vec![
            step(5, "expect: {leaves: vm01}", Expectation::Stays { member: "vm01".try_into().expect("a name") }),
            step(6, "expect: {lost: predicted}", Expectation::NoProbes),
        ],
    }
}

fn verdict(
    check: &str,
    title: &str,
    step: Option<usize>,
    outcome: Outcome,
    summary: &str,
    evidence: &[&str],
) -> Verdict {
    Verdict {
        check: check.parse().expect("a check"),
        title: title.to_owned(),
        step,
        subject: step.map(|_| "vm01".to_owned()),
        outcome,
        summary: summary.to_owned(),
        measurement: None,
        evidence: evidence.iter().map(|line| (*line).to_owned()).collect(),
    }
}

/// A run with this result on `haproxy`.
pub fn run(result: RunResult) -> RunReport {
    RunReport {
        scenario: ScenarioRef {
            path: "scenarios/failover/refuse.yaml".to_owned(),
            name: "a refused member leaves in time".to_owned(),
        },
        balancer: BalancerRef {
            argument: "haproxy".to_owned(),
            name: "haproxy".to_owned(),
            version: Some("2.6.12".to_owned()),
            attachment: None,
            mutant: None,
        },
        seed: 42,
        time_scale: None,
        took: Duration::from_millis(7_250),
        result,
        history: Some(PathBuf::from("lblab-results/refuse-haproxy/history.jsonl")),
        artefacts: Some(PathBuf::from("lblab-results/refuse-haproxy")),
        known: Known::default(),
    }
}

fn judged(verdicts: Vec<Verdict>) -> Judged {
    Judged { plan: plan(), judgement: Judgement { verdicts } }
}

fn holds() -> Verdict {
    let summary = "DOWN after 2.413 s, within 2.000 s to 3.000 s";
    let measurement =
        Measurement { value: 2.413, unit: Unit::Seconds, at_least: Some(2.0), at_most: Some(3.0), slack: 0.16 };
    Verdict {
        measurement: Some(measurement),
        ..verdict("HM-4", TITLE, Some(0), Outcome::Holds, summary, &["D ∈ [(f-1)d, fd] ± 160 ms"])
    }
}

const TITLE: &str = "a member that refuses is taken out in the time that its monitor allows";

/// Every check holds.
pub fn all_hold() -> RunReport {
    let clean = "nothing was left";
    run(RunResult::Judged(judged(vec![
        holds(),
        verdict("RC-6", "removing a balancer leaves nothing behind", None, Outcome::Holds, clean, &[]),
    ])))
}

/// Only what is checked of every run was checked.
pub fn nothing_expected() -> RunReport {
    let title = "removing a balancer leaves nothing behind";
    run(RunResult::Judged(judged(vec![verdict("RC-6", title, None, Outcome::Holds, "nothing was left", &[])])))
}

/// Two checks fail, one of them with evidence that is hostile to terminals and XML.
pub fn failed() -> RunReport {
    let late = "vm01 was DOWN after 4.413 s, later than 3.000 s ± 160 ms";
    let evidence = [
        "4 consecutive bad probes were seen, the monitor allows 3",
        "D ∈ [(f-1)d, fd] = [2.000 s, 3.000 s], ε = 160 ms",
        "balancer: \u{1b}[31m<vm01> & \"co\"\u{1b}[0m ]]> 100 %",
    ];
    let lost = "147 requests were lost, 50 ± 2 were predicted";
    let lost_title = "without redispatch, what is lost is what the dead member was sent until it left";
    run(RunResult::Judged(judged(vec![
        holds(),
        verdict("HM-4", TITLE, Some(0), Outcome::Fails, late, &evidence),
        verdict("FO-1", lost_title, Some(1), Outcome::Fails, lost, &["λ·D·s = 100/s · 1.000 s · 0.5"]),
    ])))
}

/// A check cannot be decided.
pub fn inconclusive() -> RunReport {
    let reason = "the harness ran up to 212 ms late, and 80 ms is the most that this check can bear".to_owned();
    let summary = "vm01 was DOWN after 3.213 s";
    let verdict =
        verdict("HM-4", TITLE, Some(0), Outcome::Inconclusive { reason }, summary, &["worst tick at 3.100 s"]);
    run(RunResult::Judged(judged(vec![holds(), verdict])))
}

/// The balancer does not declare what the check needs.
pub fn unsupported() -> RunReport {
    let reason = "haproxy declares its hash as a map, which moves most clients".to_owned();
    let title = "only the clients of a member that leaves move";
    run(RunResult::Judged(judged(vec![verdict("SP-7", title, Some(0), Outcome::Unsupported { reason }, "", &[])])))
}

/// The environment lacks the balancer.
pub fn environment_problem() -> RunReport {
    let problem = Problem {
        whose: Whose::Environment,
        message: "haproxy is not installed\nlooked in /usr/sbin, /usr/local/sbin".to_owned(),
        remedy: Some("sudo apt-get install -y haproxy".to_owned()),
    };
    RunReport { history: None, artefacts: None, ..run(RunResult::Problem(problem)) }
}

/// The run ended early, and what had been seen until then holds.
pub fn cut_short() -> RunReport {
    let message = "the balancer ended with signal 11 at 3.100 s".to_owned();
    run(RunResult::CutShort(judged(vec![holds()]), Problem { whose: Whose::Balancer, message, remedy: None }))
}

/// The run was not asked for on this machine.
pub fn skipped() -> RunReport {
    let reason = "the scenario needs a floating IP, which this balancer's image cannot have".to_owned();
    RunReport { history: None, artefacts: None, ..run(RunResult::Skipped { reason }) }
}

/// The same run, with a place in it that its text does not have.
pub fn failed_elsewhere() -> RunReport {
    let mut run = failed();
    if let RunResult::Judged(judged) = &mut run.result {
        judged.plan.text = String::from("é");
        judged.plan.steps[0].place = Place { line: 9, column: 1, start: 1, end: 2 };
        judged.plan.steps[1].place = Place { line: 900, column: 1, start: 9_999, end: 99 };
    }
    run
}

/// The balancer does not declare what the scenario asks it to be.
pub fn undeclared() -> RunReport {
    let reason = "nginx declares no monitor HTTP".to_owned();
    RunReport { history: None, artefacts: None, ..run(RunResult::Unsupported { reason }) }
}

/// Not all of the checks could be made.
pub fn part() -> RunReport {
    let RunResult::Judged(unsupported) = unsupported().result else { unreachable!("the sample is judged") };
    let mut verdicts = vec![holds()];
    verdicts.extend(unsupported.judgement.verdicts);
    run(RunResult::Judged(judged(verdicts)))
}

/// The run, of this scenario on this balancer.
pub fn of(scenario: &str, (name, version): (&str, Option<&str>), run: RunReport) -> RunReport {
    let balancer = BalancerRef {
        argument: name.to_owned(),
        name: name.to_owned(),
        version: version.map(str::to_owned),
        attachment: None,
        mutant: None,
    };
    RunReport { scenario: ScenarioRef { path: scenario.to_owned(), name: run.scenario.name }, balancer, ..run }
}

/// The run, with what a list of findings knows of a shipped scenario on this version of HAProxy.
pub fn known(findings: &str, scenario: &str, version: &str, run: RunReport) -> RunReport {
    let run = of(&format!("builtin:{scenario}"), ("haproxy", Some(version)), run);
    let text = lblab_scenario::builtin().find(|&(name, _)| name == scenario).expect("it is shipped").1;
    let known = Findings::parse("findings.yaml", findings).expect("the list is right").of(text, &run.balancer);
    RunReport { known, ..run }
}

/// A balancer that has most of what there is.
pub fn traits() -> BalancerTraits {
    BalancerTraits {
        protocols: vec![Protocol::Http],
        balances: Balanced::Requests,
        methods: vec![Method::RoundRobin, Method::SourceIp],
        rotation: RotationOrder::InTurn,
        weights: WeightRule::Exact,
        workers: 1,
        ties: TieRule::Rotating,
        sequence: None,
        hash: Some(HashClass::Map),
        hash_formula: None,
        persistence: vec![PersistenceKind::HttpCookie],
        source_table: None,
        cookie: Some(CookieRule::Hidden),
        monitors: vec![ProbeKind::Http],
        passive: None,
        probe_schedule: ProbeSchedule::EndToStart,
        unanswered_syn: ProbeCost::Timeout,
        unanswered_request: ProbeCost::Timeout,
        probe_reads: ProbeReads::Status,
        fall: Fall::MaxRetries,
        rise: 2,
        first_failure: FirstFailure::Counts,
        expected_codes: vec![CodesForm::One],
        panic: 0,
        sub_second_probes: true,
        redispatch: Redispatch {
            retries: 3,
            bound_requests: BoundRequests::Wait,
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(50),
        },
        reload: ReloadClass::KeepsConnections,
        forwarded_for: ForwardedFor::Added,
        connection_limit: ConnectionLimit::None,
        ipv6: true,
        backups: Backups::None,
        shows_members: true,
        states_every: Duration::ZERO,
        is_process: true,
    }
}
