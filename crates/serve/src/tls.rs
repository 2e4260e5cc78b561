//! TLS 1.3: a certificate and its key from files, read again when somebody asks for it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::sign::SingleCertAndKey;
use tokio_rustls::TlsAcceptor;

use crate::listen::ServeError;
use crate::pinned;

/// A certificate chain and its key. Connections that are open go on with the ones that they began
/// with; those that come after [`Tls::reload`] get the new ones.
#[derive(Debug)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Current>,
}

#[derive(Debug, Clone)]
struct Current {
    config: Arc<ServerConfig>,
    pin: String,
}

impl Tls {
    /// Reads both files, PEM.
    pub fn read(certificate: &Path, key: &Path) -> Result<Tls, ServeError> {
        let current = RwLock::new(load(certificate, key)?);
        Ok(Tls { certificate: certificate.to_owned(), key: key.to_owned(), current })
    }

    /// Reads both files again. Where one cannot be used, what was there stays.
    pub fn reload(&self) -> Result<(), ServeError> {
        let read = load(&self.certificate, &self.key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    /// The SHA-256 of the public key (its SubjectPublicKeyInfo), as clients are told to pin it:
    /// `sha256//` and base64. A new certificate for the same key has the same pin.
    pub fn pin(&self) -> String {
        self.current().pin
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current().config)
    }

    fn current(&self) -> Current {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A configuration of its own for each reading, so that no session of a former certificate is
/// resumed under the new one.
fn load(certificate: &Path, key: &Path) -> Result<Current, ServeError> {
    let fault = |what: String| ServeError::Tls { path: certificate.display().to_string(), what };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let (certified, pin) = pinned::certified(certificate, key, &provider)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| fault(error.to_string()))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Current { config: Arc::new(config), pin })
}
