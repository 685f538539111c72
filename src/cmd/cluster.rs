//! The workspace's cluster, for the commands about nodes: its nodes, their secrets and their seeds.

use std::collections::BTreeMap;

use serde_json::json;

use super::Outcome;
use super::session::Session;
use crate::cli::Unlock;
use crate::cluster::identity::{Identity, IdentitySeed};
use crate::cluster::lints::{self, Finding, Inputs};
use crate::cluster::secrets::{NodeNeeds, Secret, Secrets, SecretsError};
use crate::cluster::seed::{self, Seed};
use crate::cluster::{self, Cluster, ClusterError, SourceSpans};
use crate::diagnostic::Severity;
use crate::exit::Failure;
use crate::lock::Lock;
use crate::output::count;
use crate::profile::{self, Profile, Registration};

/// A node with everything that its stick is made from.
pub(super) struct ResolvedNode {
    pub(super) name: String,
    pub(super) profile: Profile,
    pub(super) seed: Seed,
    pub(super) secrets: Secrets,
    /// Values that must never change in a running cluster.
    pub(super) critical: BTreeMap<String, String>,
    /// Values that Kubernetes stores when the node first starts.
    pub(super) registration: Registration,
}

/// The workspace's cluster.
pub(super) fn load(session: &Session<'_>) -> Result<(Cluster, SourceSpans), Failure> {
    Ok(cluster::load_with_places(&session.workspace)?.ok_or(ClusterError::Absent)?)
}

/// The node of this name, if `check` finds no errors in it or its cluster.
pub(super) fn resolve_node(session: &Session<'_>, name: &str, unlock: &Unlock) -> Result<ResolvedNode, Failure> {
    let (cluster, places) = load(session)?;
    let node = cluster.node(name)?;
    let profile = profile::load(&session.workspace, &node.profile)?;
    let lock = Lock::load(&session.lock_path())?;
    let secrets = session.secrets(unlock)?;
    let inputs = Inputs::gather(&session.workspace, &cluster, &places, lock.as_ref(), Some(&secrets))?;
    let concerns = |node: &Option<String>| node.as_ref().is_none_or(|node| node == name);
    let mut errors = lints::run(&inputs);
    errors.retain(|finding| finding.severity == Severity::Error && concerns(&finding.node));
    refuse(&errors, &format!("node `{name}` cannot be built"))?;
    let seed = seed::make(&seed::Inputs {
        cluster: &cluster,
        node,
        profile: &profile,
        secrets: &secrets,
        datastore_ca: inputs.datastore_ca.as_deref(),
        registry_cas: &inputs.registry_cas,
    })?;
    let (name, critical, registration) = (node.name.clone(), cluster.critical_values(), node.registration(&profile));
    drop(inputs);
    Ok(ResolvedNode { name, profile, seed, secrets, critical, registration })
}

/// Fails if there are mistakes, and shows them as `check` does.
pub(super) fn refuse(errors: &[Finding], what: &str) -> Outcome {
    if errors.is_empty() {
        return Ok(());
    }
    let message = format!("{what}: {}", count(errors.len(), "mistake"));
    let hint = "`imgbuild check` shows all mistakes of the workspace";
    let shown = errors.iter().map(|finding| finding.render(true)).collect::<Vec<_>>().join("\n\n");
    let snippet = Some(format!("{shown}\n\nerror: {message}\nhint: {hint}"));
    let findings = errors.iter().map(|finding| json!(finding)).collect();
    Err(Failure { snippet, findings, ..Failure::refused(message).hint(hint) })
}

/// Which secrets each node needs.
pub(super) fn needs(session: &Session<'_>, cluster: &Cluster) -> Result<Vec<NodeNeeds>, Failure> {
    let of_node = |node| Ok(NodeNeeds::of_node(node, &profile::load(&session.workspace, &node.profile)?, cluster));
    cluster.nodes.values().map(of_node).collect()
}

/// The workspace's secrets; none, with a warning, if they cannot be decrypted here.
pub(super) fn open_secrets(session: &Session<'_>, unlock: &Unlock, without: &str) -> Result<Option<Secrets>, Failure> {
    match session.vault(unlock).load(std::env::vars_os()) {
        Ok(secrets) => Ok(Some(secrets)),
        Err(SecretsError::None { .. }) => Ok(Some(Secrets::default())),
        Err(SecretsError::Locked { place }) => {
            session.console.progress().warn(&format!("{without}, since {place} cannot be opened"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The private values of all nodes, with names for messages.
pub(super) fn derived(session: &Session<'_>, secrets: &Secrets) -> Result<Vec<(String, Secret)>, Failure> {
    let (Some(cluster), Ok(seed)) = (cluster::load(&session.workspace)?, IdentitySeed::of(secrets)) else {
        return Ok(Vec::new());
    };
    let of_node = |name: &String| {
        let private = Identity::derive(&seed, name).private().map(|(what, secret)| (what, secret.clone()));
        private.map(|(what, secret)| (format!("{what} of {name}"), secret))
    };
    Ok(cluster.nodes.keys().flat_map(of_node).collect())
}
