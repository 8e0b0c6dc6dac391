//! The peers' assertions on histories that were written by hand, what they miss by their own numbers, and the matrix.

mod gateway_api;
mod history;
mod matrix;
mod neutron_lbaas;
mod octavia;
mod our_table;
mod pass_rates;
mod scenarios;
