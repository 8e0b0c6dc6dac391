//! TLS between parties that have no reason to trust each other: members with one certificate that they have signed themselves, and
//! clients and monitors that take any.
//!
//! OpenStack's monitors verify nothing either (`check-ssl verify none`), and a lab has nobody who could vouch for a member.

#![forbid(unsafe_code)]

mod member;
mod peer;
mod stream;

pub use member::{Accepted, accept};
pub use peer::Trust;
pub use stream::Stream;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The ciphers of both sides. It is passed along, since a program may have several providers and only one default.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
