//! Where programs look to tell what a disk or partition holds.
//!
//! On Linux nearly all of them ask libblkid: `blkid`, `wipefs`, `lsblk`, `mount`, udev, systemd-repart, installers. The places are
//! those of its probes, `libblkid/src/superblocks` of util-linux 2.42. A signature of something older that is left in one
//! of them hides what is really there, or makes two things of one.

use super::spans::{Span, union};

/// From the start: two labels of ZFS, swap of pages of up to 64 KiB, ISO 9660, btrfs, UFS, and all that lies in
/// front of those.
const HEAD: u64 = 512 << 10;
/// Where a block is looked at, from the start: the second header of LUKS2 (from 16 KiB to 4 MiB, those in `HEAD` left
/// out), VMFS (1 and 2 MiB), bcachefs (2 MiB).
const FROM_START: [u64; 4] = [512 << 10, 1 << 20, 2 << 20, 4 << 20];
/// From the end, where bcachefs has a copy.
const FROM_END: u64 = 1 << 20;
/// At the end: two labels of ZFS, which start at a multiple of half of it; arrays of Linux (0.90 and 1.0), DDF, DRBD, NILFS.
const TAIL: u64 = 512 << 10;
/// Whole blocks are given.
const BLOCK: u64 = 4096;

/// The places on a device of `size` bytes: ascending, in whole blocks of 4096 bytes but for the end of a device that is
/// no multiple of them.
#[must_use]
pub fn places(size: u64) -> Vec<Span> {
    let block = |at: u64| (at / BLOCK * BLOCK, at / BLOCK * BLOCK + BLOCK);
    let tail = (size / (TAIL / 2) * (TAIL / 2)).saturating_sub(TAIL);
    let all = FROM_START.map(block).into_iter().chain([(0, HEAD), block(size.saturating_sub(FROM_END)), (tail, size)]);
    union(all.map(|(start, end)| (start, end.min(size))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lie_on_the_device_and_are_few() {
        const MIB: u64 = 1 << 20;
        let block = |at| (at, at + BLOCK);
        let of_64 =
            [(0, HEAD + BLOCK), block(MIB), block(2 * MIB), block(4 * MIB), block(63 * MIB), (127 * MIB / 2, 64 * MIB)];
        assert_eq!(places(64 * MIB), of_64);
        for size in [0, 1, 4096, 100_000, MIB, MIB + 512, 3 * MIB, (64 << 30) + 512] {
            let places = places(size);
            assert!(places.iter().all(|(start, end)| start < end && *end <= size && start % BLOCK == 0), "{size}");
            assert_eq!(places.last().map_or(0, |last| last.1), size);
            assert!(places.iter().map(|(start, end)| end - start).sum::<u64>() < 2 * MIB, "{size}");
        }
    }
}
