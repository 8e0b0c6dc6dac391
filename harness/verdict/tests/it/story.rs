//! Tells a run step by step and has it judged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};
use std::num::NonZeroU16;
use std::time::Duration;

use expect_test::Expect;
use lblab_history::{
    Answer, BalancerIdentity, Change, Ending, FORMAT, FaultRecord, Header, HealRecord, History, LateTick, MemberState,
    Outcome, Purpose, Request, Served, StateChange, StateSource, StepRecord, Teardown, Timekeeping,
};
use lblab_model::{
    Backups, Balanced, BalancerTraits, BoundRequests, Codes, CodesForm, ConnectionLimit, Fall, Fault, FirstFailure,
    ForwardedFor, HashClass, IngressRule, Member, Method, Moment, Monitor, MonitorKind, Name, Persistence,
    PersistenceKind, ProbeCost, ProbeKind, ProbeReads, ProbeSchedule, Protocol, Redispatch, ReloadClass, RotationOrder,
    SecurityGroup, TieRule, Transport, Weight, WeightRule,
};
use lblab_scenario::{
    Clients, Cookies, Expectation, Ipv6Network, Load, MemberKind, MemberPlan, Network, Place, Plan, PlannedStep, Span,
    Step, Target, Traffic,
};
use lblab_verdict::{CheckId, Judgement, Outcome as Decided, judge};

/// A run in the making. Time stands still but for what is told.
#[derive(Clone)]
pub struct Story {
    pub plan: Plan,
    pub history: History,
    pub now: Moment,
}

pub fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

pub fn at(seconds: f64) -> Moment {
    Moment::EPOCH + Duration::from_secs_f64(seconds)
}

pub fn name(name: &str) -> Name {
    name.try_into().expect("the tests' names are names")
}

/// Closed-loop traffic of one client.
pub fn traffic() -> Traffic {
    Traffic {
        load: Load::Closed { requests: 0 },
        clients: Clients::Tenant(1),
        skipped_sources: 0,
        to: Target::Vip,
        reuse: false,
        half_close: false,
        cookies: Cookies::None,
        method: "GET".to_owned(),
        path: "/".to_owned(),
        connect_timeout: seconds(10.0),
        read_timeout: seconds(60.0),
    }
}

/// An open loop in the background.
pub fn background() -> Traffic {
    Traffic { load: Load::Open { rate: 60.0, span: Span::Rest }, ..traffic() }
}

fn traits() -> BalancerTraits {
    BalancerTraits {
        protocols: vec![Protocol::Http, Protocol::Tcp],
        balances: Balanced::Requests,
        methods: vec![Method::RoundRobin, Method::SourceIp, Method::LeastConnections],
        rotation: RotationOrder::InTurn,
        sequence: None,
        weights: WeightRule::Exact,
        workers: 1,
        ties: TieRule::Rotating,
        hash: Some(HashClass::Consistent),
        hash_formula: None,
        persistence: vec![PersistenceKind::SourceIp, PersistenceKind::HttpCookie],
        source_table: None,
        cookie: None,
        monitors: vec![ProbeKind::Http, ProbeKind::Https, ProbeKind::Tcp],
        passive: None,
        probe_schedule: ProbeSchedule::StartToStart,
        unanswered_syn: ProbeCost::Timeout,
        unanswered_request: ProbeCost::Timeout,
        probe_reads: ProbeReads::Status,
        fall: Fall::MaxRetries,
        rise: 2,
        first_failure: FirstFailure::Counts,
        expected_codes: vec![CodesForm::One, CodesForm::List, CodesForm::Range],
        panic: 0,
        sub_second_probes: true,
        redispatch: Redispatch {
            retries: 3,
            bound_requests: BoundRequests::Move,
            connect_timeout: seconds(1.0),
            response_timeout: seconds(50.0),
        },
        reload: ReloadClass::KeepsAll,
        forwarded_for: ForwardedFor::Added,
        connection_limit: ConnectionLimit::Waits,
        ipv6: true,
        backups: Backups::All,
        shows_members: true,
        states_every: Duration::ZERO,
        is_process: true,
    }
}

/// Where a member sees the balancer's connections come from.
pub const BALANCER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 168, 1, 250), 2000);

impl Story {
    /// A pool with members `vm01`, `vm02` ... of these weights.
    pub fn of(weights: &[u16]) -> Story {
        let members = weights.iter().enumerate().map(|(index, &weight)| {
            let number = u8::try_from(index + 1).expect("few members");
            let member = Member {
                name: name(&format!("vm{number:02}")),
                address: Ipv4Addr::new(192, 168, 1, 16 + number),
                port: NonZeroU16::new(80).expect("80 is not 0"),
                weight: Weight::try_from(weight).expect("a weight"),
                backup: false,
            };
            let http = IngressRule { transport: Transport::Tcp, port: Some(member.port) };
            let security_group = SecurityGroup { ingress: vec![http] };
            MemberPlan { member, kind: MemberKind::Http, security_group, from_start: true }
        });
        let network = Network {
            subnet: "192.168.1.0/24".parse().expect("a prefix"),
            gateway: [192, 168, 1, 1].into(),
            dhcp: [192, 168, 1, 2].into(),
            client: [192, 168, 1, 254].into(),
            vip: [192, 168, 1, 250].into(),
            ipv6: None,
            sources: None,
            external: "172.16.1.0/24".parse().expect("a prefix"),
            external_router: [172, 16, 1, 1].into(),
            outside: [172, 16, 1, 10].into(),
            floating_ip: None,
        };
        let plan = Plan {
            path: "story.yaml".to_owned(),
            text: String::new(),
            name: "a story".to_owned(),
            about: None,
            profile: None,
            time_scale: None,
            network,
            port: NonZeroU16::new(80).expect("80 is not 0"),
            connection_limit: None,
            method: Method::RoundRobin,
            protocol: Protocol::Http,
            persistence: None,
            tls: false,
            session_length: None,
            monitor: None,
            members: members.collect(),
            steps: Vec::new(),
        };
        let balancer = BalancerIdentity {
            name: "told".to_owned(),
            version: "1".to_owned(),
            attachment: None,
            mutant: None,
            traits: traits(),
        };
        let header = Header {
            format: FORMAT,
            run: "1-2".to_owned(),
            lblab: "0.1.0".to_owned(),
            plan: serde_json::Value::Null,
            balancer,
            seed: 1,
            started_unix_nanos: 0,
        };
        let mut history = History::new(header);
        history.timekeeping = Some(Timekeeping {
            period: seconds(0.01),
            ticks: 1000,
            p99: seconds(0.001),
            threshold: seconds(0.005),
            late: Vec::new(),
            starved: Vec::new(),
        });
        history.teardown = Some(Teardown::default());
        Story { plan, history, now: at(0.0) }
    }

    pub fn method(mut self, method: Method) -> Story {
        self.plan.method = method;
        self
    }

    pub fn persistence(mut self, persistence: Persistence) -> Story {
        self.plan.persistence = Some(persistence);
        self
    }

    /// An HTTP monitor with a delay and a timeout in seconds.
    pub fn monitor(mut self, delay: f64, timeout: f64, max_retries: u32) -> Story {
        let kind = MonitorKind::Http {
            http_method: "GET".to_owned(),
            url_path: "/".to_owned(),
            expected_codes: Codes::List(vec![200]),
        };
        self.plan.monitor = Some(Monitor { kind, delay: seconds(delay), timeout: seconds(timeout), max_retries });
        self
    }

    /// The monitor asks over TLS, as it did before in the clear, and members and clients speak it.
    pub fn over_tls(mut self) -> Story {
        self.plan.protocol = Protocol::Tcp;
        self.plan.tls = true;
        let monitor = self.plan.monitor.as_mut().expect("the story has a monitor");
        if let MonitorKind::Http { http_method, url_path, expected_codes } = monitor.kind.clone() {
            monitor.kind = MonitorKind::Https { http_method, url_path, expected_codes };
        }
        self
    }

    /// Says that the times of the story are those of its scenario, shortened by this factor.
    pub fn time_scale(mut self, scale: f64) -> Story {
        self.plan.time_scale = Some(scale.try_into().expect("a time scale"));
        self
    }

    pub fn declares(mut self, change: impl FnOnce(&mut BalancerTraits)) -> Story {
        change(&mut self.history.header.balancer.traits);
        self
    }

    /// The harness itself stood still for so long until this time.
    pub fn stood_still(mut self, by: f64, until: f64) -> Story {
        let kept = self.history.timekeeping.as_mut().expect("a story begins with one");
        kept.late.push(LateTick { at: at(until), by: seconds(by) });
        self
    }

    /// The balancer waited so long for a processor, until this time.
    pub fn starved(mut self, by: f64, until: f64) -> Story {
        let kept = self.history.timekeeping.as_mut().expect("a story begins with one");
        kept.starved.push(LateTick { at: at(until), by: seconds(by) });
        self
    }

    pub fn wait(mut self, span: f64) -> Story {
        self.now = self.now + seconds(span);
        self
    }

    /// Adds a step that takes no time; its index is that of the last step.
    pub fn step(mut self, step: Step) -> Story {
        let index = self.plan.steps.len();
        self.plan.steps.push(PlannedStep { place: Place { line: index + 1, column: 1, start: 0, end: 0 }, step });
        self.history.steps.push(StepRecord { step: index, started: self.now, ended: self.now });
        self
    }

    pub fn expect(self, expectation: Expectation) -> Story {
        self.step(Step::Expect(expectation))
    }

    fn last_step(&self) -> usize {
        self.plan.steps.len() - 1
    }

    pub fn address(&self, member: usize) -> Ipv4Addr {
        self.plan.members[member].member.address
    }

    /// A request of the last step, 1 ms long, served by a member.
    pub fn request(&self, sent: Moment, member: Option<usize>) -> Request {
        let id = self.history.requests.len() as u64;
        Request {
            id,
            step: self.last_step(),
            client: 0,
            source: SocketAddr::new(self.plan.network.client_address(), 40_000),
            connection: id,
            planned: sent,
            sent,
            connected: Some(sent),
            first_byte: Some(sent + seconds(0.001)),
            ended: sent + seconds(0.001),
            outcome: if member.is_some() { Outcome::Ok } else { Outcome::Unavailable },
            status: Some(if member.is_some() { 200 } else { 503 }),
            member: member.map(|member| self.address(member)),
            cookie: None,
            set_cookies: Vec::new(),
            held: false,
        }
    }

    /// Closed-loop traffic: one request after the other, 2 ms apart, each served by the member that is given.
    pub fn sends(mut self, picks: impl IntoIterator<Item = usize>) -> Story {
        self = self.step(Step::Traffic(traffic()));
        for pick in picks {
            let request = self.request(self.now, Some(pick));
            self.history.requests.push(request);
            self = self.wait(0.002);
        }
        self.ends_step()
    }

    /// The VIP is an IPv6 address, and so are those of the clients.
    pub fn over_ipv6(mut self) -> Story {
        let network = &mut self.plan.network;
        network.vip = IpAddr::V6(ipv6("2001:db8:1::250"));
        network.sources = Some("2001:db8:64::/64".parse().expect("a prefix"));
        network.ipv6 = Some(Ipv6Network {
            subnet: "2001:db8:1::/64".parse().expect("a prefix"),
            client: ipv6("2001:db8:1::100"),
            balancer: [192, 168, 1, 253].into(),
        });
        self
    }

    /// Traffic of many addresses of the plan's, as many requests each as there are rounds; each member is that of a source.
    pub fn sends_rounds(mut self, rounds: usize, member: impl Fn(usize, usize) -> usize, sources: usize) -> Story {
        self = self.step(Step::Traffic(traffic()));
        for (round, index) in (0..rounds).flat_map(|round| (0..sources).map(move |index| (round, index))) {
            let number = u32::try_from(index).expect("few sources");
            let source = self.plan.network.source(number).expect("the plan has sources");
            let request = self.request(self.now, Some(member(round, index)));
            self.history.requests.push(Request { source: (source, 1000).into(), client: number, ..request });
            self = self.wait(0.002);
        }
        self.ends_step()
    }

    /// Traffic of many addresses, one request each, a /24 every ten addresses.
    pub fn sends_from_sources(mut self, picks: impl IntoIterator<Item = usize>) -> Story {
        self = self.step(Step::Traffic(traffic()));
        for (index, pick) in picks.into_iter().enumerate() {
            let number = u32::try_from(index).expect("few sources");
            let source = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 64, 0, 10)) + number / 10 * 256 + number % 10);
            let request = self.request(self.now, Some(pick));
            self.history.requests.push(Request { source: SocketAddr::from((source, 1000)), client: number, ..request });
            self = self.wait(0.002);
        }
        self.ends_step()
    }

    pub fn ends_step(mut self) -> Story {
        let step = self.last_step();
        let now = self.now;
        if let Some(record) = self.history.steps.iter_mut().find(|record| record.step == step) {
            record.ended = now;
        }
        self
    }

    pub fn fault(mut self, member: &str, fault: Fault) -> Story {
        self = self.step(Step::Fault { member: Some(name(member)), fault });
        let (step, at) = (self.last_step(), self.now);
        let record = FaultRecord { step, member: Some(name(member)), fault, at, proven: at + seconds(0.003) };
        self.history.faults.push(record);
        self
    }

    pub fn heal(mut self, member: &str) -> Story {
        self = self.step(Step::Heal { member: Some(name(member)) });
        let (step, at) = (self.last_step(), self.now);
        let record = HealRecord { step, member: Some(name(member)), at, proven: at + seconds(0.003) };
        self.history.heals.push(record);
        self
    }

    pub fn shows(mut self, member: &str, state: MemberState) -> Story {
        let (member, at) = (name(member), self.now);
        self.history.states.push(StateChange { member, state, at, source: StateSource::Announced });
        self
    }

    pub fn changes(mut self, step: Step) -> Story {
        let what = format!("{step:?}");
        self = self.step(step);
        let (step, begun) = (self.last_step(), self.now);
        self = self.wait(0.01);
        self.history.changes.push(Change { step, what, begun, in_force: self.now });
        self
    }

    /// Opens held requests one after the other, each on the member that is given.
    pub fn holds(mut self, picks: &[usize]) -> Story {
        let connections = u32::try_from(picks.len()).expect("few connections");
        self = self.step(Step::Hold { connections });
        for &pick in picks {
            let request = self.request(self.now, Some(pick));
            let served = Served {
                member: self.plan.members[pick].member.name.clone(),
                purpose: Purpose::Request(request.id),
                source: SocketAddrV4::new(self.plan.network.balancer(), 1000),
                started: self.now,
                ended: None,
                answer: Answer::Open,
                target: None,
                forwarded_for: None,
                cookie: None,
                unchanged: None,
                end_seen: None,
            };
            self.history.served.push(served);
            self.history.requests.push(Request { held: true, ended: self.now + seconds(60.0), ..request });
            self = self.wait(0.002);
        }
        self.ends_step()
    }

    /// Answers the held requests of one member.
    pub fn releases(mut self, member: &str) -> Story {
        self = self.step(Step::Release { member: Some(name(member)) });
        let now = self.now;
        for served in self.history.served.iter_mut().filter(|served| served.member == name(member)) {
            served.ended.get_or_insert(now);
        }
        self.wait(0.002)
    }

    pub fn judged(&self) -> Judgement {
        let mut history = self.history.clone();
        history.ending.get_or_insert(Ending { at: self.now, cut_short: None });
        history.requests.sort_by_key(|request| request.id);
        history.served.sort_by_key(|served| served.started);
        let mut plan = self.plan.clone();
        for (index, planned) in plan.steps.iter_mut().enumerate() {
            // A story plans what it sends, unless it says that some of it is missing.
            if let Step::Traffic(Traffic { load: Load::Closed { requests: requests @ 0 }, .. }) = &mut planned.step {
                *requests = history.requests.iter().filter(|request| request.step == index).count() as u64;
            }
        }
        judge(&plan, &history)
    }

    /// What was decided by this check, which not all expectations ask for: each outcome, with its summary.
    pub fn decided(&self, check: CheckId) -> Vec<String> {
        let verdicts = self.judged().verdicts.into_iter().filter(|verdict| verdict.check == check);
        verdicts.map(|verdict| format!("{}: {}", told(&verdict.outcome), verdict.summary)).collect()
    }

    /// Compares the verdicts on expectations, each in a line with its evidence below.
    pub fn check(&self, expected: &Expect) {
        let judgement = self.judged();
        let told = judgement.verdicts.iter().filter(|verdict| verdict.step.is_some()).flat_map(|verdict| {
            let evidence = verdict.evidence.iter().filter(|line| !line.starts_with("bound: "));
            let first = format!("{} {}: {}\n", verdict.check, told(&verdict.outcome), verdict.summary);
            [first].into_iter().chain(evidence.map(|line| format!("    {line}\n"))).collect::<Vec<_>>()
        });
        expected.assert_eq(&told.collect::<String>());
    }

    /// Each verdict on an expectation, as in `RR-1 holds`.
    pub fn outcomes(&self) -> String {
        let judgement = self.judged();
        let verdicts = judgement.verdicts.iter().filter(|verdict| verdict.step.is_some());
        let told = verdicts.map(|verdict| format!("{} {}", verdict.check, told(&verdict.outcome)));
        told.collect::<Vec<_>>().join(", ")
    }
}

fn told(outcome: &Decided) -> &'static str {
    match outcome {
        Decided::Holds => "holds",
        Decided::Fails => "fails",
        Decided::Inconclusive { .. } => "undecided",
        Decided::Unsupported { .. } => "unsupported",
    }
}

fn ipv6(text: &str) -> Ipv6Addr {
    text.parse().expect("an address")
}
