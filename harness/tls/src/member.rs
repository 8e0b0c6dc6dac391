//! The side that shows a certificate.

use std::io;
use std::sync::{Arc, LazyLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use crate::provider;

/// A connection that a member has accepted, decrypted.
pub type Accepted<S> = tokio_rustls::server::TlsStream<S>;

/// Made when the first member is asked, so that a lab without TLS does not pay for it.
static MEMBER: LazyLock<Arc<ServerConfig>> = LazyLock::new(|| {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("../certificate/member.crt.pem"))
        .expect("the certificate is part of the program");
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../certificate/member.key.pem"))
        .expect("the key is part of the program");
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring has the ciphers of every version")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("the key is the certificate's");
    // Every connection is shaken hands on in full, and nothing comes that was not asked for.
    config.send_tls13_tickets = 0;
    Arc::new(config)
});

/// Shakes hands as a member, by TLS 1.2 or 1.3.
///
/// # Errors
/// What the peer says or sends that is no handshake, such as a request in the clear.
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> io::Result<Accepted<S>> {
    TlsAcceptor::from(Arc::clone(&MEMBER)).accept(stream).await
}
