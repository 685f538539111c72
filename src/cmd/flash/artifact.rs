//! An image from elsewhere: a file or a URL, and beside it the papers that prove it.
//!
//! ```text
//! SHA256SUMS.minisig ─▶ SHA256SUMS ─▶ manifest ─▶ every range of the image, before any disk is touched
//!   (key of the workspace)       └──▶ the compressed file
//! ```
//!
//! A remote image is brought into the cache first, as a whole: what a server does to a download then never happens to a
//! half-written stick, and the next stick needs no download.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use url::Url;

use super::image::Image;
use crate::cmd::manifest as papers;
use crate::cmd::session::Session;
use crate::exit::{Code, Failure};
use crate::fetch::{Attempt, Cause, Download, FetchError};
use crate::flash::{self, Raw, Source, Stream};
use crate::format::Packing;
use crate::image::Manifest;
use crate::output::bytes;
use crate::release::{self, SIGNATURE, SUMS, Sums, VerifyError};
use crate::tree::Digest;

/// Most bytes of a paper.
const PAPER: u64 = papers::LONGEST;
const PHASE: &str = "check";

/// The image at a path or URL.
pub(super) fn open(session: &Session<'_>, image: &str) -> Result<Image, Failure> {
    if ["https://", "http://"].iter().any(|scheme| image.starts_with(scheme)) {
        let url = Url::parse(image).map_err(|error| {
            Failure::new(Code::Refused, &error).about(&format!("`{image}`")).hint("write it as https://HOST/PATH")
        })?;
        return at_url(session, &url);
    }
    let path = PathBuf::from(image);
    let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let name = name.filter(|_| path.is_file()).ok_or_else(|| {
        Failure::refused(format!("`{image}` is no file")).hint("name an image file, compressed or not, or its URL")
    })?;
    let dir = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    found(session, &Place::Dir(dir), &name)
}

/// The image of `profile` in the workspace's release `tag`.
pub(super) fn release(session: &Session<'_>, tag: &str, profile: &str) -> Result<Image, Failure> {
    let base = session.workspace.releases().ok_or_else(|| {
        Failure::refused("the workspace does not say where its releases are")
            .hint("add `releases = \"https://github.com/OWNER/REPOSITORY/releases/download\"` to imgbuild.toml")
    })?;
    let wrong = || {
        Failure::refused(format!("`{base}` cannot have releases below it"))
            .hint("write `releases` as https://HOST/PATH")
    };
    let mut url = Url::parse(base).map_err(|_| wrong())?;
    url.path_segments_mut().map_err(|()| wrong())?.pop_if_empty().push(tag).push(&release::image_name(profile));
    at_url(session, &url)
}

fn at_url(session: &Session<'_>, url: &Url) -> Result<Image, Failure> {
    let name = url.path_segments().and_then(|mut segments| segments.next_back()).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Failure::refused(format!("{url} names no file")).hint("name the image's own URL"))?;
    found(session, &Place::Url(url.clone()), name)
}

/// Where an image and its papers lie side by side.
enum Place {
    Dir(PathBuf),
    /// That of any of them.
    Url(Url),
}

fn found(session: &Session<'_>, place: &Place, name: &str) -> Result<Image, Failure> {
    let sums = sums(session, place, name)?;
    let manifest = manifest(session, place, name, sums.as_ref())?;
    let path = match place {
        Place::Dir(dir) => dir.join(name),
        Place::Url(url) => {
            // There are sums where there is a URL.
            let sha256 = sums.as_ref().and_then(|sums| sums.get(name)).ok_or_else(|| unlisted(name))?;
            let urls = vec![url.to_string()];
            let download = Download { name: name.to_owned(), urls, sha256, size: None };
            session.fetcher.fetch_all(&[download], session.console.progress())?.remove(0)
        }
    };
    let (source, packed) = source(&path).map_err(|error| unreadable(&path, &error))?;
    if let (Place::Dir(_), Some(sha256)) = (place, sums.as_ref().and_then(|sums| sums.get(name))) {
        // Of a raw image the manifest has the same digest, and that of each range.
        let is_right = if packed {
            File::open(&path).and_then(Digest::of_all).map_err(|error| unreadable(&path, &error))? == sha256
        } else {
            Digest::parse(&manifest.image_sha256) == Some(sha256)
        };
        if !is_right {
            return Err(bad(format!("{} does not have the SHA-256 that {SUMS} says", path.display())));
        }
    }
    let progress = session.console.progress();
    let data: u64 = manifest.ranges.iter().map(|range| range.length).sum();
    progress.begin(PHASE, data);
    flash::check(&manifest, &*source, &mut |more| progress.advance(PHASE, more))?;
    progress.finish(PHASE, &format!("{} of {}", bytes(data), bytes(manifest.image_size)));
    Ok(Image { manifest, source, node: None, seed: None, keep: vec![path] })
}

/// The list of digests, which the workspace's key has signed, if it names one.
fn sums(session: &Session<'_>, place: &Place, name: &str) -> Result<Option<Sums>, Failure> {
    let key = session.workspace.release_key();
    let Some(text) = paper(session, place, SUMS)? else {
        if key.is_none() && matches!(place, Place::Dir(_)) {
            return Ok(None);
        }
        return Err(bad(format!("there is no {SUMS} beside {name}")));
    };
    if let Some(key) = key {
        let signature = paper(session, place, SIGNATURE)?
            .ok_or_else(|| bad(format!("{SUMS} beside {name} is not signed: there is no {SIGNATURE}")))?;
        release::verify(key, &text, &String::from_utf8_lossy(&signature)).map_err(|error| match error {
            VerifyError::Key(_) => Failure::new(Code::Refused, &error)
                .about("`release_key` in imgbuild.toml")
                .hint("it is the line `RW…` of minisign's public key file"),
            VerifyError::Form | VerifyError::Wrong(_) => Failure {
                causes: vec![error.to_string()],
                ..bad(format!("{SIGNATURE} beside {name} is not by the workspace's `release_key`"))
            },
        })?;
    }
    let sums = Sums::parse(&String::from_utf8_lossy(&text));
    sums.map(Some).map_err(|line| bad(format!("{SUMS} beside {name} is no list of SHA-256 sums: line {line}")))
}

/// What the image is, by the paper that the sums prove.
fn manifest(session: &Session<'_>, place: &Place, name: &str, sums: Option<&Sums>) -> Result<Manifest, Failure> {
    let stem = [".zst", ".gz", ".xz"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let stem = stem.strip_suffix(".img").unwrap_or(stem);
    let mut absent = Vec::new();
    for file in [release::manifest_name(stem), "manifest.json".to_owned()] {
        let expected = sums.map(|sums| sums.get(&file));
        if expected == Some(None) {
            absent.push(file);
            continue;
        }
        let Some(text) = paper(session, place, &file)? else {
            absent.push(file);
            continue;
        };
        if expected.flatten().is_some_and(|sha256| Digest::of(&text) != sha256) {
            return Err(bad(format!("{file} does not have the SHA-256 that {SUMS} says")));
        }
        return papers::parse(&text, &format!("{file} beside {name}"), Code::Download, AGAIN);
    }
    Err(bad(format!("there is no manifest for {name}: neither {}", absent.join(" nor "))))
}

/// A small file beside the image, if it is there.
fn paper(session: &Session<'_>, place: &Place, name: &str) -> Result<Option<Vec<u8>>, Failure> {
    match place {
        Place::Dir(dir) => {
            let path = dir.join(name);
            match File::open(&path).and_then(|file| {
                let mut bytes = Vec::new();
                file.take(PAPER).read_to_end(&mut bytes).map(|_| bytes)
            }) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(unreadable(&path, &error)),
            }
        }
        Place::Url(url) => {
            let mut url = url.clone();
            if let Ok(mut segments) = url.path_segments_mut() {
                segments.pop().push(name);
            }
            match session.fetcher.fetch_fresh(name, url.as_str(), PAPER) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(FetchError::Unavailable { attempts, .. }) if attempts.iter().all(is_absent) => Ok(None),
                Err(error) => Err(error.into()),
            }
        }
    }
}

fn is_absent(attempt: &Attempt) -> bool {
    matches!(attempt.cause, Cause::NotFound { .. })
}

/// The image's bytes, whatever it is packed with, which its first bytes tell; and whether it is.
fn source(path: &Path) -> io::Result<(Box<dyn Source>, bool)> {
    type Unpack = fn(File) -> io::Result<Box<dyn Read + Send>>;
    let mut file = File::open(path)?;
    let mut magic = Vec::new();
    (&mut file).take(Packing::MAGIC).read_to_end(&mut magic)?;
    let unpack: Unpack = match Packing::of(&magic) {
        Some(Packing::Zstd) => |file| Ok(Box::new(zstd::Decoder::new(file)?)),
        Some(Packing::Gzip) => |file| Ok(Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(file)))),
        Some(Packing::Xz) => |file| Ok(Box::new(liblzma::read::XzDecoder::new_multi_decoder(BufReader::new(file)))),
        None => return Ok((Box::new(Raw(file)), false)),
    };
    let path = path.to_owned();
    Ok((Box::new(Stream::new(Box::new(move || unpack(File::open(&path)?)))), true))
}

fn unlisted(name: &str) -> Failure {
    bad(format!("{SUMS} does not list {name}"))
}

/// What is not proved is not written.
fn bad(message: String) -> Failure {
    Failure { code: Code::Download, ..Failure::refused(message) }.hint(AGAIN)
}

const AGAIN: &str =
    "nothing was written; take the image again with all the files of its release, or build it: `--profile`";

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::io(Code::Refused, format!("cannot read {}", path.display()), error)
        .hint("name an image file that you may read")
}
