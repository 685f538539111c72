//! The inputs of lints: all files are read beforehand, so that lints are pure functions.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::cluster::secrets::{NodeNeeds, Secrets};
use crate::cluster::{Cluster, Node, SourceSpans};
use crate::diagnostic::Diagnostic;
use crate::lock::Lock;
use crate::profile::{self, Profile, ProfileError, Role, Tag, Workspace};

use super::Mistake;
use super::manifests::{ManifestMistake, look};

/// The inputs of all lints.
#[derive(Debug)]
pub struct Inputs<'a> {
    pub cluster: &'a Cluster,
    pub places: &'a SourceSpans,
    pub lock: Option<&'a Lock>,
    /// Names of all profiles, sorted.
    pub known_profiles: Vec<String>,
    /// The profiles that nodes name.
    pub profiles: BTreeMap<String, Result<Profile, ProfileError>>,
    /// The cluster's secrets; none if they cannot be decrypted here.
    pub secrets: Option<&'a Secrets>,
    /// Which secrets each node needs.
    pub needs: Vec<NodeNeeds>,
    /// Mistakes in the manifests of servers.
    pub(super) manifests: Vec<ManifestMistake>,
    /// Entries of overlays' `expects` that no manifest needs.
    pub(super) unused_expects: Vec<Diagnostic>,
    /// The bytes of the datastore's CA file; none if there is no such file, or no datastore.
    pub datastore_ca: Option<Vec<u8>>,
    /// The bytes of registries' CA files that exist, by name.
    pub registry_cas: BTreeMap<String, Vec<u8>>,
    /// The current date for `check`; none for a build, whose result must not depend on the date.
    pub today: Option<Date>,
}

impl<'a> Inputs<'a> {
    /// Reads what lints need from the workspace.
    ///
    /// # Errors
    /// Folders and files of the workspace that cannot be read. A profile that is missing or broken is a finding.
    pub fn gather(
        workspace: &Workspace,
        cluster: &'a Cluster,
        places: &'a SourceSpans,
        lock: Option<&'a Lock>,
        secrets: Option<&'a Secrets>,
    ) -> Result<Self, ProfileError> {
        let nodes = cluster.nodes.values();
        let load = |node: &Node| (node.profile.clone(), profile::load(workspace, &node.profile));
        let profiles: BTreeMap<String, Result<Profile, ProfileError>> = nodes.map(load).collect();
        let datastore_ca = match &cluster.datastore {
            Some(datastore) => workspace.read_own(&datastore.ca)?.map(|(bytes, _)| bytes),
            None => None,
        };
        let mut registry_cas = BTreeMap::new();
        for name in cluster.registries.iter().filter_map(|registry| registry.ca.as_ref()) {
            if let Some((bytes, _)) = workspace.read_own(name)? {
                registry_cas.insert(name.clone(), bytes);
            }
        }
        let known_profiles = workspace.profile_names()?;
        let sound = |node: &'a Node| Some((node, profiles.get(&node.profile)?.as_ref().ok()?));
        let needs = cluster.nodes.values().filter_map(sound);
        let needs = needs.map(|(node, profile)| NodeNeeds::of_node(node, profile, cluster)).collect();
        let is_server = |profile: &&Profile| profile.k3s.as_ref().is_some_and(|k3s| k3s.role == Role::Server);
        let servers = profiles.values().flatten().filter(is_server);
        let (mut manifests, mut unused_expects) = (Vec::new(), Vec::new());
        let look_at = |profile| look(Some(cluster), profile, release(lock, profile).as_ref(), secrets);
        for seen in servers.map(look_at) {
            manifests.extend(seen.found);
            unused_expects.extend(seen.unused);
        }
        Ok(Self {
            cluster,
            places,
            lock,
            known_profiles,
            profiles,
            secrets,
            needs,
            manifests,
            unused_expects,
            datastore_ca,
            registry_cas,
            today: None,
        })
    }

    /// The nodes whose profiles could be loaded, with their profiles.
    pub fn nodes(&self) -> impl Iterator<Item = (&'a Node, &Profile)> {
        self.cluster.nodes.values().filter_map(|node| Some((node, self.profiles.get(&node.profile)?.as_ref().ok()?)))
    }

    /// The release of K3s that a node of this profile gets: what is locked for it, else what it names. None without K3s.
    #[must_use]
    pub fn release(&self, profile: &Profile) -> Option<Tag> {
        release(self.lock, profile)
    }

    /// A mistake in the value of a dotted key of the cluster file; the key says which node it concerns.
    #[must_use]
    pub fn at_value(&self, key: &str, message: impl Into<String>) -> Mistake {
        Mistake { node: self.node_of(key), diagnostic: self.places.value(key, message) }
    }

    /// A mistake of the key itself.
    #[must_use]
    pub fn at_key(&self, key: &str, message: impl Into<String>) -> Mistake {
        Mistake { node: self.node_of(key), diagnostic: self.places.key(key, message) }
    }

    /// A mistake of a node as a whole.
    #[must_use]
    pub fn at_node(&self, node: &Node, message: impl Into<String>) -> Mistake {
        self.at_key(&format!("node.{}", node.name), message)
    }

    fn node_of(&self, key: &str) -> Option<String> {
        let name = key.strip_prefix("node.")?.split('.').next()?;
        self.cluster.nodes.get(name).map(|node| node.name.clone())
    }
}

fn release(lock: Option<&Lock>, profile: &Profile) -> Option<Tag> {
    let k3s = profile.k3s.as_ref()?;
    let locked = lock.filter(|lock| lock.expect(profile).is_ok()).and_then(|lock| lock.release_of(&profile.name));
    Tag::parse(locked.unwrap_or(&k3s.version))
}
