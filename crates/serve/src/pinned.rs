//! TLS 1.3 between nodes: each side shows a certificate that signs itself, and is known by the
//! public key in it alone. No authority, no name and no date is looked at. Both sides are here.
//!
//! A session is never resumed: the key is looked up, and its owner proves that it is there, at
//! each handshake.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ParsedCertificate};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, OtherError,
    PeerMisbehaved, ServerConfig, SignatureScheme,
};
use sha2::{Digest as _, Sha256};

use crate::listen::ServeError;

/// The only protocol that peers speak inside: one request after the other on a connection.
const PROTOCOL: &[u8] = b"http/1.1";

/// Says whether a key may come in, now.
pub(crate) type Accepts = dyn Fn(&str) -> bool + Send + Sync;

/// The SHA-256 of a public key (SubjectPublicKeyInfo): `sha256//` and base64.
pub(crate) fn pin_of_key(subject_public_key_info: &[u8]) -> String {
    format!("sha256//{}", STANDARD.encode(Sha256::digest(subject_public_key_info)))
}

/// The pin of the key in a certificate.
pub(crate) fn pin_of(certificate: &CertificateDer<'_>) -> Result<String, Error> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    Ok(pin_of_key(&parsed.subject_public_key_info()))
}

/// The key that a node shows to other nodes, and the certificate around it.
#[derive(Debug, Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    pin: String,
}

impl Identity {
    /// Reads both files, PEM. A certificate of another key is an error.
    pub fn read(certificate: &Path, key: &Path) -> Result<Identity, ServeError> {
        let provider = rustls::crypto::ring::default_provider();
        let (certified, pin) = certified(certificate, key, &provider)?;
        Ok(Identity { certified: Arc::new(certified), pin })
    }

    /// What others pin.
    pub fn pin(&self) -> &str {
        &self.pin
    }

    /// The server's side: a key that is not accepted does not come in, and neither does whoever
    /// shows none.
    pub(crate) fn server(&self, accepts: Arc<Accepts>) -> Result<ServerConfig, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let verifier = Arc::new(Verifier { algorithms, accepts });
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(self.certified.clone())));
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    /// The client's side: one key is expected, and no name is told on the way.
    pub fn client(&self, expected: &str) -> Result<ClientConfig, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let expected = expected.to_owned();
        let accepts = Arc::new(move |pin: &str| pin == expected);
        let verifier = Arc::new(Verifier { algorithms, accepts });
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(self.certified.clone())));
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_sni = false;
        Ok(config)
    }
}

/// A certificate chain with its key, and the pin of the key.
pub(crate) fn certified(
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<(CertifiedKey, String), ServeError> {
    let fault =
        |path: &Path, what: String| ServeError::Tls { path: path.display().to_string(), what };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| fault(certificate, error.to_string()))?;
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|error| fault(key, error.to_string()))?;
    let certified = CertifiedKey::from_der(chain, secret, provider)
        .map_err(|error| fault(certificate, error.to_string()))?;
    let public = certified
        .key
        .public_key()
        .ok_or_else(|| fault(key, "its public key cannot be told".to_owned()))?;
    let pin = pin_of_key(public.as_ref());
    Ok((certified, pin))
}

/// A key that was shown and is not expected, or not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key `{pin}` is not accepted")]
pub struct UnknownKey {
    /// Its pin.
    pub pin: String,
}

impl UnknownKey {
    /// The key that a handshake failed for, where that is why it failed.
    pub fn of(error: &Error) -> Option<&UnknownKey> {
        match error {
            Error::InvalidCertificate(CertificateError::Other(other)) => {
                other.0.downcast_ref::<UnknownKey>()
            }
            _ => None,
        }
    }
}

/// Looks at the key, and at the proof that the other side has its secret half.
struct Verifier {
    algorithms: WebPkiSupportedAlgorithms,
    accepts: Arc<Accepts>,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Verifier")
    }
}

impl Verifier {
    fn judge(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let pin = pin_of(certificate)?;
        if (self.accepts)(&pin) {
            return Ok(());
        }
        let unknown = OtherError(Arc::new(UnknownKey { pin }));
        Err(Error::InvalidCertificate(CertificateError::Other(unknown)))
    }

    fn proven(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }
}

/// Nothing older than TLS 1.3 is configured, so nothing older can be signed.
fn older() -> Error {
    Error::PeerMisbehaved(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.judge(end_entity).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(older())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.proven(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(end_entity).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(older())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.proven(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
