//! Why a peer could not be asked, in classes that differ in what is done next.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

use comity_serve::pinned::UnknownKey;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PeerError {
    /// Nobody is there, or the line broke. It is worth trying again, later and later.
    #[error("the peer cannot be reached: {0}")]
    Unreachable(String),
    /// Somebody is there who is not the peer. Trying again does not help; people have to look.
    #[error(
        "another key is shown than the charter pins{}; compare with `comity peer genesis` of that node",
        found.as_ref().map_or(String::new(), |pin| format!(": `{pin}`"))
    )]
    WrongKey {
        /// The pin of the key that was shown; none where the key is the right one, and who shows
        /// it could not prove that he has it.
        found: Option<String>,
    },
    /// The peer does not want to answer: to this party, or now.
    #[error("the peer refuses: {what}")]
    Refused {
        /// In which words.
        what: String,
        /// When to try again, where it says so.
        retry_after: Option<Duration>,
    },
    /// What came is not what peers speak.
    #[error("the peer does not keep to the protocol: {0}")]
    Protocol(String),
    /// More than was asked for.
    #[error("the answer is larger than {limit} octets")]
    TooLarge {
        /// How many were asked for.
        limit: usize,
    },
    /// It took too long.
    #[error("the peer took too long: {0}")]
    TimedOut(&'static str),
}

impl PeerError {
    /// When to try again, where the peer says so.
    pub(super) fn put_off(&self) -> Option<Duration> {
        match self {
            PeerError::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What went wrong while a connection was made or used.
    pub(super) fn of(error: &(dyn Error + 'static)) -> PeerError {
        let mut causes = std::iter::successors(Some(error), |error| cause(*error));
        let class = causes.find_map(|cause| {
            if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
                return Some(PeerError::of_tls(tls));
            }
            match cause.downcast_ref::<hyper::Error>() {
                Some(http) => PeerError::of_http(http),
                None => PeerError::of_body(cause.downcast_ref()?),
            }
        });
        class.unwrap_or_else(|| PeerError::Unreachable(error.to_string()))
    }

    fn of_tls(error: &rustls::Error) -> PeerError {
        use rustls::{AlertDescription as Alert, CertificateError, Error as Tls};
        match error {
            Tls::InvalidCertificate(CertificateError::BadSignature) => {
                PeerError::WrongKey { found: None }
            }
            Tls::InvalidCertificate(_) => match UnknownKey::of(error) {
                Some(unknown) => PeerError::WrongKey { found: Some(unknown.pin.clone()) },
                None => PeerError::Protocol(error.to_string()),
            },
            Tls::AlertReceived(
                Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateUnknown
                | Alert::CertificateRequired
                | Alert::UnknownCA
                | Alert::AccessDenied
                | Alert::DecryptError,
            ) => PeerError::Refused {
                what: "it lets no party in that shows this key".to_owned(),
                retry_after: None,
            },
            other => PeerError::Protocol(other.to_string()),
        }
    }

    /// What hyper says of a peer's octets; where it passes on what the line said, that decides.
    fn of_http(error: &hyper::Error) -> Option<PeerError> {
        let broken = error.is_parse() || error.is_incomplete_message();
        let passes_on = error.source().is_some() && !error.is_parse();
        (broken && !passes_on).then(|| PeerError::Protocol(error.to_string()))
    }

    /// A body that is not framed as it says, or ends before it is whole. One that ends because
    /// the line did, without the end that TLS has, tells nothing of the peer.
    fn of_body(error: &io::Error) -> Option<PeerError> {
        let inner = error.get_ref().filter(|inner| !inner.is::<rustls::Error>())?;
        let said = inner.to_string();
        let framing = match error.kind() {
            ErrorKind::UnexpectedEof => !said.contains("close_notify"),
            ErrorKind::InvalidData | ErrorKind::InvalidInput => true,
            _ => false,
        };
        framing.then_some(PeerError::Protocol(said))
    }
}

/// What an error is about. An error of the line has its cause inside, not behind it.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}
