//! Signatures of what may have been on a disk, as libblkid looks for them (`libblkid/src/superblocks` of util-linux): the
//! least bytes that it takes for a sign.

/// What it is, as libblkid calls it, where it lies, and its bytes. A negative place counts from the end.
type Signature = (&'static str, i64, Vec<u8>);

const KIB: i64 = 1 << 10;
const MIB: i64 = 1 << 20;

/// Bytes with zeros between them, each at its place.
fn at(parts: &[(usize, &[u8])]) -> Vec<u8> {
    let end = parts.iter().map(|(at, bytes)| at + bytes.len()).max().unwrap_or_default();
    let mut all = vec![0; end];
    for (at, bytes) in parts {
        all[*at..*at + bytes.len()].copy_from_slice(bytes);
    }
    all
}

/// Signatures for a device of `size` bytes, by their places; of those in one list, none hides another.
pub fn lists(size: u64) -> Vec<Vec<(u64, Vec<u8>)>> {
    let placed = |(_, at, bytes): Signature| {
        let place = if at < 0 { size.checked_sub(at.unsigned_abs())? } else { at.unsigned_abs() };
        (place + bytes.len() as u64 <= size).then_some((place, bytes))
    };
    signatures(size).into_iter().map(|list| list.into_iter().filter_map(placed).collect()).collect()
}

/// What is looked for on whole disks alone, farthest from the end: an array of Promise's.
pub fn of_disk(size: u64) -> (u64, Vec<u8>) {
    (size - 3087 * 512, b"Promise Technology, Inc.".to_vec())
}

/// The label of a physical volume of LVM, whose checksum counts (`lib/label/label.h`, `lib/misc/crc.c` of LVM2).
fn lvm() -> Vec<u8> {
    let mut label =
        at(&[(0, b"LABELONE"), (8, &1_u64.to_le_bytes()), (20, &32_u32.to_le_bytes()), (24, b"LVM2 001"), (511, &[0])]);
    label[32..64].fill(b'u');
    let crc = label[20..].iter().fold(0xf597_a6cf_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    });
    label[16..20].copy_from_slice(&crc.to_le_bytes());
    label
}

/// The boot region of exFAT, twelve sectors of which the last holds the others' checksum (exFAT specification, chapter 3).
fn exfat(size: u64) -> Vec<u8> {
    let clusters = u32::try_from((size - MIB.unsigned_abs()) / 4096).expect("a small disk");
    let mut region = at(&[
        (0, b"\xeb\x76\x90EXFAT   "),
        (72, &(size / 512).to_le_bytes()),
        // First and length of the table, of the clusters first and number, root directory: in sectors and clusters.
        (80, &128_u32.to_le_bytes()),
        (84, &1024_u32.to_le_bytes()),
        (88, &2048_u32.to_le_bytes()),
        (92, &clusters.to_le_bytes()),
        (96, &4_u32.to_le_bytes()),
        (100, b"SERI"),
        // Revision 1.0; sectors of 2^9 bytes, clusters of 2^3 sectors, one table.
        (104, &[0, 1]),
        (108, &[9, 3, 1, 0x80]),
        (510, b"\x55\xaa"),
        (12 * 512 - 1, &[0]),
    ]);
    let counted = (0..11 * 512).filter(|place| ![106, 107, 112].contains(place));
    let sum = counted.fold(0_u32, |sum, place| sum.rotate_right(1).wrapping_add(u32::from(region[place])));
    region[11 * 512..].copy_from_slice(&sum.to_le_bytes().repeat(128));
    region
}

fn signatures(size: u64) -> Vec<Vec<Signature>> {
    let size = i64::try_from(size).expect("a small disk");
    let luks = |at: i64| {
        let magic: &[u8] = if at == 0 { b"LUKS\xba\xbe" } else { b"SKUL\xba\xbe" };
        self::at(&[(0, magic), (6, &[0, 2]), (256, &u64::try_from(at).expect("a place").to_be_bytes())])
    };
    // An array of Linux with its superblock at the end (0.90), and one with the newer form (1.0, 1.2).
    let md_old = at(&[(0, &0xa92b_4efc_u32.to_le_bytes()), (8, &90_u32.to_le_bytes()), (511, &[0])]);
    let md_new = |at: i64| {
        let sector = u64::try_from(at / 512).expect("a place").to_le_bytes();
        self::at(&[(0, &0xa92b_4efc_u32.to_le_bytes()), (4, &1_u32.to_le_bytes()), (144, &sector), (511, &[0])])
    };
    let md_old_at = size / (64 * KIB) * (64 * KIB) - 64 * KIB - size;
    let md_end = size / 4096 * 4096 - 8 * KIB;
    let swap = || at(&[(0, &1_u32.to_le_bytes()), (4, &1000_u32.to_le_bytes())]);
    // Four of ZFS' uberblocks in a label make it one.
    let uberblocks = at(&[0, 1, 2, 3, 4, 5].map(|number| (number * 1024, &[0x0c, 0xb1, 0xba, 0, 0, 0, 0, 0][..])));
    let zfs = |label: i64| ("zfs_member", label + 128 * KIB, uberblocks.clone());
    vec![
        vec![
            ("swap", KIB, swap()),
            ("swap", 64 * KIB - 10, b"SWAPSPACE2".to_vec()),
            ("iso9660", 32 * KIB, at(&[(0, b"\x01CD001\x01"), (2047, &[0])])),
            ("crypto_LUKS", 4 * MIB, luks(4 * MIB)),
            ("crypto_LUKS", 512 * KIB, luks(512 * KIB)),
            ("linux_raid_member", md_end - size, md_new(md_end)),
            zfs(0),
            zfs(256 * KIB),
        ],
        vec![
            ("crypto_LUKS", 0, luks(0)),
            ("LVM2_member", 512, lvm()),
            ("linux_raid_member", md_old_at, md_old),
            ("VMFS", 2 * MIB, at(&[(0, b"\x5e\xf1\xab\x2f"), (511, &[0])])),
            ("VMFS_volume_member", MIB, at(&[(0, b"\x0d\xd0\x01\xc0"), (511, &[0])])),
            ("isw_raid_member", -1024, b"Intel Raid ISM Cfg Sig. 1.0.00".to_vec()),
            ("swap", 4096 - 10, b"SWAPSPACE2".to_vec()),
            ("linux_raid_member", 4 * KIB, md_new(4 * KIB)),
        ],
        vec![
            ("exfat", 0, exfat(u64::try_from(size).expect("a size"))),
            ("btrfs", 64 * KIB, at(&[(64, b"_BHRfS_M"), (144, &4096_u32.to_le_bytes()), (4095, &[0])])),
            ("drbd", -4096, at(&[(60, &[0x83, 0x74, 0x02, 0x6c]), (511, &[0])])),
            ("ufs", 256 * KIB + 1372, 0x0001_1954_u32.to_le_bytes().to_vec()),
            zfs(-512 * KIB),
            zfs(-256 * KIB),
        ],
    ]
}
