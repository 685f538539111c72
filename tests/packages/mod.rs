//! The list of packages (`list.toml`), and what evaluating the scripts of a group of them comes to.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use imgbuild::debian::archive::{FetchedIndex, fetch_indexes};
use imgbuild::debian::mirror::{AptMirrors, Mirror};
use imgbuild::debian::{Package, deb};
use imgbuild::effects::ledger::Ledger;
use imgbuild::effects::unpack::{self, UnpackError};
use imgbuild::effects::{self, Context, Requests, accounts};
use imgbuild::fetch::Fetcher;
use imgbuild::lock::{IdMap, Locked, Update, lock_profile};
use imgbuild::output::Silent;
use imgbuild::profile::{self, Profile, Workspace};
use imgbuild::scripts::{self, Accounts, Debconf, Installed};
use serde::Deserialize;

/// A board of each architecture.
pub const BOARDS: [&str; 2] = ["uefi-amd64", "rpi4"];

/// Packages that can be installed together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub name: String,
    packages: Vec<String>,
    /// Those that only that architecture has.
    #[serde(default)]
    amd64: Vec<String>,
    /// Those whose scripts, or a dependency's, cannot be followed.
    #[serde(default)]
    pub stops: Vec<String>,
    /// Whether an image of the others was found to hold what an installation of them holds.
    #[serde(default)]
    pub equal: bool,
}

impl Group {
    /// What there is of it for a board.
    pub fn names(&self, board: &str) -> Vec<&str> {
        let own = self.amd64.iter().filter(|_| board.ends_with("amd64"));
        self.packages.iter().chain(own).map(String::as_str).collect()
    }

    /// Whether a package of it is said not to be followed.
    pub fn stops(&self, name: &str) -> bool {
        self.stops.iter().any(|stopped| stopped == name)
    }

    /// Without those that cannot be followed.
    pub fn followed(&self) -> Self {
        let followed = |names: &Vec<String>| names.iter().filter(|name| !self.stops(name)).cloned().collect();
        Self { packages: followed(&self.packages), amd64: followed(&self.amd64), ..self.clone() }
    }

    /// Writes the profile of a node that has all of it into a workspace. Returns its name.
    pub fn write_profile(&self, board: &str, workspace: &Path) -> String {
        let name = format!("{}-{board}", self.name);
        let text = format!(
            "schema = 1\nextends = \"base\"\ndescription = \"{name}\"\nboard = \"{board}\"\npackages = {:?}\n\
             [image]\nroot = \"2G\"\nlevel = 1\n",
            self.names(board)
        );
        let directory = workspace.join("profiles");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(format!("{name}.toml")), text).unwrap();
        name
    }
}

/// All groups, in the list's order.
pub fn groups() -> Vec<Group> {
    #[derive(Deserialize)]
    struct List {
        group: Vec<Group>,
    }
    toml::from_str::<List>(include_str!("list.toml")).unwrap().group
}

/// Where packages come from, with the indexes that were read so far.
pub struct Archive {
    mirror: Mirror,
    fetcher: Fetcher,
    packs: PathBuf,
    indexes: BTreeMap<String, Vec<FetchedIndex>>,
    now: u64,
    /// Keeps other runs from taking files that are being written for abandoned ones.
    _guard: File,
}

/// The packages of a group with what they depend on, and their scripts evaluated.
pub struct Evaluated {
    pub packages: Vec<Package>,
    pub installed: Installed,
    /// How long that took.
    pub took: Duration,
}

impl Archive {
    /// With the program's own cache. `now` is in seconds since 1970.
    pub fn new(cache: &Path, now: u64) -> Result<Self, Box<dyn Error>> {
        let fetcher = Fetcher::new(cache, false);
        fetcher.prepare()?;
        let mirror = Mirror::choose(None, &AptMirrors::of_host(Path::new("/")), None)?;
        let packs = cache.join("packs");
        fs::create_dir_all(&packs)?;
        let guard = File::open(&packs)?;
        guard.lock_shared()?;
        Ok(Self { mirror, fetcher, packs, indexes: BTreeMap::new(), now, _guard: guard })
    }

    /// Evaluates the scripts of a group for a board, as `imgbuild lock` does; `workspace` may be any directory.
    pub fn evaluate(&mut self, group: &Group, board: &str, workspace: &Path) -> Result<Evaluated, Box<dyn Error>> {
        let name = group.write_profile(board, workspace);
        let profile = profile::load(&Workspace::open(workspace)?, &name)?;
        if !self.indexes.contains_key(board) {
            let (mirror, fetcher) = (&self.mirror, &self.fetcher);
            let fetched = fetch_indexes(&profile.sources, profile.board.arch(), mirror, fetcher, self.now, &Silent)?;
            self.indexes.insert(board.to_owned(), fetched);
        }
        let locked = lock_profile(&profile, &self.indexes[board], None, Update::Everything)?;
        let packages = self.packages(&locked)?;
        let (installed, took) = evaluated(&profile, &packages, locked.profile.epoch)?;
        Ok(Evaluated { packages, installed, took })
    }

    fn packages(&self, locked: &Locked) -> Result<Vec<Package>, Box<dyn Error>> {
        let downloads = locked.downloads(&self.mirror);
        let known = |sha256| deb::unpacked(sha256, &self.packs);
        let missing: Vec<_> = downloads.iter().filter(|download| known(download.sha256).is_none()).cloned().collect();
        let files = self.fetcher.fetch_all(&missing, &Silent)?;
        for (download, file) in missing.iter().zip(&files) {
            deb::open(file, download.sha256, &self.packs)?;
        }
        let mut packages: Vec<Package> = downloads.iter().filter_map(|download| known(download.sha256)).collect();
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(packages)
    }
}

/// All packages unpacked, accounts made, scripts evaluated: the stage that `lock` and `build` have in common, with nothing that
/// an owner accepts or declares.
fn evaluated(profile: &Profile, packages: &[Package], epoch: u64) -> Result<(Installed, Duration), Box<dyn Error>> {
    let (ledger, none) = (Ledger::default(), IdMap::default());
    let declared = ledger.declared_for(packages)?;
    let arch = profile.board.arch();
    let mut tree = match unpack::unpack(packages) {
        // A `preinst` may divert what another package has too.
        Err(UnpackError::TwoOwners { .. }) => {
            unpack::unpack_diverted(packages, &scripts::diverted(packages, arch, &ledger, &none))?
        }
        unpacked => unpacked?,
    };
    let context = Context { profile, packages, ids: &none, declared: &declared, requests: Requests::none(), epoch };
    let ids = accounts::allocate_ids(&tree, &context)?;
    effects::prepare(&mut tree, &Context { ids: &ids, ..context })?;
    let accounts = Accounts::new(&tree, &ids, true, epoch)?;
    let debconf = Debconf::new(packages, &profile.debconf);
    let start = Instant::now();
    let installed = scripts::install(tree, scripts::Input { packages, arch, ledger: &ledger, debconf, accounts });
    Ok((installed, start.elapsed()))
}
