//! `imgbuild init`: a new workspace, ready to edit.

use serde_json::json;

use super::Outcome;
use crate::cli::Init;
use crate::cluster;
use crate::output::Console;

pub(super) fn run(args: &Init, console: &Console) -> Outcome {
    let files = cluster::init(&args.dir)?;
    let names = files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join("\n");
    console.result(&json!({"workspace": args.dir, "files": files}), &names);
    let enter = if args.dir.as_os_str() == "." { String::new() } else { format!("cd {} && ", args.dir.display()) };
    console.note(&format!("next: {enter}imgbuild secrets init; edit cluster.toml; imgbuild check"));
    Ok(())
}
