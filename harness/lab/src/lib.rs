//! Labs made of Linux network namespaces.
//!
//! This is the only crate that asks the kernel for namespaces, links, routes, rules and processes in them. [`sandbox`]
//! puts the program into namespaces of its own that die with it; [`Lab`] builds the network of one run inside;
//! [`doctor`] says what a machine lacks.
#![deny(unsafe_code)]

mod balancer_port;
mod barrier;
mod build;
pub mod doctor;
mod echo_watch;
mod error;
mod handshake_watch;
mod kernel_calls;
mod lab;
mod layout;
mod leftovers;
mod link_fault;
mod messages;
mod namespace;
mod netlink;
mod nft;
mod packet_watch;
mod process;
mod process_output;
mod processor_use;
mod processor_wait;
mod rules;
pub mod sandbox;
mod sysctl;
mod topology;

pub use build::BuildTimes;
pub use echo_watch::{EchoRequest, EchoWatch};
pub use error::LabError;
pub use handshake_watch::{HandshakeKind, HandshakeSegment, HandshakeWatch};
pub use lab::Lab;
pub use layout::TopologyError;
pub use leftovers::{LeftProcess, Leftovers};
pub use link_fault::LinkFault;
pub use namespace::Namespace;
pub use nix::sys::signal::Signal;
pub use process::{Process, ProcessSpec};
pub use process_output::{OutputLine, OutputStream};
pub use processor_use::{ProcessorTimes, allowed_processors};
pub use processor_wait::ProcessorWait;
pub use topology::{External, Host, Ipv6Side, PortAddresses, Topology};
