//! `imgbuild check`: profiles, overlays and lock, without network and without building.

use serde_json::json;

use super::Outcome;
use super::session::Session;
use crate::cli::Check;
use crate::exit::{Code, Failure};
use crate::lock::Lock;
use crate::profile;

pub(super) fn run(args: &Check, session: &Session<'_>) -> Outcome {
    let names: Vec<String> = match &args.profile {
        Some(name) => vec![name.clone()],
        None => profile::list(&session.workspace)?
            .into_iter()
            .filter(|summary| summary.board.is_some())
            .map(|summary| summary.name)
            .collect(),
    };
    let lock = Lock::load(&session.lock_path())?;
    let mut lines = Vec::new();
    let mut rows = Vec::new();
    let mut stale = Vec::new();
    for name in &names {
        let profile = profile::load(&session.workspace, name)?;
        let state = match &lock {
            Some(lock) if lock.expect(&profile).is_ok() => "locked",
            Some(lock) if lock.profiles.contains_key(name) => "lock is out of date",
            _ => "not locked",
        };
        if state == "lock is out of date" {
            stale.push(name.as_str());
        }
        lines.push(format!("{name:<12} {:<11} {state:<20} {}", profile.board.name(), profile.description));
        rows.push(json!({"profile": name, "board": profile.board, "lock": state}));
    }
    session.console.result(&rows, &lines.join("\n"));
    if stale.is_empty() {
        return Ok(());
    }
    Err(Failure {
        code: Code::Verification,
        ..Failure::refused(format!("imgbuild.lock does not fit {}", stale.join(", "))).hint("run `imgbuild lock`")
    })
}
