//! Registries of container images.

use std::collections::{BTreeMap, BTreeSet};

use super::access::objection;
use super::{Inputs, Lint, Mistake, Theme};
use crate::cluster::Registry;
use crate::diagnostic::Severity;

pub(super) const THEME: Theme = Theme {
    title: "Registries",
    lints: &[CA_MISSING, CA_UNUSABLE, PASSWORD_IN_CLEAR, PASSWORD_FOR_ALL, TOLD_TWICE, UNTOLD],
};

const CA_MISSING: Lint = Lint {
    code: "C055-registry-ca-missing",
    severity: Severity::Error,
    title: "A registry's CA file does not exist",
    why: "the node's seed cannot be made without it, and no image could be pulled",
    find: ca_missing,
};

const CA_UNUSABLE: Lint = Lint {
    code: "C056-registry-ca-unusable",
    severity: Severity::Error,
    title: "A registry's CA file has no certificate of an authority",
    why: "the registry's certificate cannot be verified with it, so no image can be pulled",
    find: ca_unusable,
};

const PASSWORD_IN_CLEAR: Lint = Lint {
    code: "C057-password-in-clear",
    severity: Severity::Error,
    title: "A registry's password would go over the network in the clear",
    why: "an attacker between node and registry can read it, and then change the images",
    find: password_in_clear,
};

const PASSWORD_FOR_ALL: Lint = Lint {
    code: "C151-password-for-all-registries",
    severity: Severity::Error,
    title: "A password would be sent to every registry",
    why: "what stands under `*` holds for each registry that has no entry of its own (K3s documentation, \
          `installation/private-registry`): each that an image's name mentions would be logged in to with it",
    find: password_for_all,
};

const TOLD_TWICE: Lint = Lint {
    code: "C058-registry-twice",
    severity: Severity::Error,
    title: "A registry or mirror is configured twice",
    why: "K3s has one configuration per host, and which of the two counts is undefined",
    find: told_twice,
};

const UNTOLD: Lint = Lint {
    code: "C152-registry-untold",
    severity: Severity::Warning,
    title: "A registry is installed, and no node is told of any",
    why: "nodes find no login and no authority for it by themselves, so no pod starts from its images",
    find: untold,
};

/// The role of an overlay that installs a registry.
const REGISTRY: &str = "registry";

fn registries<'a>(inputs: &'a Inputs<'_>) -> impl Iterator<Item = (String, &'a Registry)> {
    inputs.cluster.registries.iter().enumerate().map(|(number, registry)| (format!("registry.{number}"), registry))
}

fn ca_missing(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let missing = |(key, registry): (String, &Registry)| {
        let name = registry.ca.as_ref().filter(|name| !inputs.registry_cas.contains_key(*name))?;
        let message = format!("there is no file `{name}` in the workspace");
        let hint = format!("save the certificate (PEM) of the authority of `{}` there", registry.places().join("`, `"));
        Some(inputs.at_value(&format!("{key}.ca"), message).hint(hint))
    };
    registries(inputs).filter_map(missing).collect()
}

fn ca_unusable(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let unusable = |(key, registry): (String, &Registry)| {
        let name = registry.ca.as_ref()?;
        let (what, hint) = objection(inputs.registry_cas.get(name)?)?;
        Some(
            inputs
                .at_value(&format!("{key}.ca"), format!("`{name}` {what}"))
                .hint(hint.replace("datastore-ca.pem", name)),
        )
    };
    registries(inputs).filter_map(unusable).collect()
}

fn password_in_clear(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let mut found = Vec::new();
    for (key, registry) in registries(inputs).filter(|(_, registry)| registry.auth.is_some()) {
        for (number, url) in registry.endpoints.iter().enumerate().filter(|(_, url)| url.starts_with("http://")) {
            let message = format!("nodes log in at `{url}` without TLS");
            let hint =
                "write `https://`, with `ca` if its certificate is of an authority of your own; or leave `auth` out";
            found.push(inputs.at_value(&format!("{key}.endpoints.{number}"), message).hint(hint));
        }
    }
    found
}

fn password_for_all(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let everywhere = |(key, registry): (String, &Registry)| {
        let is_everywhere = registry.host == "*" && registry.endpoints.is_empty() && registry.auth.is_some();
        is_everywhere.then(|| {
            let hint = "name the registry that the password is of, `host = \"registry.lan:5000\"`; or, if it is a mirror \
                        that all images come from, its `endpoints = [\"https://registry.lan:5000\"]`";
            inputs.at_value(&format!("{key}.host"), "nodes would log in at every registry with one password").hint(hint)
        })
    };
    registries(inputs).filter_map(everywhere).collect()
}

fn told_twice(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let (mut hosts, mut places) = (BTreeSet::new(), BTreeMap::new());
    let mut found = Vec::new();
    for (key, registry) in registries(inputs) {
        if !hosts.insert(&registry.host) {
            let message = format!("`{}` has a [[registry]] already", registry.host);
            let hint = "put its mirrors into one, in the order in which they are to be asked";
            found.push(inputs.at_value(&format!("{key}.host"), message).hint(hint));
            continue;
        }
        if registry.ca.is_none() && registry.auth.is_none() {
            continue;
        }
        let terms = (&registry.ca, &registry.auth);
        for place in registry.places() {
            if places.insert(place, terms).is_some_and(|other| other != terms) {
                let message = format!("`{place}` has another `ca` or `auth` in another [[registry]]");
                found.push(inputs.at_value(&format!("{key}.host"), message).hint("write the same for both"));
            }
        }
    }
    found
}

fn untold(inputs: &Inputs<'_>) -> Vec<Mistake> {
    if !inputs.cluster.registries.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (node, profile) in inputs.nodes() {
        let installs = profile.overlays.iter().find(|overlay| overlay.provides.contains(REGISTRY));
        found.extend(installs.map(|overlay| {
            let message =
                format!("overlay `{}` installs a registry, and no [[registry]] tells nodes of it", overlay.name);
            let host = format!("{REGISTRY}.{}", inputs.cluster.domain);
            let hint = format!(
                "add `[[registry]]` with `host = \"{host}\"`, and `ca` and `auth` as docs/systems/registry.md has them"
            );
            inputs.at_node(node, message).hint(hint)
        }));
    }
    found
}
