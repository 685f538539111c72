//! An overlay by itself, for no profile and no board: what profiles can set of it, what it always gives, and what comes along
//! where its parameters have certain values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::draft::Draft;
use super::inherit::plain;
use super::overlay;
use super::params;
use super::parse::parse;
use super::schema::{
    ArtifactEntry, KernelModuleTable, OverlayToml, ParamTable, ParamValues, SetBy, Settable, SourceEntry, apart,
};
use super::values::{Identifier, Spanned};
use super::{Arch, Form, Home, ManifestTemplate, ParamValue, Params, Port, ProfileError, Via, Workspace};

/// An overlay as its folder has it.
#[derive(Debug, Clone, Serialize)]
pub struct Outline {
    pub name: String,
    pub description: String,
    pub from: Home,
    /// Its folder, as messages show it.
    pub folder: String,
    /// What profiles can set of it.
    pub params: BTreeMap<String, Param>,
    /// What it gives whatever its parameters are.
    #[serde(flatten)]
    pub always: Part,
    /// What it gives beside, in the order of its file.
    #[serde(rename = "when")]
    pub whens: Vec<When>,
    /// What it opens on nodes.
    pub ports: BTreeSet<Port>,
    /// Lines for a Raspberry Pi's `config.txt`.
    pub config_txt: Vec<String>,
    /// Kernel settings by sysctl name.
    pub sysctl: BTreeMap<String, String>,
    /// Answers to debconf's questions.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub debconf: BTreeMap<String, String>,
    /// Files, links and directories by path.
    pub files: BTreeMap<String, OwnFile>,
    /// Files that are downloaded, for all architectures.
    pub artifacts: Vec<Download>,
    /// How its manifests reach the cluster unless a profile says otherwise; none if it has none.
    pub via: Option<Via>,
    /// Templates by file name.
    #[serde(skip)]
    pub manifests: BTreeMap<String, ManifestTemplate>,
    /// What its manifests need and something in the cluster makes.
    pub expects: Vec<String>,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Param {
    pub description: String,
    /// As JSON Schema calls it: `string`, `integer` or `boolean`; `object` for a secret, since that is named in a table.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Whether it names a secret.
    pub secret: bool,
    pub set_by: SetBy,
    /// What holds unless a profile or a condition says otherwise; without one it is not set.
    pub default: Option<ParamValue>,
    /// The values that it may have; any if there are none.
    pub one_of: Vec<ParamValue>,
    /// What its text looks like; any one line if nothing says so.
    pub form: Option<Form>,
    /// The bounds of a whole number.
    pub min: Option<i64>,
    pub max: Option<i64>,
}

/// What an overlay gives always, or under a condition.
#[derive(Debug, Clone, Serialize)]
pub struct Part {
    /// Roles that it has; its own name is one always.
    pub provides: Vec<String>,
    /// Roles that a profile must have with it.
    pub needs: Vec<String>,
    /// Roles that a profile may not have with it.
    pub conflicts: Vec<String>,
    /// Architectures that it is for; all if there are none.
    pub architectures: Vec<Arch>,
    pub packages: Vec<String>,
    /// Whether what packages recommend comes along, by their names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub recommends: BTreeMap<String, bool>,
    pub sources: Vec<Archive>,
    /// Globs of what the image leaves out.
    pub drop: Vec<String>,
    /// Kernel modules that are loaded at boot.
    pub modules: Vec<String>,
    /// Units.
    pub enable: Vec<String>,
    pub disable: Vec<String>,
    /// Kernel modules that are compiled, by name.
    pub kernel_modules: BTreeMap<String, Compiled>,
}

/// What comes along where parameters have certain values.
#[derive(Debug, Clone, Serialize)]
pub struct When {
    /// All of them must hold.
    pub params: Params,
    /// Whether they do where no profile says anything.
    pub by_default: bool,
    /// What then holds of parameters that no profile sets.
    pub defaults: Params,
    /// Globs of manifests that are there only under such conditions.
    pub manifests: Vec<String>,
    #[serde(flatten)]
    pub part: Part,
}

/// A source of packages.
#[derive(Debug, Clone, Serialize)]
pub struct Archive {
    pub name: String,
    pub archive: String,
    pub suite: String,
    pub components: Vec<String>,
    /// What versions begin with; `{{ params.NAME }}` if a parameter says it.
    pub versions: Option<String>,
    /// That parameter.
    #[serde(skip)]
    pub versions_param: Option<String>,
}

/// A kernel module that is compiled.
#[derive(Debug, Clone, Serialize)]
pub struct Compiled {
    /// The Debian package that has the source.
    pub package: String,
    /// Paths of the modules below the source's directory.
    pub modules: Vec<String>,
    /// Conditions on the kernel's version; none for any kernel.
    pub kernels: Option<String>,
}

/// A file, link or directory of an overlay.
#[derive(Debug, Clone, Serialize)]
pub struct OwnFile {
    /// In octal.
    pub mode: String,
    pub user: String,
    pub group: String,
    /// What it points at, if it is a link.
    pub symlink: Option<String>,
    pub directory: bool,
}

/// A file that is downloaded.
#[derive(Debug, Clone, Serialize)]
pub struct Download {
    pub path: String,
    pub url: String,
    /// None if it is for all of them.
    pub architecture: Option<Arch>,
}

/// The overlay `name` by itself.
///
/// # Errors
/// There is none of this name, or it is broken.
pub fn outline(workspace: &Workspace, name: &str) -> Result<Outline, ProfileError> {
    let known = workspace.overlay_names()?;
    let unknown = |known| ProfileError::UnknownOverlay { name: name.to_owned(), known };
    if !known.iter().any(|known| known == name) {
        return Err(unknown(known));
    }
    let Some(source) = workspace.overlay_toml(name)? else { return Err(unknown(known)) };
    let toml: OverlayToml = parse(&source)?;
    // As for a profile that sets nothing: so whatever is wrong with it is found.
    let usual = overlay::read(name, Arc::clone(&source), &Draft::default(), workspace)?;
    let params: BTreeMap<String, Param> =
        toml.params.into_iter().map(|(name, table)| (name.0, param_of(table))).collect();
    // What holds where no profile says anything, condition by condition.
    let mut given = Params::new();
    let mut whens = Vec::new();
    for when in toml.whens {
        let (wanted, defaults) = (params_of(when.params), params_of(when.defaults));
        let holds = |(name, wanted): (&String, &ParamValue)| {
            let default = params.get(name).and_then(|param| param.default.as_ref());
            given.get(name).or(default).is_some_and(|given| params::meets(given, wanted))
        };
        let by_default = wanted.iter().all(holds);
        if by_default {
            for (name, value) in &defaults {
                given.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        let (packages, recommends) = apart(when.packages, &source)?;
        let part = Part {
            provides: all(when.provides),
            needs: all(when.needs),
            conflicts: all(when.conflicts),
            architectures: plain_all(when.architectures),
            packages: all(packages),
            recommends,
            sources: when.sources.into_iter().map(archive_of).collect(),
            drop: all(when.drop),
            modules: all(when.modules),
            enable: all(when.units.enable),
            disable: all(when.units.disable),
            kernel_modules: compiled_of(when.kernel_modules),
        };
        whens.push(When { params: wanted, by_default, defaults, manifests: all(when.manifests), part });
    }
    let files = usual.files.into_iter().map(|(path, file)| {
        let mode = format!("{:04o}", file.mode);
        let (user, group, symlink, directory) = (file.user, file.group, file.symlink, file.directory);
        (format!("/{path}"), OwnFile { mode, user, group, symlink, directory })
    });
    let (packages, recommends) = apart(toml.packages, &source)?;
    Ok(Outline {
        name: name.to_owned(),
        description: usual.description,
        from: workspace.overlay_home(name),
        folder: usual.folder,
        always: Part {
            provides: std::iter::once(name.to_owned()).chain(all(toml.provides)).collect(),
            needs: all(toml.needs),
            conflicts: all(toml.conflicts),
            architectures: plain_all(toml.architectures),
            packages: all(packages),
            recommends,
            sources: toml.sources.into_iter().map(archive_of).collect(),
            drop: all(toml.drop),
            modules: all(toml.modules),
            enable: all(toml.units.enable),
            disable: all(toml.units.disable),
            kernel_modules: compiled_of(toml.kernel_modules),
        },
        whens,
        params,
        ports: usual.ports,
        config_txt: all(toml.board.config),
        sysctl: usual.sysctl,
        debconf: usual.debconf,
        files: files.collect(),
        artifacts: toml.artifacts.into_iter().map(download_of).collect(),
        via: (!usual.manifests.is_empty()).then_some(usual.via),
        manifests: usual.manifests,
        expects: all(toml.expects),
    })
}

pub(super) fn param_of(table: ParamTable) -> Param {
    let (min, max) = table.range();
    let form = table.form();
    let unset = if table.secret { "object" } else { "string" };
    let kind = table.default.as_ref().map_or(unset, |default| default.0.get_ref().json_type());
    Param {
        description: table.description.into(),
        kind,
        secret: table.secret,
        set_by: table.set_by,
        default: table.default.map(|default| default.0.into_inner()),
        one_of: table.one_of.into_iter().map(|value| value.0.into_inner()).collect(),
        form,
        min,
        max,
    }
}

fn params_of(values: ParamValues) -> Params {
    values.into_iter().map(|(name, value)| (plain(name), value.0.into_inner())).collect()
}

fn all<T: Into<String>>(values: Vec<Spanned<T>>) -> Vec<String> {
    values.into_iter().map(plain).collect()
}

fn plain_all(values: Vec<Spanned<Arch>>) -> Vec<Arch> {
    values.into_iter().map(|value| value.0.into_inner()).collect()
}

fn archive_of(entry: SourceEntry) -> Archive {
    let (versions, versions_param) = match entry.versions.map(|versions| versions.0.into_inner()) {
        Some(Settable::Value(versions)) => (Some(versions.into()), None),
        Some(Settable::Param(name)) => (Some(format!("{{{{ params.{name} }}}}")), Some(name)),
        None => (None, None),
    };
    Archive {
        name: plain(entry.name),
        archive: entry.archive.into(),
        suite: plain(entry.suite),
        components: entry.components.into_iter().map(Into::into).collect(),
        versions,
        versions_param,
    }
}

fn compiled_of(tables: BTreeMap<Identifier, KernelModuleTable>) -> BTreeMap<String, Compiled> {
    let one = |table: KernelModuleTable| Compiled {
        package: plain(table.package),
        modules: all(table.modules),
        kernels: table.kernels.map(plain),
    };
    tables.into_iter().map(|(name, table)| (name.0, one(table))).collect()
}

fn download_of(entry: ArtifactEntry) -> Download {
    Download { path: plain(entry.path), url: entry.url.into(), architecture: entry.architecture }
}
