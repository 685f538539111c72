//! Parameters of overlays: what an overlay lets profiles decide (`[params.NAME]`), what they say (`[overlay.NAME]`), and what
//! follows (`[[when]]`, `{{ params.NAME }}`).
//!
//! ```text
//! [params] of overlay.toml ┐
//! [overlay.NAME] of the    ├→ values of all parameters → overlay.toml as if it had no [[when]]
//! chain of profiles        ┘
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::architectures::Architectures;
use super::checks;
use super::error::known_names;
use super::inherit::plain;
use super::marks::Written;
use super::schema::{OverlayToml, ParamTable, ParamValues, SetBy, Settable, SourceEntry, WhenEntry};
use super::values::{Identifier, ManifestGlob, Spanned, VersionStart};
use super::{KernelRange, Marks, Origin, ParamValue, Params, ProfileError, Workspace, kernel_version};
use crate::diagnostic::{Diagnostic, SourceText, closest};

/// What stands among the parameters in `[overlay.NAME]` and is none (`via.rs`).
pub(super) const VIA: &str = "via";

/// What messages show in the place of a value that may be a secret.
const VEIL: &str = "…";

/// What a chain of profiles says of one overlay: by parameter, the last file's word.
pub(super) type Settings = BTreeMap<String, Setting>;

/// A value that a profile gives.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    value: ParamValue,
    origin: Origin,
    name: Place,
    at: Place,
}

/// Bytes of a file.
#[derive(Debug, Clone)]
struct Place {
    source: Arc<SourceText>,
    span: Range<usize>,
}

impl Setting {
    /// Its text; none if it is of another type.
    pub(super) fn text(&self) -> Option<&str> {
        self.value.text()
    }

    /// What is wrong with it, at its value.
    pub(super) fn wrong(&self, message: impl Into<String>) -> Diagnostic {
        self.at.wrong(message)
    }
}

impl Place {
    fn of(source: &Arc<SourceText>, span: Range<usize>) -> Self {
        Self { source: Arc::clone(source), span }
    }

    fn wrong(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(&self.source, Some(self.span.clone()), message)
    }
}

impl Setting {
    /// The same, at places of a text that does not show the value.
    fn veiled(&self) -> Self {
        let at = veiled(&self.at.source, self.at.span.clone());
        let name = Place { source: Arc::clone(&at.source), span: self.name.span.clone() };
        Self { name, at, ..self.clone() }
    }
}

/// The place of a value that may be a secret, in a text that has `…` there: messages quote the lines that they are about.
fn veiled(at: &Arc<SourceText>, value: Range<usize>) -> Place {
    let [before, after] = [&at.text[..value.start], &at.text[value.end..]];
    let text = format!("{before}{VEIL}{after}");
    let span = value.start..value.start + VEIL.len();
    Place { source: Arc::new(SourceText { path: at.path.clone(), text }), span }
}

/// Where a value that a parameter may not have stands, as a message may show it.
pub(super) fn misfit_at(at: &Arc<SourceText>, value: Range<usize>, table: &ParamTable, misfit: Misfit) -> Diagnostic {
    let place = if table.secret { veiled(at, value) } else { Place::of(at, value) };
    let (message, hint) = misfit;
    place.wrong(message).hint(hint)
}

/// The text to show where the name of a parameter is wrong: without its value, if that may be meant as a secret.
pub(super) fn shown_at(
    at: &Arc<SourceText>,
    value: Range<usize>,
    name: &str,
    declared: &BTreeMap<String, ParamTable>,
) -> Arc<SourceText> {
    if may_be_secret(name, declared) { veiled(at, value).source } else { Arc::clone(at) }
}

/// Whether a value of the parameter `name` may be meant as a secret: a misspelt name, too, where any parameter is one.
fn may_be_secret(name: &str, declared: &BTreeMap<String, ParamTable>) -> bool {
    declared.get(name).map_or_else(|| declared.values().any(|table| table.secret), |table| table.secret)
}

/// Lays `[overlay.NAME]` of a file over what the files before it say.
pub(super) fn lay(
    settings: &mut BTreeMap<String, Settings>,
    tables: BTreeMap<Spanned<Identifier>, ParamValues>,
    by: &Written,
) {
    let at = &by.source;
    for (Spanned(overlay), values) in tables {
        let settings = settings.entry(overlay.into_inner().0).or_default();
        for (Spanned(name), Spanned(value)) in values {
            let setting = Setting {
                origin: by.origin.clone(),
                name: Place::of(at, name.span()),
                at: Place::of(at, value.span()),
                value: value.into_inner(),
            };
            settings.insert(name.into_inner().0, setting);
        }
    }
}

/// Notes who set the parameters of `overlay`, as `OVERLAY PARAMETER`.
pub(super) fn note(marks: &mut Marks, overlay: &str, settings: Option<&Settings>) {
    for (name, Setting { origin, at, .. }) in settings.into_iter().flatten() {
        let by = Written { origin: origin.clone(), source: Arc::clone(&at.source) };
        marks.note("overlay.param", &format!("{overlay} {name}"), &by, at.span.clone());
    }
}

/// Refuses a `[overlay.NAME]` of `tables` for what is no overlay.
///
/// # Errors
/// As said; folders that cannot be read.
pub(super) fn check_names(
    tables: &BTreeMap<Spanned<Identifier>, ParamValues>,
    at: &Arc<SourceText>,
    workspace: &Workspace,
) -> Result<(), ProfileError> {
    if tables.is_empty() {
        return Ok(());
    }
    let known = workspace.overlay_names()?;
    match tables.keys().find(|Spanned(name)| !known.contains(&name.get_ref().0)) {
        Some(Spanned(name)) => {
            let wrong = Diagnostic::new(at, Some(name.span()), format!("there is no overlay `{}`", name.get_ref().0));
            Err(wrong.hint(known_names("overlays", &name.get_ref().0, &known)).into())
        }
        None => Ok(()),
    }
}

/// Refuses what the profile's own file `leaf` sets of an overlay that is not among the profile's `overlays`. Files that it extends may: other
/// profiles that extend them may have that overlay.
///
/// # Errors
/// As said.
pub(super) fn check_used(
    settings: &BTreeMap<String, Settings>,
    overlays: &[String],
    leaf: &Arc<SourceText>,
) -> Result<(), ProfileError> {
    let absent = settings.iter().filter(|(overlay, _)| !overlays.contains(overlay));
    let own = absent.flat_map(|(overlay, settings)| settings.values().map(move |setting| (overlay, setting)));
    match own.into_iter().find(|(_, setting)| Arc::ptr_eq(&setting.name.source, leaf)) {
        Some((overlay, setting)) => {
            let wrong = setting.name.wrong(format!("this profile does not have the overlay `{overlay}`"));
            Err(wrong.hint(format!("add it: `overlays = [\"{overlay}\"]`, or take the table out")).into())
        }
        None => Ok(()),
    }
}

/// The patches that conditions name, whether these hold or not.
pub(super) fn patches(whens: &[WhenEntry]) -> BTreeSet<String> {
    let modules = whens.iter().flat_map(|when| when.kernel_modules.values());
    modules.flat_map(|module| &module.patches).map(|patch| patch.file.0.get_ref().0.clone()).collect()
}

/// The globs of manifests that conditions name, whether these hold or not.
pub(super) fn manifests(whens: &[WhenEntry]) -> Vec<Spanned<ManifestGlob>> {
    whens.iter().flat_map(|when| when.manifests.iter().cloned()).collect()
}

/// The parameters that the cluster sets.
pub(super) fn of_cluster(toml: &OverlayToml) -> BTreeSet<String> {
    let of_cluster = toml.params.iter().filter(|(_, table)| table.set_by == SetBy::Cluster);
    of_cluster.map(|(name, _)| name.0.clone()).collect()
}

/// The values of an overlay's parameters, with what follows from them put into `toml`, whose `[params]` and `[[when]]` are empty
/// then, and into `architectures`. What has neither a default nor a setting has no value.
///
/// # Errors
/// A parameter that is not declared; a value of another type than its own, or that it may not have; one that decides something
/// whose rules it breaks; one kernel module from two places.
pub(super) fn apply(
    overlay: &str,
    toml: &mut OverlayToml,
    architectures: &mut Architectures,
    settings: Option<&Settings>,
    at: &Arc<SourceText>,
) -> Result<Params, ProfileError> {
    let declared: BTreeMap<String, ParamTable> =
        std::mem::take(&mut toml.params).into_iter().map(|(name, table)| (name.0, table)).collect();
    check_declarations(&declared, at)?;
    let empty = Settings::new();
    let settings = settings.unwrap_or(&empty);
    let mut params = Params::new();
    for (name, setting) in settings.iter().filter(|(name, _)| *name != VIA) {
        let veils = may_be_secret(name, &declared) && setting.value.secret().is_none();
        let setting = if veils { &setting.veiled() } else { setting };
        let in_profile = |message: String| setting.name.wrong(message);
        let table =
            declared_or(&declared, name, in_profile, &format!("overlay `{overlay}` has no parameter `{name}`"))?;
        if table.set_by == SetBy::Cluster {
            let wrong = in_profile(format!("`{name}` is for the cluster to set, not for a profile"));
            return Err(wrong.hint(format!("write it into [overlay.{overlay}] of cluster.toml")).into());
        }
        fits(name, table, &setting.value).map_err(|(message, hint)| setting.at.wrong(message).hint(hint))?;
        params.insert(name.clone(), setting.value.clone());
    }
    let whens = std::mem::take(&mut toml.whens);
    check_conditions(&whens, &declared, at)?;
    let defaults = declared.iter().filter_map(|(name, table)| Some((name, table.default.as_ref()?.0.get_ref())));
    let defaults: Params = defaults.map(|(name, value)| (name.clone(), value.clone())).collect();
    for when in whens {
        let holds = |(Spanned(name), Spanned(value)): (&Spanned<Identifier>, &Spanned<ParamValue>)| {
            let name = &name.get_ref().0;
            params.get(name).or(defaults.get(name)).is_some_and(|given| meets(given, value.get_ref()))
        };
        if when.params.iter().all(holds) {
            architectures.narrow(&when, at)?;
            add(toml, when, &mut params, at)?;
        }
    }
    for (name, value) in defaults {
        params.entry(name).or_insert(value);
    }
    for source in &mut toml.sources {
        settle(source, &declared, &params, settings, at)?;
    }
    Ok(params)
}

/// Whether a parameter's value is what a condition wants: that value, or a version within `>=590 <600`.
pub(super) fn meets(given: &ParamValue, wanted: &ParamValue) -> bool {
    match (given, range_of(wanted)) {
        (ParamValue::Text(version), Some(range)) => {
            !kernel_version(version).is_empty() && range.is_ok_and(|range| range.contains(version))
        }
        _ => given == wanted,
    }
}

/// The versions that a condition wants, if that is not a plain value; what is wrong with them, if they are none.
fn range_of(wanted: &ParamValue) -> Option<Result<KernelRange, String>> {
    wanted.text().filter(|text| text.starts_with(['<', '>'])).map(KernelRange::parse)
}

/// Why a value is none for a parameter, and what helps.
pub(super) type Misfit = (String, String);

/// Refuses a value that a parameter may not have.
pub(super) fn fits(name: &str, table: &ParamTable, value: &ParamValue) -> Result<(), Misfit> {
    let of_default = table.default.as_ref().and_then(|default| default.0.get_ref().secret());
    match (table.secret, value.secret()) {
        (true, Some(_)) => return Ok(()),
        (true, None) => {
            let secret = of_default.unwrap_or("NAME");
            let hint = format!(
                "no secret stands in such a file: take it out, `imgbuild secrets set {secret}` keeps it, and write `{name} = {{ secret = \"{secret}\" }}`"
            );
            return Err((format!("the parameter `{name}` is a secret, and must name one"), hint));
        }
        (false, Some(_)) => {
            let hint = "write the value itself; [params] of the overlay says which parameters are secrets";
            return Err((format!("the parameter `{name}` is no secret"), hint.to_owned()));
        }
        (false, None) => {}
    }
    let kind = table.default.as_ref().map_or("text in quotes", |default| default.0.get_ref().kind());
    if value.kind() != kind {
        let hint = match (value, kind) {
            (ParamValue::Number(number), "text in quotes") => format!("write `{name} = \"{number}\"`"),
            (ParamValue::Text(text), _) if !text.is_empty() => format!("write it without quotes: `{name} = {text}`"),
            _ => format!("write {kind}"),
        };
        return Err((format!("the parameter `{name}` must be {kind}"), hint));
    }
    match value {
        ParamValue::Number(number) => within(name, table, *number)?,
        ParamValue::Text(text) => {
            checks::line(text).map_err(|verdict| {
                let (message, hint) = verdict.split_once('\n').unwrap_or((&verdict, "write one line"));
                (message.to_owned(), hint.to_owned())
            })?;
            table.form().and_then(|form| form.refusal(name, text)).map_or(Ok(()), Err)?;
        }
        ParamValue::Flag(_) | ParamValue::Secret(_) => {}
    }
    let known: Vec<String> = table.one_of.iter().map(|Spanned(known)| known.get_ref().to_string()).collect();
    if known.is_empty() || known.contains(&value.to_string()) {
        return Ok(());
    }
    Err((format!("{value} is no value of `{name}`"), format!("write one of {}", known.join(", "))))
}

fn within(name: &str, table: &ParamTable, number: i64) -> Result<(), Misfit> {
    let (min, max) = table.range();
    let how = match (min, max) {
        (Some(min), _) if number < min => "less",
        (_, Some(max)) if number > max => "more",
        _ => return Ok(()),
    };
    let range = match (min, max) {
        (Some(min), Some(max)) => format!("from {min} to {max}"),
        (Some(min), None) => format!("that is at least {min}"),
        (None, max) => format!("that is at most {}", max.unwrap_or(i64::MAX)),
    };
    Err((format!("{number} is {how} than `{name}` may be"), format!("write a whole number {range}")))
}

/// Its declaration.
pub(super) fn declared_or<'d>(
    declared: &'d BTreeMap<String, ParamTable>,
    name: &str,
    at: impl Fn(String) -> Diagnostic,
    message: &str,
) -> Result<&'d ParamTable, ProfileError> {
    declared.get(name).ok_or_else(|| {
        let known = declared.iter().map(|(name, table)| format!("`{name}` ({})", table.description.0));
        let known = known.collect::<Vec<_>>().join(", ");
        let hint = match closest(name, declared.keys().map(String::as_str)) {
            _ if declared.is_empty() => "the overlay has no parameters; take this out".to_owned(),
            Some(meant) => format!("did you mean `{meant}`? parameters: {known}"),
            None => format!("parameters: {known}"),
        };
        at(message.to_owned()).hint(hint).into()
    })
}

/// Refuses defaults and choices that contradict each other.
fn check_declarations(declared: &BTreeMap<String, ParamTable>, at: &Arc<SourceText>) -> Result<(), ProfileError> {
    for (name, table) in declared {
        check_secret(name, table, at)?;
        check_range(name, table, at)?;
        check_form(name, table, at)?;
        for Spanned(value) in table.one_of.iter().chain(&table.default) {
            let wrong = |message: String| Diagnostic::new(at, Some(value.span()), message);
            if let ParamValue::Number(number) = value.get_ref() {
                within(name, table, *number).map_err(|(message, hint)| wrong(message).hint(hint))?;
            }
            if let (Some(form), ParamValue::Text(text)) = (table.form(), value.get_ref()) {
                form.refusal(name, text).map_or(Ok(()), |(message, hint)| Err(wrong(message).hint(hint)))?;
            }
            let hint = "`default` is one of the values in `one_of`, and all are of one type";
            fits(name, table, value.get_ref()).map_err(|(message, _)| wrong(message).hint(hint))?;
        }
    }
    Ok(())
}

/// Refuses a secret that the overlay itself has, or that has what only values have.
fn check_secret(name: &str, table: &ParamTable, at: &Arc<SourceText>) -> Result<(), ProfileError> {
    let default = table.default.as_ref().map(|Spanned(default)| default);
    let wrong = match default {
        Some(default) if table.secret != default.get_ref().secret().is_some() => {
            let (place, message, hint) = if table.secret {
                let message = format!("`{name}` is a secret, and its default must name one");
                let hint = "an overlay holds no secret: write `default = { secret = \"NAME\" }`";
                (veiled(at, default.span()), message, hint)
            } else {
                let message = format!("`{name}` is no secret, and its default names one");
                (Place::of(at, default.span()), message, "add `secret = true`, or write the value itself")
            };
            place.wrong(message).hint(hint)
        }
        _ if !table.secret => return Ok(()),
        _ if table.set_by == SetBy::Cluster => {
            let message = format!("`{name}` is a secret, which profiles name and not the cluster");
            let header = format!("[params.{name}]");
            let span = at.text.find(&header).map(|start| start..start + header.len());
            Diagnostic::new(at, span, message).hint(format!("take `set_by` out of [params.{name}]"))
        }
        _ => {
            let bound = table.min.as_ref().or(table.max.as_ref()).map(|Spanned(bound)| bound.span());
            let Some(span) = bound.or_else(|| table.one_of.first().map(|Spanned(value)| value.span())) else {
                return Ok(());
            };
            let message = format!("`one_of`, `min` and `max` are for values, and `{name}` is a secret");
            veiled(at, span).wrong(message).hint("take them out: a secret is whatever `imgbuild secrets set` was given")
        }
    };
    Err(wrong.into())
}

/// Refuses bounds of what is no whole number, or between which nothing lies.
fn check_range(name: &str, table: &ParamTable, at: &Arc<SourceText>) -> Result<(), ProfileError> {
    let Some(Spanned(bound)) = table.max.as_ref().or(table.min.as_ref()) else { return Ok(()) };
    let wrong = |message: String| Diagnostic::new(at, Some(bound.span()), message);
    if !matches!(table.default.as_ref().map(|default| default.0.get_ref()), Some(ParamValue::Number(_))) {
        let wrong = wrong(format!("`min` and `max` are for whole numbers, and `{name}` is none"));
        return Err(wrong.hint("give it a whole number as `default`, or take the bound out").into());
    }
    match table.range() {
        (Some(min), Some(max)) if min > max => {
            let wrong = wrong(format!("`{name}` can have no value: the most is less than the least"));
            Err(wrong.hint(format!("write `min = {max}` and `max = {min}`")).into())
        }
        _ => Ok(()),
    }
}

/// Refuses a form of what is no text.
fn check_form(name: &str, table: &ParamTable, at: &Arc<SourceText>) -> Result<(), ProfileError> {
    let Some(Spanned(form)) = &table.form else { return Ok(()) };
    let default = table.default.as_ref().map(|default| default.0.get_ref());
    if !table.secret && default.is_none_or(|default| default.text().is_some()) {
        return Ok(());
    }
    let what = if table.secret { "a secret" } else { "none" };
    let wrong = Diagnostic::new(at, Some(form.span()), format!("`form` is for text, and `{name}` is {what}"));
    Err(wrong.hint("take it out, or give the parameter a default in quotes").into())
}

/// Refuses a `[[when]]` that can never hold, or that gives what nobody declared.
fn check_conditions(
    whens: &[WhenEntry],
    declared: &BTreeMap<String, ParamTable>,
    at: &Arc<SourceText>,
) -> Result<(), ProfileError> {
    for (Spanned(name), Spanned(value)) in whens.iter().flat_map(|when| when.params.iter().chain(&when.defaults)) {
        let value_at = value.span();
        let here = |message: String| Diagnostic::new(at, Some(name.span()), message);
        let name = &name.get_ref().0;
        let table = declared_or(declared, name, here, &format!("`{name}` is no parameter of this overlay"))?;
        let wrong = |misfit: Misfit| misfit_at(at, value_at.clone(), table, misfit);
        match range_of(value.get_ref()) {
            Some(Ok(_)) if table.one_of.is_empty() && !table.secret => {}
            Some(Err(message)) => {
                return Err(wrong((message, "write conditions such as `>=590 <600`".to_owned())).into());
            }
            _ => fits(name, table, value.get_ref()).map_err(wrong)?,
        }
    }
    for Spanned(name) in whens.iter().flat_map(|when| when.params.keys()) {
        if declared.get(&name.get_ref().0).is_some_and(|table| table.secret) {
            let message = format!("`{}` is a secret, and no image depends on one", name.get_ref().0);
            return Err(Diagnostic::new(at, Some(name.span()), message).hint("decide by another parameter").into());
        }
        if declared.get(&name.get_ref().0).is_some_and(|table| table.set_by == SetBy::Cluster) {
            return Err(not_for_images(&name.get_ref().0, Diagnostic::new(at, Some(name.span()), "")).into());
        }
    }
    Ok(())
}

/// `at`, as what is wrong where an image would depend on a parameter of the cluster.
fn not_for_images(name: &str, mut at: Diagnostic) -> Diagnostic {
    at.message = format!("`{name}` is for the cluster to set, and no image depends on its cluster");
    at.hint(format!("take `set_by` out of [params.{name}], or decide by another parameter"))
}

/// Adds to an overlay what holds under a condition.
fn add(toml: &mut OverlayToml, when: WhenEntry, params: &mut Params, at: &Arc<SourceText>) -> Result<(), ProfileError> {
    let WhenEntry {
        params: _,
        defaults,
        provides,
        needs,
        conflicts,
        architectures: _,
        packages,
        sources,
        drop,
        modules,
        units,
        kernel_modules,
        manifests,
    } = when;
    for (Spanned(name), Spanned(value)) in defaults {
        params.entry(name.into_inner().0).or_insert(value.into_inner());
    }
    toml.provides.extend(provides);
    toml.needs.extend(needs);
    toml.conflicts.extend(conflicts);
    toml.packages.extend(packages);
    toml.sources.extend(sources);
    toml.drop.extend(drop);
    toml.modules.extend(modules);
    toml.units.enable.extend(units.enable);
    toml.units.disable.extend(units.disable);
    toml.held.extend(manifests.into_iter().map(plain));
    for (name, table) in kernel_modules {
        if toml.kernel_modules.contains_key(&name) {
            let message = format!("kernel module `{}` is given twice for these parameters", name.0);
            let wrong = Diagnostic::new(at, Some(table.package.0.span()), message);
            return Err(wrong.hint("let their `params` exclude each other, or give them names of their own").into());
        }
        toml.kernel_modules.insert(name, table);
    }
    Ok(())
}

/// Puts a parameter's value where a source's `versions` names it; without a value all versions are let in.
fn settle(
    source: &mut SourceEntry,
    declared: &BTreeMap<String, ParamTable>,
    params: &Params,
    settings: &Settings,
    at: &Arc<SourceText>,
) -> Result<(), ProfileError> {
    let Some(Spanned(versions)) = &source.versions else { return Ok(()) };
    let span = versions.span();
    let Settable::Param(name) = versions.get_ref() else { return Ok(()) };
    let here = |message: String| Diagnostic::new(at, Some(span.clone()), message);
    let table = declared_or(declared, name, here, &format!("`{name}` is no parameter of this overlay"))?;
    if table.set_by == SetBy::Cluster {
        return Err(not_for_images(name, here(String::new())).into());
    }
    let place = settings.get(name).map(|setting| &setting.at);
    let wrong = |message: &str| place.map_or_else(|| here(message.to_owned()), |place| place.wrong(message));
    let value = match params.get(name) {
        None => None,
        Some(ParamValue::Text(text)) => match VersionStart::try_from(text.clone()) {
            Ok(value) => Some(value),
            Err(verdict) => {
                let (message, hint) = verdict.split_once('\n').unwrap_or((&verdict, "write it another way"));
                return Err(wrong(message).hint(hint).into());
            }
        },
        Some(other) => {
            let message = format!("`{name}` is {}, and versions are text", other.kind());
            return Err(here(message).hint("give the parameter a default in quotes").into());
        }
    };
    source.versions = value.map(|value| Spanned(toml::Spanned::new(span, Settable::Value(value))));
    Ok(())
}
