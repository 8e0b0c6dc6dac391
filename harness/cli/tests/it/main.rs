//! The real program: what it says, how it exits, and what it leaves when it is killed.

mod balancers;
mod codes;
mod conformance;
mod crashes;
mod databases;
mod disks;
mod ends;
mod host;
mod judging;
mod matrix;
mod random;
mod said;
mod scaled;
mod session;
mod standing;
mod up;
