//! `imgbuild why`: the chain of dependencies that brings a package into a profile's image.
//!
//! Answers from the locked packages' own control data, so it needs no index and tells of what is really built. A profile
//! that is not locked is answered for from the archives' indexes, and stays as it is: nothing is written here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Outcome;
use super::lock as locking;
use super::session::Session;
use super::subject;
use crate::cli::Why;
use crate::debian::resolve::{self, Reason, Universe};
use crate::debian::{Package, index};
use crate::diagnostic::closest;
use crate::exit::{Code, Failure};
use crate::lock::{self, LockedPackage, Update};
use crate::pipeline::{self, PlannedPackage};
use crate::profile::{self, Profile, Source};

/// Refuses names in the wrong order, which are as easily typed as in the right one.
pub(super) fn check_order(args: &Why, session: &Session<'_>) -> Outcome {
    let Some(name) = args.name.as_deref().or(args.profile.as_deref()) else { return Ok(()) };
    if subject::is_known(session, name)? || !subject::is_known(session, &args.package)? {
        return Ok(());
    }
    Err(Failure::refused(format!("there is no node and no profile `{name}`"))
        .hint(format!("the package comes first: `imgbuild why {name} {}`", args.package)))
}

pub(super) fn run(args: &Why, session: &Session<'_>) -> Outcome {
    let Some(name) = &args.profile else {
        return Err(Failure::refused("no profile is named").hint("name one: `imgbuild why PACKAGE NAME`"));
    };
    let profile = profile::load(&session.workspace, name)?;
    let lock = locking::load(session)?;
    if locking::is_locked(&lock, &profile)? {
        let locked: Vec<&LockedPackage> = lock.packages_of(&profile.name).collect();
        let downloads = lock.downloads(&profile.name, &session.mirror);
        let packages = pipeline::unpacked(&PlannedPackage::of(locked.iter().copied(), downloads), session.tools())?;
        return explain(args, session, &profile, &locked, &[("lock", &as_index(&packages, &locked))]);
    }
    session.console.note(&format!("`{}` is not locked: this is what the archives have now", profile.name));
    let indexes = locking::indexes(session, &profile)?;
    let chosen = lock::lock_profile(&profile, &indexes, None, Update::Nothing)?;
    let texts: Vec<(&str, &str)> =
        indexes.iter().map(|index| (index.state.name.as_str(), index.text.as_str())).collect();
    explain(args, session, &profile, &chosen.packages.iter().collect::<Vec<_>>(), &texts)
}

/// Answers from indexes of archives, each with its name, of which the packages in `chosen` count.
fn explain(
    args: &Why,
    session: &Session<'_>,
    profile: &Profile,
    chosen: &[&LockedPackage],
    indexes: &[(&str, &str)],
) -> Outcome {
    let versions: BTreeMap<&str, &str> =
        chosen.iter().map(|package| (package.name.as_str(), package.version.as_str())).collect();
    let mut stanzas = Vec::new();
    for (name, text) in indexes {
        let mut all = index::parse(text).map_err(|error| Failure::new(Code::Unexpected, &error))?;
        all.retain(|stanza| versions.get(stanza.name) == Some(&stanza.version.as_str()));
        stanzas.push((*name, all));
    }
    let universe = Universe::new(profile.board.arch().name(), stanzas)?;
    let selection = resolve::resolve(&universe, &profile.packages)?;
    let Some(chain) = selection.why(&args.package) else {
        let meant = closest(&args.package, selection.packages().map(|package| package.stanza.name));
        let meant = meant.map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
        return Err(Failure::refused(format!(
            "nothing brings a package `{}` into profile `{}`",
            args.package, profile.name
        ))
        .hint(format!("{meant}imgbuild.lock lists the packages of a locked profile")));
    };
    let mut steps: Vec<String> = chain.iter().map(ToString::to_string).collect();
    let from = chosen.iter().find(|package| package.name == args.package);
    if let Some(package) = from.filter(|package| is_unusual(&package.source, profile)) {
        steps.push(format!("{} {} comes from source `{}`", package.name, package.version, package.source));
    }
    let askers = chain.first().map_or_else(Vec::new, |reason| askers(reason, profile));
    let value = serde_json::json!({
        "package": args.package,
        "profile": profile.name,
        "why": steps,
        "wanted_by": askers,
    });
    // Below the chain's start, which they ask for.
    let below = steps.len().min(1);
    steps.splice(below..below, askers.iter().map(|asker| format!("  {}", asker.describe())));
    session.console.result(&value, &steps.join("\n"));
    Ok(())
}

/// Whether it is worth saying that a package comes from a source: one that is not Debian's, or whose packages do not simply
/// compete by their versions.
fn is_unusual(name: &str, profile: &Profile) -> bool {
    let source = profile.sources.iter().find(|source| source.name == name);
    source.is_some_and(|source| {
        source.archive.contains("://") || !source.only.is_empty() || source.priority != Source::PRIORITY
    })
}

/// Who asks for the package that a chain starts with.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
struct Asker {
    /// `profile`, `overlay` or `board`.
    kind: &'static str,
    name: String,
    /// The line of the file that names the package; a board has none.
    file: Option<String>,
    line: Option<usize>,
}

impl Asker {
    fn describe(&self) -> String {
        let Self { kind, name, file, line } = self;
        let place = file.as_ref().zip(*line).map_or(String::new(), |(file, line)| format!(" ({file}:{line})"));
        format!("by {kind} `{name}`{place}")
    }
}

/// The files of the profile's chain and of its overlays that name the package, the board if it needs it.
fn askers(reason: &Reason<'_>, profile: &Profile) -> Vec<Asker> {
    let Reason::Wanted { package } = reason else { return Vec::new() };
    let of_file = |(path, line): (&str, usize)| Asker {
        kind: if path.ends_with("/overlay.toml") { "overlay" } else { "profile" },
        name: called(path).to_owned(),
        file: Some(path.to_owned()),
        line: Some(line),
    };
    let mut askers: Vec<Asker> = profile.marks.places("packages", package).map(of_file).collect();
    if profile.board.packages().contains(package) {
        askers.push(Asker { kind: "board", name: profile.board.name().to_owned(), file: None, line: None });
    }
    askers
}

/// The name that a file gives its profile or overlay: `profiles/NAME.toml`, `overlays/NAME/overlay.toml`.
fn called(path: &str) -> &str {
    let named = path.strip_suffix("/overlay.toml").or_else(|| path.strip_suffix(".toml")).unwrap_or(path);
    named.rsplit('/').next().unwrap_or(named)
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
