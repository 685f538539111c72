//! `imgbuild plan`: what the workspace's cluster does at its first boot, in order. It builds nothing and uses no network; secrets
//! are looked at only for whether they are set.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;

use super::Outcome;
use super::cluster::{load, open_secrets};
use super::session::Session;
use crate::cli::Plan;
use crate::exit::{Code, Failure};
use crate::profile::{self, Profile};
use crate::rollout::{self, Rollout};

pub(super) fn run(args: &Plan, session: &Session<'_>) -> Outcome {
    let (cluster, _) = load(session)?;
    let secrets = open_secrets(session, &args.unlock, "whether secrets are set is not known")?;
    let mut profiles: BTreeMap<String, Profile> = BTreeMap::new();
    for node in cluster.nodes.values().filter(|node| !profiles.contains_key(&node.profile)).collect::<Vec<_>>() {
        profiles.insert(node.profile.clone(), profile::load(&session.workspace, &node.profile)?);
    }
    let inputs = rollout::Inputs { cluster: &cluster, profiles: &profiles, secrets: secrets.as_ref() };
    let plan: Rollout = rollout::plan(inputs);
    let mut result = json!(plan);
    let mut text = plan.text();
    if let Some(file) = &args.svg {
        write(file, &plan.svg())?;
        result["svg"] = json!(file);
        text = file.display().to_string();
    }
    session.console.result(&result, &text);
    Ok(())
}

/// Writes a file that is whole or not there.
fn write(path: &Path, text: &str) -> Outcome {
    let failed = |error: std::io::Error| {
        Failure::io(Code::Refused, format!("cannot write `{}`", path.display()), &error)
            .hint("name a file in a directory that you may write to")
    };
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The umask takes away what others may not do.
    let file = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(dir);
    let mut file = file.map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
