//! Clients against scripted servers and real members on the loopback interface.

mod cookies;
mod loops;
mod outcomes;
mod reuse;
mod script;
mod single;
mod tls;
