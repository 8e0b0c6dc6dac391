//! What is done in a run.

use std::time::Duration;

use lblab_model::{Fault, Name, Weight};
use serde::{Deserialize, Serialize};

use super::Expectation;

/// A step and where it stands in the scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Where it stands.
    pub place: Place,
    /// What is done.
    pub step: Step,
}

/// A place in the scenario's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The byte at which it starts.
    pub start: usize,
    /// The byte before which it ends.
    pub end: usize,
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Clients send requests.
    Traffic(Traffic),
    /// So many requests are opened, one after the other, and held open by their members.
    Hold {
        /// How many.
        connections: u32,
    },
    /// Held requests are answered: those on one member, or all.
    Release {
        /// The member, or none for all.
        member: Option<Name>,
    },
    /// A fault takes hold.
    Fault {
        /// The member, or none for the balancer.
        member: Option<Name>,
        /// The fault.
        fault: Fault,
    },
    /// The faults of a member, or of the balancer, are undone.
    Heal {
        /// The member, or none for the balancer.
        member: Option<Name>,
    },
    /// A fault comes and goes.
    Flap(Flap),
    /// Nothing is done until something has happened.
    Wait(Wait),
    /// A member joins the pool.
    Add {
        /// The member.
        member: Name,
    },
    /// A member leaves the pool.
    Remove {
        /// The member.
        member: Name,
    },
    /// A member's weight is changed.
    Reweight {
        /// The member.
        member: Name,
        /// Its new weight.
        weight: Weight,
    },
    /// The processors are kept busy from now on, or no longer.
    Busy {
        /// How much of their time is used, in percent; none lets them be.
        percent: Option<u32>,
    },
    /// The pool's monitor is removed.
    RemoveMonitor,
    /// Something is to have happened, or to happen in time.
    Expect(Expectation),
}

/// Clients send requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// When and how many.
    pub load: Load,
    /// Who sends them.
    pub clients: Clients,
    /// How many of the sources come before the first one that sends.
    #[serde(default)]
    pub skipped_sources: u32,
    /// Where to.
    pub to: Target,
    /// Whether a client uses its connection again.
    pub reuse: bool,
    /// Whether a client closes its half of the connection with its request.
    #[serde(default)]
    pub half_close: bool,
    /// Which cookies a client sends.
    pub cookies: Cookies,
    /// The request's method.
    pub method: String,
    /// The request's path.
    pub path: String,
    /// How long a connection may take.
    #[serde(with = "lblab_model::seconds")]
    pub connect_timeout: Duration,
    /// How long an answer may take, from the connection on.
    #[serde(with = "lblab_model::seconds")]
    pub read_timeout: Duration,
}

impl Traffic {
    /// Whether the traffic goes on while the next steps are carried out.
    pub fn in_background(&self) -> bool {
        matches!(self.load, Load::Open { span: Span::Rest, .. })
    }

    /// How many requests it comes to; none if it goes on in the background, since that depends on the rest.
    pub fn requests(&self) -> Option<u64> {
        match self.load {
            Load::Closed { requests } => Some(requests),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a checked rate is at most 10,000 a second, for at most an hour"
            )]
            Load::Open { rate, span: Span::For(span) } => Some((rate * span.as_secs_f64()).round() as u64),
            Load::Open { span: Span::Rest, .. } => None,
        }
    }
}

/// Which cookies clients send.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cookies {
    /// None.
    #[default]
    None,
    /// Those that they are given in this traffic.
    Keep,
    /// Those that they had at the end of the last traffic, and those that they are given.
    Bring,
    /// Those that they were given first, when they had none, and those that they are given.
    First,
    /// Always this one.
    Fixed(String),
}

impl Cookies {
    /// Whether clients send back what they are given.
    pub fn are_kept(&self) -> bool {
        matches!(self, Cookies::Keep | Cookies::Bring | Cookies::First)
    }
}

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Load {
    /// So many; each client sends its next one when the one before has ended.
    Closed {
        /// How many, over all clients.
        requests: u64,
    },
    /// So many a second at planned times, whatever becomes of the ones before.
    Open {
        /// Requests a second.
        rate: f64,
        /// For how long.
        span: Span,
    },
}

/// For how long an open loop sends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Span {
    /// For this long; the next step is taken then.
    For(#[serde(with = "lblab_model::seconds")] Duration),
    /// Until the last step has been carried out; the next step is taken at once.
    Rest,
}

/// Who sends requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clients {
    /// So many clients at the tenant client's address.
    Tenant(u32),
    /// So many clients at the outside client's address.
    Outside(u32),
    /// So many clients one after the other, each with an address of its own out of the sources prefix; every client sends
    /// the same number of requests, in turn.
    Sources(u32),
}

impl Clients {
    /// How many clients there are.
    pub fn count(self) -> u32 {
        match self {
            Clients::Tenant(count) | Clients::Outside(count) | Clients::Sources(count) => count,
        }
    }
}

/// Where requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// To the VIP.
    Vip,
    /// To the floating IP.
    FloatingIp,
}

/// A fault comes and goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flap {
    /// The member.
    pub member: Name,
    /// The fault; one that the member's program brings about, so that the member sees every probe.
    pub fault: Fault,
    /// Bad probes before each heal.
    pub bad_probes: u32,
    /// Good probes after each heal.
    pub good_probes: u32,
    /// How often.
    pub times: u32,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wait {
    /// Time.
    For(#[serde(with = "lblab_model::seconds")] Duration),
    /// So many more probes, good or bad, seen by this member.
    Probes {
        /// The member.
        member: Name,
        /// How many.
        count: u32,
    },
}
