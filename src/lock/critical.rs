//! The values that a cluster keeps for life, as they were when it was first locked.
//!
//! With an external datastore K3s does not notice that one of them changed: it works wrongly instead. The lock
//! remembers them by name, as text, and knows nothing of what they mean.

use std::collections::BTreeMap;
use std::fmt;

use super::Lock;

/// A value that is not what the lock has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CriticalChange {
    pub name: String,
    pub locked: String,
    pub now: String,
}

impl fmt::Display for CriticalChange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, locked, now } = self;
        let shown = |value: &str| if value.is_empty() { "nothing".to_owned() } else { value.to_owned() };
        write!(out, "{name} is {}, the cluster was made with {}", shown(now), shown(locked))
    }
}

/// Critical values changed, and nobody said that they may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("critical values changed: {}", list(.0))]
pub struct CriticalChangeError(pub Vec<CriticalChange>);

impl CriticalChangeError {
    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(
            "write them as they were; `imgbuild lock --accept-critical-change` takes the new ones, for a cluster that is \
             made anew with an empty datastore"
                .to_owned(),
        )
    }
}

fn list(changes: &[CriticalChange]) -> String {
    changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Lock {
    /// What of `now` differs from the lock. A value that the lock does not know yet is no change, and one that `now`
    /// does not have is not asked about.
    #[must_use]
    pub fn critical_changes(&self, now: &BTreeMap<String, String>) -> Vec<CriticalChange> {
        let known = now.iter().filter_map(|(name, now)| Some((name, self.cluster.get(name)?, now)));
        known
            .filter(|(_, locked, now)| locked != now)
            .map(|(name, locked, now)| CriticalChange { name: name.clone(), locked: locked.clone(), now: now.clone() })
            .collect()
    }

    /// Remembers critical values; says whether the lock is another than before. `accept` lets known ones change.
    ///
    /// # Errors
    /// One that is locked changed, and `accept` is not set. The lock is as it was then.
    pub fn record_critical(
        &mut self,
        now: &BTreeMap<String, String>,
        accept: bool,
    ) -> Result<bool, CriticalChangeError> {
        let changes = self.critical_changes(now);
        if !changes.is_empty() && !accept {
            return Err(CriticalChangeError(changes));
        }
        let before = self.cluster.clone();
        self.cluster.extend(now.iter().map(|(name, value)| (name.clone(), value.clone())));
        Ok(before != self.cluster)
    }
}
