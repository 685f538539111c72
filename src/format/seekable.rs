//! zstd in independent frames, with a table of them at the end: any zstd reader takes the whole for one stream, and one that
//! knows the table starts anywhere.
//!
//! A batch of frames is compressed in parallel, then written in order. The table is a skippable frame, as
//! `contrib/seekable_format/zstd_seekable_compression_format.md` of zstd has it (version 0.1.1, without checksums: the
//! frames carry their own).

use std::io::{self, Write};

use rayon::prelude::*;
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

/// Bytes of the image in one frame. Larger ones hardly compress better; whoever reads one block decompresses one frame.
pub const FRAME: usize = 4 << 20;
/// Frames compressed before they are written, a core. Memory for them is all that a release needs.
const BATCH: usize = 2;
/// Skippable frame number 14, which the format has for itself.
const SKIPPABLE: u32 = 0x184D_2A5E;
const MAGIC: u32 = 0x8F92_EAB1;

/// Compresses the `size` bytes that `read` gives (offset, buffer to be filled) to `out`. `advance` is told of bytes done.
///
/// # Errors
/// Of reading, compressing and writing; more than 2^32 frames or a frame beyond 2^32 bytes cannot be written down.
pub fn write(
    size: u64,
    level: i32,
    read: impl Fn(u64, &mut [u8]) -> io::Result<()> + Sync,
    mut out: impl Write,
    advance: impl Fn(u64) + Sync,
) -> io::Result<()> {
    let compress = |start: u64| -> io::Result<(Vec<u8>, usize)> {
        let len = usize::try_from(size - start).map_or(FRAME, |left| left.min(FRAME));
        let mut bytes = vec![0; len];
        read(start, &mut bytes)?;
        let mut compressor = Compressor::new(level)?;
        compressor.set_parameter(CParameter::ChecksumFlag(true))?;
        let packed = compressor.compress(&bytes)?;
        advance(len as u64);
        Ok((packed, len))
    };
    let starts: Vec<u64> = (0..size).step_by(FRAME).collect();
    let mut table = Vec::new();
    for batch in starts.chunks(BATCH * rayon::current_num_threads()) {
        for frame in batch.par_iter().map(|start| compress(*start)).collect::<Vec<_>>() {
            let (packed, len) = frame?;
            out.write_all(&packed)?;
            table.extend(word(packed.len())?);
            table.extend(word(len)?);
        }
    }
    let frames = word(starts.len())?;
    out.write_all(&SKIPPABLE.to_le_bytes())?;
    out.write_all(&word(table.len() + 9)?)?;
    out.write_all(&table)?;
    out.write_all(&frames)?;
    // Descriptor: no checksums in the table.
    out.write_all(&[0])?;
    out.write_all(&MAGIC.to_le_bytes())
}

fn word(number: usize) -> io::Result<[u8; 4]> {
    u32::try_from(number).map(u32::to_le_bytes).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(image: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let read = |at: u64, buffer: &mut [u8]| {
            let at = usize::try_from(at).unwrap();
            buffer.copy_from_slice(&image[at..at + buffer.len()]);
            Ok(())
        };
        write(image.len() as u64, 3, read, &mut out, |_| {}).unwrap();
        out
    }

    #[test]
    fn the_table_leads_to_frames_that_stand_alone() {
        let image: Vec<u8> = (0..251).cycle().flat_map(|byte| [byte; 1000]).take(FRAME * 2 + 5).collect();
        let out = packed(&image);
        let (rest, magic) = out.split_last_chunk::<4>().unwrap();
        assert_eq!(*magic, MAGIC.to_le_bytes());
        let count = u32::from_le_bytes(rest[rest.len() - 5..rest.len() - 1].try_into().unwrap());
        assert_eq!(count, 3);
        let table = &rest[rest.len() - 5 - 8 * 3..rest.len() - 5];
        let (mut at, mut start) = (0, 0);
        for entry in table.chunks(8) {
            let len = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap()) as usize;
            let (packed, unpacked) = (len(&entry[..4]), len(&entry[4..]));
            let frame = zstd::bulk::decompress(&out[at..at + packed], unpacked).unwrap();
            assert!(frame == image[start..start + unpacked]);
            at += packed;
            start += unpacked;
        }
        assert_eq!(start, image.len());
    }

    #[test]
    fn any_reader_takes_it_for_one_stream() {
        for len in [0, 1, FRAME, FRAME + 1] {
            let image = vec![7; len];
            assert!(zstd::decode_all(&packed(&image)[..]).unwrap() == image, "{len} bytes");
        }
    }
}
