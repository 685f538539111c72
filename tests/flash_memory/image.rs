//! A small image with its manifest.

use std::io::{Read as _, Seek as _, SeekFrom};

use imgbuild::flash::Source;
use imgbuild::format::fat::{self, FatFile, Options};
use imgbuild::format::gpt::{self, Entry};
use imgbuild::image::layout::{BASIC_DATA, EMPTY_SLOT};
use imgbuild::image::{Encoders, Manifest, ManifestPartition, ManifestRange};
use imgbuild::tree::Digest;
use uuid::Uuid;

pub const MIB: u64 = 1 << 20;
/// The type of partitions that nothing is known of.
const PLAIN: Uuid = Uuid::from_u128(0xabc);

pub struct Image {
    pub bytes: Vec<u8>,
    pub manifest: Manifest,
}

/// Bytes that nothing else has.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    (0..len.div_ceil(32) as u64)
        .flat_map(|block| Digest::of(&[seed.to_le_bytes(), block.to_le_bytes()].concat()).0)
        .take(len)
        .collect()
}

impl Image {
    /// With partitions `esp`, `root-a`, `root-b` (empty) and `seed`; `data` bytes in `root-a`.
    pub fn new(data: usize) -> Self {
        Self::with(data, &[])
    }

    /// The same with an MBR that shows the partitions of these numbers.
    pub fn with(data: usize, shown: &[u32]) -> Self {
        let root = (data as u64).next_multiple_of(MIB).max(MIB);
        let sizes = [("esp", PLAIN, MIB), ("root-a", PLAIN, root), ("root-b", PLAIN, root), ("seed", PLAIN, MIB)];
        let parts = [("esp", 0, noise(1, 65536)), ("esp", 131_072, noise(2, 65536)), ("root-a", 0, noise(3, data))];
        let seed = [("seed", 0, noise(4, 5000))];
        // Images of other data have other tables.
        Self::of(Uuid::from_u128(0xd15c << 64 | data as u128), &sizes, shown, parts.into_iter().chain(seed))
    }

    /// With a real FAT32 file system in `boot-a`, and an empty `boot-b`. The kernel in it is zeros in great part. A manifest of
    /// an earlier version (`is_old`) has no ranges where only zeros are.
    pub fn with_fat(is_old: bool) -> Self {
        let (boot, root) = (36 * MIB, MIB);
        let sizes = [
            ("boot-a", BASIC_DATA, boot),
            ("boot-b", EMPTY_SLOT, 2 * MIB),
            ("root-a", PLAIN, root),
            ("seed", PLAIN, MIB),
        ];
        let kernel = [noise(5, 300_000), vec![0; 500_000], noise(6, 100_000)].concat();
        let files = [
            FatFile { path: "config.txt", content: b"arm_64bit=1\n" },
            FatFile { path: "kernel8.img", content: &kernel },
            FatFile { path: "overlays/disable-bt.dtbo", content: &noise(7, 1000) },
        ];
        let options = Options { size: boot, volume_id: 0x1234_abcd, label: "BOOT-A" };
        let mut device = fat::write(&files, &options).unwrap();
        let spans: Vec<(u64, u64)> = if is_old {
            device.extents().map(|(at, bytes)| (at, at + bytes.len() as u64)).collect()
        } else {
            fat::used(&mut device).unwrap()
        };
        let mut parts = vec![("root-a", 0, noise(3, 100_000)), ("seed", 0, noise(4, 5000))];
        for (start, end) in spans {
            let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
            device.seek(SeekFrom::Start(start)).unwrap();
            device.read_exact(&mut bytes).unwrap();
            parts.push(("boot-a", start, bytes));
        }
        Self::of(Uuid::from_u128(0xfa7), &sizes, &[], parts)
    }

    fn of(
        disk_guid: Uuid,
        sizes: &[(&str, Uuid, u64)],
        shown: &[u32],
        contents: impl IntoIterator<Item = (&'static str, u64, Vec<u8>)>,
    ) -> Self {
        let mut partitions = Vec::new();
        let mut offset = MIB;
        for (number, (label, type_guid, size)) in (1..).zip(sizes.iter().copied()) {
            let guid = Uuid::from_u128(u128::from(number));
            partitions.push(ManifestPartition {
                number,
                label: label.to_owned(),
                type_guid,
                guid,
                offset,
                size,
                used: 0,
            });
            offset += size;
        }
        let size = offset + MIB;
        let entry = |partition: &ManifestPartition| Entry {
            name: partition.label.clone(),
            type_guid: partition.type_guid,
            guid: partition.guid,
            offset: partition.offset,
            size: partition.size,
            attributes: 1 << 60,
        };
        let entries: Vec<Entry> = partitions.iter().map(entry).collect();
        let mut disk = gpt::write(disk_guid, size, &entries, shown).unwrap();
        let mut bytes = vec![0; usize::try_from(size).unwrap()];
        disk.seek(SeekFrom::Start(0)).unwrap();
        disk.read_exact(&mut bytes).unwrap();
        let at = |label: &str| partitions.iter().find(|partition| partition.label == label).unwrap().offset;
        let mut spans = vec![(0, 64 << 10), (size - (64 << 10), 64 << 10)];
        for (label, from, data) in contents {
            let start = at(label) + from;
            let from = usize::try_from(start).unwrap();
            bytes[from..from + data.len()].copy_from_slice(&data);
            let mut done = 0;
            while done < data.len() as u64 {
                let len = (data.len() as u64 - done).min(3 * MIB);
                spans.push((start + done, len));
                done += len;
            }
        }
        spans.sort_unstable();
        let range = |(offset, length): (u64, u64)| ManifestRange {
            offset,
            length,
            sha256: Digest::of(&bytes[usize::try_from(offset).unwrap()..usize::try_from(offset + length).unwrap()]),
        };
        let ranges = spans.into_iter().map(range).collect();
        let none = String::new;
        let manifest = Manifest {
            format: 1,
            profile: "node".to_owned(),
            node: None,
            board: "uefi-amd64".to_owned(),
            arch: "amd64".to_owned(),
            image_id: none(),
            image: "node.img".to_owned(),
            image_sha256: Digest::of(&bytes),
            image_size: size,
            root_hash: Digest::of(b"root"),
            kernel: none(),
            cmdline: none(),
            epoch: 0,
            tree_sha256: Digest::of(b"tree"),
            disk_guid,
            hybrid_mbr: shown.to_vec(),
            partitions,
            ranges,
            packages: Vec::new(),
            artifacts: Vec::new(),
            encoders: Encoders { imgbuild: none(), zstd: none(), squashfs_block_size: 0, squashfs_level: 0 },
        };
        Self { bytes, manifest }
    }

    pub fn size(&self) -> u64 {
        self.manifest.image_size
    }
}

impl Source for Image {
    fn read(&self, buffer: &mut [u8], at: u64) -> std::io::Result<()> {
        let from = usize::try_from(at).unwrap();
        let bytes = self.bytes.get(from..from + buffer.len()).ok_or(std::io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}
