//! Decompresses a `.deb` into a pack (both archives, one after the other) and its index.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use liblzma::bufread::XzDecoder;
use liblzma::stream::{IGNORE_CHECK, MtStreamBuilder, Stream};

use super::ar::{self, ArMember};
use super::control;
use super::error::{Flaw, Problem};
use super::members;
use super::pack::{FORMAT, Index};
use super::tar;
use crate::debian::XZ_MEMORY;
use crate::format::Packing;
use crate::tree::Digest;

/// Most bytes of decompressed data of one package or archive; the largest package of trixie has half of it.
pub(super) const MAX_DATA: u64 = 4 << 30;
/// Bytes of decompressed control data; a kernel's has 1 MB.
const MAX_CONTROL: u64 = 64 << 20;
/// Compressed bytes from which on several threads decode one archive. Smaller archives have one or two blocks, and other
/// packages keep the other cores busy.
const XZ_THREADED: u64 = 16 << 20;
/// Most bytes of memory for decoding on several threads. It limits the number of blocks decoded at a time.
const XZ_THREADING_MEMORY: u64 = 128 << 20;
/// Binary logarithm of the largest accepted window of zstd, 128 MiB.
const ZSTD_WINDOW_LOG: u32 = 27;
pub(super) const BUFFER: usize = 256 << 10;

/// Reads a `.deb` and writes its pack.
///
/// # Errors
/// The package is malformed, or cannot be read or written.
pub(super) fn unpack<R: Read + Seek, W: Write>(deb: &mut R, pack: W) -> Result<Index, Problem> {
    let (control_part, data_part) = ar::archives(deb)?;
    let mut pack = BufWriter::with_capacity(BUFFER, pack);

    let mut control_tar = Vec::new();
    let (entries, control_len) = copy_archive(deb, &control_part, &mut control_tar, MAX_CONTROL)?;
    let control_members = control::members(entries)?;
    control::fields(&control_members, &control_tar)?;

    let (entries, data_len) = copy_archive(deb, &data_part, &mut pack, MAX_DATA)?;
    let members = members::members(entries)?;

    pack.write_all(&control_tar).and_then(|()| pack.flush()).map_err(Problem::Output)?;
    let control_sha256 = Digest::of(&control_tar);
    Ok(Index { format: FORMAT, data_len, control_len, control_sha256, control: control_members, members })
}

fn copy_archive<R: Read + Seek, W: Write>(
    deb: &mut R,
    part: &ArMember,
    output: &mut W,
    limit: u64,
) -> Result<(Vec<tar::TarEntry>, u64), Problem> {
    tar::read_tar(&mut open(deb, part)?, output, &part.name, limit)
}

/// The decompressed bytes of an archive; the compression is in its name.
fn open<'r, R: Read + Seek>(deb: &'r mut R, part: &ArMember) -> Result<Box<dyn BufRead + 'r>, Problem> {
    let packing = match part.name.split_once(".tar").map_or("", |(_, suffix)| suffix) {
        "" => None,
        ".gz" => Some(Packing::Gzip),
        ".xz" => Some(Packing::Xz),
        ".zst" => Some(Packing::Zstd),
        _ => return Err(Flaw::Compression(part.name.clone()).into()),
    };
    deb.seek(SeekFrom::Start(part.offset)).map_err(Problem::Input)?;
    decoder(deb.take(part.len), part.len, packing)
        .map_err(|source| Flaw::Decompress { archive: part.name.clone(), source }.into())
}

/// The bytes behind the `len` bytes of `raw`, which are packed like this.
///
/// # Errors
/// Of setting the decoder up.
pub(super) fn decoder<'r>(
    raw: impl Read + 'r,
    len: u64,
    packing: Option<Packing>,
) -> io::Result<Box<dyn BufRead + 'r>> {
    let raw = BufReader::with_capacity(BUFFER, raw);
    Ok(match packing {
        None => Box::new(raw),
        Some(Packing::Gzip) => Box::new(BufReader::with_capacity(BUFFER, flate2::bufread::MultiGzDecoder::new(raw))),
        Some(Packing::Xz) => Box::new(BufReader::with_capacity(BUFFER, XzDecoder::new_stream(raw, xz_decoder(len)?))),
        Some(Packing::Zstd) => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(raw)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(BufReader::with_capacity(BUFFER, decoder))
        }
    })
}

/// A decoder for `len` bytes. It skips xz's own checksums where the library allows that, because the package's digest was
/// verified already.
fn xz_decoder(len: u64) -> Result<Stream, liblzma::stream::Error> {
    if len < XZ_THREADED {
        return Stream::new_stream_decoder(XZ_MEMORY, IGNORE_CHECK);
    }
    MtStreamBuilder::new()
        .threads(xz_threads())
        .memlimit_threading(XZ_THREADING_MEMORY)
        .memlimit_stop(XZ_MEMORY)
        .decoder()
}

fn xz_threads() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(4).min(4))
}
