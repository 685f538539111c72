//! The cluster file against the lock.

use super::{Inputs, Lint, Mistake, Theme};
use crate::output::Severity;

pub(super) const THEME: Theme = Theme { title: "The lock", lints: &[CRITICAL_CHANGE] };

const CRITICAL_CHANGE: Lint = Lint {
    code: "C060-critical-change",
    severity: Severity::Error,
    title: "A critical value is not what the cluster was made with",
    why: "K3s reads these values at every start but keeps what they once made: addresses in use, encrypted Secrets, the \
          datastore itself; it does not notice a change and works wrongly",
    find: critical_change,
};

fn critical_change(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let Some(lock) = inputs.lock else { return Vec::new() };
    let changes = lock.critical_changes(&inputs.cluster.critical_values());
    changes
        .into_iter()
        .map(|change| {
            let key = if change.name == "datastore" { change.name.clone() } else { format!("k3s.{}", change.name) };
            let hint = format!(
                "write it as it was: {}; for a cluster that is made anew, `imgbuild lock --accept-critical-change`",
                change.locked
            );
            inputs.at_value(&key, change.to_string()).hint(hint)
        })
        .collect()
}
