//! The `expect` step.

use serde_json::{Value as Json, json};

use super::NameText;
use crate::diagnostic::Findings;
use crate::shape::{Number, Shape, choice, leaf, words};
use crate::suggest;
use crate::yaml::{Node, Value, printable};

choice! {
    /// What is to have happened, or to happen in time.
    Expect {
        /// The member goes out of rotation in the time that its monitor and its fault allow. The run waits for it.
        Leaves(NameText) = "leaves" ["vm01"],
        /// The member comes into rotation again in the time that its monitor allows. The run waits for it.
        Returns(NameText) = "returns" ["vm01"],
        /// The member has not been taken out of rotation so far.
        Stays(NameText) = "stays" ["vm01"],
        /// The member served none of the last traffic.
        Idle(NameText) = "idle" ["vm01"],
        /// The requests of the last `hold` all went to this member, which had just been released.
        Refills(NameText) = "refills" ["vm01"],
        /// The last traffic was shared exactly `by weight`, or its sources were `spread` over all members.
        Shares(Shares) = "shares",
        /// Each source of the last traffic kept to one member (`stick`). Compared with the traffic before it, only clients of members
        /// that have left are elsewhere (`only victims moved`), or nobody is (`stay`). Compared with the last traffic before the
        /// first fault, nobody is (`restored`). As many as the balancer's table has room for are where they were (`remembered`).
        Sources(Sources) = "sources",
        /// Each client of the last traffic kept to one member by its cookie (`stick`). Compared with the traffic before it, only clients
        /// of members that have left are elsewhere, with a new cookie (`only victims moved`), or nobody is (`stay`). Each is on the
        /// member of its first cookie (`restored`).
        Cookies(Cookies) = "cookies",
        /// The held requests are shared as evenly as can be, at every moment.
        Held(Held) = "held",
        /// Who of several idle members got each request of the last traffic: `as declared`.
        Ties(Ties) = "ties",
        /// Each request of the last traffic went to a member that was as little busy as any other: `even`.
        Loads(Loads) = "loads",
        /// How many requests of all traffic were lost: as many as `predicted`, or at most a number.
        Lost(Lost) = "lost" ["predicted", 0],
        /// Every request of the last traffic was answered with this status.
        Answers(Number<100, 599>) = "answers" [503],
        /// No member has seen a health probe: `none`.
        Probes(NoProbes) = "probes",
    }
}

/// How the last traffic was shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shares {
    ByWeight,
    Spread,
}

words! { Shares: "by weight" => Shares::ByWeight, "spread" => Shares::Spread }

/// What became of the sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sources {
    Stick,
    OnlyVictimsMoved,
    Stay,
    Restored,
    Remembered,
}

words! { Sources:
    "stick" => Sources::Stick,
    "only victims moved" => Sources::OnlyVictimsMoved,
    "stay" => Sources::Stay,
    "restored" => Sources::Restored,
    "remembered" => Sources::Remembered,
}

/// What became of clients with cookies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cookies {
    Stick,
    OnlyVictimsMoved,
    Stay,
    Restored,
}

words! { Cookies:
    "stick" => Cookies::Stick,
    "only victims moved" => Cookies::OnlyVictimsMoved,
    "stay" => Cookies::Stay,
    "restored" => Cookies::Restored,
}

/// Who gets a request when several members are equally busy.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ties {
    AsDeclared,
}

words! { Ties: "as declared" => Ties::AsDeclared }

/// How busy members are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Loads {
    Even,
}

words! { Loads: "even" => Loads::Even }

/// How held requests are shared.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Held {
    Balanced,
}

words! { Held: "balanced" => Held::Balanced }

/// How many probes were seen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NoProbes {
    None,
}

words! { NoProbes: "none" => NoProbes::None }

/// How many requests may be lost.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lost {
    Predicted,
    AtMost(u32),
}

/// The largest number of lost requests that can be named.
type LostNumber = Number<0, 1_000_000>;

impl Shape for Lost {
    fn read(node: &Node, found: &mut Findings) -> Option<Lost> {
        match &node.value {
            Value::Scalar { text, .. } if text.starts_with(|c: char| c.is_ascii_digit()) => {
                LostNumber::read(node, found).map(|number| Lost::AtMost(number.0))
            }
            _ => leaf(node, "unknown-word", "`predicted` or a number", found, |text| match text {
                "predicted" => Ok(Lost::Predicted),
                _ => Err((format!("`{}` is not known here", printable(text)), lost_help(text))),
            }),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [{ "enum": ["predicted"] }, LostNumber::schema()] })
    }
}

fn lost_help(text: &str) -> String {
    match suggest::nearest(text, ["predicted"]) {
        Some(_) => "did you mean `predicted`?".to_owned(),
        None => "write `predicted`, or the most that may be lost as a number: `lost: 0`".to_owned(),
    }
}
