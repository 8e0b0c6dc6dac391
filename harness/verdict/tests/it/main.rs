//! Histories of right and wrong balancers, and what is made of them.

mod change;
mod connections;
mod detection;
mod docs;
mod fall;
mod held;
mod hidden;
mod ignored;
mod laws;
mod loss;
mod monitor;
mod panic;
mod passive;
mod recovery;
mod scaled;
mod sharing;
mod shuffled;
mod sources;
mod stays;
mod story;
mod trust;
mod unmonitored;
