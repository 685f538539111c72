//! An image from elsewhere: a file or a URL, verified with the files beside it before any disk is touched.
//!
//! A remote image is first downloaded completely, into the cache: then a failing server cannot leave a half-written stick, and
//! the next stick needs no download.

use std::path::{Path, PathBuf};

use super::errors::{bad_download, fetch_failure, proof_failure, read_failure};
use super::image::Image;
use super::location::Location;
use super::sidecars::Sidecars;
use super::unpack::source;
use crate::cmd::session::Session;
use crate::exit::{Code, Failure};
use crate::fetch::Download;
use crate::files;
use crate::flash;
use crate::output::bytes;
use crate::release::{self, Tag};
use crate::tree::Digest;
use crate::urls::{UrlError, WebUrl, local_path, shown};

const PHASE: &str = "check";

/// The release that an image must belong to.
struct RequestedRelease<'a> {
    tag: Tag,
    profile: &'a str,
}

/// The image at a path or URL.
pub(super) fn open(session: &Session<'_>, image: &str) -> Result<Image, Failure> {
    if let Some((scheme, _)) = image.split_once("://")
        && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
        && !Path::new(image).exists()
    {
        return at_url(session, WebUrl::parse(image).map_err(|error| unreachable_url(image, &error))?, None);
    }
    let path = PathBuf::from(image);
    let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let name = name.filter(|_| path.is_file()).ok_or_else(|| {
        Failure::refused(format!("`{image}` is not a file")).hint("name an image file, compressed or not, or its URL")
    })?;
    let dir = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    found(session, &Location::Dir(dir), &name, None)
}

/// Why `image` is not a URL that can be downloaded.
fn unreachable_url(image: &str, error: &UrlError) -> Failure {
    let failure = Failure::new(Code::Refused, error).about(&format!("`{}`", shown(image)));
    match local_path(image) {
        Some(path) => failure.hint(format!("a file is named by its path: `--image {}`", path.display())),
        None => failure.hint("write it as https://HOST/PATH or http://HOST/PATH, or give the path of a file"),
    }
}

/// The image of `profile` in the workspace's release `tag`.
pub(super) fn release(session: &Session<'_>, tag: &str, profile: &str) -> Result<Image, Failure> {
    let tag = Tag::parse(tag)?;
    let base = session.workspace.releases().ok_or_else(|| {
        Failure::refused("the workspace does not say where its releases are")
            .hint("add `releases = \"https://github.com/OWNER/REPOSITORY/releases/download\"` to imgbuild.toml")
    })?;
    let base = WebUrl::base(base).map_err(|error| {
        Failure::new(Code::Refused, &error)
            .about("`releases` in imgbuild.toml")
            .hint("write `releases` as https://HOST/PATH")
    })?;
    let url = base.below(&[tag.as_str(), &release::image_name(profile)]);
    at_url(session, url, Some(&RequestedRelease { tag, profile }))
}

fn at_url(session: &Session<'_>, url: WebUrl, requested: Option<&RequestedRelease<'_>>) -> Result<Image, Failure> {
    let name = url.file_name().map(str::to_owned);
    let name = name.ok_or_else(|| Failure::refused(format!("{url} names no file")).hint("name the image's own URL"))?;
    session.open_cache()?;
    found(session, &Location::Url(url), &name, requested)
}

fn found(
    session: &Session<'_>,
    place: &Location,
    name: &str,
    requested: Option<&RequestedRelease<'_>>,
) -> Result<Image, Failure> {
    let proof_failure = |error| proof_failure(error, place);
    let sidecars = Sidecars::new(session, place, name);
    let proof = sidecars.proof(requested.map(|requested| &requested.tag))?;
    if let Some(RequestedRelease { profile, .. }) = requested {
        proof.check_profile(profile).map_err(proof_failure)?;
    }
    let path = match place {
        Location::Dir(dir) => dir.join(name),
        Location::Url(url) => {
            let sha256 = proof.file().map_err(proof_failure)?;
            let download = Download { name: url.to_string(), urls: vec![url.as_str().to_owned()], sha256, size: None };
            let paths = session.fetcher.fetch_all(&[download], session.console.progress()).map_err(fetch_failure)?;
            paths.into_iter().next().ok_or_else(|| bad_download(format!("{url} was not fetched")))?
        }
    };
    let (source, is_packed) = source(&path).map_err(|error| read_failure(&path, &error))?;
    if matches!(place, Location::Dir(_)) {
        let is = match (is_packed, proof.file()) {
            (true, Ok(_)) => {
                files::open(&path).and_then(Digest::of_all).map_err(|error| read_failure(&path, &error))?
            }
            _ => proof.manifest.image_sha256,
        };
        proof.check_file(is).map_err(proof_failure)?;
    }
    let manifest = proof.manifest;
    let progress = session.console.progress();
    progress.begin(PHASE, manifest.mapped());
    let source = Box::new(flash::check(&manifest, source, &mut |more| progress.advance(PHASE, more))?);
    progress.finish(PHASE, &format!("{} of {}", bytes(manifest.mapped()), bytes(manifest.image_size)));
    if let Some(warning) = manifest.boot_warning() {
        progress.warn(warning);
    }
    sidecars.store_in_cache();
    Ok(Image { node: manifest.node.clone(), manifest, source, seed: None, role: None, protected_paths: vec![path] })
}
