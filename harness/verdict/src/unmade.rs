//! The checks that are known to be wanted and cannot be made yet, each with the reason.

/// A check that a conformance report counts as skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unmade {
    /// Its id as it is written, as in `HM-16`.
    pub code: &'static str,
    /// What it would assert, in a sentence.
    pub title: &'static str,
    /// The versions of LBaaS that promise it.
    pub lbaas: &'static str,
    /// What is missing.
    pub why: &'static str,
}

/// Every check that cannot be made, in the order of the ids. Reports name them, so that nobody takes what was not looked at for
/// what was found right.
pub static UNMADE: &[Unmade] = &[
    Unmade {
        code: "HM-24",
        title: "The status that the API shows follows the balancer's.",
        lbaas: "1, 2",
        why: "balancers are deployed without an API",
    },
    Unmade {
        code: "HM-26",
        title: "LBaaS v1 refuses a timeout that exceeds the delay, v2 accepts it.",
        lbaas: "1, 2",
        why: "balancers are deployed without an API",
    },
    Unmade {
        code: "RC-4",
        title: "What is switched off by admin_state_up serves nobody.",
        lbaas: "1, 2",
        why: "balancers are deployed without an API",
    },
    Unmade {
        code: "RC-5",
        title: "A balancer that is killed is started again in time.",
        lbaas: "2",
        why: "balancers are deployed without an agent that would start them again",
    },
    Unmade {
        code: "RC-10",
        title: "LBaaS v1 starts with APP_COOKIE.",
        lbaas: "1",
        why: "balancers are deployed without an API",
    },
];
