//! Which kinds a minor version of Kubernetes serves, and the type of each field.
//!
//! `facts.txt` is made by `facts.py` from Kubernetes' own `OpenAPI` descriptions; `k3s.txt` adds the kinds of K3s itself.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

mod gone;

pub use gone::{gone_since, instead};

/// Kubernetes 1.MINOR as far as manifests are held against it.
#[derive(Debug)]
pub struct Kubernetes {
    /// The minor version that is pinned, which the facts may not reach to.
    pub minor: u32,
    kinds: Kinds,
    types: BTreeMap<&'static str, Fields>,
}

/// The type of each kind of an `apiVersion`.
type Kinds = BTreeMap<(&'static str, &'static str), &'static str>;
/// The type of each field.
type Fields = BTreeMap<&'static str, Type>;

/// What the API server takes for a field. `null` is taken everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Any,
    Boolean,
    Integer,
    Number,
    Text,
    /// Base64 (Go's `[]byte`).
    Bytes,
    /// RFC 3339.
    Time,
    /// `100m`, `1Gi`, or a number.
    Quantity,
    IntOrText,
    /// Of what the second word says.
    List(&'static str),
    /// Text to what the word says.
    Map(&'static str),
    /// The type of that name.
    Object(&'static str),
}

impl Type {
    /// The type that a word of the facts means.
    #[must_use]
    pub fn of(word: &'static str) -> Self {
        match word {
            "any" => Self::Any,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "string" => Self::Text,
            "bytes" => Self::Bytes,
            "time" => Self::Time,
            "quantity" => Self::Quantity,
            "int-or-string" => Self::IntOrText,
            _ => match (word.strip_prefix('['), word.strip_prefix('{')) {
                (Some(rest), _) => Self::List(rest.strip_suffix(']').unwrap_or(rest)),
                (_, Some(rest)) => Self::Map(rest.strip_suffix('}').unwrap_or(rest)),
                _ => Self::Object(word),
            },
        }
    }
}

const FACTS: [&str; 2] = [include_str!("facts.txt"), include_str!("k3s.txt")];

/// Minor versions that the facts are of.
pub const KNOWN: RangeInclusive<u32> = 33..=37;

impl Kubernetes {
    /// The facts of 1.`minor`; of a version that is newer than the facts, those of the newest one. Older ones there are
    /// none of.
    #[must_use]
    pub fn new(minor: u32) -> Option<Self> {
        if minor < *KNOWN.start() {
            return None;
        }
        let like = minor.min(*KNOWN.end());
        let (mut kinds, mut types) = (Kinds::new(), BTreeMap::<&str, Fields>::new());
        let mut current = "";
        for line in FACTS.iter().flat_map(|text| text.lines()).filter(|line| !line.starts_with(['#'])) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match (line.starts_with(' '), &words[..]) {
                (true, [field, kind, versions @ ..]) if has(versions, like) => {
                    types.entry(current).or_default().insert(field, Type::of(kind));
                }
                (false, [name]) => {
                    current = name;
                    types.entry(current).or_default();
                }
                (false, [version, kind, name, versions @ ..]) if has(versions, like) => {
                    kinds.insert((version, kind), name);
                }
                _ => {}
            }
        }
        Some(Self { minor, kinds, types })
    }

    /// The version of Kubernetes in a K3s release's tag (`v1.36.5+k3s1`): its minor number.
    #[must_use]
    pub fn minor_of(tag: &str) -> Option<u32> {
        tag.strip_prefix("v1.")?.split('.').next()?.parse().ok()
    }

    /// What it is held against, for messages.
    #[must_use]
    pub fn spoken(&self) -> String {
        let newest = *KNOWN.end();
        if self.minor <= newest {
            return format!("Kubernetes 1.{}", self.minor);
        }
        format!("Kubernetes 1.{newest} (the newest that is known here; 1.{} is pinned)", self.minor)
    }

    /// Whether Kubernetes or K3s itself defines the kinds of this group.
    #[must_use]
    pub fn has_group(&self, group: &str) -> bool {
        self.kinds.keys().any(|(version, _)| group_of(version) == group)
    }

    /// Every group.
    #[must_use]
    pub fn groups(&self) -> BTreeSet<&'static str> {
        self.kinds.keys().map(|(version, _)| group_of(version)).collect()
    }

    /// The type of a kind; none if it is not served.
    #[must_use]
    pub fn kind(&self, version: &str, kind: &str) -> Option<Type> {
        self.kinds.get(&(version, kind)).map(|name| Type::Object(name))
    }

    /// The versions that serve a kind: stable ones first, then beta and alpha, of each the highest first.
    #[must_use]
    pub fn versions_of(&self, kind: &str) -> Vec<&'static str> {
        let mut versions: Vec<&str> =
            self.kinds.keys().filter(|(_, found)| *found == kind).map(|(version, _)| *version).collect();
        versions.sort_by_key(|version| (version.contains("alpha"), version.contains("beta"), Reverse(*version)));
        versions
    }

    /// The first minor version after this one that serves a kind.
    #[must_use]
    pub fn comes_with(&self, version: &str, kind: &str) -> Option<u32> {
        (self.minor + 1..=*KNOWN.end())
            .find(|minor| Self::new(*minor).is_some_and(|later| later.kind(version, kind).is_some()))
    }

    /// Every kind, for suggestions.
    #[must_use]
    pub fn kinds(&self) -> BTreeSet<&'static str> {
        self.kinds.keys().map(|(_, kind)| *kind).collect()
    }

    /// The fields of a type; none if nothing is known of it.
    #[must_use]
    pub fn fields(&self, name: &str) -> Option<&BTreeMap<&'static str, Type>> {
        self.types.get(name)
    }
}

/// The group of an `apiVersion`; empty for the core group.
#[must_use]
pub fn group_of(version: &str) -> &str {
    version.split_once('/').map_or("", |(group, _)| group)
}

/// Whether a version is served without `--runtime-config`: since Kubernetes 1.24 beta versions are off as alpha ones are
/// (KEP 3136).
#[must_use]
pub fn is_stable(version: &str) -> bool {
    let version = version.rsplit('/').next().unwrap_or(version);
    !version.contains("alpha") && !version.contains("beta")
}

/// Whether `34-`, `-36` or `34-36` has a minor version; nothing has all.
fn has(versions: &[&str], minor: u32) -> bool {
    let Some((first, last)) = versions.first().and_then(|range| range.split_once('-')) else { return true };
    let bound = |text: &str, otherwise| text.parse().unwrap_or(otherwise);
    (bound(first, 0)..=bound(last, u32::MAX)).contains(&minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_are_whole_for_each_version_that_they_are_of() {
        for minor in KNOWN {
            let kubernetes = Kubernetes::new(minor).unwrap();
            assert!(kubernetes.kinds.len() > 70, "1.{minor} has {} kinds", kubernetes.kinds.len());
            let inner = |kind: Type| match kind {
                Type::List(of) | Type::Map(of) => Type::of(of),
                kind => kind,
            };
            let of_kinds = kubernetes.kinds.values().map(|name| Type::Object(name));
            for kind in of_kinds.chain(kubernetes.types.values().flat_map(|fields| fields.values().copied())) {
                if let Type::Object(name) = inner(kind) {
                    assert!(kubernetes.fields(name).is_some_and(|fields| !fields.is_empty()), "1.{minor}: {name}");
                }
            }
        }
    }

    #[test]
    fn kinds_come_and_go_with_versions() {
        let kind = |minor, version, kind| Kubernetes::new(minor).unwrap().kind(version, kind).is_some();
        assert!(
            kind(36, "apps/v1", "Deployment") && kind(33, "v1", "Pod") && kind(36, "helm.cattle.io/v1", "HelmChart")
        );
        assert!(!kind(33, "resource.k8s.io/v1", "ResourceClaim") && kind(34, "resource.k8s.io/v1", "ResourceClaim"));
        assert!(
            kind(36, "networking.k8s.io/v1beta1", "IPAddress") && !kind(37, "networking.k8s.io/v1beta1", "IPAddress")
        );
        assert!(Kubernetes::new(32).is_none());
        let old = Kubernetes::new(33).unwrap();
        assert_eq!(old.comes_with("resource.k8s.io/v1", "ResourceClaim"), Some(34));
        assert_eq!(old.versions_of("ResourceClaim")[0], "resource.k8s.io/v1beta2");
        assert_eq!(old.versions_of("HorizontalPodAutoscaler"), ["autoscaling/v2", "autoscaling/v1"]);
        assert!(Kubernetes::new(40).unwrap().kind("v1", "Pod").is_some());
    }
}
