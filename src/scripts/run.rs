//! All scripts of all packages, in the order in which dpkg runs them.
//!
//! As in the installation that mmdebstrap makes, all packages are unpacked before the first script runs. Then every `preinst`
//! runs (`install`), and every `postinst` (`configure` with an empty version), both after the package's `config` if they talk to
//! debconf (`frontend` of debconf runs it); in the end `postinst` runs once more for triggers (deb-triggers(5)).

use std::collections::BTreeMap;

use super::accounts::Accounts;
use super::awaited::Awaited;
use super::debconf::Debconf;
use super::debian::Debian;
use super::error::Unfollowed;
use super::order::order;
use crate::debian::Package;
use crate::effects::Requests;
use crate::effects::ledger::{self, Ledger, Treatment, Verdict};
use crate::lock::IdMap;
use crate::profile::Arch;
use crate::shell::{Change, Files, Reason, Script, Stop, run};
use crate::tree::{Digest, Tree};

/// What scripts are evaluated with.
#[derive(Debug)]
pub struct Input<'a> {
    /// Sorted by name.
    pub packages: &'a [Package],
    pub arch: Arch,
    /// The workspace's own ledger.
    pub ledger: &'a Ledger,
    /// Questions of debconf as they are before the first script.
    pub debconf: Debconf,
    /// Numbers for accounts that scripts make.
    pub accounts: Accounts<'a>,
}

/// What evaluating came to.
#[derive(Debug)]
pub struct Installed {
    /// The tree after all scripts.
    pub tree: Tree,
    pub requests: Requests,
    /// Numbers of accounts that were given or used.
    pub ids: IdMap,
    /// How each package's scripts are accounted for, in the packages' order.
    pub judged: Vec<Judged>,
    /// What each script that was evaluated did, in order.
    pub records: Vec<Record>,
    /// Scripts that could not be followed; what they would have done from there on is not in the tree.
    pub unfollowed: Vec<Unfollowed>,
}

/// How the scripts of one package are accounted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    pub verdict: Verdict,
    /// SHA-256 of those that are evaluated; none if none is.
    pub scripts: Option<Digest>,
}

/// What one script did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub package: String,
    /// `config`, `preinst` or `postinst`.
    pub script: &'static str,
    pub changes: Vec<Change>,
}

/// Evaluates the scripts of all packages over `tree`, where all of them are unpacked and accounts are made.
#[must_use]
pub fn install(tree: Tree, input: Input<'_>) -> Installed {
    let Input { packages, ledger, .. } = input;
    let Some(first) = packages.first() else {
        return Installed {
            tree,
            requests: Requests::default(),
            ids: IdMap::default(),
            judged: Vec::new(),
            records: Vec::new(),
            unfollowed: Vec::new(),
        };
    };
    let mut stage = Stage::new(tree, input, first);
    let order = order(packages);
    for package in &order {
        stage.script(package, "preinst", &["install"]);
    }
    for package in &order {
        stage.script(package, "postinst", &["configure", ""]);
        stage.declare_accounts(package);
        stage.host.requests.configured.insert(package.name.clone());
    }
    for package in &order {
        stage.triggers(package, ledger);
    }
    let Stage { files, host, treatments, records, unfollowed } = stage;
    let judged = |package: &Package| {
        let of = |script: &'static str| treatments.get(&(package.name.as_str(), script));
        let verdict = ledger::SCRIPTS.into_iter().filter_map(|script| Some(of(script)?.verdict)).max();
        let is_evaluated = |script: &&'static str| of(script).is_some_and(|found| found.verdict == Verdict::Evaluated);
        let mut bytes = Vec::new();
        let evaluated: Vec<&'static str> = ledger::SCRIPTS.into_iter().filter(is_evaluated).collect();
        for script in &evaluated {
            bytes.extend_from_slice(script.as_bytes());
            bytes.push(0);
            bytes.extend_from_slice(package.control.get(*script).map(Vec::as_slice).unwrap_or_default());
            bytes.push(0);
        }
        let scripts = (!evaluated.is_empty()).then(|| Digest::of(&bytes));
        Judged { verdict: verdict.unwrap_or(Verdict::None), scripts }
    };
    Installed {
        tree: files.into_tree(),
        ids: host.accounts.given().clone(),
        requests: host.requests,
        judged: packages.iter().map(judged).collect(),
        records,
        unfollowed,
    }
}

/// Evaluates the `preinst` of packages alone, in order, over `tree`: what those ask for that can be followed to their end.
pub(super) fn before_unpacking<'a>(tree: Tree, input: Input<'a>, chosen: &[&'a Package]) -> Requests {
    let Some(first) = input.packages.first() else { return Requests::default() };
    let mut stage = Stage::new(tree, input, first);
    let mut requests = Requests::default();
    for package in chosen {
        stage.script(package, "preinst", &["install"]);
        if stage.unfollowed.is_empty() {
            requests.clone_from(&stage.host.requests);
        } else {
            stage.host.requests.clone_from(&requests);
            stage.unfollowed.clear();
        }
    }
    requests
}

/// How each script is accounted for, by package and script.
type Treatments<'a> = BTreeMap<(&'a str, &'static str), Treatment>;

fn treatments<'a>(packages: &'a [Package], ledger: &Ledger) -> Treatments<'a> {
    let mut treatments = Treatments::new();
    for package in packages {
        for script in ledger::SCRIPTS {
            if package.control.contains_key(script) {
                let key = (package.name.as_str(), script);
                treatments.insert(key, ledger::treatment(package, script, ledger));
            }
        }
    }
    treatments
}

/// An installation on its way.
struct Stage<'a> {
    files: Files,
    host: Debian<'a>,
    treatments: Treatments<'a>,
    records: Vec<Record>,
    unfollowed: Vec<Unfollowed>,
}

impl<'a> Stage<'a> {
    /// Before the first script; `first` is any package.
    fn new(tree: Tree, input: Input<'a>, first: &'a Package) -> Self {
        let Input { packages, arch, ledger, debconf, mut accounts } = input;
        let requests = Requests::default();
        let treatments = treatments(packages, ledger);
        let mut tree = tree;
        let texts = |package: &'a Package| {
            let script = |script| treatments.get(&(package.name.as_str(), script))?.evaluate.as_deref();
            (package, ledger::SCRIPTS.into_iter().filter_map(script).collect())
        };
        // The files of accounts were read to make `accounts`.
        accounts.awaited = Awaited::take(&mut tree, packages.iter().map(texts)).unwrap_or_default();
        Self {
            files: Files::new(tree, "scripts"),
            host: Debian { package: first, script: "preinst", packages, arch, requests, debconf, accounts },
            treatments,
            records: Vec::new(),
            unfollowed: Vec::new(),
        }
    }

    /// Runs a package's script, if it has one that is evaluated.
    fn script(&mut self, package: &'a Package, name: &'static str, args: &[&str]) {
        let text = |stage: &Self| stage.treatments.get(&(package.name.as_str(), name))?.evaluate.clone();
        let Some(text) = text(self) else { return };
        // debconf's frontend runs `config` before a script that talks to it.
        if text.contains("/usr/share/debconf/confmodule") {
            self.evaluate(package, "config", &["configure", ""]);
        }
        self.evaluate(package, name, args);
    }

    /// Makes the accounts of a package's sysusers.d files that its scripts made others wait for.
    fn declare_accounts(&mut self, package: &'a Package) {
        let done = self.host.accounts.awaited.finish(self.files.tree_mut(), &package.name);
        let Err(error) = done else { return };
        self.unfollowed.push(Unfollowed {
            package: package.name.clone(),
            version: package.version.clone(),
            script: "postinst".to_owned(),
            stop: Stop { line: 1, file: None, reason: Reason::Refused(error.to_string()) },
            text: String::new(),
            changes: Vec::new(),
            entry: self
                .treatments
                .get(&(package.name.as_str(), "postinst"))
                .map(|found| found.entry.clone())
                .unwrap_or_default(),
        });
    }

    /// Runs a package's `postinst` for the triggers that it waits for, that were activated, and that no effect answers.
    fn triggers(&mut self, package: &'a Package, ledger: &Ledger) {
        let mut names = ledger::unknown_triggers(package, ledger);
        names.retain(|name| self.is_active(name));
        names.sort();
        let Some(treatment) = self.treatments.get(&(package.name.as_str(), "postinst")) else { return };
        match treatment.verdict {
            _ if names.is_empty() => {}
            // What debhelper generates does nothing for triggers.
            Verdict::None | Verdict::Snippets => {}
            Verdict::Evaluated => self.evaluate(package, "postinst", &["triggered", &names.join(" ")]),
            Verdict::Reviewed | Verdict::Accepted => {
                let what = format!(
                    "the trigger `{}`, which the review of its postinst does not account for,",
                    names.join(" ")
                );
                self.unfollowed.push(Unfollowed {
                    package: package.name.clone(),
                    version: package.version.clone(),
                    script: "triggers".to_owned(),
                    stop: Stop { line: 1, file: None, reason: Reason::Construct(what) },
                    text: String::new(),
                    changes: Vec::new(),
                    entry: ledger::trigger_entries(package, &names),
                });
            }
        }
    }

    /// Whether a trigger was activated: a path by a file there or below, a name by packages or scripts.
    fn is_active(&self, name: &str) -> bool {
        let Some(path) = name.strip_prefix('/') else {
            let activates = |package: &Package| {
                let lines = package.control_text("triggers").unwrap_or_default().lines();
                let mut words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
                words.any(|words| words.len() == 2 && words[0].starts_with("activate") && words[1] == name)
            };
            return self.host.requests.triggers.contains(name) || self.host.packages.iter().any(activates);
        };
        let tree = self.files.tree();
        tree.resolve(path, true)
            .is_ok_and(|real| tree.get(&real).is_some_and(|node| !node.is_dir() || tree.below(&real).next().is_some()))
    }

    fn evaluate(&mut self, package: &'a Package, name: &'static str, args: &[&str]) {
        let Some(treatment) = self.treatments.get(&(package.name.as_str(), name)) else { return };
        let (Some(text), entry) = (treatment.evaluate.clone(), treatment.entry.clone()) else { return };
        (self.host.package, self.host.script) = (package, name);
        self.files.set_origin(&format!("script:{}", package.name));
        self.files.umask = 0o022;
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let mut environment = environment(package, name, self.host.arch);
        // What writes a date writes the image's.
        environment.push(("SOURCE_DATE_EPOCH".to_owned(), self.host.accounts.epoch().to_string()));
        let path = format!("/var/lib/dpkg/info/{}.{name}", package.name);
        let script = Script { text: &text, name: &path, args: &args, environment: &environment };
        let result = run(script, &mut self.files, &mut self.host);
        self.host.debconf.finish();
        // dpkg starts every script in `/`.
        let _ = self.files.chdir("/");
        let changes = self.files.take_changes();
        let stop = match result {
            Ok(finished) if finished.status == 0 => None,
            Ok(finished) => Some(Stop { line: finished.line, file: None, reason: Reason::Status(finished.status) }),
            Err(stop) => Some(stop),
        };
        let Some(stop) = stop else {
            if name == "postinst" {
                self.host.requests.evaluated.insert(package.name.clone());
            }
            self.records.push(Record { package: package.name.clone(), script: name, changes });
            return;
        };
        let line = if stop.file.is_none() { text.lines().nth(stop.line.saturating_sub(1)) } else { None };
        let already = |known: &Unfollowed| known.package == package.name && known.script == name;
        if !self.unfollowed.iter().any(already) {
            self.unfollowed.push(Unfollowed {
                package: package.name.clone(),
                version: package.version.clone(),
                script: name.to_owned(),
                text: line.unwrap_or_default().trim_end().to_owned(),
                stop,
                changes,
                entry,
            });
        }
    }
}

/// The environment of a script: what dpkg sets (dpkg(1), "ENVIRONMENT"; `maintscript_set_exec_context` and its kin in
/// src/main/script.c), and what mmdebstrap runs it with.
fn environment(package: &Package, script: &str, arch: Arch) -> Vec<(String, String)> {
    let arch = if package.arch == "all" { "all" } else { arch.name() };
    let pairs = [
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("DEBCONF_NONINTERACTIVE_SEEN", "true"),
        ("DPKG_ADMINDIR", "/var/lib/dpkg"),
        ("DPKG_MAINTSCRIPT_ARCH", arch),
        ("DPKG_MAINTSCRIPT_NAME", script),
        ("DPKG_MAINTSCRIPT_PACKAGE", &package.name),
        ("DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT", "1"),
        ("DPKG_ROOT", ""),
        ("DPKG_RUNNING_VERSION", "1.22.21"),
        ("HOME", "/root"),
        ("LC_ALL", "C.UTF-8"),
        ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
