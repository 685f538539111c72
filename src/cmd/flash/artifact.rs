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
use zstd::zstd_safe::get_error_name;

use super::image::Image;
use super::papers::{Papers, Place, shown, unfetched};
use crate::cmd::session::Session;
use crate::exit::{Code, Failure};
use crate::fetch::Download;
use crate::files;
use crate::flash::{self, Raw, Source, Stream, TooWide};
use crate::format::Packing;
use crate::output::bytes;
use crate::release::{self, SUMS, Tag};
use crate::tree::Digest;

const PHASE: &str = "check";

/// What an image from elsewhere must be.
struct Wanted<'a> {
    tag: Tag,
    profile: &'a str,
}

/// The image at a path or URL.
pub(super) fn open(session: &Session<'_>, image: &str) -> Result<Image, Failure> {
    if let Some((scheme, _)) = image.split_once("://")
        && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
        && !Path::new(image).exists()
    {
        let refused = |message: &str| Failure::refused(format!("`{image}` {message}"));
        let url = Url::parse(image).map_err(|error| {
            Failure::new(Code::Refused, &error).about(&format!("`{image}`")).hint("write it as https://HOST/PATH")
        })?;
        return match url.scheme() {
            "http" | "https" => at_url(session, &url, None),
            "file" => {
                let path = url.to_file_path().map_or_else(|()| "PATH".to_owned(), |path| path.display().to_string());
                Err(refused("is the URL of a file, which is named by its path").hint(format!("`--image {path}`")))
            }
            other => Err(refused(&format!("cannot be fetched: `{other}` is not spoken here"))
                .hint("give a URL with https or http, or the path of a file")),
        };
    }
    let path = PathBuf::from(image);
    let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let name = name.filter(|_| path.is_file()).ok_or_else(|| {
        Failure::refused(format!("`{image}` is no file")).hint("name an image file, compressed or not, or its URL")
    })?;
    let dir = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    found(session, &Place::Dir(dir), &name, None)
}

/// The image of `profile` in the workspace's release `tag`.
pub(super) fn release(session: &Session<'_>, tag: &str, profile: &str) -> Result<Image, Failure> {
    let tag = Tag::parse(tag)?;
    let base = session.workspace.releases().ok_or_else(|| {
        Failure::refused("the workspace does not say where its releases are")
            .hint("add `releases = \"https://github.com/OWNER/REPOSITORY/releases/download\"` to imgbuild.toml")
    })?;
    let wrong = || {
        Failure::refused(format!("`{base}` cannot have releases below it"))
            .hint("write `releases` as https://HOST/PATH")
    };
    let mut url = Url::parse(base).map_err(|_| wrong())?;
    let file = release::image_name(profile);
    url.path_segments_mut().map_err(|()| wrong())?.pop_if_empty().push(tag.as_str()).push(&file);
    at_url(session, &url, Some(&Wanted { tag, profile }))
}

fn at_url(session: &Session<'_>, url: &Url, wanted: Option<&Wanted<'_>>) -> Result<Image, Failure> {
    let name = url.path_segments().and_then(|mut segments| segments.next_back()).filter(|name| !name.is_empty());
    let name =
        name.ok_or_else(|| Failure::refused(format!("{} names no file", shown(url))).hint("name the image's own URL"))?;
    found(session, &Place::Url(url.clone()), name, wanted)
}

fn found(session: &Session<'_>, place: &Place, name: &str, wanted: Option<&Wanted<'_>>) -> Result<Image, Failure> {
    let papers = Papers::new(session, place, name);
    let sums = papers.sums(wanted.map(|wanted| &wanted.tag))?;
    let manifest = papers.manifest(sums.as_ref())?;
    if let Some(Wanted { profile, .. }) = wanted
        && manifest.profile != *profile
    {
        return Err(bad(format!(
            "{} is called after `{profile}`, but is of `{}`",
            place.shown(name),
            manifest.profile
        )));
    }
    let path = match place {
        Place::Dir(dir) => dir.join(name),
        Place::Url(url) => {
            // There are sums where there is a URL.
            let sha256 = sums.as_ref().and_then(|sums| sums.get(name)).ok_or_else(|| unlisted(place, name))?;
            let download = Download { name: shown(url), urls: vec![url.to_string()], sha256, size: None };
            session.fetcher.fetch_all(&[download], session.console.progress()).map_err(unfetched)?.remove(0)
        }
    };
    let (source, packed) = source(&path).map_err(|error| unreadable(&path, &error))?;
    if let (Place::Dir(_), Some(sha256)) = (place, sums.as_ref().and_then(|sums| sums.get(name))) {
        // Of a raw image the manifest has the same digest, and that of each range.
        let is_right = if packed {
            files::open(&path).and_then(Digest::of_all).map_err(|error| unreadable(&path, &error))? == sha256
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
    let source = Box::new(flash::check(&manifest, source, &mut |more| progress.advance(PHASE, more))?);
    progress.finish(PHASE, &format!("{} of {}", bytes(data), bytes(manifest.image_size)));
    if let Some(caveat) = manifest.caveat() {
        progress.warn(caveat);
    }
    papers.keep();
    Ok(Image { manifest, source, node: None, seed: None, role: None, keep: vec![path] })
}

/// The image's bytes, whatever it is packed with, which its first bytes tell; and whether it is.
fn source(path: &Path) -> io::Result<(Box<dyn Source>, bool)> {
    type Unpack = fn(File) -> io::Result<Box<dyn Read + Send>>;
    let mut file = files::open(path)?;
    let mut magic = Vec::new();
    (&mut file).take(Packing::MAGIC).read_to_end(&mut magic)?;
    let unpack: Unpack = match Packing::of(&magic) {
        Some(Packing::Zstd) => |file| Ok(Box::new(Unzstd(zstd::Decoder::new(file)?))),
        Some(Packing::Gzip) => |file| Ok(Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(file)))),
        Some(Packing::Xz) => |file| Ok(Box::new(liblzma::read::XzDecoder::new_multi_decoder(BufReader::new(file)))),
        None => return Ok((Box::new(Raw(file)), false)),
    };
    let path = path.to_owned();
    Ok((Box::new(Stream::new(Box::new(move || unpack(File::open(&path)?)))), true))
}

/// zstd, which says what it cannot do in a way that can be told from damage.
struct Unzstd<R>(R);

impl<R: Read> Read for Unzstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // ZSTD_error_frameParameter_windowTooLarge, negated as a size (zstd_errors.h).
        const WINDOW_TOO_LARGE: usize = 0_usize.wrapping_sub(16);
        self.0.read(buffer).map_err(|error| {
            let is_too_wide = error.to_string() == get_error_name(WINDOW_TOO_LARGE);
            if is_too_wide { io::Error::other(TooWide) } else { error }
        })
    }
}

fn unlisted(place: &Place, name: &str) -> Failure {
    bad(format!("{} does not list {name}", place.shown(SUMS)))
}

/// What is not proved is not written.
pub(super) fn bad(message: String) -> Failure {
    Failure { code: Code::Download, ..Failure::refused(message) }.hint(AGAIN)
}

pub(super) const AGAIN: &str =
    "nothing was written; take the image again with all the files of its release, or build it: `--profile`";

pub(super) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::io(Code::Refused, format!("cannot read {}", path.display()), error)
        .hint("name an image file that you may read")
}
