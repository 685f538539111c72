//! Whole images, small and made of stand-ins, against the tools that will read the real ones.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/boot_loader.rs"]
mod boot_loader;
#[path = "support/profile.rs"]
mod profile;
#[path = "support/signatures.rs"]
mod signatures;
mod support;

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use boot_loader::{EFI, boot_loader};
use imgbuild::format::NoStore;
use imgbuild::image::{self, Component, Disk, Image, ImageError, Manifest, Slot, SlotParts};
use imgbuild::output::Silent;
use imgbuild::profile::{Board, ImageSettings, Profile};
use imgbuild::release;
use imgbuild::tree::{Digest, Node, Tree};
use support::{ok, run};
use tempfile::TempDir;

const MIB: u64 = 1 << 20;
/// Seconds since 1970.
const EPOCH: u64 = 1_760_000_000;
const RELEASE: &str = "6.12.117+deb13";

/// The board with UEFI that this machine's boot loader is for.
const UEFI: Board = if cfg!(target_arch = "aarch64") { Board::UefiArm64 } else { Board::UefiAmd64 };

fn profile(board: Board) -> Profile {
    profile::profile(&format!(
        "board = \"{}\"\nserial = true\n[kernel]\ncmdline = [\"quiet\"]\n[image]\nboot = \"40M\"\nroot = \"8M\"\nseed = \"1M\"\n",
        board.name()
    ))
}

/// A tree with everything that a board takes its boot files from.
fn tree(board: Board) -> Tree {
    let mut tree = Tree::new();
    let mut put = |path: &str, content: Vec<u8>| tree.put(path, Node::file(0o644, content)).unwrap();
    put(&format!("boot/vmlinuz-{RELEASE}"), vec![0x4d; 3_000_000]);
    put("usr/lib/os-release", b"ID=debian\n".to_vec());
    if board == Board::Rpi4 {
        for name in ["start4.elf", "fixup4.dat"] {
            put(&format!("usr/lib/raspi-firmware/{name}"), name.into());
        }
        for board in ["4-b", "400", "cm4-io"] {
            put(&format!("usr/lib/linux-image-{RELEASE}/broadcom/bcm2711-rpi-{board}.dtb"), board.into());
        }
    } else {
        for name in [format!("linux{EFI}.efi.stub"), format!("systemd-boot{EFI}.efi")] {
            put(&format!("usr/lib/systemd/boot/efi/{name}"), boot_loader(&name).to_vec());
        }
    }
    tree
}

fn component() -> Component {
    Component {
        name: "dash".into(),
        version: "0.5.12-12".into(),
        arch: "amd64".into(),
        sha256: Digest::of(b"dash"),
        source: "dash".into(),
        source_version: "0.5.12-12".into(),
        wanted_by: Vec::new(),
    }
}

/// What stand-in slots and images of a profile are made of.
struct Sample {
    profile: Profile,
    tree: Tree,
    kernel: image::Kernel,
    squashfs: File,
    initrd: Vec<u8>,
    packages: [Component; 1],
}

impl Sample {
    fn of(profile: &Profile) -> Result<Self, ImageError> {
        let mut squashfs = tempfile::tempfile().unwrap();
        let root: Vec<u8> =
            (0..6 * MIB / 8).flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect();
        squashfs.write_all(&root).unwrap();
        let tree = tree(profile.board);
        let kernel = image::Kernel::find(&tree)?.for_board(profile.board, &NoStore)?;
        let (initrd, packages) = (vec![9; 500_001], [component()]);
        Ok(Self { profile: profile.clone(), tree, kernel, squashfs, initrd, packages })
    }

    fn slot(&self) -> Result<Slot<'_>, ImageError> {
        let Self { profile, tree, kernel, squashfs, initrd, packages } = self;
        let parts = SlotParts {
            profile,
            epoch: EPOCH,
            packages,
            tree,
            kernel,
            root: tree,
            squashfs,
            initrd,
            secure_boot: None,
        };
        Slot::new(&parts, &Silent)
    }

    /// Writes the image of a disk with this slot and partitions of the sizes in `settings` into `dir`.
    fn write(&self, slot: &Slot<'_>, settings: &ImageSettings, dir: &Path) -> Result<Manifest, ImageError> {
        let profile = &self.profile;
        let disk = Disk::new(slot, profile.board, settings, &[5; 4096])?;
        let image = Image {
            disk: &disk,
            profile,
            epoch: EPOCH,
            packages: &self.packages,
            artifacts: &[],
            files: &[],
            name: &profile.name,
            private: false,
            search: &|_, _| Ok(()),
        };
        image::write(&image, dir, &Silent)
    }
}

/// Builds the stand-in image of `profile` into `dir`.
fn build(profile: &Profile, dir: &Path) -> Result<Manifest, ImageError> {
    let sample = Sample::of(profile)?;
    sample.write(&sample.slot()?, &profile.image, dir)
}

/// Copies a partition out of the image to a file of its label.
fn extract(dir: &Path, manifest: &Manifest, label: &str) {
    let partition = manifest.partitions.iter().find(|partition| partition.label == label).unwrap();
    let mut bytes = vec![0; usize::try_from(partition.size).unwrap()];
    File::open(dir.join("demo.img")).unwrap().read_exact_at(&mut bytes, partition.offset).unwrap();
    fs::write(dir.join(label), bytes).unwrap();
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn built(board: Board) -> (TempDir, Manifest) {
    let dir = tempfile::tempdir().unwrap();
    let manifest = build(&profile(board), dir.path()).unwrap();
    (dir, manifest)
}

#[test]
fn sgdisk_agrees_with_the_table_and_the_manifest() {
    for board in [Board::Rpi4, UEFI] {
        let (dir, manifest) = built(board);
        let verdict = ok(dir.path(), "sgdisk", &["-v", "demo.img"]);
        assert!(verdict.contains("No problems found"), "{verdict}");
        let kind = if board == Board::Rpi4 { "MBR: hybrid" } else { "MBR: protective" };
        let found = ok(dir.path(), "gdisk", &["-l", "demo.img"]);
        assert!(found.contains(kind), "{found}");
        for partition in &manifest.partitions {
            let told = ok(dir.path(), "sgdisk", &["-i", &partition.number.to_string(), "demo.img"]);
            for line in [
                format!("Partition GUID code: {}", partition.type_guid.to_string().to_uppercase()),
                format!("Partition unique GUID: {}", partition.guid.to_string().to_uppercase()),
                format!("First sector: {} ", partition.offset / 512),
                format!("Partition size: {} sectors", partition.size / 512),
                format!("Partition name: '{}'", partition.label),
            ] {
                assert!(told.contains(&line), "{line} is not in:\n{told}");
            }
        }
        let guid = |label: &str| {
            let found = manifest.partitions.iter().find(|partition| partition.label == label).unwrap();
            found.guid.simple().to_string()
        };
        assert_eq!(guid("root-a") + &guid("root-a-verity"), manifest.root_hash.to_string());
    }
}

#[test]
fn the_root_is_covered_by_its_verity_partition() {
    let (dir, manifest) = built(Board::Rpi4);
    extract(dir.path(), &manifest, "root-a");
    extract(dir.path(), &manifest, "root-a-verity");
    let root_hash = manifest.root_hash.to_string();
    ok(dir.path(), "veritysetup", &["verify", "root-a", "root-a-verity", &root_hash]);
    let root = File::options().write(true).open(dir.path().join("root-a")).unwrap();
    root.write_all_at(b"flip", 4_000_000).unwrap();
    assert!(!run(dir.path(), "veritysetup", &["verify", "root-a", "root-a-verity", &root_hash]).status.success());
}

#[test]
fn the_boot_partition_is_clean_and_carries_the_command_line() {
    let (dir, manifest) = built(Board::Rpi4);
    extract(dir.path(), &manifest, "boot-a");
    ok(dir.path(), "fsck.fat", &["-n", "boot-a"]);
    let line = ok(dir.path(), "mtype", &["-i", "boot-a", "::cmdline.txt"]);
    assert_eq!(line, format!("{}\n", manifest.cmdline));
    let wanted = format!(
        "roothash={} systemd.condition_first_boot=0 systemd.firstboot=off fsck.repair=yes panic=30 console=tty0 console=ttyS1,115200 quiet imgbuild.image={}",
        manifest.root_hash, manifest.image_id
    );
    assert_eq!(manifest.cmdline, wanted);

    let (dir, manifest) = built(UEFI);
    extract(dir.path(), &manifest, "esp");
    ok(dir.path(), "fsck.fat", &["-n", "esp"]);
    let kernel = format!("::EFI/Linux/demo-{}.efi", manifest.image_id);
    ok(dir.path(), "mcopy", &["-i", "esp", &kernel, "uki.efi"]);
    ok(dir.path(), "objcopy", &["-O", "binary", "--dump-section", ".cmdline=cmdline", "uki.efi", "unused"]);
    let line = fs::read_to_string(dir.path().join("cmdline")).unwrap();
    assert_eq!(line.trim_end_matches('\0'), manifest.cmdline);
    let loader = format!("::EFI/BOOT/BOOT{}.EFI", EFI.to_uppercase());
    ok(dir.path(), "mcopy", &["-i", "esp", &loader, "loader.efi"]);
    let shipped = boot_loader(&format!("systemd-boot{EFI}.efi"));
    assert_eq!(fs::read(dir.path().join("loader.efi")).unwrap(), shipped);
}

#[test]
fn sums_manifest_and_ranges_describe_the_files() {
    let (dir, manifest) = built(Board::Rpi4);
    assert_eq!(names(dir.path()), ["SHA256SUMS", "demo.files", "demo.img", "manifest.json", "sbom.spdx.json"]);
    let checked = ok(dir.path(), "sha256sum", &["--check", "--strict", "SHA256SUMS"]);
    assert_eq!(checked, "demo.img: OK\ndemo.files: OK\nsbom.spdx.json: OK\nmanifest.json: OK\n");
    let read = Manifest::parse(&fs::read(dir.path().join("manifest.json")).unwrap()).unwrap();
    assert_eq!(read, manifest);

    let image = fs::read(dir.path().join("demo.img")).unwrap();
    assert_eq!(image.len() as u64, manifest.image_size);
    let mut at = 0;
    for range in &manifest.ranges {
        let (start, end) =
            (usize::try_from(range.offset).unwrap(), usize::try_from(range.offset + range.length).unwrap());
        assert!(image[at..start].iter().all(|&byte| byte == 0), "data outside the ranges before {start}");
        assert_eq!(Digest::of(&image[start..end]), range.sha256);
        at = end;
    }
    assert!(image[at..].iter().all(|&byte| byte == 0));
    let used = |label: &str| manifest.partitions.iter().find(|partition| partition.label == label).unwrap().used;
    assert_eq!((used("root-a"), used("root-b"), used("seed")), (6 * MIB, 0, 4096));
    let blocks = fs::metadata(dir.path().join("demo.img")).unwrap().blocks();
    assert!(blocks * 512 < manifest.image_size / 4, "the image is not sparse: {blocks} blocks");
}

/// The labels of the partitions that `slot` fills, and what each begins with.
fn contents(slot: &Slot<'_>, board: Board) -> [(&'static str, Vec<u8>); 3] {
    let mut root = vec![0; usize::try_from(slot.root_size).unwrap()];
    slot.root.read_exact_at(&mut root, 0).unwrap();
    let (mut device, mut boot) = (slot.boot.clone(), Vec::new());
    device.rewind().unwrap();
    device.read_to_end(&mut boot).unwrap();
    let boot_label = if board == Board::Rpi4 { "boot-a" } else { "esp" };
    [(boot_label, boot), ("root-a", root), ("root-a-verity", slot.hash_tree.clone())]
}

#[test]
fn a_slot_that_was_made_alone_has_the_bytes_of_its_partitions_in_an_image() {
    for board in [Board::Rpi4, UEFI] {
        let (dir, manifest) = built(board);
        let sample = Sample::of(&profile(board)).unwrap();
        let slot = sample.slot().unwrap();
        for (label, bytes) in contents(&slot, board) {
            extract(dir.path(), &manifest, label);
            let partition = fs::read(dir.path().join(label)).unwrap();
            let (held, rest) = partition.split_at(bytes.len());
            assert!(held == bytes && rest.iter().all(|&byte| byte == 0), "{label}");
        }
        let facts = (slot.root_hash, slot.kernel_release, &slot.cmdline, &slot.image_id);
        assert_eq!(facts, (manifest.root_hash, &*manifest.kernel, &manifest.cmdline, &manifest.image_id));
        for empty in manifest.partitions.iter().filter(|partition| partition.label.contains("-b")) {
            assert_eq!(empty.used, 0, "{}", empty.label);
        }
    }
}

#[test]
fn a_disk_of_another_size_holds_the_same_slot() {
    let sample = Sample::of(&profile(Board::Rpi4)).unwrap();
    let slot = sample.slot().unwrap();
    let usual = &sample.profile.image;
    let larger = ImageSettings { boot_size: 64 * MIB, root_size: 32 * MIB, seed_size: 2 * MIB, ..usual.clone() };
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [one, other] = [(&dirs[0], usual), (&dirs[1], &larger)]
        .map(|(dir, settings)| sample.write(&slot, settings, dir.path()).unwrap());
    assert!(one.image_size < other.image_size);
    // Offsets from the start of the partition, lengths and digests.
    let held = |manifest: &Manifest, label: &str| {
        let partition = manifest.partitions.iter().find(|partition| partition.label == label).unwrap();
        let inside = manifest
            .ranges
            .iter()
            .filter(|range| manifest.partition_of(range).is_some_and(|other| other.number == partition.number));
        let ranges = inside.map(|range| (range.offset - partition.offset, range.length, range.sha256));
        (partition.guid, ranges.collect::<Vec<_>>())
    };
    for label in ["boot-a", "root-a", "root-a-verity"] {
        assert!(!held(&one, label).1.is_empty() && held(&one, label) == held(&other, label), "{label}");
    }

    for (key, settings) in [
        ("image.boot", ImageSettings { boot_size: 39 * MIB, ..usual.clone() }),
        ("image.root", ImageSettings { root_size: 5 * MIB, ..usual.clone() }),
    ] {
        let error = sample.write(&slot, &settings, dirs[0].path()).unwrap_err();
        assert!(matches!(&error, ImageError::TooSmall { key: named, .. } if *named == key), "{error}");
    }
}

#[test]
fn the_same_parts_give_the_same_files_on_any_number_of_threads() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (threads, dir) in [(1, &one), (3, &two)] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| build(&profile(Board::Rpi4), dir.path()).unwrap());
    }
    for name in names(one.path()) {
        assert!(
            fs::read(one.path().join(&name)).unwrap() == fs::read(two.path().join(&name)).unwrap(),
            "{name} differs"
        );
    }
}

#[test]
fn too_small_a_partition_is_an_error_that_names_the_key_and_leaves_nothing() {
    let good = profile(Board::Rpi4);
    let (root_size, boot_size, seed_size) = (4 * MIB, MIB, 512);
    for (key, image) in [
        ("image.root", ImageSettings { root_size, ..good.image.clone() }),
        ("image.boot", ImageSettings { boot_size, ..good.image.clone() }),
        ("image.seed", ImageSettings { seed_size, ..good.image.clone() }),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let profile = Profile { image, ..good.clone() };
        let error = build(&profile, dir.path()).unwrap_err();
        assert!(
            matches!(&error, ImageError::TooSmall { key: named, needed, size, .. } if *named == key && needed > size)
        );
        assert!(error.hint().unwrap().contains(key), "{error}");
        assert!(names(dir.path()).is_empty(), "{:?}", names(dir.path()));
    }
}

#[test]
fn a_failed_build_leaves_the_files_of_the_one_before() {
    let (dir, _) = built(Board::Rpi4);
    let before = fs::read(dir.path().join("manifest.json")).unwrap();
    let mut profile = profile(Board::Rpi4);
    profile.image.boot_size = MIB;
    build(&profile, dir.path()).unwrap_err();
    assert_eq!(fs::read(dir.path().join("manifest.json")).unwrap(), before);
    ok(dir.path(), "sha256sum", &["--check", "--quiet", "SHA256SUMS"]);
}

/// The blocks that a block map names, as start and end in bytes.
fn mapped(dir: &Path) -> Vec<(u64, u64)> {
    let text = fs::read_to_string(dir.join("demo.bmap")).unwrap();
    let blocks = text.lines().filter_map(|line| line.trim().strip_prefix("<Range ")?.split(['>', '<']).nth(1));
    let span = |blocks: &str| {
        let (first, last) = blocks.trim().split_once('-').unwrap_or((blocks.trim(), blocks.trim()));
        (first.parse::<u64>().unwrap() * 4096, (last.parse::<u64>().unwrap() + 1) * 4096)
    };
    blocks.map(span).collect()
}

/// Bytes, and where they lie.
type Written = (u64, Vec<u8>);

/// What is on a disk before the image comes.
fn old_content(image: &Manifest) -> Vec<(&'static str, Vec<Written>)> {
    let size = image.image_size;
    let fill = |byte: &dyn Fn(u64) -> Vec<u8>| (0..size).step_by(4096).map(|at| (at, byte(at))).collect();
    let noise = |at: u64| (at..at + 512).flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect();
    let mut all = vec![("ones", fill(&|_| vec![0xff; 4096])), ("noise", fill(&noise))];
    let devices: Vec<(u64, u64)> =
        image.partitions.iter().map(|part| (part.offset, part.size)).chain([(0, size)]).collect();
    for list in 0..signatures::lists(size).len() {
        let of = |&(start, size): &(u64, u64)| {
            signatures::lists(size).swap_remove(list).into_iter().map(move |(at, bytes)| (start + at, bytes))
        };
        let of_disk = [signatures::of_disk(size)];
        all.push(("signatures", devices.iter().flat_map(of).chain(of_disk).collect()));
    }
    all
}

/// `bmaptool` and its like write what the map names and nothing else.
#[test]
fn who_writes_by_the_block_map_alone_leaves_nothing_old_that_a_reader_sees() {
    let (dir, manifest) = built(Board::Rpi4);
    release::write(dir.path(), &manifest, dir.path(), None, &Silent).unwrap();
    let image = File::open(dir.path().join("demo.img")).unwrap();
    let spans = mapped(dir.path());
    let data: u64 = manifest.ranges.iter().map(|range| range.length).sum();
    let total: u64 = spans.iter().map(|(start, end)| end - start).sum();
    println!("{} KiB of data, {} KiB in the map", data >> 10, total >> 10);
    assert!(total - data < 8 * MIB, "{total} bytes for {data} of data");

    let disk = dir.path().join("disk");
    let device = dir.path().join("device");
    let told = |old: &[Written]| {
        let _ = fs::remove_file(&disk);
        let file = File::options().read(true).write(true).create_new(true).open(&disk).unwrap();
        file.set_len(manifest.image_size).unwrap();
        for (at, bytes) in old {
            file.write_all_at(bytes, *at).unwrap();
        }
        for (start, end) in &spans {
            let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
            image.read_exact_at(&mut bytes, *start).unwrap();
            file.write_all_at(&bytes, *start).unwrap();
        }
        let mut told = Vec::new();
        let parts = manifest.partitions.iter().map(|part| (&*part.label, part.offset, part.size));
        for (label, offset, size) in [("disk", 0, manifest.image_size)].into_iter().chain(parts) {
            let mut bytes = vec![0; usize::try_from(size).unwrap()];
            file.read_exact_at(&mut bytes, offset).unwrap();
            fs::write(&device, &bytes).unwrap();
            let blkid = run(dir.path(), "blkid", &["-p", "device"]);
            let said = String::from_utf8(blkid.stdout).unwrap();
            let wipefs = ok(dir.path(), "wipefs", &["--no-act", "device"]);
            told.push(format!("{label}: {:?} {said}{wipefs}", blkid.status.code()));
            if label == "boot-a" {
                told.push(ok(dir.path(), "fsck.fat", &["-n", "device"]));
            }
        }
        told
    };
    let expected = told(&[]);
    for (name, old) in old_content(&manifest) {
        assert_eq!(told(&old), expected, "{name}");
    }
}
