//! Images that the program builds, and what their locks name.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use globset::GlobSet;
use imgbuild::lock::Lock;
use imgbuild::profile;
use tempfile::TempDir;

/// Where the downloads of all test runs are kept.
pub const CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/cache");

/// A workspace of this test's own.
pub struct Workspace(TempDir);

/// One package of a lock.
pub struct Package {
    pub name: String,
    pub sha256: String,
    /// Its downloaded file.
    pub file: PathBuf,
}

/// A built image.
pub struct Image {
    pub file: PathBuf,
    /// Where its root file system starts, in bytes.
    pub root: u64,
    pub packages: Vec<Package>,
    /// Matches what the profile leaves out.
    pub dropped: GlobSet,
}

impl Workspace {
    /// An empty one; the program brings `demo` itself.
    pub fn new() -> Self {
        Self(TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap())
    }

    /// Adds a profile that extends another by `packages`, blank-separated; `sources` is TOML.
    pub fn profile(&self, name: &str, extends: &str, board: Option<&str>, packages: &str, sources: &str) {
        let packages: Vec<&str> = packages.split_whitespace().collect();
        let board = board.map(|board| format!("board = \"{board}\"\n")).unwrap_or_default();
        let text = format!(
            "schema = 1\nextends = \"{extends}\"\ndescription = \"For the oracle\"\n{board}packages = {packages:?}\n\
             [image]\nroot = \"1G\"\n{sources}"
        );
        let directory = self.path().join("profiles");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(format!("{name}.toml")), text).unwrap();
    }

    /// Builds `profile`, which locks it.
    pub fn build(&self, profile: &str) -> Image {
        self.run(&["build", "--profile", profile]);
        let directory = self.path().join("build").join(profile);
        let manifest: serde_json::Value =
            serde_json::from_slice(&fs::read(directory.join("manifest.json")).unwrap()).unwrap();
        let partitions = manifest["partitions"].as_array().unwrap();
        let root = partitions.iter().find(|partition| partition["label"] == "root-a").unwrap();
        let lock = Lock::load(&self.path().join("imgbuild.lock")).unwrap().unwrap();
        let packages = lock.packages_of(profile).map(|package| {
            let sha256 = package.sha256.to_string();
            let file = Path::new(CACHE).join("downloads/sha256").join(&sha256);
            Package { name: package.name.clone(), sha256, file }
        });
        let workspace = profile::Workspace::open(self.path()).unwrap();
        Image {
            file: directory.join(format!("{profile}.img")),
            root: root["offset"].as_u64().unwrap(),
            packages: packages.collect(),
            dropped: profile::load(&workspace, profile).unwrap().dropped(),
        }
    }

    /// Runs the program here.
    pub fn run(&self, args: &[&str]) {
        Command::cargo_bin("imgbuild")
            .unwrap()
            .args(args)
            .args(["--cache-dir", CACHE, "--workspace"])
            .arg(self.path())
            .assert()
            .success();
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}
