//! From the bytes of a `.deb` to a pack (both archives decompressed, one after the other) and its index.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use liblzma::bufread::XzDecoder;
use liblzma::stream::{IGNORE_CHECK, MtStreamBuilder, Stream};

use super::ar::{self, Part};
use super::control;
use super::error::{Flaw, Problem};
use super::members;
use super::pack::{FORMAT, Index};
use super::tar;
use crate::debian::XZ_MEMORY;
use crate::format::Packing;
use crate::tree::Digest;

/// Bytes of decompressed data taken from one package or archive; the largest package of trixie has half of it.
pub(super) const MAX_DATA: u64 = 4 << 30;
/// Bytes of decompressed control data; a kernel's has 1 MB.
const MAX_CONTROL: u64 = 64 << 20;
/// Compressed bytes from which decoding on several threads pays; smaller archives have one or two blocks, and other
/// packages keep the other cores busy.
const XZ_THREADED: u64 = 16 << 20;
/// Memory that decoding on several threads may take, in bytes; more blocks at a time than fit are not decoded.
const XZ_THREADING_MEMORY: u64 = 128 << 20;
/// Binary logarithm of the largest window taken from zstd, 128 MiB.
const ZSTD_WINDOW_LOG: u32 = 27;
pub(super) const BUFFER: usize = 256 << 10;

/// Reads a `.deb` and writes its pack.
///
/// # Errors
/// What is wrong with the package, or of reading and writing.
pub(super) fn unpack<R: Read + Seek, W: Write>(deb: &mut R, pack: W) -> Result<Index, Problem> {
    let (control_part, data_part) = ar::parts(deb)?;
    let mut pack = BufWriter::with_capacity(BUFFER, pack);

    let mut control_tar = Vec::new();
    let (entries, control_len) = walk(deb, &control_part, &mut control_tar, MAX_CONTROL)?;
    let control_members = control::members(entries)?;
    control::fields(&control_members, &control_tar)?;

    let (entries, data_len) = walk(deb, &data_part, &mut pack, MAX_DATA)?;
    let members = members::members(entries)?;

    pack.write_all(&control_tar).and_then(|()| pack.flush()).map_err(Problem::Output)?;
    let control_sha256 = Digest::of(&control_tar);
    Ok(Index { format: FORMAT, data_len, control_len, control_sha256, control: control_members, members })
}

fn walk<R: Read + Seek, W: Write>(
    deb: &mut R,
    part: &Part,
    output: &mut W,
    limit: u64,
) -> Result<(Vec<tar::Entry>, u64), Problem> {
    tar::walk(&mut open(deb, part)?, output, &part.name, limit)
}

/// The decompressed bytes of a part; how it is compressed shows in its name.
fn open<'r, R: Read + Seek>(deb: &'r mut R, part: &Part) -> Result<Box<dyn BufRead + 'r>, Problem> {
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

/// A decoder for `len` bytes. The archive's own checksums are passed over where that can be had, because the package's
/// digest has vouched for them.
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
