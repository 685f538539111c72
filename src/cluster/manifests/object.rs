//! A manifest's objects, as K3s' deploy controller reads them (`pkg/deploy/controller.go`).

use std::ops::Range;

use super::kubernetes::group_of;
use super::yaml::{ChangedKey, Node, YamlError, documents, keys};

/// A rendered manifest: its file's name and the objects in it.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Its file's name, `NAME.yaml`.
    pub name: String,
    pub objects: Vec<Object>,
    /// Keys that appear twice in one mapping, at the position of the second one.
    pub twice: Vec<(String, Range<usize>)>,
    /// Keys that YAML reads as other ones.
    pub changed: Vec<ChangedKey>,
}

impl Manifest {
    /// Reads rendered text: YAML documents, empty ones left out, lists of objects taken apart.
    ///
    /// # Errors
    /// The text is not YAML. The error quotes nothing of the text.
    pub fn parse(name: &str, text: &str) -> Result<Self, YamlError> {
        let (mut objects, mut twice, mut changed) = (Vec::new(), Vec::new(), Vec::new());
        for document in documents(text)? {
            twice.extend(document.twice);
            changed.extend(document.changed);
            let object = Object { root: document.root };
            if object.kind().ends_with("List") && object.root.entry("items").is_some() {
                let items = object.root.at("/items").into_iter().flat_map(Node::items);
                objects.extend(items.map(|item| Object { root: item.clone() }));
            } else {
                objects.push(object);
            }
        }
        Ok(Self { name: name.to_owned(), objects, twice, changed })
    }

    /// The name that K3s gives the `AddOn` of this file: up to the first period (`basename` in the deploy controller).
    #[must_use]
    pub fn addon(&self) -> &str {
        self.name.split('.').next().unwrap_or_default()
    }
}

/// A Kubernetes object.
#[derive(Debug, Clone)]
pub struct Object {
    pub root: Node,
}

impl Object {
    /// `kind`, empty if there is none.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("/kind").unwrap_or_default()
    }

    /// `apiVersion`, empty if there is none.
    #[must_use]
    pub fn version(&self) -> &str {
        self.text("/apiVersion").unwrap_or_default()
    }

    /// The API group of `apiVersion`; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        group_of(self.version())
    }

    /// `metadata.name`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("/metadata/name").unwrap_or_default()
    }

    /// `metadata.namespace`; an object without one lands in `default`.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.text("/metadata/namespace").unwrap_or("default")
    }

    /// Whether it is of this group and kind.
    #[must_use]
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.kind() == kind && self.group() == group
    }

    /// The node at a path of keys, with `/` before each.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Node> {
        self.root.at(path)
    }

    /// The text at a path of keys.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.root.at(path)?.text()
    }

    /// The bytes of the value at a path, or of the nearest existing parent; for a mapping, the bytes of its key.
    #[must_use]
    pub fn place(&self, path: &str) -> Range<usize> {
        let mut place = self.root.span.start..self.root.span.start + 1;
        let mut node = &self.root;
        for key in keys(path) {
            let Some(entry) = node.entry(key) else { break };
            node = &entry.node;
            place = if node.entries().is_empty() && node.items().is_empty() {
                node.span.clone()
            } else {
                entry.place.clone()
            };
        }
        place
    }

    /// Kind and name, for messages.
    #[must_use]
    pub fn spoken(&self) -> String {
        format!("{} `{}`", self.kind(), self.name())
    }
}
