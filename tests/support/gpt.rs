//! Checksums of partition tables that a test has changed.

/// Makes the checksums of both tables of a disk right, as far as its headers tell of what lies on it.
pub fn seal(disk: &mut [u8]) {
    for at in [512, disk.len() - 512] {
        let number = |from: usize| u32::from_le_bytes(disk[at + from..at + from + 4].try_into().unwrap_or_default());
        let (start, count, size) = (number(72) as usize, number(80) as usize, number(84) as usize);
        let end = count.checked_mul(size).and_then(|len| len.checked_add(start.checked_mul(512)?));
        if let Some(entries) = end.and_then(|end| disk.get(start * 512..end)) {
            let sum = crc32(entries);
            disk[at + 88..at + 92].copy_from_slice(&sum.to_le_bytes());
        }
        disk[at + 16..at + 20].fill(0);
        let sum = crc32(&disk[at..at + 92]);
        disk[at + 16..at + 20].copy_from_slice(&sum.to_le_bytes());
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    })
}
