//! Releases of K3s: which files there are, where they lie, and what proves them.
//!
//! A release is a directory named by its tag. `sha256sum-ARCH.txt` in it tells the SHA-256 of every other file. It is not
//! signed, so it is believed once, when locking; from then on the lock's digests are held against every copy.
//!
//! ```text
//! mirror or directory ─▶ checksum file ─▶ digest ─▶ object in the cache (see the parent module)
//! ```

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use object::elf;

use super::store::{self, Import};
use super::{Download, FetchError, Fetcher};
use crate::format::sums;
use crate::output::Progress;
use crate::profile::Arch;
use crate::tree::Digest;
use crate::urls::WebUrl;

/// Where the project publishes its releases.
pub const GITHUB: &str = "https://github.com/k3s-io/k3s/releases/download";

/// The name that `lock --update` knows the release by, which is its program's.
pub const NAME: &str = "k3s";

/// Most bytes of a checksum file; a real one has some dozen lines.
const MAX_SUMS: u64 = 1 << 20;

/// A file of a release that an image is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asset {
    /// The program.
    Binary,
    /// The container images of K3s's own components.
    AirGap,
}

impl Asset {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Binary, Self::AirGap];

    /// Its name in messages and the lock, the same for every architecture.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Binary => NAME,
            Self::AirGap => "k3s-airgap-images",
        }
    }
}

/// A release, as far as one architecture goes.
#[derive(Debug, Clone, Copy)]
pub struct Release<'a> {
    /// Its tag.
    pub version: &'a str,
    pub arch: Arch,
}

/// Where a release is taken from.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// The URL of the directory that releases lie below.
    Mirror(&'a WebUrl),
    /// A local directory with the files of one release.
    Dir(&'a Path),
}

/// A proved file of a release, and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    pub size: u64,
    pub sha256: Digest,
}

/// Why a file of a release could not be had or is not what it must be.
#[derive(Debug, thiserror::Error)]
pub enum K3sError {
    #[error("K3s {version} for {arch} cannot be had")]
    Unavailable { version: String, arch: &'static str, source: FetchError },
    #[error("the directory `{}` has no file `{file}`", dir.display())]
    Missing { dir: PathBuf, file: String },
    #[error("cannot read `{}`: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{sums} of K3s {version} tells no SHA-256 of `{file}`")]
    Unlisted { version: String, sums: String, file: String },
    #[error("`{}` is not the file that {sums} beside it tells of: its SHA-256 is {got}, expected {expected}", path.display())]
    Mismatch { path: PathBuf, sums: String, got: Digest, expected: Digest },
    #[error("`{}` is not the locked file of K3s {version}: its SHA-256 is {got}, the lock has {expected}", path.display())]
    NotLocked { path: PathBuf, version: String, got: Digest, expected: Digest },
    #[error("`{file}` of K3s {version} is {got}, but the board needs a program for {needed}")]
    Machine { file: String, version: String, got: String, needed: &'static str },
}

impl K3sError {
    /// Whether the release merely is out of reach, as opposed to wrong.
    #[must_use]
    pub fn is_out_of_reach(&self) -> bool {
        matches!(self, Self::Unavailable { source, .. } if source.is_out_of_reach())
    }

    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Unavailable { source, .. } if source.is_out_of_reach() => {
                "put the release's files into a directory and name it with `--k3s-dir DIR`, or name a mirror of the \
                 releases with `--k3s-mirror URL`; see docs/k3s.md"
            }
            Self::Unavailable { source: FetchError::Unavailable { .. }, .. } => {
                "the server's copy is damaged or was changed; take another one with `--k3s-mirror` or `--k3s-dir`. If the \
                 lock is what is wrong: `imgbuild lock --update k3s`"
            }
            Self::Unavailable { source, .. } => return source.hint(),
            Self::Missing { .. } | Self::Unlisted { .. } => {
                "it must hold files named as the release names them: `k3s` or `k3s-arm64`, and `sha256sum-amd64.txt` or \
                 `sha256sum-arm64.txt`; for `air_gap` the bundle too"
            }
            Self::Read { .. } => "is it a readable file?",
            Self::Mismatch { .. } => "download both files again, from the same release",
            Self::NotLocked { .. } => {
                "if the new file is the right one, run `imgbuild lock --update k3s --k3s-dir DIR`"
            }
            Self::Machine { .. } => {
                "take the release's file for this architecture: `k3s` is for amd64, `k3s-arm64` for arm64"
            }
        };
        Some(text.to_owned())
    }
}

impl Release<'_> {
    /// A file's name in the release.
    #[must_use]
    pub fn file(&self, asset: Asset) -> String {
        match (asset, self.arch) {
            (Asset::Binary, Arch::Amd64) => "k3s".to_owned(),
            (Asset::Binary, Arch::Arm64) => "k3s-arm64".to_owned(),
            (Asset::AirGap, arch) => format!("k3s-airgap-images-{}.tar.zst", arch.name()),
        }
    }

    /// The checksum file's name.
    fn sums(&self) -> String {
        format!("sha256sum-{}.txt", self.arch.name())
    }

    /// A file's path below the mirror.
    #[must_use]
    pub fn path(&self, file: &str) -> String {
        format!("{}/{file}", self.version)
    }

    /// That it cannot be had.
    #[must_use]
    pub fn unavailable(&self, source: FetchError) -> K3sError {
        K3sError::Unavailable { version: self.version.to_owned(), arch: self.arch.name(), source }
    }
}

impl Fetcher {
    /// Brings files of a release into the cache, each proved by the checksum file beside it, in the order of `assets`.
    ///
    /// # Errors
    /// A file that cannot be had, that the checksum file does not know or contradicts, or that is for another machine.
    pub fn k3s(
        &self,
        release: &Release<'_>,
        assets: &[Asset],
        place: Place<'_>,
        progress: &dyn Progress,
    ) -> Result<Vec<Found>, K3sError> {
        match place {
            Place::Mirror(mirror) => {
                let address = url(mirror, &release.path(&release.sums()));
                let name = format!("{} of K3s {}", release.sums(), release.version);
                let bytes =
                    self.fetch_fresh(&name, &address, MAX_SUMS).map_err(|source| release.unavailable(source))?;
                proved(release, assets, &String::from_utf8_lossy(&bytes), |file, sha256| {
                    let urls = vec![url(mirror, &release.path(file))];
                    let wanted =
                        Download { name: format!("{file} of K3s {}", release.version), urls, sha256, size: None };
                    let paths = self.fetch_all(&[wanted], progress).map_err(|source| release.unavailable(source))?;
                    Ok(paths.into_iter().next().unwrap_or_default())
                })
            }
            Place::Dir(dir) => of_dir(release, assets, dir, |path, sha256| self.import(path, sha256)),
        }
    }
}

/// Proves files of a release that lie in `dir` as [`Fetcher::k3s`] does, and takes none of them.
///
/// # Errors
/// As [`Fetcher::k3s`].
pub fn look(release: &Release<'_>, assets: &[Asset], dir: &Path) -> Result<Vec<Found>, K3sError> {
    of_dir(release, assets, dir, |path, sha256| store::prove(path, sha256).map(|_| path.to_owned()))
}

/// Files of a release that lie in `dir`; `take` proves one and gives where it lies then.
fn of_dir(
    release: &Release<'_>,
    assets: &[Asset],
    dir: &Path,
    take: impl Fn(&Path, &Digest) -> Result<PathBuf, Import>,
) -> Result<Vec<Found>, K3sError> {
    proved(release, assets, &read_sums(dir, &release.sums())?, |file, sha256| {
        let path = dir.join(file);
        take(&path, &sha256).map_err(|error| match error {
            Import::Missing => K3sError::Missing { dir: dir.to_owned(), file: file.to_owned() },
            Import::Other { got } => K3sError::Mismatch { path, sums: release.sums(), got, expected: sha256 },
            Import::Read(source) => K3sError::Read { path, source },
            Import::Cache(source) => release.unavailable(source),
        })
    })
}

/// Files of a release by what its checksum file, `sums`, tells of them; `bring` gives where one lies, by name and digest.
fn proved(
    release: &Release<'_>,
    assets: &[Asset],
    sums: &str,
    bring: impl Fn(&str, Digest) -> Result<PathBuf, K3sError>,
) -> Result<Vec<Found>, K3sError> {
    let found = |asset: &Asset| {
        let file = release.file(*asset);
        let Some(sha256) = digest_in(sums, &file) else {
            return Err(K3sError::Unlisted { version: release.version.to_owned(), sums: release.sums(), file });
        };
        let path = bring(&file, sha256)?;
        let size = fs::metadata(&path).map_err(|source| K3sError::Read { path: path.clone(), source })?.len();
        if *asset == Asset::Binary {
            check_machine(&path, &file, release)?;
        }
        Ok(Found { path, size, sha256 })
    };
    assets.iter().map(found).collect()
}

/// The URL of a file below `mirror`. A tag's `+` would be read as a space by some servers.
#[must_use]
pub fn url(mirror: &WebUrl, path: &str) -> String {
    mirror.file(&path.replace('+', "%2B"))
}

fn read_sums(dir: &Path, name: &str) -> Result<String, K3sError> {
    let path = dir.join(name);
    let mut text = String::new();
    let read = fs::File::open(&path).and_then(|file| file.take(MAX_SUMS).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(K3sError::Missing { dir: dir.to_owned(), file: name.to_owned() })
        }
        Err(source) => Err(K3sError::Read { path, source }),
    }
}

/// The digest that a checksum file tells of `file`; what else is in it does not matter.
fn digest_in(text: &str, file: &str) -> Option<Digest> {
    text.lines().filter_map(sums::parse_line).find(|(name, _)| *name == file).map(|(_, digest)| digest)
}

/// Refuses a program that the board's processor cannot run.
///
/// # Errors
/// A file that is no ELF program, or one for another machine.
pub fn check_machine(path: &Path, file: &str, release: &Release<'_>) -> Result<(), K3sError> {
    let mut header = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(20).read_to_end(&mut header));
    read.map_err(|source| K3sError::Read { path: path.to_owned(), source })?;
    let needed = match release.arch {
        Arch::Amd64 => elf::EM_X86_64,
        Arch::Arm64 => elf::EM_AARCH64,
    };
    let got = match machine(&header) {
        Some(found) if found == needed => return Ok(()),
        Some(elf::EM_X86_64) => "a program for amd64".to_owned(),
        Some(elf::EM_AARCH64) => "a program for arm64".to_owned(),
        Some(elf::EM_ARM) => "a program for 32-bit ARM".to_owned(),
        Some(other) => format!("a program for another machine (ELF number {other})"),
        None => "no 64-bit ELF program".to_owned(),
    };
    Err(K3sError::Machine {
        file: file.to_owned(),
        version: release.version.to_owned(),
        got,
        needed: release.arch.name(),
    })
}

/// `e_machine` of an ELF header of the little-endian kind.
fn machine(header: &[u8]) -> Option<elf::Machine> {
    let is_elf = header.starts_with(&elf::ELFMAG) && header.get(5) == Some(&elf::ELFDATA2LSB.0);
    let bytes = header.get(18..20)?.first_chunk()?;
    is_elf.then(|| elf::Machine(u16::from_le_bytes(*bytes)))
}
