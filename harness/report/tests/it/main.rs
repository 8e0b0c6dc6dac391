//! What each format shows of the same runs.

#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes every snapshot with them")]

mod conformance;
mod formats;
mod known;
mod matrix;
mod sample;
mod streams;
mod summary;
