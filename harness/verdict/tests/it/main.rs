//! Histories of right and wrong balancers, and what is made of them.

mod change;
mod detection;
mod docs;
mod held;
mod laws;
mod loss;
mod monitor;
mod recovery;
mod sharing;
mod sources;
mod stays;
mod story;
mod trust;
