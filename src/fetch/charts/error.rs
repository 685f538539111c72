//! Why a chart could not be had, with hints.

use crate::fetch::registry::Flaw;
use crate::fetch::{Cause, FetchError};
use crate::urls::shown;

/// Why a chart could not be found.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    #[error("{chart} cannot be had")]
    Unavailable { chart: String, source: FetchError },
    #[error("{chart}: there is nowhere to take it from")]
    NoSource { chart: String },
    #[error("{chart}: {url} is no index of charts with it: {reason}")]
    Index { chart: String, url: String, reason: String },
    #[error("{chart}: the repository does not have this version{}", listed(newest))]
    NoVersion { chart: String, newest: Vec<String> },
    #[error("{chart}: {flaw}")]
    Registry { chart: String, flaw: Flaw },
    #[error("{chart}: {} is something else: {reason}", shown(url))]
    NotIt { chart: String, url: String, reason: String },
}

impl ChartError {
    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unavailable { source: FetchError::Unavailable { attempts, .. }, .. } => {
                let any = |test: fn(&Cause) -> bool| attempts.iter().any(|attempt| test(&attempt.cause));
                if any(Cause::is_forgery) {
                    "the server gave another file than its index has the digest of: something on the way changed it, or the \
                     repository is damaged"
                } else if any(|cause| matches!(cause, Cause::NotFound { .. } | Cause::Status { status: 401 | 403 })) {
                    "are `repo`, `chart` and `version` of the HelmChart right? they are asked without a login"
                } else {
                    "check the network connection and `repo` of the HelmChart; `charts = \"repository\"` in [k3s] leaves charts to \
                     the nodes"
                }
            }
            Self::Unavailable { source, .. } => return source.hint().unwrap_or_else(|| "run it again".to_owned()),
            Self::NoSource { .. } => {
                "a HelmChart has `repo`, `chart` and `version`, or `chart: oci://…` and `version`, or the URL of a file"
            }
            Self::NoVersion { .. } => "write one of these versions into the HelmChart, each as the repository spells it",
            Self::Index { .. } => "is `repo` the URL of a chart repository, and `chart` a chart of it?",
            Self::Registry { .. } | Self::NotIt { .. } => {
                "is it a chart's address? `helm show chart` with the same `repo`, `chart` and `version` tells"
            }
        }
        .to_owned()
    }
}

fn listed(newest: &[String]) -> String {
    if newest.is_empty() {
        return String::new();
    }
    let newest: Vec<String> = newest.iter().map(|version| version.escape_debug().to_string()).collect();
    format!("; its first are {}", newest.join(", "))
}
