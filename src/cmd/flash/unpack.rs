//! Reads an image out of a plain or compressed file, with little memory.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use liblzma::read::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream as Lzma};
use zstd::zstd_safe::get_error_name;

use crate::files;
use crate::flash::{Raw, Source, Stream, WindowTooLarge};
use crate::format::Packing;

/// Most bytes of memory for decompressing xz: a dictionary of 128 MiB, which is twice that of `xz -9` and equal to the default
/// limit of zstd's library, plus 1 MiB for the decoder itself.
const XZ_MEMORY: u64 = (128 << 20) + (1 << 20);

/// The image at `path`, and whether the file is compressed, as its first bytes tell.
pub(super) fn source(path: &Path) -> io::Result<(Box<dyn Source>, bool)> {
    type Unpack = fn(File) -> io::Result<Box<dyn Read + Send>>;
    let mut file = files::open(path)?;
    let mut magic = Vec::new();
    (&mut file).take(Packing::MAGIC).read_to_end(&mut magic)?;
    let unpack: Unpack = match Packing::of(&magic) {
        Some(Packing::Zstd) => |file| Ok(Box::new(Bounded(zstd::Decoder::new(file)?, is_wide_zstd, Packing::Zstd))),
        Some(Packing::Gzip) => |file| Ok(Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(file)))),
        Some(Packing::Xz) => |file| {
            let stream = Lzma::new_stream_decoder(XZ_MEMORY, CONCATENATED)?;
            Ok(Box::new(Bounded(XzDecoder::new_stream(BufReader::new(file), stream), is_wide_xz, Packing::Xz)))
        },
        None => return Ok((Box::new(Raw(file)), false)),
    };
    let path = path.to_owned();
    Ok((Box::new(Stream::new(Box::new(move || unpack(File::open(&path)?)))), true))
}

/// A decoder that returns [`WindowTooLarge`] where the wrapped one fails for its memory limit, so that this differs from damage.
/// The function recognises the wrapped decoder's error.
struct Bounded<R>(R, fn(&io::Error) -> bool, Packing);

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0
            .read(buffer)
            .map_err(|error| if (self.1)(&error) { io::Error::other(WindowTooLarge(self.2)) } else { error })
    }
}

fn is_wide_zstd(error: &io::Error) -> bool {
    // ZSTD_error_frameParameter_windowTooLarge, negated as a size (zstd_errors.h).
    const WINDOW_TOO_LARGE: usize = 0_usize.wrapping_sub(16);
    error.to_string() == get_error_name(WINDOW_TOO_LARGE)
}

fn is_wide_xz(error: &io::Error) -> bool {
    use liblzma::stream::Error;
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(inner, Some(Error::MemLimit))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::flash::SendError;

    /// What reading the first bytes of an image in a file with these bytes says.
    fn read(packed: &[u8]) -> Result<[u8; 5], SendError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(packed).unwrap();
        let (source, is_packed) = source(file.path()).unwrap();
        assert!(is_packed);
        let mut bytes = [0; 5];
        let read = source.read(&mut bytes, 0);
        read.map(|()| bytes).map_err(|source| SendError::Read { part: "image".to_owned(), offset: 0, source })
    }

    /// One stream of xz whose header says that it needs a dictionary of the size that this byte stands for.
    fn xz(dictionary: u8) -> Vec<u8> {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
        encoder.write_all(b"image").unwrap();
        let mut bytes = encoder.finish().unwrap();
        // The block's header begins behind the stream's 12 bytes: size, flags, filter, bytes of properties, the property, and
        // its CRC32 in the last four of its twelve bytes (The .xz File Format, 3.1 and 5.3.1).
        assert_eq!(bytes[12..16], [2, 0, 0x21, 1]);
        bytes[16] = dictionary;
        let mut sum = flate2::Crc::new();
        sum.update(&bytes[12..20]);
        bytes[20..24].copy_from_slice(&sum.sum().to_le_bytes());
        bytes
    }

    #[test]
    fn xz_is_unpacked_unless_it_needs_more_memory_than_xz_s_own_levels() {
        // 1 MiB, 64 MiB, 128 MiB.
        for dictionary in [16, 28, 30] {
            assert_eq!(&read(&xz(dictionary)).unwrap(), b"image", "{dictionary}");
        }
        // 192 MiB, 4 GiB - 1.
        for dictionary in [31, 40] {
            let error = read(&xz(dictionary)).unwrap_err();
            assert!(error.is_window_too_large(), "{dictionary}: {error:?}");
            assert!(error.hint().unwrap().contains("`xz -9`"), "{:?}", error.hint());
        }
    }

    #[test]
    fn damage_is_not_taken_for_a_lack_of_memory() {
        let mut bytes = xz(16);
        bytes[20] ^= 1;
        assert!(!read(&bytes).unwrap_err().is_window_too_large());
        assert!(!read(&zstd::encode_all(&b"image"[..], 1).unwrap()[..8]).unwrap_err().is_window_too_large());
    }
}
