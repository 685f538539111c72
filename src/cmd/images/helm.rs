//! Helm as a program of this machine, which makes a chart's objects out of values. It gets directories of its own, so that nobody's
//! settings, repositories and plug-ins take part.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use crate::cluster::manifests::ChartUse;
use crate::process;

/// Most bytes of what it makes of a chart; the largest of known charts has some ten MB of definitions.
const MAX: usize = 64 << 20;

/// The program.
pub(super) struct Helm(PathBuf);

impl Helm {
    /// The `helm` of PATH.
    pub(super) fn find() -> Option<Self> {
        let dirs = std::env::var_os("PATH")?;
        std::env::split_paths(&dirs).map(|dir| dir.join("helm")).find(|path| path.is_file()).map(Self)
    }

    /// The objects of the chart whose file lies at `path`.
    ///
    /// # Errors
    /// Why there are none, in words.
    pub(super) fn template(&self, path: &Path, chart: &ChartUse, kubernetes: Option<&str>) -> Result<String, String> {
        let failed = |error: std::io::Error| format!("helm cannot be run: {error}");
        let home = tempfile::tempdir().map_err(failed)?;
        // Helm tells a file from a name by its end.
        let file = home.path().join("chart.tgz");
        fs::copy(path, &file).map_err(failed)?;
        let values = home.path().join("values.yaml");
        fs::write(&values, &chart.values).map_err(failed)?;
        let mut command = process::command(&self.0);
        for name in ["CACHE", "CONFIG", "DATA"] {
            command.env(format!("HELM_{name}_HOME"), home.path().join(name));
        }
        command.env("HELM_PLUGINS", home.path().join("plugins")).env_remove("KUBECONFIG");
        command.args(["template", &chart.release]).arg(&file).args(["--namespace", &chart.namespace]).arg("--values");
        command.arg(&values).stdin(Stdio::null());
        if let Some(version) = kubernetes {
            // K3s's own count behind the version says nothing to charts.
            command.args(["--kube-version", version.split('+').next().unwrap_or(version)]);
        }
        let Output { status, stdout, stderr } = command.output().map_err(failed)?;
        if !status.success() {
            let said = String::from_utf8_lossy(&stderr);
            let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("without a word");
            let last: String = last.chars().filter(|char| !char.is_control()).take(300).collect();
            return Err(format!("helm fails: {last}"));
        }
        if stdout.len() > MAX {
            return Err("helm makes more of it than is looked through".to_owned());
        }
        String::from_utf8(stdout).map_err(|_| "what helm makes of it is no text".to_owned())
    }
}
