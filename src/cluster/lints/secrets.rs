//! Secrets: whether they are set and valid, and whether one is where it does not belong.

use std::collections::BTreeSet;

use super::{Inputs, Lint, Mistake, Theme};
use crate::cluster::leaks::{Encoding, Hit, Scanner};
use crate::cluster::manifests::{Uses, uses};
use crate::cluster::secrets::{AGENT_TOKEN, DATASTORE_URL, SERVER_TOKEN, Secret, State, check, parts};
use crate::diagnostic::Severity;
use crate::profile::Role;

pub(super) const THEME: Theme =
    Theme { title: "Secrets", lints: &[MISSING, UNFIT, SERVER_TOKEN_ELSEWHERE, IN_CLUSTER_FILE] };

const MISSING: Lint = Lint {
    code: "C070-missing-secret",
    severity: Severity::Error,
    title: "A secret that a node needs is not set",
    why: "the node's seed cannot be made without it",
    find: missing,
};

const UNFIT: Lint = Lint {
    code: "C071-unfit-secret",
    severity: Severity::Error,
    title: "A secret's value is invalid for its purpose",
    why: "K3s would refuse it, or interpret it as something else",
    find: unfit,
};

const SERVER_TOKEN_ELSEWHERE: Lint = Lint {
    code: "C076-server-token-elsewhere",
    severity: Severity::Error,
    title: "The server token would go where a less powerful secret belongs",
    why: "whoever has it is the cluster's administrator and opens its datastore; a worker, or an object in the cluster, that \
          holds it gives all of that away",
    find: server_token_elsewhere,
};

const IN_CLUSTER_FILE: Lint = Lint {
    code: "C077-secret-in-cluster-file",
    severity: Severity::Error,
    title: "The cluster file contains a secret",
    why: "it is made to be committed and shown, and its values go into the seeds and manifests of any node",
    find: in_cluster_file,
};

/// The state of each secret that the nodes need.
fn rows<T>(inputs: &Inputs<'_>, of: impl Fn(&str, State) -> Option<T>) -> Vec<T> {
    let Some(secrets) = inputs.secrets else { return Vec::new() };
    check(secrets, &inputs.needs).into_iter().filter_map(|row| of(&row.name, row.state)).collect()
}

/// A mistake at the cluster's `datastore` or `name` key: the secrets file itself is never quoted.
fn mistake(inputs: &Inputs<'_>, name: &str, message: String) -> Mistake {
    inputs.at_key(if name == DATASTORE_URL { "datastore" } else { "name" }, message)
}

fn missing(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let none = inputs.secrets.is_some_and(|secrets| secrets.iter().next().is_none());
    if none && !inputs.needs.is_empty() {
        let names = rows(inputs, |name, state| (state == State::Missing).then(|| name.to_owned()));
        if names.is_empty() {
            return Vec::new();
        }
        // The datastore's URL is set afterwards, since the user must provide it.
        let more = names.iter().any(|name| name == DATASTORE_URL);
        let more = if more { ", then `imgbuild secrets set datastore-url`" } else { "" };
        let message = format!("there are no secrets yet; the nodes need {}", quoted(&names));
        let hint = format!("run `imgbuild secrets init`, which makes those that nobody has to choose{more}");
        return vec![inputs.at_key("name", message).hint(hint)];
    }
    rows(inputs, |name, state| {
        if state != State::Missing {
            return None;
        }
        let cure = match name {
            DATASTORE_URL => "run `imgbuild secrets set datastore-url`; it asks for \
                              `postgres://USER:PASSWORD@HOST:5432/DATABASE`, special characters of the password \
                              percent-encoded"
                .to_owned(),
            _ => format!("run `imgbuild secrets set {name}`"),
        };
        Some(mistake(inputs, name, format!("the secret `{name}` is not set")).hint(cure))
    })
}

/// A list of names, in words.
fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn unfit(inputs: &Inputs<'_>) -> Vec<Mistake> {
    rows(inputs, |name, state| {
        let State::Unfit(reason) = state else { return None };
        let message = format!("the secret `{name}` is no good: {reason}");
        Some(mistake(inputs, name, message).hint(format!("set it anew: `imgbuild secrets set {name}`")))
    })
}

fn server_token_elsewhere(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let mut found = Vec::new();
    for (number, registry) in inputs.cluster.registries.iter().enumerate() {
        if registry.auth.as_ref().is_some_and(|auth| auth.password == SERVER_TOKEN) {
            let message =
                format!("the password for `{}` is the server token, and every node would get it", registry.host);
            let hint = "name another secret, and set it with `imgbuild secrets set NAME`";
            found.push(inputs.at_value(&format!("registry.{number}.auth.password"), message).hint(hint));
        }
    }
    for (node, profile) in inputs.nodes() {
        if profile.k3s.as_ref().is_none_or(|k3s| k3s.role != Role::Server) {
            continue;
        }
        let has_token = |uses: Uses| uses.secrets.contains(SERVER_TOKEN);
        for template in profile.manifests.values().filter(|template| uses(template).is_ok_and(has_token)) {
            let message = format!("{} puts the server token into the cluster", template.source.path);
            let hint =
                "leave it out; what joins nodes needs `secrets.agent_token`, what talks to the API a ServiceAccount";
            found.push(inputs.at_node(node, message).hint(hint));
        }
    }
    let Some(secrets) = inputs.secrets else { return found };
    let Some(token) = secrets.get(SERVER_TOKEN).map(Secret::expose).filter(|token| !token.is_empty()) else {
        return found;
    };
    // That the agents' token is the server's is told where it is unfit.
    let others = secrets.iter().filter(|(name, _)| ![SERVER_TOKEN, AGENT_TOKEN].contains(name));
    for (name, _) in others.filter(|(_, value)| value.expose().contains(token)) {
        let message = format!("the secret `{name}` holds the server token");
        found.push(mistake(inputs, name, message).hint(format!("set one of its own: `imgbuild secrets set {name}`")));
    }
    found
}

fn in_cluster_file(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let Some(secrets) = inputs.secrets else { return Vec::new() };
    let text = inputs.places.source().text.as_bytes();
    let parts = parts(secrets);
    let all = secrets.iter().chain(parts.iter().map(|(name, value)| (*name, value)));
    let mut hits = Scanner::new(all).scan(text).expect("reading from memory does not fail");
    // Each secret once, where it comes first.
    let mut told = BTreeSet::new();
    hits.retain(|hit| told.insert(hit.name.clone()));
    let mistake = |hit: Hit| {
        let before = text.iter().zip(0..hit.offset);
        let line = before.filter(|(byte, _)| **byte == b'\n').count() + 1;
        let form = if hit.encoding == Encoding::Raw { String::new() } else { format!(", {}", hit.encoding) };
        // The line is not shown: it is the secret.
        let message = format!("line {line} of the file holds the secret `{}`{form}", hit.name);
        let hint = "take it out, also of version control, and set another value where that is possible; a manifest gets it \
                    as `secrets.NAME`";
        inputs.at_key("schema", message).hint(hint)
    };
    hits.into_iter().map(mistake).collect()
}
