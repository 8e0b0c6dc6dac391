//! The control plane, asked over HTTP.

mod about;
mod api;
mod floating_ip;
mod keystone;
mod lab;
mod network;
mod nova;
mod security;
mod tables;
mod v1;
