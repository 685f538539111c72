//! A manifest's template: which values it uses, and the text it becomes.
//!
//! Undefined names are errors. No message holds a value: a secret might be among them.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};
use serde::Serialize;
use zeroize::Zeroizing;

/// Why a template does not become a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The template itself is wrong.
    #[error("{name}, line {line}: {reason}")]
    Template { name: String, line: usize, reason: String },
    /// It uses a value that nobody gives.
    #[error("{name} uses `{value}`, which is not set")]
    Unset { name: String, value: String },
}

impl ManifestError {
    /// The line that it is about, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        match self {
            Self::Template { line, .. } => *line as u64,
            Self::Unset { .. } => 1,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let Self::Unset { value, .. } = self else { return None };
        if let Some(secret) = value.strip_prefix("secrets.") {
            return Some(format!("run `imgbuild secrets set {}`", secret.replace('_', "-")));
        }
        if let Some(key) = value.strip_prefix("cluster.values.") {
            return Some(format!("add `{key} = \"…\"` to [values] of cluster.toml"));
        }
        Some("a template knows `profile`, `cluster` and `secrets`".to_owned())
    }
}

/// Where a manifest goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// Into the image: it is the same in every cluster.
    Image,
    /// Into the seed of a server: it holds what belongs to one cluster.
    Seed,
}

/// What templates may use.
#[derive(Debug, Default)]
pub struct Context<'a> {
    names: BTreeMap<&'static str, Value>,
    secrets: BTreeMap<String, &'a str>,
}

impl<'a> Context<'a> {
    /// `profile`: the profile's public values.
    #[must_use]
    pub fn profile(mut self, profile: impl Serialize) -> Self {
        self.names.insert("profile", Value::from(Serde(profile)));
        self
    }

    /// `cluster`: what `cluster.toml` says.
    #[must_use]
    pub fn cluster(mut self, cluster: impl Serialize) -> Self {
        self.names.insert("cluster", Value::from(Serde(cluster)));
        self
    }

    /// `secrets`: values by name; for `deploy-key` a template writes `secrets.deploy_key`.
    #[must_use]
    pub fn secrets(mut self, secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.secrets.extend(secrets.into_iter().map(|(name, value)| (name.replace('-', "_"), value)));
        self
    }
}

/// What a template uses beside `profile`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses {
    /// Whether it uses `cluster` at all.
    pub cluster: bool,
    /// Keys of `cluster.values`.
    pub values: BTreeSet<String>,
    /// Names of secrets, as `imgbuild secrets set` takes them.
    pub secrets: BTreeSet<String>,
}

impl Uses {
    /// Where its manifest goes.
    #[must_use]
    pub fn home(&self) -> Home {
        if self.cluster || !self.secrets.is_empty() { Home::Seed } else { Home::Image }
    }
}

/// What the template `text` uses.
///
/// # Errors
/// Text that is no template.
pub fn uses(name: &str, text: &str) -> Result<Uses, ManifestError> {
    let environment = environment();
    let template = environment.template_from_named_str(name, text).map_err(|error| wrong(name, &error))?;
    let mut uses = Uses::default();
    for path in template.undeclared_variables(true) {
        let mut steps = path.split('.');
        match (steps.next(), steps.next(), steps.next()) {
            (Some("secrets"), Some(secret), _) => {
                uses.secrets.insert(secret.replace('_', "-"));
            }
            (Some("cluster"), Some("values"), Some(key)) => {
                uses.values.insert(key.to_owned());
                uses.cluster = true;
            }
            (Some("cluster" | "secrets"), ..) => uses.cluster = true,
            _ => {}
        }
    }
    Ok(uses)
}

/// The manifest that the template `text` becomes.
///
/// # Errors
/// Text that is no template, or that uses what `context` does not hold.
pub fn render(name: &str, text: &str, context: &Context<'_>) -> Result<Zeroizing<String>, ManifestError> {
    let environment = environment();
    let template = environment.template_from_named_str(name, text).map_err(|error| wrong(name, &error))?;
    let mut names = context.names.clone();
    names.insert("secrets", Value::from(Serde(&context.secrets)));
    template.render(Value::from(Serde(&names))).map(Zeroizing::new).map_err(|error| match error.kind() {
        ErrorKind::UndefinedError => unset(name, text, &names, &error),
        _ => wrong(name, &error),
    })
}

fn syntax() -> SyntaxConfig {
    let mut syntax = SyntaxConfig::builder();
    syntax.keep_trailing_newline(true);
    syntax.build().expect("the usual delimiters differ from each other")
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_syntax(syntax());
    environment.add_filter("b64encode", |text: &str| STANDARD.encode(text));
    environment
}

/// Names the first value that is used and not there; the engine's own message names none.
fn unset(name: &str, text: &str, names: &BTreeMap<&'static str, Value>, error: &Error) -> ManifestError {
    let environment = environment();
    let Ok(template) = environment.template_from_named_str(name, text) else { return wrong(name, error) };
    let mut used: Vec<String> = template.undeclared_variables(true).into_iter().collect();
    used.sort();
    let absent = used.into_iter().find(|path| {
        let mut steps = path.split('.');
        let first = steps.next().and_then(|step| names.get(step)).cloned();
        let value = steps.try_fold(first, |value, step| value?.get_attr(step).ok().map(Some)).flatten();
        value.is_none_or(|value| value.is_undefined())
    });
    match absent {
        Some(value) => ManifestError::Unset { name: name.to_owned(), value },
        None => wrong(name, error),
    }
}

/// Only what the engine says of the template's own text: its other details may quote values.
fn wrong(name: &str, error: &Error) -> ManifestError {
    let detail = matches!(error.kind(), ErrorKind::SyntaxError | ErrorKind::UnknownFilter | ErrorKind::UnknownTest);
    let reason = match error.detail() {
        Some(detail_text) if detail => format!("{}: {detail_text}", error.kind()),
        _ => error.kind().to_string(),
    };
    ManifestError::Template { name: name.to_owned(), line: error.line().unwrap_or(1), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context<'static> {
        let cluster = serde_json::json!({"name": "home", "values": {"repository": "git@example.org:home.git"}});
        Context::default()
            .profile(serde_json::json!({"name": "control"}))
            .cluster(cluster)
            .secrets([("deploy-key", "kept quiet")])
    }

    #[test]
    fn what_a_template_uses_decides_where_it_goes() {
        let home = |text: &str| uses("a.yaml", text).unwrap().home();
        assert_eq!(home("name: {{ profile.name }}\n"), Home::Image);
        assert_eq!(home("name: plain\n"), Home::Image);
        assert_eq!(home("name: {{ cluster.name }}\n"), Home::Seed);
        assert_eq!(home("{% for node in cluster.nodes %}{{ node }}{% endfor %}\n"), Home::Seed);
        assert_eq!(home("{% if true %}key: {{ secrets.deploy_key }}{% endif %}\n"), Home::Seed);
        assert_eq!(home("key: {{ secrets['deploy-key'] }}\n"), Home::Seed);
        assert!(uses("a.yaml", "{{ profile.name").is_err());
        let used = uses("a.yaml", "{{ secrets.deploy_key }} {{ cluster.values.repository }}").unwrap();
        assert_eq!(used.secrets.iter().collect::<Vec<_>>(), ["deploy-key"]);
        assert_eq!(used.values.iter().collect::<Vec<_>>(), ["repository"]);
    }

    #[test]
    fn values_come_from_profile_cluster_and_secrets() {
        let text = "{{ profile.name }} {{ cluster.values.repository | tojson }} {{ secrets.deploy_key | b64encode }}\n";
        let rendered = render("a.yaml", text, &context()).unwrap();
        assert_eq!(*rendered, "control \"git@example.org:home.git\" a2VwdCBxdWlldA==\n");
    }

    #[test]
    fn an_unset_value_is_named_with_its_cure() {
        let hint = |text: &str| {
            let error = render("a.yaml", text, &context()).unwrap_err();
            (error.to_string(), error.hint().unwrap_or_default())
        };
        let (message, cure) = hint("{{ secrets.other_key }}");
        assert_eq!(message, "a.yaml uses `secrets.other_key`, which is not set");
        assert_eq!(cure, "run `imgbuild secrets set other-key`");
        let (message, cure) = hint("{{ cluster.values.domain }}");
        assert_eq!(message, "a.yaml uses `cluster.values.domain`, which is not set");
        assert_eq!(cure, "add `domain = \"…\"` to [values] of cluster.toml");
        assert_eq!(hint("{{ nothing }}").0, "a.yaml uses `nothing`, which is not set");
    }

    #[test]
    fn no_error_holds_a_secret() {
        for text in ["{{ secrets.deploy_key + 1 }}", "{{ secrets.deploy_key | int }}", "{{ secrets.deploy_key() }}"] {
            let error = render("a.yaml", text, &context()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("quiet"), "{error:?}");
        }
    }
}
