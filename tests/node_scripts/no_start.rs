//! Why a node does not start: what the initrd says, with the words that it has before there is a root file system.

use crate::sandbox::{Sandbox, said};

const SCRIPT: &str = include_str!("../../src/image/initrd/files/explain-failure");
const HASH: &str = "fa7b460c5f2c2a771a2af71f6cf93a86f18f3274db789ffdf20e2a44a9feb935";

/// What the script says on a machine whose disks have these partitions, by GUID; `failed` is a unit that has failed.
fn explained(cmdline: &str, partitions: &[&str], failed: &str) -> String {
    let node = Sandbox::new();
    node.write("cmdline", cmdline);
    node.write("run/explain-failure", SCRIPT);
    node.standin("systemctl", &format!("[ \"$2\" != is-failed ] || [ \"$3\" = \"{failed}\" ]"));
    node.standin("udevadm", "exit 0");
    let links: Vec<String> = partitions.iter().map(|guid| format!(": >/dev/disk/by-partuuid/{guid}")).collect();
    let output = node.run(
        &format!("mkdir -p /run/disk/by-partuuid /dev/disk && mount --bind /run/disk /dev/disk\n{}", links.join("\n")),
        "sh /run/explain-failure",
    );
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

#[test]
fn a_disk_that_appeared_too_late_is_no_broken_stick() {
    let cmdline = format!("quiet roothash={HASH} ro");
    let late = "fa7b460c-5f2c-2a77-1a2a-f71f6cf93a86";
    let text = explained(&cmdline, &[late], "");
    assert!(text.contains("appeared only when this machine had given up waiting for it"), "{text}");
    assert!(text.contains("the cure is another start; this node restarts in 60 seconds"), "{text}");
    assert!(!text.contains("writing the image"), "{text}");

    let text = explained(&cmdline, &["11111111-2222-3333-4444-555555555555"], "");
    assert!(text.contains(&format!("No disk holds the root file system {HASH}")), "{text}");
    assert!(text.contains("the cure is writing the image to the stick again"), "{text}");
    let text = explained("quiet", &[late], "");
    assert!(text.contains("names no root file system"), "{text}");
}
