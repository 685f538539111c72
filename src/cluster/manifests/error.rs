//! What keeps a template from becoming a manifest, and what helps.

/// The names that templates can use.
const NAMES: [&str; 5] = ["profile", "cluster", "secrets", "params", "via"];

/// Why a template does not become a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The template itself is wrong.
    #[error("{path}, line {line}: {reason}")]
    Template { path: String, line: usize, reason: String },
    /// It uses a value that is not set.
    #[error("{path}, line {line}: `{value}` is not set")]
    Unset { path: String, line: usize, value: String },
    /// It uses a parameter of its overlay that is not set.
    #[error("{path}, line {line}: `{param}` of the overlay `{overlay}` is not set")]
    UnsetParam { path: String, line: usize, overlay: String, param: String, of_cluster: bool },
    /// It uses all secrets at once, instead of naming each.
    #[error("{path}, line {line}: a template gets only the secrets that it names, and this uses all of them")]
    AllSecrets { path: String, line: usize },
}

impl ManifestError {
    /// The line that it is about, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        match self {
            Self::Template { line, .. }
            | Self::Unset { line, .. }
            | Self::UnsetParam { line, .. }
            | Self::AllSecrets { line, .. } => *line,
        }
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Template { reason, .. } => reason.clone(),
            Self::Unset { value, .. } => format!("`{value}` is not set"),
            Self::UnsetParam { overlay, param, .. } => format!("`{param}` of the overlay `{overlay}` is not set"),
            Self::AllSecrets { .. } => {
                "a template gets only the secrets that it names, and this uses all of them".to_owned()
            }
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unset { value, .. } => {
                let first = value.split('.').next().unwrap_or_default();
                if let Some(secret) = value.strip_prefix("secrets.") {
                    format!("run `imgbuild secrets set {}`", secret.replace('_', "-"))
                } else if let Some(key) = value.strip_prefix("cluster.values.") {
                    format!("add `{key} = \"…\"` to [values] of cluster.toml")
                } else if NAMES.contains(&first) {
                    "docs/overlays.md lists what `profile` and `cluster` hold".to_owned()
                } else {
                    format!("a template knows `profile`, `cluster`, `secrets`, `params` and `via`; {}", self.foreign())
                }
            }
            Self::UnsetParam { overlay, param, of_cluster: true, .. } => {
                format!("write `{param} = …` into [overlay.{overlay}] of cluster.toml")
            }
            Self::UnsetParam { overlay, param, of_cluster: false, .. } => {
                format!(
                    "write `{param} = …` into [overlay.{overlay}] of the server's profile; its overlay.toml must \
                     declare it as [params.{param}]"
                )
            }
            Self::Template { .. } => {
                format!("templates are MiniJinja's: `{{{{ cluster.name }}}}`; {}", self.foreign())
            }
            Self::AllSecrets { .. } => "write the name of each: `secrets.deploy_key`, `params.password`".to_owned(),
        })
    }

    /// How braces stay that are not ours: those of Helm, `ExternalSecrets`, Argo CD's `ApplicationSets`, Prometheus, shells.
    fn foreign(&self) -> String {
        let (Self::Template { path, .. }
        | Self::Unset { path, .. }
        | Self::UnsetParam { path, .. }
        | Self::AllSecrets { path, .. }) = self;
        let file = path.rsplit('/').next().unwrap_or(path);
        format!(
            "if the braces are for a program in the cluster, take the file as it is: `verbatim = [\"{file}\"]` in \
             overlay.toml, or put them between `{{% raw %}}` and `{{% endraw %}}`"
        )
    }
}
