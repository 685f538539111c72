//! `imgbuild why`: the chain of dependencies that brings a package into a profile's image.
//!
//! Answers from the locked packages' own control data, so it needs no index and tells of what is really built.

use std::fmt::Write as _;

use super::Outcome;
use super::build;
use super::lock as locking;
use super::session::Session;
use crate::cli::Why;
use crate::debian::resolve::{self, Universe};
use crate::debian::{Package, index};
use crate::exit::{Code, Failure};
use crate::lock::LockedPackage;
use crate::output::closest;
use crate::profile;

pub(super) fn run(args: &Why, session: &Session<'_>) -> Outcome {
    let profile = profile::load(&session.workspace, &args.profile)?;
    let lock = locking::for_build(session, &profile, args.k3s.k3s_dir.as_deref())?;
    let locked: Vec<&LockedPackage> = lock.packages_of(&profile.name).collect();
    let packages = build::unpacked(session, &lock.downloads(&profile.name, &session.mirror), &locked)?;
    let text = as_index(&packages, &locked);
    let stanzas = index::parse(&text).map_err(|error| Failure::new(Code::Unexpected, &error))?;
    let universe = Universe::new(profile.board.arch().name(), vec![("lock", stanzas)])?;
    let selection = resolve::resolve(&universe, &profile.packages)?;
    let Some(chain) = selection.why(&args.package) else {
        let meant = closest(&args.package, packages.iter().map(|package| package.name.as_str()));
        let meant = meant.map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
        return Err(Failure::refused(format!(
            "nothing brings a package `{}` into profile `{}`",
            args.package, profile.name
        ))
        .hint(format!("{meant}imgbuild.lock lists the packages of `{}`", profile.name)));
    };
    let mut steps: Vec<String> = chain.iter().map(ToString::to_string).collect();
    // Of a source with `only` most packages cannot come, so it is worth saying that this one does.
    let from = locked.iter().find(|locked| locked.name == args.package);
    let is_narrowed = |name: &str| profile.sources.iter().any(|source| source.name == name && !source.only.is_empty());
    if let Some(package) = from.filter(|package| is_narrowed(&package.source)) {
        steps.push(format!("{} {} comes from source `{}`", package.name, package.version, package.source));
    }
    session.console.result(&serde_json::json!({"package": args.package, "why": steps}), &steps.join("\n"));
    Ok(())
}

/// The packages as an index of an archive that has nothing else.
fn as_index(packages: &[Package], locked: &[&LockedPackage]) -> String {
    let mut text = String::new();
    for (package, locked) in packages.iter().zip(locked) {
        for (name, value) in &package.fields {
            let _ = writeln!(text, "{name}: {}", value.trim());
        }
        let _ = writeln!(text, "Filename: {}\nSize: {}\nSHA256: {}\n", locked.path, locked.size, locked.sha256);
    }
    text
}
