//! Measures what a load balancer does, to be compared with what its manifest declares.
//!
//! An [`Experiment`] is a small scenario, which is carried out in a lab as any other one is. Each trait is then read off the
//! histories by a function of its own, which looks at what clients and members saw and not at what is declared.

#![forbid(unsafe_code)]

mod ability;
mod block;
mod experiment;
mod finding;
mod labs;
mod measure;
mod report;
mod seen;
mod traits;
mod words;

pub use ability::Ability;
pub use block::traits_block;
pub use experiment::Experiment;
pub use finding::{Finding, Standing};
pub use labs::{Heard, Labs, Listener, Nothing, Ran, Setup};
pub use measure::findings;
pub use report::{Report, labs_for, probe};
pub use seen::Seen;
pub use traits::{Trait, experiments};
