//! A finished build on disk: its manifest and listing, found by the path of the image or of its directory.

use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use super::manifest;
use crate::exit::{Code, Failure};
use crate::files;
use crate::image::Manifest;
use crate::tree::Digest;

/// A build's directory and what its manifest says.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) dir: PathBuf,
    pub(super) manifest: Manifest,
}

impl Finished {
    /// Opens the build at `path`.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let kind = fs::metadata(path).map_err(|error| unreadable(path, &error))?.file_type();
        if !(kind.is_file() || kind.is_dir()) {
            let message = format!("{} is neither an image nor a directory with one", path.display());
            return Err(Failure::refused(message).hint("name an image, or the directory that `imgbuild build` wrote"));
        }
        let dir = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
        let file = dir.join("manifest.json");
        let manifest = read(&file)?;
        let named = path.file_name().is_some_and(|name| name == manifest.image.as_str());
        if !path.is_dir() && !named {
            return Err(Failure::refused(format!(
                "{} is not the image `{}` that {} describes",
                path.display(),
                manifest.image,
                file.display()
            )));
        }
        Ok(Self { dir: dir.to_owned(), manifest })
    }

    /// The same as [`Finished::open`], but none for a disk, or for an image file without its own manifest beside it.
    pub(super) fn beside(path: &Path) -> Result<Option<Self>, Failure> {
        let is_disk = fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_block_device());
        if is_disk {
            return Ok(None);
        }
        let file = path.parent().unwrap_or(Path::new("")).join("manifest.json");
        if path.is_file() && (!file.exists() || read(&file)?.image.as_str() != path.file_name().unwrap_or_default()) {
            return Ok(None);
        }
        Self::open(path).map(Some)
    }

    /// The image file.
    pub(super) fn image(&self) -> PathBuf {
        self.dir.join(&self.manifest.image)
    }

    /// The listing of the root file system; it must have the digest in the manifest.
    pub(super) fn listing(&self) -> Result<String, Failure> {
        // The files of a node's image are named after the node, not after its profile.
        let path = self.image().with_extension("files");
        let text = files::text(&path).map_err(|error| unreadable(&path, &error))?;
        if Digest::of(text.as_bytes()) == self.manifest.tree_sha256 {
            return Ok(text);
        }
        Err(Failure {
            code: Code::Verification,
            ..Failure::refused(format!("{} is not the listing that belongs to manifest.json", path.display()))
                .hint("build the image again, or copy it again together with all the files beside it")
        })
    }
}

fn read(file: &Path) -> Result<Manifest, Failure> {
    let text = manifest::read(file).map_err(|error| unreadable(file, &error))?;
    manifest::parse(&text, &file.display().to_string(), Code::Verification, "build the image again")
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::io(Code::Refused, format!("cannot read {}", path.display()), error)
        .hint("name an image, or its directory, with all the files that `imgbuild build` wrote beside it")
}
