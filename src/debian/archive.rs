//! From a profile's source to the text of its package index. Each step is verified with the result of the one before.
//!
//! `InRelease` (signature by a pinned key, suite, date) → digest of the index → compressed index → its text.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use liblzma::stream::Stream;

use super::XZ_MEMORY;
use super::mirror::Mirror;
use super::openpgp::{self, SignatureError};
use super::release::{self, IndexFile, Release, ReleaseError, Sum};
use crate::fetch::{Download, FetchError, Fetcher};
use crate::output::{Named, Progress};
use crate::profile::{Arch, Source, SourceKey};
use crate::tree::Digest;
use crate::urls::shown;

/// Most bytes of an `InRelease` file; Debian's have 140 KB.
const MAX_INRELEASE: u64 = 2 << 20;

/// Most bytes of a certificate that is fetched; one with many subkeys and certifications by others has some hundred KB.
const MAX_CERTIFICATE: u64 = 1 << 20;

/// Most bytes of all decompressed indexes of a source together, and of each compressed one, even if the Release file lists
/// more; Debian's have 60 MB. They are kept in memory while packages are chosen.
const MAX_INDEX: u64 = 512 << 20;

/// The state of one source and what it offers for one architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedIndex {
    pub state: SourceState,
    /// `Packages` stanzas of all components, for [`super::index::parse`].
    pub text: String,
}

/// A suite as it was when its `InRelease` file was fetched and verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceState {
    /// The source's name, archive and suite in the profile.
    pub name: String,
    pub archive: String,
    pub suite: String,
    /// The Release file's date in seconds since 1970.
    pub date: u64,
    /// Digest of the `InRelease` file.
    pub sha256: Digest,
    /// Fingerprint (upper-case hexadecimal) of the certificate that signed it.
    pub signed_by: String,
}

/// Why a source's index could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Of an archive that is none of Debian's: `--mirror` moves only those.
    #[error(transparent)]
    Vendor(FetchError),
    #[error("source `{name}`: {url}: {source}")]
    Signature { name: String, url: String, source: SignatureError },
    #[error("source `{name}`: {url}: {source}")]
    Release { name: String, url: String, source: ReleaseError },
    #[error("source `{name}`: suite `{suite}` has no component `{component}` for {arch}")]
    NoComponent { name: String, suite: String, component: String, arch: &'static str },
    #[error("source `{name}`: the Release file of the flat repository lists no index `Packages`")]
    NoIndex { name: String },
    #[error("source `{name}`: index {path}: {source}")]
    Index { name: String, path: String, source: io::Error },
}

/// What helps where a vendor's archive does not answer, or does not have its index.
const VENDOR: &str = "check the network connection, and `archive` and `key` of the source; a copy of the archive, also in a directory of this \
                      machine (`file:///…`), is named there, not with `--mirror`";

impl ArchiveError {
    fn fetch(source: &Source, error: FetchError) -> Self {
        // Of a directory the cause says all.
        let vendor =
            !matches!(source.archive.as_str(), "debian" | "debian-security") && !source.archive.starts_with("file:");
        if vendor { Self::Vendor(error) } else { Self::Fetch(error) }
    }

    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Vendor(error @ FetchError::Unavailable { .. }) if error.is_out_of_reach() => Some(VENDOR.to_owned()),
            Self::Fetch(error) | Self::Vendor(error) => error.hint(),
            Self::Signature { source, .. } => source.hint(),
            Self::Release { source, .. } => source.hint(),
            Self::NoComponent { .. } => Some("correct `components` of the source in the profile".to_owned()),
            Self::NoIndex { .. } => Some("correct `archive` and `suite` of the source in the profile".to_owned()),
            Self::Index { .. } => {
                let text = "the archive's files do not fit each other: it is being renewed, or its copy here is damaged; try again later, or \
                            another copy of it";
                Some(text.to_owned())
            }
        }
    }
}

/// The URL of the directory that has a source's `InRelease` file: below `dists/`, or that of a flat repository (apt's
/// `debReleaseIndex::MetaIndexURI` in apt-pkg/deb/debmetaindex.cc). It has no slash at its end.
fn directory(source: &Source, mirror: &Mirror) -> String {
    let base = mirror.base(&source.archive);
    let url =
        if source.is_flat() { format!("{base}/{}", source.suite) } else { format!("{base}/dists/{}", source.suite) };
    url.trim_end_matches('/').to_owned()
}

/// Fetches and verifies the indexes of all `sources` for `arch`, in their order. `now` is in seconds since 1970.
///
/// # Errors
/// The first source that cannot be fetched or verified.
pub fn fetch_indexes(
    sources: &[Source],
    arch: Arch,
    mirror: &Mirror,
    fetcher: &Fetcher,
    now: u64,
    progress: &dyn Progress,
) -> Result<Vec<FetchedIndex>, ArchiveError> {
    let mut states = Vec::new();
    let mut wanted = Vec::new();
    for source in sources {
        let (state, release) = fetch_release(source, mirror, fetcher, now)?;
        let mut places = Vec::new();
        for index in indexes(source, &release, arch)? {
            places.push(match index.file.sum {
                Sum::Sha256(sha256) => {
                    wanted.push(index.download(sha256, source, mirror, release.by_hash));
                    (index, None)
                }
                Sum::Sha512(_) => {
                    let bytes = index.fetch(source, mirror, fetcher)?;
                    (index, Some(bytes))
                }
            });
        }
        states.push((state, places));
    }
    let mut paths = fetcher.fetch_all(&wanted, &Named { phase: "indexes", progress })?.into_iter();
    states.into_iter().map(|(state, places)| read_indexes(state, places, &mut paths)).collect()
}

/// Fetches a source's `InRelease` file and checks its signature, suite and dates.
fn fetch_release(
    source: &Source,
    mirror: &Mirror,
    fetcher: &Fetcher,
    now: u64,
) -> Result<(SourceState, Release), ArchiveError> {
    let key = key_of(source, fetcher)?;
    let url = format!("{}/InRelease", directory(source, mirror));
    let title = format!("the signed Release file of source `{}`", source.name);
    let fetched = fetcher.fetch_fresh(&title, &url, MAX_INRELEASE);
    let bytes = fetched.map_err(|error| ArchiveError::fetch(source, error))?;
    let verified = openpgp::verify(&bytes, &key, now).map_err(|error| ArchiveError::Signature {
        name: source.name.clone(),
        url: shown(&url),
        source: error,
    })?;
    let release = release::parse(&verified.text)
        .and_then(|release| {
            // A flat repository's directory is no suite's name, and its Release file need not have one.
            let suite = (!source.is_flat()).then_some(source.suite.as_str());
            release.check(suite, now).map(|()| release)
        })
        .map_err(|error| ArchiveError::Release { name: source.name.clone(), url: shown(&url), source: error })?;
    let state = SourceState {
        name: source.name.clone(),
        archive: source.archive.clone(),
        suite: source.suite.clone(),
        date: release.date,
        sha256: Digest::of(&bytes),
        signed_by: verified.fingerprint,
    };
    Ok((state, release))
}

/// The keys that a source's signature is checked with; a certificate at a URL is fetched, and must have its fingerprint.
fn key_of(source: &Source, fetcher: &Fetcher) -> Result<SourceKey, ArchiveError> {
    let SourceKey::Fetched { url, fingerprint } = &source.key else { return Ok(source.key.clone()) };
    let title = format!("the certificate of source `{}`", source.name);
    let fetched = fetcher.fetch_fresh(&title, url, MAX_CERTIFICATE);
    let bytes = fetched.map_err(|error| ArchiveError::fetch(source, error))?;
    openpgp::fetched(bytes, fingerprint).map_err(|error| ArchiveError::Signature {
        name: source.name.clone(),
        url: shown(url),
        source: error,
    })
}

/// One index to fetch.
#[derive(Debug, PartialEq, Eq)]
struct Index {
    /// Below the suite's directory, as the Release file lists it.
    path: String,
    file: IndexFile,
    /// Digest and size of the decompressed file, if the Release file lists them.
    plain: Option<IndexFile>,
}

/// The indexes to read for `arch`: one per component, and one more for `all` if the archive has separate ones. A flat repository
/// has one index with all architectures.
fn indexes(source: &Source, release: &Release, arch: Arch) -> Result<Vec<Index>, ArchiveError> {
    let mut found = Vec::new();
    if source.is_flat() {
        let index =
            Index::find(release, "Packages").ok_or_else(|| ArchiveError::NoIndex { name: source.name.clone() })?;
        found.push(index);
    }
    for component in &source.components {
        let of = |arch: &str| format!("{component}/binary-{arch}/Packages");
        let index = Index::find(release, &of(arch.name())).ok_or_else(|| ArchiveError::NoComponent {
            name: source.name.clone(),
            suite: source.suite.clone(),
            component: component.clone(),
            arch: arch.name(),
        })?;
        found.push(index);
        if release.splits_all {
            found.extend(Index::find(release, &of("all")));
        }
    }
    match found.iter().find(|index| index.file.size > MAX_INDEX) {
        Some(Index { path, file, .. }) => Err(ArchiveError::Index {
            name: source.name.clone(),
            path: path.clone(),
            source: invalid(format!(
                "the Release file says {} bytes, and more than {MAX_INDEX} are not fetched",
                file.size
            )),
        }),
        None => Ok(found),
    }
}

impl Index {
    /// The index that has `plain_path` once decompressed.
    fn find(release: &Release, plain_path: &str) -> Option<Self> {
        let plain = release.files.get(plain_path).copied();
        ["xz", "gz"]
            .iter()
            .map(|suffix| format!("{plain_path}.{suffix}"))
            .chain([plain_path.to_owned()])
            .find_map(|path| release.files.get(&path).map(|file| Self { path: path.clone(), file: *file, plain }))
    }

    fn title(&self, source: &Source) -> String {
        format!("index {} of source `{}`", self.path, source.name)
    }

    fn download(&self, sha256: Digest, source: &Source, mirror: &Mirror, by_hash: bool) -> Download {
        let suite = directory(source, mirror);
        let folder = self.path.rsplit_once('/').map_or_else(String::new, |(folder, _)| format!("{folder}/"));
        let hashed = by_hash.then(|| format!("{suite}/{folder}by-hash/SHA256/{sha256}"));
        Download {
            name: self.title(source),
            urls: hashed.into_iter().chain([format!("{suite}/{}", self.path)]).collect(),
            sha256,
            size: Some(self.file.size),
        }
    }

    /// Its bytes as they are at the archive, for what the cache of downloads, which goes by SHA-256, cannot keep.
    fn fetch(&self, source: &Source, mirror: &Mirror, fetcher: &Fetcher) -> Result<Vec<u8>, ArchiveError> {
        let url = format!("{}/{}", directory(source, mirror), self.path);
        let bytes = fetcher.fetch_fresh(&self.title(source), &url, self.file.size)?;
        if bytes.len() as u64 == self.file.size && self.file.sum.is_of(&bytes) {
            return Ok(bytes);
        }
        let name = source.name.clone();
        let other = invalid("its SHA-512 or its size is not what the Release file says".to_owned());
        Err(ArchiveError::Index { name, path: self.path.clone(), source: other })
    }

    /// The decompressed text of `packed`, of at most `room` bytes.
    fn read<'a>(&self, packed: impl Read + 'a, room: u64) -> io::Result<String> {
        let plain: Box<dyn Read + 'a> = match self.path.rsplit_once('.') {
            Some((_, "xz")) => {
                let stream = Stream::new_stream_decoder(XZ_MEMORY, 0)?;
                Box::new(liblzma::read::XzDecoder::new_stream(packed, stream))
            }
            Some((_, "gz")) => Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::new(packed))),
            _ => Box::new(packed),
        };
        let limit = self.plain.map_or(room, |plain| plain.size.min(room));
        let mut bytes = Vec::new();
        plain.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(invalid(format!("larger than {limit} bytes when decompressed")));
        }
        if self.plain.is_some_and(|plain| !plain.sum.is_of(&bytes)) {
            return Err(invalid("its decompressed text is not what the Release file says".to_owned()));
        }
        String::from_utf8(bytes).map_err(|error| invalid(error.utf8_error().to_string()))
    }
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// Reads a source's indexes: the bytes that were fetched, or the next of the fetched `paths`.
fn read_indexes(
    state: SourceState,
    indexes: Vec<(Index, Option<Vec<u8>>)>,
    paths: &mut impl Iterator<Item = PathBuf>,
) -> Result<FetchedIndex, ArchiveError> {
    let mut text = String::new();
    for (index, bytes) in indexes {
        let room = MAX_INDEX.saturating_sub(text.len() as u64);
        let read = match bytes {
            Some(bytes) => index.read(bytes.as_slice(), room),
            None => paths
                .next()
                .ok_or_else(|| io::ErrorKind::NotFound.into())
                .and_then(File::open)
                .and_then(|file| index.read(file, room)),
        };
        let part =
            read.map_err(|source| ArchiveError::Index { name: state.name.clone(), path: index.path.clone(), source })?;
        if text.is_empty() {
            text = part;
        } else {
            text.push_str(&part);
        }
        // An empty line separates the indexes, since a file may lack one at its end.
        text.push('\n');
    }
    Ok(FetchedIndex { state, text })
}
