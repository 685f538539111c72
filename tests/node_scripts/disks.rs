//! Data disks, played through on loop devices, which only root may attach: for others these tests have nothing to do.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sandbox::{Sandbox, said};

const SIZE: u64 = 64 << 20;
const DATA_DISKS: &str = "/usr/lib/imgbuild/data-disks";
const SSD: &str = "NODE='pi1'\nDISK_1_LABEL='ssd'\nDISK_1_MOUNT='/var/lib/longhorn'\nDISK_1_FILESYSTEM='ext4'\n";

/// Loop devices are few on some machines, so the tests take turns.
static TURN: Mutex<()> = Mutex::new(());

/// A loop device, detached when the test ends, however it ends.
struct Disk {
    file: PathBuf,
    device: String,
}

impl Disk {
    fn attach(file: PathBuf) -> Self {
        let output = Command::new("losetup").args(["--find", "--show", "--partscan"]).arg(&file).output();
        let output = output.expect("losetup runs");
        assert!(output.status.success(), "{}", said(&output));
        Self { file, device: String::from_utf8_lossy(&output.stdout).trim().to_owned() }
    }

    /// Has the kernel show the disk's partitions, also one that reads no partition tables itself.
    fn show_partitions(&self) {
        let output = Command::new("partx").args(["--update", &self.device]).output().expect("partx runs");
        assert!(output.status.success(), "{}", said(&output));
    }

    fn name(&self) -> &str {
        &self.device["/dev/".len()..]
    }

    fn bytes(&self) -> Vec<u8> {
        assert!(Command::new("sync").status().expect("sync runs").success());
        fs::read(&self.file).expect("our own file")
    }

    fn is_zero(&self) -> bool {
        self.bytes().iter().all(|byte| *byte == 0)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("losetup").args(["--detach", &self.device]).status();
    }
}

/// A node that runs from one disk and has others.
struct Node {
    sandbox: Sandbox,
    disks: Vec<Disk>,
    /// Holds the node's `/var`.
    stick: Disk,
    _turn: MutexGuard<'static, ()>,
}

impl Node {
    /// `disks` are sparse files of zeros until `prepare`, a piece of bash that finds them as `$1`, `$2` …, made something
    /// of them.
    fn new(seed: &str, disks: usize, prepare: &str) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let sandbox = Sandbox::new();
        sandbox.seed(seed);
        let file = |name: String| {
            let path = sandbox.path(&name);
            fs::File::create(&path).and_then(|file| file.set_len(SIZE)).expect("room for a disk");
            path
        };
        let stick = file("stick".to_owned());
        let others: Vec<PathBuf> = (0..disks).map(|number| file(format!("disk{number}"))).collect();
        let prepared = Command::new("bash")
            .args([
                "-c",
                &format!("export PATH=$PATH:/usr/sbin:/sbin; set -e; mkfs.ext4 -q -L state \"$0\"; {prepare}"),
            ])
            .arg(&stick)
            .args(&others)
            .output()
            .expect("bash runs");
        assert!(prepared.status.success(), "{}", said(&prepared));
        let node = Self {
            stick: Disk::attach(stick),
            disks: others.into_iter().map(Disk::attach).collect(),
            sandbox,
            _turn: turn,
        };
        node.show(node.disks.len());
        node
    }

    /// Lets the first `count` disks be seen: as the kernel would list them, were they not loop devices of a machine that
    /// has disks of its own.
    fn show(&self, count: usize) {
        let mut shown: Vec<&str> = self.disks[..count].iter().map(|disk| &*disk.device).collect();
        shown.push(&self.stick.device);
        self.sandbox.standin(
            "lsblk",
            &format!(
                "lsblk=$(PATH=/usr/bin:/bin command -v lsblk)\n\
                 [[ $* = *PKNAME* ]] || exec \"$lsblk\" \"$@\"\n\
                 \"$lsblk\" \"$@\" {} | sed 's/ loop / disk /; s/ block / block:scsi:usb /'",
                shown.join(" ")
            ),
        );
    }

    /// Runs `script`; gives whether it succeeded, and what it printed.
    fn run(&self, script: &str) -> (bool, String) {
        let before = format!(
            "mount {0} /var\nmkdir -p /run/imgbuild /var/lib /var/tmp\nln -sfn {0} /run/imgbuild/disk",
            self.stick.device
        );
        let output = self.sandbox.run(&before, script);
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), printed)
    }

    /// What `data-disks` refuses with.
    fn refusal(&self) -> String {
        let (succeeded, printed) = self.run(DATA_DISKS);
        assert!(!succeeded, "{printed}");
        assert_eq!(printed.lines().count(), 2, "a reason and a cure: {printed}");
        printed
    }
}

fn if_blank() -> String {
    format!("{SSD}DISK_1_FORMAT='if-blank'\n")
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_blank_disk_is_formatted_where_allowed_and_kept_with_its_content_ever_after() {
    let node = Node::new(&if_blank(), 1, "");
    let (succeeded, printed) = node.run(&format!(
        "{DATA_DISKS} && findmnt -rno FSTYPE,OPTIONS /var/lib/longhorn && echo replica >/var/lib/longhorn/kept"
    ));
    assert!(succeeded, "{printed}");
    assert!(printed.starts_with("ext4 rw,noatime"), "{printed}");
    // The stick was written anew, the disk is the old one: nothing of the node's own remembers it.
    node.sandbox.seed(SSD);
    assert_eq!(node.run(&format!("{DATA_DISKS} && cat /var/lib/longhorn/kept")), (true, "replica\n".to_owned()));
    // Asked again while it is mounted, nothing happens.
    assert_eq!(
        node.run(&format!("{DATA_DISKS} && {DATA_DISKS} && findmnt -no TARGET /var/lib/longhorn | wc -l")).1,
        "1\n"
    );
}

#[test]
#[ignore = "needs root: loop devices"]
fn two_disks_that_were_formatted_have_different_uuids() {
    let mut uuids = Vec::new();
    for _ in 0..2 {
        let node = Node::new(&if_blank(), 1, "");
        let (succeeded, uuid) =
            node.run(&format!("{DATA_DISKS} && blkid -p -o value -s UUID {}", node.disks[0].device));
        assert!(succeeded && !uuid.is_empty());
        uuids.push(uuid);
    }
    assert_ne!(uuids[0], uuids[1]);
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_blank_disk_is_left_alone_where_the_seed_does_not_allow_formatting() {
    let node = Node::new(SSD, 1, "");
    let refusal = node.refusal();
    assert!(refusal.starts_with("no disk has the label \"ssd\" (for /var/lib/longhorn)"), "{refusal}");
    assert!(refusal.contains(&format!("{} (64M, blank)", node.disks[0].name())), "{refusal}");
    assert!(!refusal.contains(node.stick.name()), "the stick is no candidate: {refusal}");
    assert!(node.disks[0].is_zero());
}

#[test]
#[ignore = "needs root: loop devices"]
fn two_blank_disks_are_refused_and_neither_is_written_to() {
    let node = Node::new(&if_blank(), 2, "");
    let refusal = node.refusal();
    assert!(refusal.contains("several are blank"), "{refusal}");
    assert!(node.disks.iter().all(|disk| refusal.contains(disk.name()) && disk.is_zero()), "{refusal}");
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_blank_disk_waits_for_the_labelled_one_to_show_up_and_stays_blank_then() {
    let node = Node::new(&if_blank(), 2, "mkfs.ext4 -q -L ssd \"$2\"");
    node.sandbox.write("uptime", "31.00 0.00\n");
    node.show(1);
    let refusal = node.refusal();
    assert!(refusal.contains("is formatted 60 s after power-on"), "{refusal}");
    node.show(2);
    node.sandbox.write("uptime", "120.00 0.00\n");
    let (succeeded, source) = node.run(&format!("{DATA_DISKS} && findmnt -no SOURCE /var/lib/longhorn"));
    assert_eq!((succeeded, source.trim()), (true, &*node.disks[1].device));
    assert!(node.disks[0].is_zero());
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_disk_with_any_content_is_untouched_byte_for_byte() {
    let contents = [
        // Longhorn's, under another label.
        "mkdir -p root; echo '{}' >root/longhorn-disk.cfg; mkfs.ext4 -q -L other -d root \"$1\"",
        // A partition table and nothing in it.
        "sgdisk --clear \"$1\"",
        // Swap.
        "mkswap -q \"$1\"",
        // Bytes that no tool knows, at the start and at the very end.
        "printf x | dd of=\"$1\" bs=1 seek=700000 conv=notrunc status=none",
        "printf x | dd of=\"$1\" bs=1 seek=$((64 * 1024 * 1024 - 1)) conv=notrunc status=none",
    ];
    for content in contents {
        let node = Node::new(&if_blank(), 1, &format!("cd \"${{0%/*}}\"; {content}"));
        let before = node.disks[0].bytes();
        let refusal = node.refusal();
        assert!(refusal.contains("and none is blank"), "{content}: {refusal}");
        assert!(refusal.contains(node.disks[0].name()), "{content}: {refusal}");
        assert!(node.disks[0].bytes() == before, "{content}: it was written to");
    }
}

#[test]
#[ignore = "needs root: loop devices"]
fn the_disk_that_the_system_runs_from_is_no_data_disk_whatever_its_labels() {
    let node = Node::new(&SSD.replace("'ssd'", "'state'"), 0, "");
    let refusal = node.refusal();
    assert!(refusal.contains("no disk has the label \"state\"") && refusal.contains("there are: none"), "{refusal}");
}

#[test]
#[ignore = "needs root: loop devices"]
fn two_disks_with_the_label_are_refused() {
    let node = Node::new(SSD, 2, "mkfs.ext4 -q -L ssd \"$1\"; mkfs.ext4 -q -L ssd \"$2\"");
    let refusal = node.refusal();
    assert!(refusal.starts_with("several disks have the label \"ssd\""), "{refusal}");
}

#[test]
#[ignore = "needs root: loop devices"]
fn nothing_can_be_written_to_the_mount_point_of_a_disk_that_is_missing() {
    let node = Node::new(SSD, 0, "");
    let (_, printed) =
        node.run(&format!("{DATA_DISKS} >/dev/null; touch /var/lib/longhorn/x 2>&1; lsattr -d /var/lib/longhorn"));
    assert!(printed.contains("Operation not permitted"), "{printed}");
    assert!(printed.contains("----i----"), "{printed}");
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_mount_point_with_content_of_its_own_is_refused() {
    let node = Node::new(SSD, 1, "mkfs.ext4 -q -L ssd \"$1\"");
    node.run("mkdir -p /var/lib/longhorn/replicas");
    let refusal = node.refusal();
    assert!(refusal.starts_with("the mount point /var/lib/longhorn has content of its own"), "{refusal}");
}

#[test]
#[ignore = "needs root: loop devices"]
fn another_file_system_than_the_declared_one_is_refused() {
    let node = Node::new(SSD, 1, "mkswap -q -L ssd \"$1\"");
    let refusal = node.refusal();
    assert!(refusal.contains("holds swap and not ext4"), "{refusal}");
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_partition_with_the_label_is_a_data_disk_too() {
    let node = Node::new(SSD, 1, "sgdisk --new=1:2048:0 \"$1\"; mkfs.ext4 -q -L ssd -E offset=1048576 \"$1\" 60M");
    node.disks[0].show_partitions();
    let (succeeded, source) = node.run(&format!("{DATA_DISKS} && findmnt -no SOURCE /var/lib/longhorn"));
    assert_eq!((succeeded, source.trim().to_owned()), (true, format!("{}p1", node.disks[0].device)));
}
