//! Container images that manifests name: at the keys `image`, and in all other text, since programs get the images that they start
//! themselves by arguments, variables and files of their own (ten of Longhorn's thirteen).

use std::collections::BTreeSet;

use super::yaml::{Node, Value, YamlError, documents};
use crate::profile::ImageName;

/// The images that a manifest's text names, each whole.
///
/// # Errors
/// Text that is no YAML.
pub fn images(text: &str) -> Result<BTreeSet<String>, YamlError> {
    let mut found = BTreeSet::new();
    for document in documents(text)? {
        walk(&document.root, &mut found);
    }
    Ok(found)
}

fn walk(node: &Node, found: &mut BTreeSet<String>) {
    match &node.value {
        Value::Map(entries) => {
            for entry in entries {
                match entry.node.text() {
                    Some(text) if entry.key == "image" => found.extend(named(text)),
                    // Of a chart in base64 nothing can be read.
                    Some(_) if entry.key == "chartContent" => {}
                    _ => walk(&entry.node, found),
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| walk(item, found)),
        Value::Text(text) => found.extend(words(text).filter(|word| is_plainly_an_image(word)).filter_map(named)),
        Value::Null | Value::Bool(_) | Value::Number { .. } => {}
    }
}

/// The whole name of an image, with its digest if it has one.
fn named(text: &str) -> Option<String> {
    let (name, digest) = ImageName::parse(text.trim()).ok()?;
    Some(digest.map_or_else(|| name.to_string(), |digest| format!("{name}@sha256:{digest}")))
}

/// The parts of a text that no name of an image goes beyond.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_end = |char: char| !char.is_ascii_alphanumeric() && !"._-/:@".contains(char);
    text.split(is_end).map(|word| word.trim_matches(['.', ':', '-', '/']))
}

/// Whether a word can hardly be anything else: a path of a registry that is named, with any tag; or another one with a tag that is a
/// version; or one with a digest.
fn is_plainly_an_image(word: &str) -> bool {
    if word.contains("://") || word.contains("//") {
        return false;
    }
    let Ok((name, digest)) = ImageName::parse(word) else { return false };
    let Some((first, _)) = word.split_once('/') else { return false };
    // Addresses with ranges, and versions of APIs.
    let is_number = first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b':');
    let is_tag = |tag: &String| {
        let digits = tag.strip_prefix('v').unwrap_or(tag);
        digits.starts_with(|char: char| char.is_ascii_digit()) && (tag.contains('.') || tag.starts_with('v'))
    };
    let is_of_registry = first.contains('.') && name.tag.is_some() && name.repository.contains('/');
    !is_number && (digest.is_some() || is_of_registry || name.tag.as_ref().is_some_and(is_tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_found_at_their_key_and_in_arguments_variables_and_files() {
        let text = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, annotations: {see: 'https://example.org/a/b:1.0'}}
spec:
  template:
    spec:
      initContainers: [{name: i, image: busybox}]
      containers:
        - name: c
          image: \"quay.io/metallb/speaker:v0.16.1\"
          args: [--engine-image, 'longhornio/longhorn-engine:v1.12.1', '--acme=quay.io/jetstack/acmesolver:v1.21.1', '--net=10.0.0.0/8:80']
          env: [{name: SIDECAR, value: 'ghcr.io/a/sidecar:v0.13.0'}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data:
  default.yaml: |
    backing: docker.io/longhornio/backing:v1.12.1
    share: docker.io/longhornio/share:master-head
    prometheus.io/scrape: 'true'
    url: http://server:8080/path:1
    kind: rbac.authorization.k8s.io/v1
";
        let found: Vec<String> = images(text).unwrap().into_iter().collect();
        assert_eq!(
            found,
            [
                "docker.io/library/busybox",
                "docker.io/longhornio/backing:v1.12.1",
                "docker.io/longhornio/longhorn-engine:v1.12.1",
                "docker.io/longhornio/share:master-head",
                "ghcr.io/a/sidecar:v0.13.0",
                "quay.io/jetstack/acmesolver:v1.21.1",
                "quay.io/metallb/speaker:v0.16.1",
            ]
        );
    }
}
