//! Histories of a plan, written by hand: what each request of a step got, and what the balancer showed of its members.

use std::fmt::Write as _;
use std::time::Duration;

use expect_test::Expect;
use lblab_balancer::Manifest;
use lblab_history::{
    Answer, BalancerIdentity, Ending, FORMAT, Header, History, MemberState, Outcome, Purpose, Request, Served,
    StateChange, StateSource, StepRecord,
};
use lblab_model::{Moment, Name};
use lblab_peers::{Ruling, say};
use lblab_scenario::Plan;

/// What a request got.
#[derive(Clone, Copy)]
pub enum Got {
    /// The answer of this member, counted from 0.
    From(usize),
    /// This status.
    Status(u16),
    /// No answer.
    Nothing,
}

/// A run in the making.
pub struct Run {
    pub plan: Plan,
    pub history: History,
    now: Moment,
}

impl Run {
    /// A run of two members, of a pool of this kind and with these steps, each on a line. An expectation is added, which a scenario
    /// needs.
    pub fn of(pool: &str, monitor: Option<&str>, steps: &[&str]) -> Run {
        Run::of_weights(&[1, 1], pool, monitor, steps)
    }

    pub fn of_weights(weights: &[u16], pool: &str, monitor: Option<&str>, steps: &[&str]) -> Run {
        let mut text = format!("name: a run\npool: {{{pool}}}\nvip: 192.168.1.250:80\nmembers:\n");
        for (index, weight) in weights.iter().enumerate() {
            let (number, address) = (index + 1, index + 17);
            let _ = writeln!(text, "  - {{name: vm{number:02}, address: 192.168.1.{address}, weight: {weight}}}");
        }
        if let Some(monitor) = monitor {
            let _ = writeln!(text, "monitor: {{{monitor}}}");
        }
        text.push_str("steps:\n");
        for step in steps {
            let _ = writeln!(text, "  - {step}");
        }
        let plan = lblab_scenario::check("run.yaml", &text).unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
        let traits = Manifest::load("reference").expect("it is shipped").traits().clone();
        let balancer = BalancerIdentity {
            name: "told".to_owned(),
            version: "1".to_owned(),
            attachment: None,
            mutant: None,
            traits,
        };
        let header = Header {
            format: FORMAT,
            run: "1-1".to_owned(),
            lblab: "0.1.0".to_owned(),
            plan: serde_json::Value::Null,
            balancer,
            seed: 1,
            started_unix_nanos: 0,
        };
        Run { plan, history: History::new(header), now: Moment::EPOCH }
    }

    /// A step is carried out, in which requests are sent one after the other.
    pub fn step(mut self, got: impl IntoIterator<Item = Got>) -> Run {
        let step = self.history.steps.len();
        let started = self.now;
        for got in got {
            self.now = self.now + Duration::from_millis(2);
            let request = self.request(step, got);
            self.history.requests.push(request);
        }
        self.now = self.now + Duration::from_secs(1);
        self.history.steps.push(StepRecord { step, started, ended: self.now });
        self
    }

    fn request(&self, step: usize, got: Got) -> Request {
        let id = self.history.requests.len() as u64;
        let (outcome, status, member) = match got {
            Got::From(member) => (Outcome::Ok, Some(200), Some(self.plan.members[member].member.address)),
            Got::Status(503) => (Outcome::Unavailable, Some(503), None),
            Got::Status(status) => (Outcome::OtherStatus, Some(status), None),
            Got::Nothing => (Outcome::ResetBeforeBytes, None, None),
        };
        Request {
            id,
            step,
            client: 0,
            source: "192.168.1.254:40000".parse().expect("an address"),
            connection: id,
            planned: self.now,
            sent: self.now,
            connected: Some(self.now),
            first_byte: status.map(|_| self.now),
            ended: self.now,
            outcome,
            status,
            member,
            cookie: None,
            set_cookies: Vec::new(),
            held: false,
        }
    }

    /// The first request of the last step was answered with this cookie.
    pub fn sets(mut self, cookie: &str) -> Run {
        let step = self.history.steps.len() - 1;
        if let Some(request) = self.history.requests.iter_mut().find(|request| request.step == step) {
            request.set_cookies.push(cookie.to_owned());
        }
        self
    }

    /// The balancer shows a member's state, just after the last step was begun.
    pub fn shows(mut self, member: &str, state: MemberState) -> Run {
        let at = self.history.steps.last().map_or(Moment::EPOCH, |step| step.started) + Duration::from_millis(1);
        let member = Name::try_from(member).expect("a name");
        self.history.states.push(StateChange { member, state, at, source: StateSource::Announced });
        self
    }

    /// The member saw the last request, with this `X-Forwarded-For`.
    pub fn forwards(mut self, client: Option<&str>) -> Run {
        let id = self.history.requests.last().expect("a request was sent").id;
        let served = self.seen(Purpose::Request(id));
        self.history.served.push(Served { forwarded_for: client.map(str::to_owned), ..served });
        self
    }

    /// A member saw a probe.
    pub fn probed(mut self, target: &str) -> Run {
        let served = self.seen(Purpose::Probe);
        self.history.served.push(Served { target: Some(target.to_owned()), ..served });
        self
    }

    fn seen(&self, purpose: Purpose) -> Served {
        Served {
            member: self.plan.members[0].member.name.clone(),
            purpose,
            source: "192.168.1.250:50000".parse().expect("an address"),
            started: self.now,
            ended: Some(self.now),
            answer: Answer::Status(200),
            target: None,
            forwarded_for: None,
            cookie: None,
            unchanged: None,
            end_seen: None,
        }
    }

    /// Compares what the peers say that look, each in a line.
    pub fn check(&self, expected: &Expect) {
        let mut history = self.history.clone();
        history.ending = Some(Ending { at: self.now, cut_short: None });
        let mut told = String::new();
        for said in say(&self.plan, &history).into_iter().filter(|said| said.assertion.is_some()) {
            let ruling = match &said.ruling {
                Ruling::Passes => "passes".to_owned(),
                Ruling::Fails(why) => format!("fails: {why}"),
                Ruling::DoesNotLook(why) => format!("does not look: {why}"),
                Ruling::Undecided(why) => format!("undecided: {why}"),
            };
            let _ = writeln!(told, "{} {} {ruling}", said.peer, said.assertion.unwrap_or_default());
        }
        expected.assert_eq(&told);
    }
}

/// So many answers of the two members in turn.
pub fn in_turn(count: usize) -> Vec<Got> {
    (0..count).map(|index| Got::From(index % 2)).collect()
}

/// So many answers of one member.
pub fn only(member: usize, count: usize) -> Vec<Got> {
    vec![Got::From(member); count]
}
