//! `imgbuild init`: a new workspace, ready to edit.

use std::path::Path;

use serde_json::json;

use super::Outcome;
use crate::cli::Init;
use crate::cluster::{self, Written};
use crate::output::Console;

pub(super) fn run(args: &Init, console: &Console) -> Outcome {
    let Written { files, kept } = cluster::init(&args.dir)?;
    let names = files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join("\n");
    let enter = (args.dir.as_os_str() != ".").then(|| format!("cd {}", quoted(&args.dir)));
    let steps = ["imgbuild secrets init", "edit cluster.toml", "imgbuild check"].map(str::to_owned);
    let next: Vec<String> = enter.into_iter().chain(steps).collect();
    console.result(&json!({"workspace": args.dir, "files": files, "kept": kept, "next": next}), &names);
    if console.is_for_people() {
        for path in &kept {
            console.note(&format!("{} exists already and was not changed", path.display()));
        }
        let guide = if kept.iter().any(|path| path.ends_with("README.md")) {
            "docs/cluster.md of imgbuild"
        } else {
            "README.md there"
        };
        console.note(&format!("next: {}; {guide} explains each step", next.join(", ")));
    }
    Ok(())
}

/// A path as a POSIX shell takes it for one word, and `cd` for no option.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let text = if text.starts_with('-') { format!("./{text}") } else { text };
    let is_plain = |char: char| char.is_alphanumeric() || "/._-+,:@%".contains(char);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
