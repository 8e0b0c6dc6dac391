//! Why traffic could not be sent, through no fault of whoever was to answer it.

use std::io;
use std::net::{IpAddr, SocketAddr};

/// Why traffic could not be sent, through no fault of whoever was to answer it. What an answering side can cause is an
/// [`Outcome`](lblab_history::Outcome) instead.
#[derive(Debug, thiserror::Error)]
pub enum TrafficError {
    /// There is no one to send requests.
    #[error("traffic needs at least one client; give it a source address")]
    NoClients,
    /// The rate is no rate.
    #[error("requests cannot be sent at a rate of {0} a second; use a positive number")]
    Rate(f64),
    /// The method or path would not survive in a request line.
    #[error("cannot write the request line `{method} {path}`; use visible ASCII characters without spaces")]
    RequestLine {
        /// The method.
        method: String,
        /// The path.
        path: String,
    },
    /// The client's namespace gave no socket.
    #[error("opening a socket for a client at {client}: {error}; the limit of open files may be too low")]
    Socket {
        /// The client's address.
        client: IpAddr,
        /// What the kernel said.
        error: io::Error,
    },
    /// The client could not take its address.
    #[error("binding a client to {client}: {error}; the address has to be local where the client runs")]
    Bind {
        /// The client's address.
        client: IpAddr,
        /// What the kernel said.
        error: io::Error,
    },
    /// All of the client's ports are in use.
    #[error("no port is free at {client} to connect to {target}; send from more addresses or reuse connections")]
    NoPort {
        /// The client's address.
        client: IpAddr,
        /// Where it wanted to connect to.
        target: SocketAddr,
    },
}
