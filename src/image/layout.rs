//! Which partitions an image has, where, and under which names and GUIDs.
//!
//! Partitions lie on the disk in the order of their numbers, each on a border of 1 MiB:
//!
//! | | Pi | UEFI | type |
//! |---|---|---|---|
//! | boot files | 1 `boot-a` | 1 `esp` | basic data / EFI system |
//! | other slot's boot files | 2 `boot-b` | | empty slot |
//! | root and its verity tree | 3, 4 | 2, 3 | Discoverable Partitions Specification |
//! | other slot's | 5, 6 | 4, 5 | empty slot |
//! | `seed` | 7 | 6 | seed |
//!
//! A Pi's MBR is a hybrid one and has partitions 1 and 2 in its first two entries, under the same numbers: with the firmware
//! of Debian 13, a boot EEPROM of February 2025 or newer finds no kernel on a disk whose MBR has the protective partition in one
//! of them (`docs/image-layout.md` has the reports). UEFI's specification wants a protective MBR, and has it.
//!
//! `state` has no entry: systemd-repart makes it at first boot on what is left of the disk. An empty slot has a
//! type of its own, so that neither firmware nor systemd takes it for something that can be booted or mounted; who
//! fills it gives it the type of what it then holds.

use uuid::{Uuid, uuid};

use super::derive::{InputDigest, halves};
use crate::format::{gpt, verity};
use crate::profile::{Arch, Board, ImageSettings};

/// Every partition starts and ends on a multiple of this.
pub const ALIGN: u64 = 1 << 20;
/// Bytes of the smallest `state` that a node makes. systemd-repart would make ext4 in 32 MiB (`EXT4_MINIMAL_SIZE` in its
/// `src/shared/mkfs-util.h` since version 253), where next to nothing of a node's has room.
pub const STATE_LEAST: u64 = 64 << 20;

/// Namespace (UUID version 5) of the project's own type GUIDs below.
pub const NAMESPACE: Uuid = uuid!("1f1b5c0e-6a0c-4b5d-9a51-7c0f3f6d2b64");
/// Type of `seed`: version 5 of `seed` in [`NAMESPACE`].
pub const SEED: Uuid = uuid!("0c4ba763-0cb5-5041-8e2f-64eb429c00c3");
/// Type of `state`: version 5 of `state` in [`NAMESPACE`]. The image's own repart definition names it.
pub const STATE: Uuid = uuid!("74fff5a2-27fb-55d2-8aee-9fc9318b8e39");
/// Type of a slot that holds nothing: version 5 of `empty-slot` in [`NAMESPACE`].
pub const EMPTY_SLOT: Uuid = uuid!("0bdb5109-2590-5651-a7d2-d84c373136a7");

/// UEFI specification, 5.3.3.
pub const ESP: Uuid = uuid!("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
/// What the Pi's boot EEPROM takes for FAT on any of its releases.
pub const BASIC_DATA: Uuid = uuid!("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7");
/// Root partition and its verity tree, by architecture (UAPI.2).
const ROOT_AMD64: [Uuid; 2] =
    [uuid!("4f68bce3-e8cd-4db1-96e7-fbcaf984b709"), uuid!("2c7357ed-ebd2-46d9-aec1-23d437ec2bf5")];
const ROOT_ARM64: [Uuid; 2] =
    [uuid!("b921b045-1df0-41c3-af44-4c6f280d3fae"), uuid!("df3300ce-d69f-4c92-978c-9bfb0f38d820")];
/// Attribute bit 60: read-only (UAPI.2).
const READ_ONLY: u64 = 1 << 60;

/// A partition's entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// From 1.
    pub number: u32,
    pub label: &'static str,
    pub type_guid: Uuid,
    pub guid: Uuid,
    /// Bytes from the start of the disk.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
    pub attributes: u64,
}

/// An image's partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    pub disk_guid: Uuid,
    /// Bytes of the whole image.
    pub size: u64,
    /// By number, which is also their order on the disk.
    pub partitions: Vec<Partition>,
    /// Numbers of the partitions that the MBR has too, in the order of its entries.
    pub mbr_partitions: &'static [u32],
}

/// The label of partition 1.
#[must_use]
pub fn boot_label(board: Board) -> &'static str {
    if board == Board::Rpi4 { "boot-a" } else { "esp" }
}

/// Numbers of the partitions that the MBR has too. Under MBR and GPT alike, `boot-a` is the firmware's partition 1 and
/// `boot-b` its partition 2.
pub(super) fn mbr_partitions(board: Board) -> &'static [u32] {
    if board == Board::Rpi4 { &[1, 2] } else { &[] }
}

/// Bytes of a partition for `size` bytes: whole [`ALIGN`].
#[must_use]
pub fn aligned(size: u64) -> u64 {
    size.next_multiple_of(ALIGN)
}

/// Bytes of the partition that holds the verity tree of a root slot of `root_size` bytes, however full.
#[must_use]
pub fn verity_size(root_size: u64) -> u64 {
    aligned(verity::size(root_size))
}

/// The partitions of an image for `board`. Sizes are rounded up to whole [`ALIGN`].
#[must_use]
pub fn layout(board: Board, settings: &ImageSettings, inputs: &InputDigest, root_hash: [u8; 32]) -> Layout {
    let [root_type, verity_type] = match board.arch() {
        Arch::Amd64 => ROOT_AMD64,
        Arch::Arm64 => ROOT_ARM64,
    };
    let boot_type = if board == Board::Rpi4 { BASIC_DATA } else { ESP };
    // A node finds its root by these: the two halves of the root hash.
    let [root_guid, verity_guid] = halves(root_hash).map(Uuid::from_bytes);
    let own = |label: &str| inputs.uuid(&format!("partition {label}"));
    let (boot, root, tree) = (settings.boot_size, settings.root_size, verity_size(settings.root_size));

    let mut entries = vec![(boot_label(board), boot_type, own(boot_label(board)), boot, 0)];
    if board == Board::Rpi4 {
        entries.push(("boot-b", EMPTY_SLOT, own("boot-b"), boot, 0));
    }
    entries.extend([
        ("root-a", root_type, root_guid, root, READ_ONLY),
        ("root-a-verity", verity_type, verity_guid, tree, READ_ONLY),
        ("root-b", EMPTY_SLOT, own("root-b"), root, 0),
        ("root-b-verity", EMPTY_SLOT, own("root-b-verity"), tree, 0),
        ("seed", SEED, own("seed"), settings.seed_size, 0),
    ]);

    let mut end = ALIGN;
    let partitions = (1..)
        .zip(entries)
        .map(|(number, (label, type_guid, guid, size, attributes))| {
            let (offset, size) = (end, aligned(size));
            end += size;
            Partition { number, label, type_guid, guid, offset, size, attributes }
        })
        .collect();
    // The backup table takes the last 33 sectors.
    Layout { disk_guid: inputs.uuid("disk"), size: end + ALIGN, partitions, mbr_partitions: mbr_partitions(board) }
}

impl Layout {
    /// The partition of this label.
    ///
    /// # Panics
    /// If the board has none.
    #[must_use]
    pub fn partition(&self, label: &str) -> &Partition {
        self.partitions.iter().find(|partition| partition.label == label).expect("the board has this partition")
    }

    /// The entries of its partition table.
    #[must_use]
    pub fn entries(&self) -> Vec<gpt::Entry> {
        let entry = |partition: &Partition| gpt::Entry {
            name: partition.label.to_owned(),
            type_guid: partition.type_guid,
            guid: partition.guid,
            offset: partition.offset,
            size: partition.size,
            attributes: partition.attributes,
        };
        self.partitions.iter().map(entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use sha1::{Digest as _, Sha1};

    use super::*;

    const SETTINGS: ImageSettings = ImageSettings {
        boot_size: 40 << 20,
        root_size: (64 << 20) - 1,
        seed_size: 1,
        block_size: 131072,
        compression_level: 3,
    };

    fn sample(board: Board) -> Layout {
        let mut hash = [0x11; 32];
        hash[16..].fill(0x22);
        layout(board, &SETTINGS, &InputDigest::of([]), hash)
    }

    #[test]
    fn own_type_guids_are_version_5_of_their_names() {
        for (name, guid) in [("seed", SEED), ("state", STATE), ("empty-slot", EMPTY_SLOT)] {
            let digest = Sha1::new().chain_update(NAMESPACE.as_bytes()).chain_update(name).finalize();
            let mut first = [0; 16];
            first.copy_from_slice(&digest[..16]);
            assert_eq!(guid, uuid::Builder::from_sha1_bytes(first).into_uuid(), "{name}");
        }
    }

    #[test]
    fn a_pi_has_two_boot_slots_and_uefi_one() {
        let labels = |board| sample(board).partitions.iter().map(|partition| partition.label).collect::<Vec<_>>();
        let pi = ["boot-a", "boot-b", "root-a", "root-a-verity", "root-b", "root-b-verity", "seed"];
        let uefi = ["esp", "root-a", "root-a-verity", "root-b", "root-b-verity", "seed"];
        assert_eq!(labels(Board::Rpi4), pi);
        assert_eq!(labels(Board::UefiAmd64), uefi);
        assert_eq!(labels(Board::UefiArm64), uefi);
    }

    #[test]
    fn the_mbr_of_a_pi_has_its_boot_partitions_and_that_of_uefi_none() {
        let labels = |board| {
            let layout = sample(board);
            layout.mbr_partitions.iter().map(|number| layout.partitions[*number as usize - 1].label).collect::<Vec<_>>()
        };
        assert_eq!(labels(Board::Rpi4), ["boot-a", "boot-b"]);
        assert!(labels(Board::UefiAmd64).is_empty() && labels(Board::UefiArm64).is_empty());
    }

    #[test]
    fn partitions_are_aligned_and_follow_each_other() {
        let layout = sample(Board::Rpi4);
        let mut end = ALIGN;
        for partition in &layout.partitions {
            assert_eq!((partition.offset, partition.size % ALIGN), (end, 0));
            end += partition.size;
        }
        assert_eq!(layout.size, end + ALIGN);
        assert_eq!(layout.partition("root-a").size, 64 << 20);
        assert_eq!(layout.partition("seed").size, ALIGN);
    }

    #[test]
    fn the_root_hash_names_the_filled_slot_and_nothing_names_the_empty_one() {
        let layout = sample(Board::UefiArm64);
        let (root, tree) = (layout.partition("root-a"), layout.partition("root-a-verity"));
        assert_eq!(root.guid, Uuid::from_bytes([0x11; 16]));
        assert_eq!(tree.guid, Uuid::from_bytes([0x22; 16]));
        assert_eq!([root.type_guid, tree.type_guid], ROOT_ARM64);
        assert_eq!(root.attributes, READ_ONLY);
        let mut guids: Vec<Uuid> = layout.partitions.iter().map(|partition| partition.guid).collect();
        guids.sort();
        guids.dedup();
        assert_eq!(guids.len(), layout.partitions.len());
        assert_eq!(layout.partition("root-b").type_guid, EMPTY_SLOT);
    }
}
