//! What keeps a repository from being made.

use std::io;
use std::path::PathBuf;

use crate::cluster::manifests::ManifestError;

/// Why no repository was written.
#[derive(Debug, thiserror::Error)]
pub enum GitopsError {
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// No node of the cluster runs the control plane.
    #[error("the cluster has no server, and what Git delivers is said in a server's profile")]
    NoServer,
    /// Nothing reads the repository.
    #[error("no overlay of profile `{profile}` provides `gitops`")]
    NoController { profile: String },
    /// The controller's overlay does not say which repository it reads.
    #[error("overlay `{overlay}` does not know its repository: `{param}` is not set")]
    NoRepository { overlay: String, param: &'static str },
    /// A folder that Argo CD would not find, or that others need.
    #[error("`{path}` cannot be the folder of the Applications")]
    BadPath { overlay: String, path: String },
    /// Two servers want something else of one file.
    #[error("{file} is not the same in the profiles `{first}` and `{second}`, and Git has it once")]
    Differs { file: String, first: String, second: String },
    /// What Argo CD cannot do with a chart as K3s does.
    #[error("{file}: the HelmChart `{chart}` cannot become an Application: {why}")]
    Chart { file: String, chart: String, why: String },
    /// A name that is no name of Kubernetes, and that files of the repository would have.
    #[error("{file}: no HelmChart can be called `{}`", chart.escape_debug())]
    BadName { file: String, chart: String },
    /// A path that leads out of the repository, or to Git's own files.
    #[error("`{}` is no path of the repository", path.escape_debug())]
    BadStep { path: String },
    /// A URL that gives access to whoever reads it.
    #[error("{place}: the URL has a user name or a password in it")]
    Login { place: String },
    /// Two files of one path.
    #[error("there would be two files `{path}`")]
    TwoFiles { path: String },
    /// Text that is no manifest.
    #[error("{file} is no manifest: {why}")]
    NoManifest { file: String, why: String },
    /// Two things of one name.
    #[error("there would be two Applications `{name}`")]
    TwoApplications { name: String },
    /// The directory was not made by `init`.
    #[error("`{}` is not a repository of imgbuild: it has no {record}", dir.display())]
    NotOurs { dir: PathBuf, record: &'static str },
    /// It was made already.
    #[error("`{}` is a repository of imgbuild already", dir.display())]
    Taken { dir: PathBuf },
    /// The record of what was written cannot be read.
    #[error("{}: {why}", path.display())]
    BadRecord { path: PathBuf, why: String },
    /// Something is in the way that is not a file or a directory.
    #[error("{} is {what}", path.display())]
    InTheWay { path: PathBuf, what: &'static str },
    /// An Application is on and off.
    #[error("`{enabled}` and `{disabled}` are both there")]
    OnAndOff { enabled: String, disabled: String },
    /// A path of the command line that is not among the files.
    #[error("`{path}` is no file that `gitops render` writes")]
    NoSuchFile { path: String, known: Vec<String> },
    #[error("cannot {doing} {}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}

impl GitopsError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Manifest(error) => return error.hint(),
            Self::NoServer => "add a node whose profile has `role = \"server\"` in [k3s]".to_owned(),
            Self::NoController { .. } => "add the overlay `argocd` to the profile".to_owned(),
            Self::NoRepository { overlay, param } => {
                format!("write `{param} = \"git@HOST:OWNER/NAME.git\"` into [overlay.{overlay}] of cluster.toml")
            }
            Self::BadPath { overlay, .. } => {
                format!(
                    "`path` of [overlay.{overlay}] is a folder below the repository's top, such as `apps/enabled`, and not one \
                     that the repository has for something else"
                )
            }
            Self::Differs { .. } => {
                "set the overlay's parameters in a profile that both extend, and use no values of a node".to_owned()
            }
            Self::Chart { .. } => {
                "change it in a copy of the overlay, or have the image bring it: `via = \"image\"` in [overlay.NAME] of the profile"
                    .to_owned()
            }
            Self::BadName { .. } => {
                "use lower-case letters, digits, `-` and `.`, a letter or digit at both ends and around each period; nothing \
                 was written"
                    .to_owned()
            }
            Self::BadStep { .. } => {
                "name what it is made of without `..`, `.git` and `/` at an end: a manifest, a HelmChart or `path` of the \
                 overlay; nothing was written"
                    .to_owned()
            }
            Self::Login { .. } => "take it out, up to and with the `@`; nothing was written".to_owned(),
            Self::TwoFiles { .. } => "give one of the two HelmCharts another name; nothing was written".to_owned(),
            Self::NoManifest { .. } => "`imgbuild check` shows the place".to_owned(),
            Self::TwoApplications { .. } => "give the HelmChart or the overlay another name".to_owned(),
            Self::NotOurs { .. } => "`imgbuild gitops init DIR` makes one, also in a clone that has files already".to_owned(),
            Self::Taken { .. } => "`imgbuild gitops render DIR` brings it up to date".to_owned(),
            Self::BadRecord { .. } => "bring the file back from Git: it says which files were not changed by hand".to_owned(),
            Self::InTheWay { .. } => "move it away; nothing was written".to_owned(),
            Self::OnAndOff { .. } => "remove the one that you do not want; nothing was written".to_owned(),
            Self::NoSuchFile { known, .. } if known.is_empty() => "leave the option out".to_owned(),
            Self::NoSuchFile { known, .. } => format!("those that were changed by hand: {}", known.join(", ")),
            Self::Io { .. } => "name a directory that you may write to; nothing is half-written".to_owned(),
        })
    }
}
