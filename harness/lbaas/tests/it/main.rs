//! The control plane, asked over HTTP.

mod about;
mod answer;
mod api;
mod floating_ip;
mod keystone;
mod lab;
mod network;
mod nova;
mod octavia;
mod security;
mod tables;
mod v1;
mod v2;
