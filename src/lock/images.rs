//! Container images in the lock: what each is made of for a board.

use super::store::{add, drop_profile};
use super::{Lock, LockedImage};
use crate::fetch::Download;
use crate::fetch::registry::{self, Blob, FoundImage, MAX_IMAGE};
use crate::profile::{Arch, PinnedImage};
use crate::tree::Digest;

impl Lock {
    /// A profile's container images, sorted by name.
    pub fn images_of<'a>(&'a self, profile: &'a str) -> impl Iterator<Item = &'a LockedImage> {
        self.images.iter().filter(move |image| image.profiles.iter().any(|user| user == profile))
    }

    /// What any profile has of an image for boards of `arch`.
    #[must_use]
    pub fn image(&self, image: &PinnedImage, arch: Arch) -> Option<&LockedImage> {
        let name = image.to_string();
        self.images.iter().find(|locked| locked.name == name && locked.arch == arch)
    }

    /// Puts container images in place of those that a profile has.
    pub(super) fn put_images(&mut self, profile: &str, images: Vec<LockedImage>) {
        self.images.retain_mut(|image| drop_profile(&mut image.profiles, profile));
        for image in images {
            let same = |old: &&mut LockedImage| {
                let profiles = old.profiles.clone();
                **old == LockedImage { profiles, ..image.clone() }
            };
            match self.images.iter_mut().find(same) {
                Some(old) => add(&mut old.profiles, profile),
                None => self.images.push(LockedImage { profiles: vec![profile.to_owned()], ..image }),
            }
        }
        self.images.sort_by_cached_key(|image| (image.name.clone(), image.arch));
    }
}

impl LockedImage {
    /// What is locked of an image that was found.
    #[must_use]
    pub fn new(image: &PinnedImage, arch: Arch, found: FoundImage) -> Self {
        let FoundImage { documents, blobs } = found;
        Self { name: image.to_string(), arch, profiles: Vec::new(), documents, blobs }
    }

    /// Which image it is; none if the lock was edited to something else.
    #[must_use]
    pub fn image(&self) -> Option<PinnedImage> {
        PinnedImage::parse(&self.name).ok()
    }

    /// What to fetch for it, documents first.
    #[must_use]
    pub fn downloads(&self) -> Vec<Download> {
        let Some(image) = self.image() else { return Vec::new() };
        let documents = self.documents.iter().map(|it| registry::document_download(&image, &it.sha256, Some(it.size)));
        documents.chain(self.blobs.iter().map(|blob| registry::blob_download(&image, blob))).collect()
    }

    /// Bytes of all its parts.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.parts().fold(0, |sum, part| sum.saturating_add(part.size))
    }

    /// Digest of all its parts, by their digests.
    pub(super) fn digest(&self) -> Digest {
        let parts: Vec<String> = self.parts().map(|part| format!("{} {}", part.sha256, part.size)).collect();
        Digest::of(parts.join("\n").as_bytes())
    }

    fn parts(&self) -> impl Iterator<Item = &Blob> {
        self.documents.iter().chain(&self.blobs)
    }

    /// What the entry may get wrong by itself, in words.
    pub(super) fn check(&self) -> Result<(), String> {
        let what = format!("image `{}`", self.name);
        let Some(image) = self.image() else { return Err(format!("{what}: not an image's name with its digest")) };
        if self.documents.first().is_none_or(|first| first.sha256 != image.sha256) {
            return Err(format!("{what}: its first document has another digest than its name"));
        }
        if self.blobs.is_empty() {
            return Err(format!("{what}: it has no configuration"));
        }
        if self.size() > MAX_IMAGE {
            return Err(format!("{what}: {} bytes are more than any image has", self.size()));
        }
        Ok(())
    }
}
