//! The census of maintainer scripts: for the list of packages (`tests/packages/list.toml`), what their scripts are made of and
//! whether they can be followed. A developer's tool; `just census` runs it; its arguments are names of groups
//! and boards, for some of them. It fails where the list's `stops` are not what it found.
//!
//! ```text
//! list ─▶ resolver ─▶ fetcher ─▶ reader of .deb ─┬▶ parser of shell ─▶ commands and constructs, counted
//!                                                └▶ evaluator ───────▶ the line that stops a package's script, and why
//! ```

#![expect(clippy::print_stdout, reason = "a developer's tool, whose answer is text")]
#![expect(clippy::unwrap_used, reason = "it ends where the list is wrong")]

#[path = "census/count.rs"]
mod count;
#[path = "../tests/packages/mod.rs"]
#[expect(dead_code, reason = "what cannot be followed is counted here, not left out")]
mod packages;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use count::Counts;
use imgbuild::debian::{Package, relation};
use imgbuild::effects::ledger::{self, Ledger, Verdict};
use imgbuild::scripts::Unfollowed;
use packages::{Archive, BOARDS, Evaluated, Group};

/// How many lines a table has.
const SHOWN: usize = 40;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // The first argument is this program.
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let cache = std::env::var_os("IMGBUILD_CACHE").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/imgbuild")));
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut archive = Archive::new(&cache.ok_or("neither IMGBUILD_CACHE nor HOME is set")?, now)?;
    let workspace = tempfile::tempdir()?;
    let (boards, groups): (Vec<&String>, Vec<&String>) =
        wanted.iter().partition(|name| BOARDS.contains(&name.as_str()));
    let mut differences = BTreeSet::new();
    for board in BOARDS.into_iter().filter(|board| boards.is_empty() || boards.iter().any(|name| name == board)) {
        let mut census = Census::default();
        println!("== {board}");
        for group in packages::groups() {
            if groups.is_empty() || groups.contains(&&group.name) {
                let names = group.names(board);
                let beside = if group.equal { ", held against an installation" } else { "" };
                match archive.evaluate(&group, board, workspace.path()) {
                    Ok(evaluated) => {
                        let (packages, took) = (evaluated.packages.len(), evaluated.took.as_millis());
                        println!("{}: scripts of {packages} packages in {took} ms{beside}", group.name);
                        census.take(&names, &evaluated);
                        differences.extend(differences_of(&group, board, |name| census.stopped.contains_key(name)));
                    }
                    Err(error) => {
                        println!("{}: {error}", group.name);
                        differences.insert(format!("{}, {board}: nothing is known", group.name));
                    }
                }
            }
        }
        census.tell();
    }
    if differences.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("\ntests/packages/list.toml is not what was found:");
    for difference in &differences {
        println!("    {difference}");
    }
    Ok(ExitCode::FAILURE)
}

/// Where a group's `stops` are not what was found on a board: what it lacks, and what it need not name any more.
fn differences_of(group: &Group, board: &str, is_stopped: impl Fn(&str) -> bool) -> Vec<String> {
    let difference = |name: &str| match (is_stopped(name), group.stops(name)) {
        (true, false) => Some(format!("{}, {board}: `{name}` stops", group.name)),
        (false, true) => Some(format!("{}, {board}: `{name}` does not stop any more", group.name)),
        _ => None,
    };
    group.names(board).into_iter().filter_map(difference).collect()
}

/// What is known so far, of one architecture.
#[derive(Default)]
struct Census {
    counts: Counts,
    verdicts: BTreeMap<&'static str, usize>,
    seen: BTreeSet<String>,
    /// Of the list: how many were tried, and what stops the others.
    listed: usize,
    stopped: BTreeMap<String, Vec<String>>,
    /// What packages a reason stops.
    reasons: BTreeMap<String, BTreeSet<String>>,
}

impl Census {
    fn take(&mut self, names: &[&str], evaluated: &Evaluated) {
        for package in &evaluated.packages {
            if self.seen.insert(package.name.clone()) {
                self.count(package);
            }
        }
        let mut unfollowed: BTreeMap<&str, Vec<&Unfollowed>> = BTreeMap::new();
        for script in &evaluated.installed.unfollowed {
            unfollowed.entry(&script.package).or_default().push(script);
        }
        for name in names {
            self.listed += 1;
            let closure = closure(name, &evaluated.packages);
            for script in closure.iter().filter_map(|package| unfollowed.get(package)).flatten() {
                let (stop, package) = (&script.stop, &script.package);
                let place = stop.file.as_ref().map(|file| format!(" of {file}")).unwrap_or_default();
                let line = format!("{package} {} line {}{place}: {}", script.script, stop.line, stop.reason);
                self.stopped.entry((*name).to_owned()).or_default().push(line);
                self.reasons.entry(stop.reason.to_string()).or_default().insert((*name).to_owned());
            }
        }
    }

    fn count(&mut self, package: &Package) {
        let ledger = Ledger::default();
        let mut verdict = Verdict::None;
        for script in ledger::SCRIPTS {
            if let Some(text) = package.control_text(script) {
                self.counts.take(&package.name, text);
                verdict = verdict.max(ledger::treatment(package, script, &ledger).verdict);
            }
        }
        *self.verdicts.entry(verdict.as_str()).or_default() += 1;
    }

    fn tell(&self) {
        for (name, lines) in &self.stopped {
            println!("{name}\n    {}", lines.join("\n    "));
        }
        let Self { counts, listed, .. } = self;
        println!("\n{} packages with {} scripts of {} lines", self.seen.len(), counts.scripts, counts.lines);
        println!("accounted for: {:?}", self.verdicts);
        table("commands, by how many packages call them", &counts.commands);
        table("constructs, by how many packages have them", &counts.constructs);
        table("what stops packages of the list", &self.reasons);
        println!("\nof the {listed} packages of the list {} can be followed", listed - self.stopped.len());
    }
}

/// Prints what most packages have first.
fn table(title: &str, rows: &BTreeMap<String, BTreeSet<String>>) {
    println!("\n{title}:");
    let mut rows: Vec<_> = rows.iter().map(|(what, packages)| (packages.len(), what)).collect();
    rows.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    for (packages, what) in rows.into_iter().take(SHOWN) {
        println!("{packages:5} {what}");
    }
}

/// What a package depends on among `packages`, with itself; of alternatives all that are there.
fn closure<'a>(name: &'a str, packages: &'a [Package]) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![name];
    while let Some(name) = open.pop() {
        let provides = |package: &&Package| {
            let provided = relation::parse_flat(package.field("Provides").unwrap_or_default()).unwrap_or_default();
            package.name == name || provided.iter().any(|provided| provided.name == name)
        };
        for package in packages.iter().filter(provides) {
            if !found.insert(package.name.as_str()) {
                continue;
            }
            for field in ["Pre-Depends", "Depends"] {
                let relations = relation::parse(package.field(field).unwrap_or_default()).unwrap_or_default();
                open.extend(relations.into_iter().flatten().map(|relation| relation.name));
            }
        }
    }
    found
}
