//! A manifest's objects, as far as the lints look into them.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_saphyr::Spanned;

/// A rendered manifest: its file's name and the objects in it.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Its file's name, `NAME.yaml`.
    pub name: String,
    pub objects: Vec<Object>,
}

impl Manifest {
    /// Reads rendered text: YAML documents, empty ones left out, lists of objects taken apart.
    ///
    /// # Errors
    /// Text that is no YAML: line (from 1) and reason, which quotes nothing of the text.
    pub fn parse(name: &str, text: &str) -> Result<Self, (u64, String)> {
        let documents: Vec<Spanned<Value>> = serde_saphyr::from_multiple(text).map_err(|error| {
            let line = error.location().map_or(1, |at| at.line());
            (line, "the text is not valid YAML".to_owned())
        })?;
        let mut objects = Vec::new();
        for Spanned { value, referenced, .. } in documents {
            let line = referenced.line().max(1);
            match value.get("items").and_then(Value::as_array) {
                _ if value.is_null() => {}
                Some(items) if Object::kind_of(&value) == "List" => {
                    objects.extend(items.iter().map(|item| Object { value: item.clone(), line }));
                }
                _ => objects.push(Object { value, line }),
            }
        }
        Ok(Self { name: name.to_owned(), objects })
    }

    /// The name that K3s gives the `AddOn` of this file: up to the first period (`pkg/deploy/controller.go`).
    #[must_use]
    pub fn addon(&self) -> &str {
        self.name.split('.').next().unwrap_or_default()
    }
}

/// A Kubernetes object.
#[derive(Debug, Clone)]
pub struct Object {
    value: Value,
    /// The line, from 1, that its document starts at.
    pub line: u64,
}

impl Object {
    fn kind_of(value: &Value) -> &str {
        value.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    /// `kind`, empty if there is none.
    #[must_use]
    pub fn kind(&self) -> &str {
        Self::kind_of(&self.value)
    }

    /// The API group of `apiVersion`; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        let version = self.value.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        version.split_once('/').map_or("", |(group, _)| group)
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

    /// The value at a JSON pointer.
    #[must_use]
    pub fn value(&self, pointer: &str) -> Option<&Value> {
        self.value.pointer(pointer)
    }

    /// The text at a JSON pointer.
    #[must_use]
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.value.pointer(pointer)?.as_str()
    }

    /// Kind and name, as people say it.
    #[must_use]
    pub fn spoken(&self) -> String {
        format!("{} `{}`", self.kind(), self.name())
    }

    /// Names of Secrets or `ConfigMaps` (`kind`) that this object cannot do without.
    #[must_use]
    pub fn needs(&self, kind: &str) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        collect(&self.value, kind, &mut names);
        if kind == "Secret" && self.group() == "helm.cattle.io" {
            for pointer in ["/spec/authSecret/name", "/spec/dockerRegistrySecret/name"] {
                names.extend(self.text(pointer));
            }
            let values = self.value.pointer("/spec/valuesSecrets").and_then(Value::as_array);
            names.extend(values.into_iter().flatten().filter_map(|entry| entry.get("name")?.as_str()));
        }
        if kind == "ConfigMap" && self.group() == "helm.cattle.io" {
            names.extend(self.text("/spec/repoCAConfigMap/name"));
        }
        names
    }
}

/// Where a pod's parts name what they need (`core/v1`): environment, volumes, pull secrets.
fn collect<'v>(value: &'v Value, kind: &str, names: &mut BTreeSet<&'v str>) {
    let (keys, volume, volume_key) = match kind {
        "Secret" => (["secretRef", "secretKeyRef"], "secret", "secretName"),
        _ => (["configMapRef", "configMapKeyRef"], "configMap", "name"),
    };
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, kind, names)),
        Value::Object(fields) => {
            for (key, inner) in fields {
                let named = if keys.contains(&key.as_str()) {
                    inner.get("name")
                } else if key == volume {
                    inner.get(volume_key)
                } else {
                    None
                };
                let optional = inner.get("optional").and_then(Value::as_bool).unwrap_or(false);
                names.extend(named.and_then(Value::as_str).filter(|_| !optional));
                if kind == "Secret" && key == "imagePullSecrets" {
                    let entries = inner.as_array().into_iter().flatten();
                    names.extend(entries.filter_map(|entry| entry.get("name")?.as_str()));
                }
                collect(inner, kind, names);
            }
        }
        _ => {}
    }
}
