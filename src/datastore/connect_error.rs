//! Why a datastore cannot be queried.

use std::error::Error;
use std::io;

use rustls::CertificateError;
use tokio_postgres::error::SqlState;

use super::Endpoint;

/// Why a datastore gave no answer. A `reason` is the server's own text where the server sent one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    #[error("the name `{host}` does not resolve: {reason}")]
    Name { host: String, reason: String },
    #[error("nothing answers at {at}: {reason}")]
    Unreachable { at: String, reason: String },
    #[error("{at} speaks no TLS")]
    NoTls { at: String },
    #[error("the certificate of {at} is from another authority")]
    OtherCa { at: String },
    #[error("the certificate of {at} is not for `{host}` but for {names}")]
    OtherName { at: String, host: String, names: String },
    #[error("the certificate of {at} is {what}")]
    Time { at: String, what: &'static str },
    #[error("the TLS handshake with {at} failed: {reason}")]
    Tls { at: String, reason: String },
    #[error("{at} refuses the login of `{user}`: {reason}")]
    Login { at: String, user: String, reason: String },
    #[error("{at} has no database `{database}`")]
    NoDatabase { at: String, database: String },
    #[error("{at} has no connection left: {reason}")]
    Full { at: String, reason: String },
    /// The server, or a pooler in front of it, refuses a setting in the URL.
    #[error("{at} refuses a parameter of the URL: {reason}")]
    Parameter { at: String, reason: String },
    #[error("{at} refused: {reason}")]
    Refused { at: String, reason: String },
    #[error("{at} did not answer within {seconds} seconds")]
    Silent { at: String, seconds: u64 },
    #[error("the datastore cannot be queried: {reason}")]
    Other { reason: String },
}

impl ConnectError {
    /// What an error of a connection to `endpoint` means.
    pub(super) fn of(error: &tokio_postgres::Error, endpoint: &Endpoint) -> Self {
        let at = endpoint.to_string();
        if let Some(db) = error.as_db_error() {
            let reason = db.message().to_owned();
            return match db.code() {
                code if *code == SqlState::INVALID_PASSWORD
                    || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION =>
                {
                    Self::Login { at, user: endpoint.user.clone(), reason }
                }
                code if *code == SqlState::INVALID_CATALOG_NAME => {
                    Self::NoDatabase { at, database: endpoint.database.clone() }
                }
                code if *code == SqlState::TOO_MANY_CONNECTIONS => Self::Full { at, reason },
                code if is_of_parameter(code, &reason) => Self::Parameter { at, reason },
                _ => Self::Refused { at, reason },
            };
        }
        if let Some(error) = causes(error).find_map(of_rustls) {
            return Self::of_tls(error, endpoint);
        }
        let reason = causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ");
        if reason.contains("does not support TLS") { Self::NoTls { at } } else { Self::Refused { at, reason } }
    }

    fn of_tls(error: &rustls::Error, endpoint: &Endpoint) -> Self {
        let (at, host) = (endpoint.to_string(), endpoint.host.clone());
        let rustls::Error::InvalidCertificate(fault) = error else {
            return Self::Tls { at, reason: error.to_string() };
        };
        match fault {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::OtherCa { at },
            CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
                Self::OtherName { at, host, names: presented.join(", ") }
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::OtherName { at, host, names: "no name that could be checked".to_owned() }
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                Self::Time { at, what: "no longer valid" }
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::Time { at, what: "not valid yet" }
            }
            _ => Self::Tls { at, reason: error.to_string() },
        }
    }
}

/// Whether the server refuses a setting: it does not know it, no client may change it, or the value is not allowed. A pooler
/// reports that in its own words (`PgBouncer`, `src/client.c`: "unsupported startup parameter").
fn is_of_parameter(code: &SqlState, reason: &str) -> bool {
    let codes = [SqlState::UNDEFINED_OBJECT, SqlState::CANT_CHANGE_RUNTIME_PARAM, SqlState::INVALID_PARAMETER_VALUE];
    codes.contains(code)
        || (*code == SqlState::PROTOCOL_VIOLATION && reason.contains("startup parameter"))
        || (*code == SqlState::INSUFFICIENT_PRIVILEGE && reason.contains("set parameter"))
}

fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error: &&'e (dyn Error + 'static)| error.source())
}

/// The error of the TLS library, which an I/O error may wrap.
fn of_rustls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.downcast_ref().or_else(|| inside?.downcast_ref())
}
