//! Container images that an image of a node carries: fetched by their digests, and put into the archives that K3s imports.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};

use super::{PipelineError, Plan, Tools};
use crate::fetch::registry::{Document, RegistryError};
use crate::fetch::{Download, FetchError};
use crate::format::oci_layout::{self, Blob, Entry};
use crate::image;
use crate::lock::{Lock, LockedImage};
use crate::output::{Named, count};
use crate::profile::{PinnedImage, Profile};
use crate::tree::{Content, Hasher, Pack, Slice};

/// A container image, and what is fetched for it.
#[derive(Debug, Clone)]
pub(crate) struct PlannedImage<'a> {
    pub(crate) locked: &'a LockedImage,
    pub(crate) image: PinnedImage,
    /// Documents, then blobs.
    pub(crate) downloads: Vec<Download>,
}

/// An archive for K3s, and where it goes.
pub(super) struct Archive {
    pub(super) path: String,
    pub(super) content: Content,
}

/// What is to be locked of the images of `profile`: what the lock has of them already, else what registries have.
///
/// # Errors
/// An image that cannot be had, or is not for the profile's board.
pub(crate) fn choose(profile: &Profile, lock: &Lock, tools: Tools<'_>) -> Result<Vec<LockedImage>, RegistryError> {
    const PHASE: &str = "images";
    let preload = profile.k3s.as_ref().map_or(&[][..], |k3s| &k3s.preload);
    let arch = profile.board.arch();
    let mut chosen = Vec::new();
    let is_new = preload.iter().any(|image| lock.image(image, arch).is_none());
    if is_new {
        tools.progress.begin(PHASE, 0);
    }
    for image in preload {
        chosen.push(match lock.image(image, arch) {
            Some(known) => LockedImage { profiles: Vec::new(), ..known.clone() },
            None => LockedImage::new(image, arch, tools.fetcher.image(image, arch)?),
        });
    }
    if is_new {
        tools.progress.finish(PHASE, &count(chosen.len(), "container image"));
    }
    Ok(chosen)
}

/// The images that are locked for a profile.
pub(super) fn planned<'a>(profile: &'a Profile, lock: &'a Lock) -> Vec<PlannedImage<'a>> {
    let planned =
        |locked: &'a LockedImage| Some(PlannedImage { locked, image: locked.image()?, downloads: locked.downloads() });
    lock.images_of(&profile.name).filter_map(planned).collect()
}

/// The archives of the plan's images, in its order.
///
/// # Errors
/// Parts that cannot be had; a disk without room.
pub(super) fn fetched(plan: &Plan<'_>, tools: Tools<'_>) -> Result<Vec<Archive>, PipelineError> {
    plan.images.iter().map(|planned| archive(planned, tools)).collect()
}

/// Whether [`fetched`] could have all parts, as far as that is known without asking anybody.
///
/// # Errors
/// As [`fetched`], of the first image with a part that is out of reach.
pub(super) fn could_fetch(plan: &Plan<'_>, tools: Tools<'_>) -> Result<(), PipelineError> {
    for planned in &plan.images {
        tools.fetcher.could_fetch(&planned.downloads).map_err(|source| unavailable(planned, source))?;
    }
    Ok(())
}

fn unavailable(planned: &PlannedImage<'_>, source: FetchError) -> PipelineError {
    RegistryError::Unavailable { image: planned.image.to_string(), source }.into()
}

/// The archive of one image. Layers stay packed as they are, so nothing is compressed twice.
fn archive(planned: &PlannedImage<'_>, tools: Tools<'_>) -> Result<Archive, PipelineError> {
    let progress = Named { phase: "images", progress: tools.progress };
    let paths =
        tools.fetcher.fetch_all(&planned.downloads, &progress).map_err(|source| unavailable(planned, source))?;
    let first = paths.first().map(fs::read).transpose();
    let first = first.map_err(|source| PipelineError::Artifact { path: paths[0].clone(), source })?.unwrap_or_default();
    let document = Document::parse(&first);
    let document = document.map_err(|flaw| RegistryError::Wrong { image: planned.image.to_string(), flaw })?;
    let name = planned.image.tagged();
    let entry =
        Entry { name: &name, media_type: document.media_type, sha256: planned.image.sha256, size: first.len() as u64 };
    let parts = planned.locked.documents.iter().chain(&planned.locked.blobs).zip(&paths);
    let blobs = parts.map(|(part, path)| Ok(Blob { sha256: part.sha256, size: part.size, bytes: File::open(path)? }));
    let dir = tools.cache.packs();
    let write = || -> io::Result<Content> {
        fs::create_dir_all(&dir)?;
        // It is made anew from the parts each time, so it has no name once it is open.
        let file = tempfile::NamedTempFile::new_in(&dir)?;
        let mut out =
            Measured { out: BufWriter::with_capacity(1 << 20, file.as_file()), hasher: Hasher::default(), len: 0 };
        oci_layout::write(&mut out, &entry, blobs)?;
        let Measured { hasher, len, out } = out;
        drop(out);
        let (digest, chunks) = hasher.finish();
        let pack = Pack::open(file.path())?;
        Ok(Content::from(Slice { pack, offset: 0, len, digest, chunks }))
    };
    let content =
        write().map_err(|source| PipelineError::PackImage { image: name.clone(), dir: dir.clone(), source })?;
    Ok(Archive { path: image::k3s::preloaded(&name, &content.digest()), content })
}

/// Takes the digest of what it writes.
struct Measured<W> {
    out: W,
    hasher: Hasher,
    len: u64,
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
