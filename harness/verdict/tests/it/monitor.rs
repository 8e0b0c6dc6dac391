//! A balancer's monitor, played through probe by probe: right, or wrong in a way that is asked for.

use std::net::SocketAddrV4;
use std::time::Duration;

use lblab_history::{Answer, MemberState, Purpose, Served, StateChange, StateSource};
use lblab_model::{Fault, Moment, ProbeCost, ProbeSchedule};

use crate::story::{Story, at, name, seconds};

/// How a monitor is played.
#[derive(Clone, Copy, Debug)]
pub struct Play {
    /// When the first probe starts.
    pub phase: f64,
    /// Bad probes in a row that take the member out.
    pub fall: u32,
    /// Good probes in a row that bring it back.
    pub rise: u32,
    /// Whether bad probes need not be in a row.
    pub forgets_good: bool,
    /// What it adds to the delay.
    pub slower: f64,
    /// How long it waits for an answer.
    pub patience: f64,
    /// A status that it takes for the opposite of what it is.
    pub wrong_about: Option<u16>,
}

impl Story {
    /// A monitor that does what it says, with its first probe at `phase`.
    pub fn right(&self, phase: f64) -> Play {
        let fall = self.plan.monitor.as_ref().map_or(3, |monitor| monitor.max_retries);
        Play {
            phase,
            fall,
            rise: self.history.header.balancer.traits.rise,
            forgets_good: false,
            slower: 0.0,
            patience: self.plan.monitor.as_ref().map_or(1.0, |monitor| monitor.timeout.as_secs_f64()),
            wrong_about: None,
        }
    }

    /// Plays the monitor of a member from the start until now, through the faults that have been told.
    pub fn watched(mut self, member: &str, play: Play) -> Story {
        let monitor = self.plan.monitor.clone().expect("the story has a monitor");
        let traits = self.history.header.balancer.traits.clone();
        let cost = |cost: ProbeCost| match cost {
            ProbeCost::Timeout => monitor.timeout,
            ProbeCost::DelayUpTo(limit) => limit.min(monitor.delay),
            ProbeCost::TimeoutOrDelayUpTo(limit) => limit.min(monitor.delay).max(monitor.timeout),
            ProbeCost::TimeoutUpTo(limit) => limit.min(monitor.timeout),
        };
        let member = name(member);
        let (mut start, mut bad, mut good, mut up) = (at(play.phase), 0, 0, true);
        while start <= self.now {
            let fault = self.fault_at(&member, start);
            let healthy = seconds(0.001);
            // How long the probe takes, what the member saw of it, and whether it passed.
            let (took, answer, passed) = match fault {
                None => (healthy, Some(Answer::Status(200)), true),
                Some(Fault::Status { code }) => {
                    let right = monitor.kind.expected_codes().is_some_and(|codes| codes.contains(code));
                    (healthy, Some(Answer::Status(code)), right != (play.wrong_about == Some(code)))
                }
                Some(Fault::Slow { first_byte }) if first_byte.as_secs_f64() < play.patience => {
                    (first_byte, Some(Answer::Status(200)), true)
                }
                Some(Fault::Slow { .. }) => (seconds(play.patience), Some(Answer::Abandoned), false),
                Some(Fault::Reset { .. }) => (healthy, Some(Answer::Reset), false),
                Some(Fault::Hang) => (cost(traits.unanswered_request), Some(Answer::Silent), false),
                Some(Fault::Blackhole | Fault::Unplug) => (cost(traits.unanswered_syn), None, false),
                Some(_) => (Duration::ZERO, None, false),
            };
            let end = start + took;
            if let Some(answer) = answer {
                self.history.served.push(Served {
                    member: member.clone(),
                    purpose: Purpose::Probe,
                    source: SocketAddrV4::new(self.plan.network.balancer(), 2000),
                    started: start,
                    ended: Some(end),
                    answer,
                    target: Some("GET /".to_owned()),
                    forwarded_for: None,
                    cookie: None,
                    unchanged: None,
                    end_seen: None,
                });
            }
            (bad, good) = match passed {
                true if play.forgets_good => (bad, good + 1),
                true => (0, good + 1),
                false => (bad + 1, 0),
            };
            let flips = if up { bad >= play.fall } else { good >= play.rise };
            if flips && end <= self.now {
                up = !up;
                (bad, good) = (0, 0);
                let state = if up { MemberState::Up } else { MemberState::Down };
                let announced = StateChange { member: member.clone(), state, at: end, source: StateSource::Announced };
                self.history.states.push(announced);
            }
            let delay = monitor.delay + seconds(play.slower);
            start = match traits.probe_schedule {
                ProbeSchedule::EndToStart => end + delay,
                ProbeSchedule::StartToStart | ProbeSchedule::Ticks => start + delay.max(took),
            };
        }
        self
    }

    fn fault_at(&self, member: &lblab_model::Name, at: Moment) -> Option<Fault> {
        let faults = self.history.faults.iter().filter(|fault| fault.member.as_ref() == Some(member) && fault.at <= at);
        let fault = faults.max_by_key(|fault| fault.at)?;
        let healed = self
            .history
            .heals
            .iter()
            .any(|heal| heal.member.as_ref() == Some(member) && heal.at >= fault.at && heal.at <= at);
        (!healed).then_some(fault.fault)
    }
}
