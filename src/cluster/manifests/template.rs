//! A manifest's template: the values that it uses, and its rendering.
//!
//! Undefined names are errors. No message quotes a value, since it may be a secret.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};
use serde::Serialize;
use zeroize::Zeroizing;

use super::error::ManifestError;
use super::filters::{b64encode, tojson};
use crate::diagnostic::SourceText;
use crate::profile::{ManifestTemplate, Origin, ParamValue, Params, Via};

/// Where a manifest goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Home {
    /// Into the image, since it is the same in every cluster.
    Image,
    /// Into the seed of a server, since it has values of one cluster.
    Seed,
    /// Into the owner's Git repository.
    Git,
}

impl Home {
    /// One word for it, for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Seed => "seed",
            Self::Git => "git",
        }
    }
}

/// What templates may use.
#[derive(Debug, Default, Clone)]
pub struct Context<'a> {
    names: BTreeMap<&'static str, Value>,
    secrets: BTreeMap<String, &'a str>,
    overlays: Option<&'a BTreeMap<String, Params>>,
}

impl<'a> Context<'a> {
    /// `profile`: the profile's public values.
    #[must_use]
    pub fn profile(mut self, profile: impl Serialize) -> Self {
        self.names.insert("profile", Value::from(Serde(profile)));
        self
    }

    /// As it is, with `params`, the values of the parameters of a template's overlay, and `via`, how its manifests reach the
    /// cluster.
    #[must_use]
    pub fn with_params_of(&self, template: &ManifestTemplate) -> Self {
        let mut context = self.clone();
        let mut params = template.params.clone();
        if let (Some(overlays), Origin::Overlay(overlay)) = (self.overlays, &template.origin) {
            params.extend(overlays.get(overlay).cloned().unwrap_or_default());
        }
        // In the place of a secret's name stands the secret.
        let value = |value: &ParamValue| match value.secret() {
            Some(name) => self.secrets.get(&of_template(name)).map(|value| Value::from(*value)),
            None => Some(Value::from(Serde(value))),
        };
        let params = params.iter().filter_map(|(name, param)| Some((name.as_str(), value(param)?)));
        let params: BTreeMap<&str, Value> = params.collect();
        context.names.insert("params", Value::from(Serde(&params)));
        context.names.insert("via", Value::from(template.via.name()));
        context
    }

    /// `cluster`: what `cluster.toml` says.
    #[must_use]
    pub fn cluster(mut self, cluster: impl Serialize) -> Self {
        self.names.insert("cluster", Value::from(Serde(cluster)));
        self
    }

    /// What the cluster sets of overlays' parameters, by overlay.
    #[must_use]
    pub fn overlays(mut self, overlays: &'a BTreeMap<String, Params>) -> Self {
        self.overlays = Some(overlays);
        self
    }

    /// `secrets`: values by name; for `deploy-key` a template writes `secrets.deploy_key`.
    #[must_use]
    pub fn secrets(mut self, secrets: impl IntoIterator<Item = (String, &'a str)>) -> Self {
        self.secrets.extend(secrets.into_iter().map(|(name, value)| (of_template(&name), value)));
        self
    }
}

/// The name of a secret in templates, where a hyphen would be a minus.
fn of_template(secret: &str) -> String {
    secret.replace('-', "_")
}

/// What a template uses beside `profile`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses {
    /// Whether it uses `cluster`, or a parameter that the cluster sets.
    pub cluster: bool,
    /// Keys of `cluster.values`.
    pub values: BTreeSet<String>,
    /// Names of secrets, as `imgbuild secrets set` takes them.
    pub secrets: BTreeSet<String>,
    /// Names of parameters of its overlay.
    pub params: BTreeSet<String>,
}

impl Uses {
    /// Where its manifest goes, in an overlay whose manifests reach the cluster in this way. What has a secret is never in Git:
    /// K3s makes it at first boot.
    #[must_use]
    pub fn home(&self, via: Via) -> Home {
        match via {
            _ if !self.secrets.is_empty() => Home::Seed,
            Via::Gitops => Home::Git,
            Via::Image if self.cluster => Home::Seed,
            Via::Image => Home::Image,
        }
    }
}

/// What a template uses; one that is taken verbatim uses nothing.
///
/// # Errors
/// Text that is no template; one that takes all secrets at once.
pub fn uses(template: &ManifestTemplate) -> Result<Uses, ManifestError> {
    let SourceText { path, text } = &*template.source;
    let mut uses = Uses::default();
    if template.verbatim {
        return Ok(uses);
    }
    let environment = environment();
    let parsed = environment.template_from_named_str(path, text).map_err(|error| wrong(path, text, &error))?;
    for used in parsed.undeclared_variables(true) {
        let mut steps = used.split('.');
        match (steps.next(), steps.next(), steps.next()) {
            (Some("secrets"), Some(secret), _) => {
                uses.secrets.insert(secret.replace('_', "-"));
            }
            (Some("secrets"), None, _) => {
                return Err(ManifestError::AllSecrets { path: path.clone(), line: line_of(text, "secrets") });
            }
            (Some("cluster"), Some("values"), Some(key)) => {
                uses.values.insert(key.to_owned());
                uses.cluster = true;
            }
            (Some("cluster"), ..) => uses.cluster = true,
            (Some("params"), Some(name), _) => {
                uses.cluster |= template.of_cluster.contains(name);
                uses.secrets.extend(template.params.get(name).and_then(ParamValue::secret).map(str::to_owned));
                uses.params.insert(name.to_owned());
            }
            // All of them.
            (Some("params"), None, _) if template.params.values().any(|value| value.secret().is_some()) => {
                return Err(ManifestError::AllSecrets { path: path.clone(), line: line_of(text, "params") });
            }
            (Some("params"), None, _) => uses.cluster |= !template.of_cluster.is_empty(),
            _ => {}
        }
    }
    Ok(uses)
}

/// The manifest that a template becomes.
///
/// It is given the secrets that [`uses`] finds in it and no others: what a template does with the values that it has,
/// going through all of them included, cannot bring more into the cluster than the lints and `secrets check` know of.
///
/// # Errors
/// Text that is no template, or that uses what `context` does not hold.
pub fn render(template: &ManifestTemplate, context: &Context<'_>) -> Result<Zeroizing<String>, ManifestError> {
    if template.verbatim {
        return Ok(Zeroizing::new(template.source.text.clone()));
    }
    let used = uses(template)?;
    let of_params = used.params.iter().filter_map(|name| Some((name, template.params.get(name)?.secret()?)));
    let mut absent = of_params.filter(|(_, secret)| !context.secrets.contains_key(&of_template(secret)));
    if let Some((param, secret)) = absent.next() {
        let SourceText { path, text } = &*template.source;
        let (line, value) = (line_of(text, &format!("params.{param}")), format!("secrets.{}", of_template(secret)));
        return Err(ManifestError::Unset { path: path.clone(), line, value });
    }
    render_text(&template.source.path, &template.source.text, &used, &context.with_params_of(template))
        .map_err(|error| with_overlay(error, template))
}

/// What is not set as a parameter of its overlay, if it is one: then the file to write it into is known.
fn with_overlay(error: ManifestError, template: &ManifestTemplate) -> ManifestError {
    match error {
        ManifestError::Unset { path, line, value } => match value.strip_prefix("params.") {
            Some(param) => {
                let (overlay, of_cluster) = (template.origin.name().to_owned(), template.of_cluster.contains(param));
                ManifestError::UnsetParam { path, line, overlay, param: param.to_owned(), of_cluster }
            }
            None => ManifestError::Unset { path, line, value },
        },
        other => other,
    }
}

/// As [`render`], for the text of a template whose uses are known.
pub(super) fn render_text(
    path: &str,
    text: &str,
    used: &Uses,
    context: &Context<'_>,
) -> Result<Zeroizing<String>, ManifestError> {
    let environment = environment();
    let parsed = environment.template_from_named_str(path, text).map_err(|error| wrong(path, text, &error))?;
    let is_used = |(name, _): &(&String, &&str)| used.secrets.contains(&name.replace('_', "-"));
    let secrets: BTreeMap<&String, &&str> = context.secrets.iter().filter(is_used).collect();
    let mut names = context.names.clone();
    names.insert("secrets", Value::from(Serde(&secrets)));
    parsed.render(Value::from(Serde(&names))).map(Zeroizing::new).map_err(|error| match error.kind() {
        // A filter calls a value that is not there one of the wrong kind.
        ErrorKind::UndefinedError | ErrorKind::InvalidOperation => unset(path, text, &names, &error),
        _ => wrong(path, text, &error),
    })
}

/// Most steps of the engine that one manifest may take, about one for each thing that it computes or prints. A manifest
/// that writes ten lines for each of a hundred nodes takes some ten thousand. Without a bound, loops in loops would run for
/// hours; what a step makes of memory is not bounded by it (docs/security.md).
const MOST_STEPS: u64 = 1_000_000;

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
    environment.add_filter("b64encode", b64encode);
    environment.add_filter("tojson", tojson);
    // It prints everything that a template knows.
    environment.remove_global("debug");
    environment.set_fuel(Some(MOST_STEPS));
    environment
}

/// Names the first value that is used and not there; the engine's own message names none.
fn unset(path: &str, text: &str, names: &BTreeMap<&'static str, Value>, error: &Error) -> ManifestError {
    let environment = environment();
    let Ok(template) = environment.template_from_named_str(path, text) else { return wrong(path, text, error) };
    let mut used: Vec<String> = template.undeclared_variables(true).into_iter().collect();
    used.sort();
    let is_absent = |used: &&String| {
        let mut steps = used.split('.');
        let first = steps.next().and_then(|step| names.get(step)).cloned();
        let value = steps.try_fold(first, |value, step| value?.get_attr(step).ok().map(Some)).flatten();
        value.is_none_or(|value| value.is_undefined())
    };
    // The engine knows the line; of several values there, the one that stands there is meant.
    let line = error.line().unwrap_or(1);
    let there = text.lines().nth(line - 1).unwrap_or_default();
    let absent: Vec<&String> = used.iter().filter(is_absent).collect();
    let elsewhere = absent.first().filter(|_| error.kind() == ErrorKind::UndefinedError);
    // `params.app` does not stand there if `params.apple` does.
    let goes_on = |rest: &str| rest.starts_with(|char: char| char.is_alphanumeric() || char == '_');
    let stands_there = |value: &str| there.match_indices(value).any(|(at, _)| !goes_on(&there[at + value.len()..]));
    match absent.iter().find(|value| stands_there(value)).or(elsewhere) {
        Some(value) => ManifestError::Unset { path: path.to_owned(), line, value: (*value).clone() },
        None => wrong(path, text, error),
    }
}

/// Only what the engine says of the template's own text: its other details may quote values.
fn wrong(path: &str, text: &str, error: &Error) -> ManifestError {
    let kinds = [ErrorKind::SyntaxError, ErrorKind::UnknownFilter, ErrorKind::UnknownTest, ErrorKind::UnknownFunction];
    let reason = match error.detail() {
        _ if error.kind() == ErrorKind::OutOfFuel => {
            format!("more than {MOST_STEPS} steps: a loop in it goes on too long")
        }
        Some(detail) if kinds.contains(&error.kind()) => format!("{}: {detail}", error.kind()),
        _ => error.kind().to_string(),
    };
    // A comment that is not closed is told at the end of the file; where it begins is what people look for.
    let unclosed = reason.contains("end of comment").then(|| text.rfind("{#")).flatten();
    let line = unclosed.map(|at| text[..at].matches('\n').count() + 1).or(error.line()).unwrap_or(1);
    ManifestError::Template { path: path.to_owned(), line, reason }
}

/// The first line, from 1, that has `word` in a tag.
fn line_of(text: &str, word: &str) -> usize {
    let in_tag = |line: &str| line.find('{').is_some_and(|start| line[start..].contains(word));
    text.lines().position(in_tag).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn context() -> Context<'static> {
        let cluster = serde_json::json!({"name": "home", "values": {"repository": "git@example.org:home.git"}});
        let secrets = [("deploy-key", "kept quiet"), ("server-token", "kept quieter")];
        Context::default()
            .profile(serde_json::json!({"name": "control"}))
            .cluster(cluster)
            .secrets(secrets.map(|(name, value)| (name.to_owned(), value)))
    }

    fn template(text: &str) -> ManifestTemplate {
        let source = SourceText { path: "overlays/app/manifests/a.yaml".to_owned(), text: text.to_owned() };
        ManifestTemplate {
            source: Arc::new(source),
            origin: crate::profile::Origin::Overlay("app".to_owned()),
            params: crate::profile::Params::new(),
            of_cluster: BTreeSet::new(),
            verbatim: false,
            via: Via::Image,
        }
    }

    fn refused(text: &str) -> ManifestError {
        render(&template(text), &context()).unwrap_err()
    }

    #[test]
    fn what_a_template_uses_decides_where_it_goes() {
        let home = |text: &str| uses(&template(text)).unwrap().home(Via::Image);
        let by_git = |text: &str| uses(&template(text)).unwrap().home(Via::Gitops);
        assert_eq!(home("name: {{ profile.name }}\n"), Home::Image);
        assert_eq!(home("name: plain\n"), Home::Image);
        assert_eq!(home("name: {{ cluster.name }}\n"), Home::Seed);
        assert_eq!(home("{% for node in cluster.nodes %}{{ node }}{% endfor %}\n"), Home::Seed);
        assert_eq!(home("{% if true %}key: {{ secrets.deploy_key }}{% endif %}\n"), Home::Seed);
        assert_eq!(by_git("name: {{ profile.name }}\n"), Home::Git);
        assert_eq!(by_git("name: {{ cluster.name }}\n"), Home::Git);
        assert_eq!(by_git("name: {{ cluster.name }} {{ secrets.deploy_key }}\n"), Home::Seed);
        assert!(uses(&template("{{ profile.name")).is_err());
        let used = uses(&template("{{ secrets.deploy_key }} {{ cluster.values.repository }}")).unwrap();
        assert_eq!(used.secrets.iter().collect::<Vec<_>>(), ["deploy-key"]);
        assert_eq!(used.values.iter().collect::<Vec<_>>(), ["repository"]);
    }

    #[test]
    fn values_come_from_profile_cluster_and_secrets() {
        let text = "{{ profile.name }} {{ cluster.values.repository | tojson }} {{ secrets.deploy_key | b64encode }}\n";
        let rendered = render(&template(text), &context()).unwrap();
        assert_eq!(*rendered, "control \"git@example.org:home.git\" a2VwdCBxdWlldA==\n");
    }

    #[test]
    fn a_file_that_is_taken_verbatim_is_no_template() {
        let text = "key: {{ secrets.server_token }} {{ .Values.x }} {% nothing\n";
        let template = ManifestTemplate { verbatim: true, ..template(text) };
        assert_eq!(uses(&template).unwrap().home(Via::Image), Home::Image);
        assert_eq!(*render(&template, &context()).unwrap(), text);
    }

    #[test]
    fn an_unset_value_is_named_with_its_place_and_cure() {
        let hint = |text: &str| {
            let error = refused(text);
            (error.line(), error.reason(), error.hint().unwrap_or_default())
        };
        let unset = |value: &str| format!("`{value}` is not set");
        assert_eq!(
            hint("a: 1\nb: {{ secrets.other_key }}"),
            (2, unset("secrets.other_key"), "run `imgbuild secrets set other-key`".to_owned())
        );
        assert_eq!(
            hint("{{ cluster.values.domain }}"),
            (1, unset("cluster.values.domain"), "add `domain = \"…\"` to [values] of cluster.toml".to_owned())
        );
        let filtered = (2, unset("cluster.values.pool"), "add `pool = \"…\"` to [values] of cluster.toml".to_owned());
        assert_eq!(hint("a: 1\nb: {{ cluster.values.pool | split(',') }}"), filtered);
        assert_eq!(hint("a: 1\nb: {{ cluster.values.pool | b64encode }}"), filtered);
        assert!(!hint("{{ cluster.name / 2 }}").1.contains("not set"));
        let (line, reason, cure) = hint("a: 1\n\nb: {{ path }} {{ alpha }}");
        assert!(line == 3 && (reason == unset("path") || reason == unset("alpha")), "{line} {reason}");
        assert!(cure.contains("verbatim = [\"a.yaml\"]"), "{cure}");
    }

    #[test]
    fn no_filter_makes_anything_of_a_value_that_is_not_there() {
        for filter in ["tojson", "tojson(indent=2)", "b64encode", "split(',')", "trim", "lower", "int"] {
            let error = refused(&format!("a: 1\nb: {{{{ params.pool | {filter} }}}}\n"));
            let ManifestError::UnsetParam { line: 2, overlay, param, .. } = &error else {
                panic!("{filter}: {error:?}")
            };
            assert_eq!((overlay.as_str(), param.as_str()), ("app", "pool"), "{filter}");
        }
        for text in ["{{ [params.pool] | tojson }}", "{{ {'a': params.pool} | tojson }}", "{{ 's3://' ~ params.pool }}"]
        {
            assert!(matches!(refused(text), ManifestError::UnsetParam { .. }), "{text}");
        }
        let guarded = "{% if params.pool is defined %}{{ params.pool | tojson }}{% endif %}{{ params.pool | default(1) | tojson }}";
        assert_eq!(*render(&template(guarded), &context()).unwrap(), "1");
        assert_eq!(*render(&template("{{ [1, {'a': none}] | tojson }}"), &context()).unwrap(), "[1, {\"a\": null}]");
        // The longer name is another one's.
        let error = refused("{% if false %}{{ params.host }}{% endif %}\n{{ params.hosts | tojson }}");
        assert!(error.to_string().contains("`hosts` of"), "{error}");
    }

    #[test]
    fn a_parameter_that_is_not_set_is_told_with_the_file_to_write_it_into() {
        let mut template = template("{{ params.pool | tojson }}");
        let hint = |template: &ManifestTemplate| render(template, &context()).unwrap_err().hint().unwrap();
        assert!(hint(&template).starts_with("write `pool = …` into [overlay.app] of the server's profile"));
        template.of_cluster.insert("pool".to_owned());
        assert_eq!(hint(&template), "write `pool = …` into [overlay.app] of cluster.toml");
    }

    #[test]
    fn braces_for_others_are_told_with_both_ways_to_keep_them() {
        for text in ["a: 1\nb: {{ .Values.image }}\n", "a: 1\nb: {{- range .x }}\n", "a: 1\nb: ${#list[@]}\n"] {
            let error = refused(text);
            let hint = error.hint().unwrap_or_default();
            assert!(
                error.line() == 2 && hint.contains("verbatim = [\"a.yaml\"]") && hint.contains("{% raw %}"),
                "{text}: {error} {hint}"
            );
        }
    }

    #[test]
    fn a_template_gets_no_secret_that_it_does_not_name() {
        for text in [
            "{% for name, value in secrets|items %}{{ value }}{% endfor %}",
            "{{ secrets | tojson }}",
            "{% set all = secrets %}{{ all.server_token }}",
            "{{ secrets.deploy_key }}{{ secrets | tojson }}",
            "{% if cluster.name %}{{ debug() }}{% endif %}",
            "{{ secrets['server' ~ '_token'] }}",
            "{{ secrets|attr('server_token') }}",
        ] {
            match render(&template(text), &context()) {
                Ok(text) => assert!(!text.contains("quiet"), "{}", *text),
                Err(error) => assert!(!format!("{error} {error:?}").contains("quiet"), "{error:?}"),
            }
            let named = uses(&template(text)).map(|uses| uses.secrets).unwrap_or_default();
            assert!(!named.contains("server-token"), "{text}");
        }
        let error = refused("a: 1\nb: {{ secrets | tojson }}");
        assert_eq!(
            (error.line(), error.hint().as_deref()),
            (2, Some("write the name of each: `secrets.deploy_key`, `params.password`"))
        );
    }

    #[test]
    fn a_parameter_that_names_a_secret_is_that_secret() {
        let with = |text: &str| {
            let name = ("password".to_owned(), ParamValue::Secret("deploy-key".to_owned()));
            let user = ("user".to_owned(), ParamValue::Text("me".to_owned()));
            ManifestTemplate { params: [name, user].into(), ..template(text) }
        };
        let text = "{{ params.user }}: {{ params.password | b64encode }}{% if params.other is defined %}!{% endif %}\n";
        assert_eq!(*render(&with(text), &context()).unwrap(), "me: a2VwdCBxdWlldA==\n");
        let used = uses(&with(text)).unwrap();
        assert_eq!(used.home(Via::Image), Home::Seed);
        assert_eq!(used.secrets.iter().collect::<Vec<_>>(), ["deploy-key"]);
        assert_eq!(uses(&with("{{ params.user }}")).unwrap().home(Via::Image), Home::Image);
        // All of them at once, in whatever way, a template does not get.
        for text in
            ["{{ params | tojson }}", "{% set all = params %}{{ all.password }}", "{{ params['pass' ~ 'word'] }}"]
        {
            assert!(matches!(render(&with(text), &context()), Err(ManifestError::AllSecrets { .. })), "{text}");
        }
        let error = render(&with("a: 1\nb: {{ params.password }}\n"), &Context::default()).unwrap_err();
        assert_eq!((error.line(), error.hint().as_deref()), (2, Some("run `imgbuild secrets set deploy-key`")));
        for text in ["{{ params.password + 1 }}", "{{ params.password | int }}", "{{ params.password() }}"] {
            let error = render(&with(text), &context()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("quiet"), "{error:?}");
        }
    }

    #[test]
    fn loops_in_loops_end() {
        let deep = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}";
        assert!(refused(deep).to_string().contains("a loop in it goes on too long"), "{}", refused(deep));
        let nodes =
            "{% for node in range(100) %}{% for line in range(10) %}a: {{ node }}-{{ line }}\n{% endfor %}{% endfor %}";
        assert_eq!(render(&template(nodes), &context()).unwrap().lines().count(), 1000);
    }

    #[test]
    fn with_tojson_a_value_stays_a_value_whatever_is_in_it() {
        let value = "a: 'b'\n---\nkind: Pod # \"c\"\n";
        let cluster = serde_json::json!({"values": {"text": value}});
        let text =
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  text: {{ cluster.values.text | tojson }}\n";
        let rendered = render(&template(text), &Context::default().cluster(cluster)).unwrap();
        let read: serde_json::Value = serde_saphyr::from_str(&rendered).unwrap();
        assert_eq!(read["data"]["text"], value);
    }

    #[test]
    fn no_error_holds_a_secret() {
        for text in ["{{ secrets.deploy_key + 1 }}", "{{ secrets.deploy_key | int }}", "{{ secrets.deploy_key() }}"] {
            let error = refused(text);
            assert!(!format!("{error} {error:?}").contains("quiet"), "{error:?}");
        }
    }
}
