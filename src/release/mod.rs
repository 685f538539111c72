//! The release set: what CI attaches to a tag, and what `flash --release` fetches.
//!
//! ```text
//! P.img ──▶ frames of zstd (format::seekable) ──▶ P.img.zst ┐
//!     └───▶ block map (format::bmap) ───────────▶ P.bmap    ├─▶ SHA256SUMS ─▶ signature
//! manifest, SBOM ──────────────────▶ P.manifest.json, …     ┘
//! ```
//! All files lie in one directory under names that begin with the profile's, so that the sets of several profiles make one
//! release: sums of others that are there stay, after their files were compared with them.

mod error;
mod existing;
mod lock;
mod proof;
mod sign;
mod tag;

use std::fs::{self, File};
use std::io::{self, Seek as _, Write};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use rayon::prelude::*;

pub use error::ReleaseError;
pub use proof::{Proof, ProofError, SignedBy, manifest_names, verified_sums};
pub use sign::{Signer, VerifyError, verify};
pub use tag::Tag;

use crate::format::spans::{Span, minus};
use crate::format::{bmap, seekable};
use crate::image::{Manifest, ManifestRange, Outputs, Visibility};
use crate::output::Progress;
use crate::tree::Digest;
use lock::DirectoryLock;

/// Name of the sums in every release.
pub const SUMS: &str = "SHA256SUMS";
/// Name of the sums' signature.
pub const SIGNATURE: &str = "SHA256SUMS.minisig";
/// zstd level of an image. Most of it is compressed already; kernel and boot files gain little beyond this.
const LEVEL: i32 = 9;
/// Phase told to [`Progress`].
const PHASE: &str = "pack";

/// Name of the compressed image of `profile`.
#[must_use]
pub fn image_name(profile: &str) -> String {
    format!("{profile}.img.zst")
}

/// Name of the manifest of `profile`.
#[must_use]
pub fn manifest_name(profile: &str) -> String {
    format!("{profile}.manifest.json")
}

/// Writes the release set of the build that lies in `build` to `out`; gives the names of its files, sums included.
///
/// # Errors
/// Of reading the build, of writing and of signing.
pub fn write(
    build: &Path,
    manifest: &Manifest,
    out: &Path,
    signer: Option<&Signer>,
    progress: &dyn Progress,
) -> Result<Vec<String>, ReleaseError> {
    let profile = &manifest.profile;
    let path = build.join(&manifest.image);
    let unread = |path: &Path| {
        let path = path.to_owned();
        move |source| ReleaseError::Read { path, source }
    };
    let image = File::open(&path).map_err(unread(&path))?;
    let name = image_name(profile);
    let (map_name, sbom_name) = (format!("{profile}.bmap"), format!("{profile}.sbom.spdx.json"));
    let _lock = DirectoryLock::acquire(out, progress)?;
    let mut sums = existing::sums(out, &[&name, &map_name, &manifest_name(profile), &sbom_name])?;
    let mut outputs = Outputs::new(out, Visibility::Everyone)?;
    let mut names = Vec::new();

    let mut packed = outputs.file(&name)?;
    progress.begin(PHASE, manifest.image_size);
    let mut written = PackedFile { file: io::BufWriter::with_capacity(1 << 20, &mut packed), failed: false };
    pack(&image, manifest, &mut written, progress).map_err(|source| {
        if written.failed {
            ReleaseError::Write { path: out.join(&name), source }
        } else {
            ReleaseError::Pack { path: path.clone(), source }
        }
    })?;
    drop(written);
    packed.rewind().map_err(unread(&out.join(&name)))?;
    sums.put(&name, Digest::of_all(&packed).map_err(unread(&out.join(&name)))?);
    names.push(name);

    let map = map(&image, manifest).map_err(unread(&path))?;
    let copied = |name: &str| {
        let path = build.join(name);
        fs::read(&path).map_err(unread(&path))
    };
    for (name, bytes) in [
        (map_name, map.into_bytes()),
        (manifest_name(profile), copied("manifest.json")?),
        (sbom_name, copied("sbom.spdx.json")?),
    ] {
        outputs.put(&name, &bytes)?;
        sums.put(&name, Digest::of(&bytes));
        names.push(name);
    }
    let text = sums.text();
    outputs.put(SUMS, text.as_bytes())?;
    names.push(SUMS.to_owned());
    if let Some(signer) = signer {
        let unnamed = format!("imgbuild {profile} {}", manifest.image_id);
        outputs.put(SIGNATURE, signer.sign(&text, &unnamed)?.as_bytes())?;
        names.push(SIGNATURE.to_owned());
    }
    outputs.commit(&[SUMS, SIGNATURE])?;
    let len = fs::metadata(out.join(&names[0])).map_err(unread(&out.join(&names[0])))?.len();
    progress.finish(
        PHASE,
        &format!("{}, {} of {}", names[0], crate::output::bytes(len), crate::output::bytes(manifest.image_size)),
    );
    Ok(names)
}

/// Puts files that are no image (name and bytes) into the release set in `out`, beside what is there: into its sums, which
/// `signer` signs again, since another signature would no longer be over them. Returns the names of the files written.
///
/// # Errors
/// Of writing and of signing.
pub fn add(
    files: &[(String, Vec<u8>)],
    out: &Path,
    signer: Option<&Signer>,
    progress: &dyn Progress,
) -> Result<Vec<String>, ReleaseError> {
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let _lock = DirectoryLock::acquire(out, progress)?;
    let mut sums = existing::sums(out, &names)?;
    let mut outputs = Outputs::new(out, Visibility::Everyone)?;
    for (name, bytes) in files {
        outputs.put(name, bytes)?;
        sums.put(name, Digest::of(bytes));
    }
    let text = sums.text();
    outputs.put(SUMS, text.as_bytes())?;
    let mut written: Vec<String> = names.into_iter().chain([SUMS]).map(str::to_owned).collect();
    if let Some(signer) = signer {
        outputs.put(SIGNATURE, signer.sign(&text, "imgbuild")?.as_bytes())?;
        written.push(SIGNATURE.to_owned());
    }
    outputs.commit(&[SUMS, SIGNATURE])?;
    Ok(written)
}

/// The compressed file, which remembers whether an error was one of writing it: others are of reading the image.
struct PackedFile<'f> {
    file: io::BufWriter<&'f mut File>,
    failed: bool,
}

impl Write for PackedFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).inspect_err(|_| self.failed = true)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().inspect_err(|_| self.failed = true)
    }
}

/// Compresses the image; what no range covers is zero and is not read.
fn pack(image: &File, manifest: &Manifest, out: &mut PackedFile<'_>, progress: &dyn Progress) -> io::Result<()> {
    let read = |start: u64, buffer: &mut [u8]| -> io::Result<()> {
        let end = start + buffer.len() as u64;
        let first = manifest.ranges.partition_point(|range| range.offset + range.length <= start);
        for range in manifest.ranges[first..].iter().take_while(|range| range.offset < end) {
            let (from, to) = (range.offset.max(start), (range.offset + range.length).min(end));
            let place = |at: u64| usize::try_from(at - start).map_err(io::Error::other);
            image.read_exact_at(&mut buffer[place(from)?..place(to)?], from)?;
        }
        Ok(())
    };
    seekable::write(manifest.image_size, LEVEL, read, &mut *out, |bytes| {
        progress.advance(PHASE, bytes);
    })?;
    out.flush()
}

/// The image's block map: its ranges, rounded to whole blocks, and where programs look for what a disk holds.
fn map(image: &File, manifest: &Manifest) -> io::Result<String> {
    let whole = |range: &ManifestRange| {
        let end = (range.offset + range.length).next_multiple_of(bmap::BLOCK);
        (range.offset / bmap::BLOCK * bmap::BLOCK, end)
    };
    let ranges = || manifest.ranges.iter().map(whole);
    let mut spans: Vec<Span> = ranges().chain(minus(manifest.signature_places(), ranges())).collect();
    spans.sort_unstable();
    let mut runs: Vec<Span> = Vec::new();
    for (first, end) in spans.into_iter().map(|(start, end)| (start / bmap::BLOCK, end.div_ceil(bmap::BLOCK))) {
        match runs.last_mut() {
            Some((_, last)) if *last > first => *last = end,
            _ => runs.push((first, end)),
        }
    }
    let ranges = runs.into_par_iter().map(|(first, end)| {
        let (from, to) = (first * bmap::BLOCK, (end * bmap::BLOCK).min(manifest.image_size));
        let mut bytes = vec![0; usize::try_from(to - from).map_err(io::Error::other)?];
        image.read_exact_at(&mut bytes, from)?;
        Ok(bmap::Range { first, last: end - 1, sha256: Digest::of(&bytes).to_string() })
    });
    Ok(bmap::write(manifest.image_size, &ranges.collect::<io::Result<Vec<_>>>()?))
}
