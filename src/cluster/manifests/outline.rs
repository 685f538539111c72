//! What a manifest looks like where no cluster is known: words stand for values that a cluster or a person sets. It tells which
//! objects there are, and nothing that goes to a node.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::STAND_IN;
use super::error::ManifestError;
use super::template::{Context, render, uses};
use crate::profile::{ManifestTemplate, ParamValue, Profile};

/// The text of a manifest of `profile`, in which [`STAND_IN`] stands for each value that is not the profile's own.
///
/// # Errors
/// Text that is no template; one that makes something of a value that no word can stand for.
pub fn outline(template: &ManifestTemplate, profile: &Profile) -> Result<Zeroizing<String>, ManifestError> {
    let used = uses(template)?;
    let mut template = template.clone();
    // Of others that are not set, none will be.
    for name in &template.of_cluster {
        template.params.entry(name.clone()).or_insert_with(|| ParamValue::Text(STAND_IN.to_owned()));
    }
    let secrets: Vec<(String, &str)> = used.secrets.into_iter().map(|name| (name, STAND_IN)).collect();
    let cluster = cluster(&template.source.text);
    render(&template, &Context::default().profile(profile.public()).cluster(cluster).secrets(secrets))
}

/// A cluster with a word, or where a template goes through it an empty list, at each path that the text names.
fn cluster(text: &str) -> Value {
    let mut root = Map::new();
    let mut rest = text;
    while let Some(at) = rest.find("cluster.") {
        let is_whole = !rest[..at].ends_with(|char: char| char.is_alphanumeric() || char == '_' || char == '.');
        let is_list = rest[..at].ends_with(" in ");
        rest = &rest[at + "cluster.".len()..];
        let end = rest.find(|char: char| !char.is_alphanumeric() && char != '_' && char != '.').unwrap_or(rest.len());
        if is_whole {
            let path: Vec<&str> = rest[..end].split('.').filter(|step| !step.is_empty()).collect();
            put(&mut root, &path, if is_list { json!([]) } else { json!(STAND_IN) });
        }
    }
    Value::Object(root)
}

fn put(map: &mut Map<String, Value>, path: &[&str], value: Value) {
    match path {
        [] => {}
        [last] => {
            map.entry(*last).or_insert(value);
        }
        [first, rest @ ..] => {
            let inner = map.entry(*first).or_insert_with(|| json!({}));
            if !inner.is_object() {
                *inner = json!({});
            }
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// The texts of all manifests of `profile` by their names, as far as they can be told.
#[must_use]
pub fn outlines(profile: &Profile) -> BTreeMap<&str, Result<Zeroizing<String>, ManifestError>> {
    profile.manifests.iter().map(|(name, template)| (name.as_str(), outline(template, profile))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::SourceText;
    use crate::profile::sample::sample;
    use crate::profile::{Board, Origin, Params, Via};

    fn told(text: &str) -> Result<String, ManifestError> {
        let template = ManifestTemplate {
            source: Arc::new(SourceText { path: "a.yaml".to_owned(), text: text.to_owned() }),
            origin: Origin::Overlay("app".to_owned()),
            params: Params::from([("own".to_owned(), ParamValue::Number(2))]),
            of_cluster: BTreeSet::from(["pool".to_owned()]),
            verbatim: false,
            via: Via::Image,
        };
        outline(&template, &sample(Board::UefiAmd64)).map(|text| text.to_string())
    }

    #[test]
    fn words_stand_for_what_a_cluster_and_a_person_set_and_for_nothing_else() {
        for (text, expected) in [
            ("{{ cluster.values.key | b64encode }} {{ cluster.domain }}", "bm90c2V0MDA= notset00"),
            ("{{ secrets.deploy_key | tojson }}", "\"notset00\""),
            ("{% for node in cluster.nodes %}{{ node }}{% endfor %}-", "-"),
            ("{% for range in params.pool | split(',') %}{{ range | trim }}{% endfor %}", "notset00"),
            ("{{ params.host | default('argocd.' ~ cluster.domain) }}", "argocd.notset00"),
            ("{% if params.hosts is defined %}hosts{% endif %}{{ params.own }}", "2"),
        ] {
            assert_eq!(told(text).as_deref().ok(), Some(expected), "{text}");
        }
        assert!(told("{{ cluster.").is_err());
    }
}
