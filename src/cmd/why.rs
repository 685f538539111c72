//! `imgbuild why`: who brings a package, a file, a unit, a kernel module or a setting into a profile's image.
//!
//! What the profile and its overlays say themselves is told first; for a package, and for what a package holds, the chain of
//! dependencies that leads to it. Packages are those that are locked, and their own control data, so that no index is needed
//! and the answer is of what is really built. A profile that is not locked is answered for from the archives' indexes, and
//! stays as it is: nothing is written here.
//!
//! With `--scripts` it tells instead what a package's maintainer scripts do to the image, line by line.

mod answer;
mod given;
mod packages;
mod scripts;

use self::answer::{Answer, Given};
use self::packages::Packages;
use super::Outcome;
use super::lock as locking;
use super::session::Session;
use super::subject;
use crate::cli::Why;
use crate::diagnostic::closest;
use crate::exit::Failure;
use crate::lock::Lock;
use crate::profile::{self, Profile, checks};

/// Refuses names in the wrong order, which are as easily typed as in the right one.
pub(super) fn check_order(args: &Why, session: &Session<'_>) -> Outcome {
    let Some(name) = args.name.as_deref().or(args.profile.as_deref()) else { return Ok(()) };
    if subject::is_known(session, name)? || !subject::is_known(session, &args.what)? {
        return Ok(());
    }
    Err(Failure::refused(format!("there is no node and no profile `{name}`"))
        .hint(format!("the package comes first: `imgbuild why {name} {}`", args.what)))
}

pub(super) fn run(args: &Why, session: &Session<'_>) -> Outcome {
    let Some(name) = &args.profile else {
        return Err(Failure::refused("no profile is named").hint("name one: `imgbuild why PACKAGE NAME`"));
    };
    let profile = profile::load(&session.workspace, name)?;
    session.open_cache()?;
    let lock = locking::load(session)?;
    let asked = Asked { profile: &profile, is_locked: locking::is_locked(&lock, &profile)?, lock: &lock, session };
    let what = args.what.as_str();
    if args.scripts {
        let found = scripts::find(what, asked.profile, asked.lock, asked.is_locked, session)?;
        session.console.result(&found.value(), &found.describe());
        return Ok(());
    }
    let answer = if what.starts_with('/') {
        asked.file(what)?
    } else if what.strip_suffix(".yaml").is_some() {
        asked.manifest(what)?
    } else if checks::unit(what).is_ok() {
        asked.unit(what)?
    } else {
        asked.name(what)?
    };
    session.console.result(&answer.value(&profile.name), &answer.describe());
    Ok(())
}

/// What an answer is found with.
struct Asked<'a> {
    profile: &'a Profile,
    lock: &'a Lock,
    is_locked: bool,
    session: &'a Session<'a>,
}

impl Asked<'_> {
    /// Whoever brings a path: the profile, whose file wins over a package's, or a package.
    fn file<'w>(&self, what: &'w str) -> Result<Answer<'w>, Failure> {
        let path = packages::clean(what);
        if let Some(given) = given::file(self.profile, &path) {
            return Ok(Answer { kind: "file", name: what, given: vec![given], chain: None });
        }
        let packages = self.contents(what)?;
        let Some(owner) = packages.owner(&path) else {
            let meant = closest_beside(&path, given::paths(self.profile).chain(packages.paths()));
            let meant = meant.map(|meant| format!("did you mean `/{meant}`? ")).unwrap_or_default();
            return Err(self.nothing_brings(what).hint(format!("{meant}{}", self.made_here())));
        };
        let says = if self.profile.dropped().is_match(&path) {
            format!("{what} is a file of {owner}, and `drop` leaves it out of the image")
        } else {
            format!("{what} is a file of {owner}")
        };
        let chain = packages.chain(owner)?;
        Ok(Answer { kind: "file", name: what, given: vec![Given { says, ..Given::default() }], chain })
    }

    fn manifest<'w>(&self, what: &'w str) -> Result<Answer<'w>, Failure> {
        match given::manifest(self.profile, what) {
            Some(given) => Ok(Answer { kind: "manifest", name: what, given: vec![given], chain: None }),
            None => {
                let known = self.profile.manifests.keys().map(String::as_str);
                Err(self.unknown(what, known, "manifests lie in `overlays/NAME/manifests/`"))
            }
        }
    }

    /// Whether the profile switches a unit on or off, and whoever brings the unit.
    fn unit<'w>(&self, what: &'w str) -> Result<Answer<'w>, Failure> {
        let mut given: Vec<Given> = given::unit(self.profile, what).into_iter().collect();
        let places = packages::places_of(what);
        if let Some(file) = places.iter().find_map(|path| given::file(self.profile, path)) {
            given.push(file);
        } else if self.is_locked || given.is_empty() {
            let packages = self.contents(what)?;
            if let Some(owner) = places.iter().find_map(|path| packages.owner(path)) {
                given.push(Given { says: format!("{what} is a unit of {owner}"), ..Given::default() });
                return Ok(Answer { kind: "unit", name: what, given, chain: packages.chain(owner)? });
            }
            if given.is_empty() {
                let chosen = self.profile.enable.iter().chain(&self.profile.disable).map(String::as_str);
                let paths = given::paths(self.profile).chain(packages.paths());
                return Err(self.unknown(what, chosen.chain(paths.filter_map(packages::unit_at)), &self.made_here()));
            }
        }
        Ok(Answer { kind: "unit", name: what, given, chain: None })
    }

    /// A package, or what the profile itself has of this name.
    fn name<'w>(&self, what: &'w str) -> Result<Answer<'w>, Failure> {
        let setting = given::setting(self.profile, what);
        let is_locked = || self.lock.packages_of(&self.profile.name).any(|package| package.name == what);
        if let Some((kind, given)) = setting.as_ref().filter(|_| self.is_locked && !is_locked()) {
            return Ok(Answer { kind, name: what, given: vec![given.clone()], chain: None });
        }
        let packages = Packages::choose(self.profile, self.lock, self.is_locked, self.session)?;
        let chain = packages.chain(what)?;
        match (chain, setting) {
            (Some(chain), setting) => {
                if let Some((_, given)) = setting {
                    self.session.console.note(&given.says);
                }
                Ok(Answer { kind: "package", name: what, given: Vec::new(), chain: Some(chain) })
            }
            (None, Some((kind, given))) => Ok(Answer { kind, name: what, given: vec![given], chain: None }),
            (None, None) => {
                if let Some(hint) = packages.left_out(what)? {
                    return Err(self.nothing_brings(what).hint(hint));
                }
                let known = packages.names().chain(given::settings(self.profile));
                Err(self.unknown(what, known, "imgbuild.lock lists the packages of a locked profile"))
            }
        }
    }

    /// The packages with what they hold, which only those of a lock are known to.
    fn contents(&self, what: &str) -> Result<Packages<'_>, Failure> {
        if !self.is_locked {
            let name = &self.profile.name;
            return Err(Failure::refused(format!("profile `{name}` itself has no `{what}`, and it is not locked"))
                .hint(format!("what packages hold is known once they are locked: `imgbuild lock {name}`")));
        }
        Packages::choose(self.profile, self.lock, true, self.session)
    }

    fn unknown<'c>(&self, what: &str, known: impl Iterator<Item = &'c str>, advice: &str) -> Failure {
        let meant = closest(what, known).map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
        self.nothing_brings(what).hint(format!("{meant}{advice}"))
    }

    fn nothing_brings(&self, what: &str) -> Failure {
        Failure::refused(format!("no package, overlay or file of profile `{}` brings `{what}`", self.profile.name))
    }

    /// What is in an image and in none of its parts.
    fn made_here(&self) -> String {
        format!(
            "a build lists what imgbuild and the packages' scripts make, with its origin, in {}.files",
            self.profile.name
        )
    }
}

/// The path of the same directory that `path` was probably meant to be.
fn closest_beside<'a>(path: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let split = |path: &'a str| path.rsplit_once('/').unwrap_or(("", path));
    let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
    // What was asked for may be a directory of packages, which none of them brings alone.
    let beside: Vec<&str> = known.filter(|known| split(known).0 == dir && *known != path).collect();
    let meant = closest(name, beside.iter().map(|known| split(known).1))?;
    beside.into_iter().find(|known| split(known).1 == meant)
}
