//! Data disks that are missing, blank, or somebody else's.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use imgbuild::profile::Arch;
use imgbuild::tree::Digest;

use crate::console::{Console, Extras};
use crate::draw::is_turn;
use crate::network;
use crate::node::{k3s_is_down, says};
use crate::support::ok;
use crate::workspace::Workspace;

const SIZE: u64 = 64 << 20;

const CLUSTER: &str = "
[node.control]
profile = \"pc\"

[node.pi1]
profile = \"worker\"

[[node.pi1.disk]]
label = \"ssd-pi1\"
mount = \"/var/lib/longhorn\"

[[node.pi1.disk]]
label = \"scratch-pi1\"
mount = \"/var/lib/scratch\"
format = \"if-blank\"
";

/// A disk as it comes from the shop.
pub fn blank(path: &Path) -> PathBuf {
    let file = File::create(path).expect("a file");
    file.set_len(SIZE).expect("a sparse file");
    path.to_owned()
}

/// Disks of other people: random bytes, a partition table, Longhorn's disk of another node.
fn foreign(place: &Path) -> [PathBuf; 3] {
    let [random, table, longhorn] = ["random", "table", "longhorn"].map(|name| blank(&place.join(name)));
    let mut bytes = Vec::new();
    let source = File::open("/dev/urandom").expect("the kernel's random numbers");
    source.take(SIZE).read_to_end(&mut bytes).expect("random bytes");
    fs::write(&random, bytes).expect("room for a disk");
    let path = |path: &Path| path.to_str().expect("a plain path").to_owned();
    ok(place, "sgdisk", &["--new=1:0:0", "--change-name=1:photos", &path(&table)]);
    let content = place.join("content");
    fs::create_dir_all(&content).expect("a directory");
    fs::write(content.join("longhorn-disk.cfg"), "{\"diskUUID\":\"17\"}").expect("a file");
    ok(place, "mkfs.ext4", &["-q", "-L", "ssd-pi2", "-d", &path(&content), &path(&longhorn)]);
    [random, table, longhorn]
}

fn digests(disks: &[PathBuf]) -> Vec<String> {
    disks.iter().map(|disk| Digest::of(&fs::read(disk).expect("a disk")).to_string()).collect()
}

#[test]
#[ignore = "needs root: a network of its own"]
fn without_its_disk_k3s_stays_down_and_no_disk_is_touched_that_is_not_blank_and_allowed() {
    if !is_turn("without_its_disk_k3s_stays_down_and_no_disk_is_touched_that_is_not_blank_and_allowed", 1, 2) {
        return;
    }
    let _time = network::enter_new_with_time();
    let workspace = Workspace::new("disks", "https://control:6443", CLUSTER);
    let mut disks = foreign(&workspace.path("")).to_vec();
    disks.push(blank(&workspace.path("blank")));
    let (before, foreign) = (digests(&disks), disks.len() - 1);
    let stick = workspace.flash("pi1", "stick");
    let mut node = Console::boot_with(Arch::Amd64, &[stick], &Extras { disks: &disks, ..Extras::default() });

    // There is a blank disk, but for this label nothing may be formatted.
    let missing = "no disk has the label \"ssd-pi1\" (for /var/lib/longhorn)";
    node.wait_for(&format!("imgbuild: waiting for data-disk: {missing}"));
    node.wait_for_shell();
    let status = says(&mut node, "waiting", missing, "`mkfs.ext4 -L ssd-pi1 /dev/NAME`");
    assert_eq!(status["waiting_for"], "data-disk");
    let reason = status["reason"].as_str().expect("says checked it");
    for there in ["64M, unknown content)", "64M, gpt)", "64M, ext4 \"ssd-pi2\")", "64M, blank)"] {
        assert!(reason.contains(there), "{there:?}: {reason}");
    }
    k3s_is_down(&mut node, "k3s-agent");
    assert!(node.run("touch /var/lib/longhorn/volume 2>&1").contains("Operation not permitted"));
    assert_eq!(digests(&disks), before);

    // Its owner does as told. The other disk may be formatted, but now none is blank.
    let (blank, _) = reason.split_once(" (64M, blank)").expect("it is there");
    let name = blank.rsplit(' ').next().expect("a name before its size");
    node.type_line(&format!("mkfs.ext4 -q -L ssd-pi1 /dev/{name}"));
    let missing = "no disk has the label \"scratch-pi1\" (for /var/lib/scratch), and none is blank";
    node.wait_for(&format!("imgbuild: waiting for data-disk: {missing}"));
    says(&mut node, "waiting", missing, "attach the disk, or a blank one.");
    k3s_is_down(&mut node, "k3s-agent");
    assert_eq!(node.run("findmnt -no LABEL --mountpoint /var/lib/longhorn"), "ssd-pi1");
    drop(node);
    assert_eq!(digests(&disks[..foreign]), before[..foreign]);
}
