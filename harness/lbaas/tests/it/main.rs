//! The control plane, asked over HTTP.

mod about;
mod answer;
mod api;
mod conversion;
mod dump;
mod floating_ip;
mod keystone;
mod lab;
mod network;
mod nova;
mod octavia;
mod order;
mod revisions;
mod security;
mod tables;
mod v1;
mod v2;
