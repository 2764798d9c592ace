//! Errors that explain why a server did not provide what was requested, without revealing a redirect address or a
//! secret.

use std::error::Error as StdError;
use std::io;

use rustls::{AlertDescription, CertificateError};

use crate::base::error::Error;
use crate::base::system::reason;

/// Whether a retry may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    Worthwhile,
    Pointless,
}

/// An error, and whether a retry may help.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) error: Error,
    pub(crate) again: Again,
}

impl Fault {
    pub(crate) fn pointless(error: Error) -> Self {
        Self { error, again: Again::Pointless }
    }

    pub(crate) fn worthwhile(from: &str, message: impl Into<String>, hint: &str) -> Self {
        Self { error: network(from, message, hint), again: Again::Worthwhile }
    }

    /// An error of the HTTP library. The library's messages contain addresses, so only the underlying cause is shown.
    pub(crate) fn of(from: &str, error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::worthwhile(from, "no response in time", SLOW);
        }
        Self::of_cause(from, error)
    }

    /// An error while reading the response body.
    pub(crate) fn of_body(from: &str, error: &io::Error) -> Self {
        let library = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
        if error.kind() == io::ErrorKind::TimedOut || library.is_some_and(reqwest::Error::is_timeout) {
            return Self::worthwhile(from, "the response stalled", SLOW);
        }
        Self::of_cause(from, error)
    }

    fn of_cause(from: &str, error: &(dyn StdError + 'static)) -> Self {
        let mut cause = error;
        loop {
            if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
                return of_tls(from, tls);
            }
            // `io::Error::source` does not return the error that the `io::Error` wraps, but the source of that error.
            let inner = cause.downcast_ref::<io::Error>().and_then(|io| io.get_ref());
            match inner.map(|inner| inner as &(dyn StdError + 'static)).or_else(|| cause.source()) {
                Some(deeper) => cause = deeper,
                None => break,
            }
        }
        if cause.is::<reqwest::Error>() {
            return Self::worthwhile(from, "the connection failed", CONNECTION);
        }
        let said = cause.downcast_ref().map_or_else(|| cause.to_string(), reason);
        Self::worthwhile(from, said, CONNECTION)
    }
}

const SLOW: &str = "run the command again: complete files are kept; --timeout allows more time";
const CONNECTION: &str = "check host, port and network, then run the command again: complete files are kept; if the name \
    does not resolve, use --resolve HOST:PORT:ADDRESS";

pub(crate) fn network(from: &str, message: impl Into<String>, hint: &str) -> Error {
    Error::Network { from: from.into(), message: message.into(), hint: hint.into() }
}

fn of_tls(from: &str, error: &rustls::Error) -> Fault {
    let hint = match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "connect to the server by a name in its certificate (HOSTNAME); if that name does not resolve, use --resolve HOST:PORT:ADDRESS"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the server's operator must install a new certificate (those that IBM's client makes are valid for one year); the dates are always checked"
            }
            _ => "the certificate must be issued by a trusted CA: check --ca (build server) or --outside-ca (others)",
        },
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRevoked
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError
            | AlertDescription::HandshakeFailure,
        ) => "the server may require a different client certificate: for the build server, check --cert and --key-file",
        rustls::Error::InvalidMessage(_) => "the server seems not to use TLS on this port: check host and port",
        _ => CONNECTION,
    };
    Fault::pointless(network(from, format!("TLS: {error}"), hint))
}
