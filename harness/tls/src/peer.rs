//! The side that is shown a certificate, and what it thinks of it.

use std::sync::{Arc, LazyLock};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::provider;

/// Whose certificates are taken for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Everybody's.
    Anybody,
    /// Nobody's, as without a list of authorities.
    Nobody,
}

static ANYBODY: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let verifier = Anybody(provider());
    config(|builder| builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
});

static NOBODY: LazyLock<Arc<ClientConfig>> =
    LazyLock::new(|| config(|builder| builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()));

impl Trust {
    /// How a connection is made by those who trust so.
    pub(crate) fn config(self) -> Arc<ClientConfig> {
        Arc::clone(match self {
            Trust::Anybody => &ANYBODY,
            Trust::Nobody => &NOBODY,
        })
    }
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>;

fn config(trusting: impl FnOnce(Builder) -> ClientConfig) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring has the ciphers of every version");
    let mut config = trusting(builder);
    // A probe says nothing of a member's handshake if it goes on from one that was made before.
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// Takes any certificate. Whoever shows it has to have its key all the same.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
