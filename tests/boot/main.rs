//! Images boot in QEMU through real UEFI firmware, from emulated USB storage, and are what they claim to be.

mod console;
mod stick;

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;

use console::Console;
use imgbuild::profile::Arch;
use stick::{STICK, image};

/// What holds inside every node.
fn check_node(node: &mut Console, arch: Arch) {
    assert_eq!(node.run("systemctl is-system-running --wait"), "running", "{}", node.run("systemctl --failed"));
    assert_eq!(node.run("systemctl --failed --no-legend --plain"), "");

    assert_eq!(node.run("findmnt -no SOURCE,FSTYPE / | tr -s ' '"), "/dev/mapper/root squashfs");
    let root = node.run("cat /sys/block/dm-0/dm/uuid");
    assert!(root.starts_with("CRYPT-VERITY-"), "{root}");
    assert!(node.run("touch /usr/new 2>&1").contains("Read-only file system"));

    assert_eq!(node.run("findmnt -no FSTYPE /etc"), "overlay");
    assert_eq!(node.run("touch /etc/new && echo made"), "made");

    assert_eq!(node.run("findmnt -no FSTYPE /var"), "ext4");
    let state: u64 = node.run("lsblk -bno SIZE /dev/imgbuild/state").parse().expect("a size in bytes");
    let (_, end) = image(arch).partition("seed");
    let rest = STICK - end;
    assert!(state <= rest && state + (4 << 20) > rest, "state has {state} bytes of the {rest} left on the stick");
    assert_eq!(
        node.run("for home in /home /root /srv /opt; do readlink -f $home; done | tr '\\n' ' '"),
        "/var/home /var/roothome /var/srv /var/opt"
    );
    assert_eq!(node.run("dpkg-query -Wf '${Status}\\n' systemd"), "install ok installed");
}

#[test]
fn the_amd64_image_boots_keeps_its_state_and_forgets_all_else() {
    let sticks = [image(Arch::Amd64).stick("amd64")];
    let mut node = Console::boot(Arch::Amd64, &sticks);
    node.wait_for_shell();
    check_node(&mut node, Arch::Amd64);
    assert_eq!(node.run("touch /var/kept /root/kept /etc/lost && sync && echo written"), "written");
    node.power_off();

    let mut node = Console::boot(Arch::Amd64, &sticks);
    node.wait_for_shell();
    assert_eq!(node.run("ls /var/kept /root/kept /etc/lost 2>/dev/null | tr '\\n' ' '"), "/root/kept /var/kept");
    check_node(&mut node, Arch::Amd64);
}

#[test]
fn the_arm64_image_boots() {
    let sticks = [image(Arch::Arm64).stick("arm64")];
    let mut node = Console::boot(Arch::Arm64, &sticks);
    node.wait_for_shell();
    check_node(&mut node, Arch::Arm64);
}

#[test]
fn a_flipped_bit_in_the_root_is_refused_in_words() {
    let stick = image(Arch::Amd64).stick("flipped");
    let (start, _) = image(Arch::Amd64).partition("root-a");
    let disk = OpenOptions::new().read(true).write(true).open(&stick).expect("the stick is a file");
    // Its length is in the superblock; the tables at its end are read when it is mounted.
    let mut length = [0; 8];
    disk.read_exact_at(&mut length, start + 40).expect("the root has a superblock");
    let place = start + u64::from_le_bytes(length) - 8;
    let mut byte = [0];
    disk.read_exact_at(&mut byte, place).expect("the root is as long as it says");
    disk.write_all_at(&[byte[0] ^ 1], place).expect("the stick can be written");

    let mut node = Console::boot(Arch::Amd64, &[stick]);
    node.wait_for("imgbuild: this node cannot start.");
    node.wait_for("the stick is damaged or was changed");
    node.wait_for("restarts in 60 seconds");
}

#[test]
fn two_sticks_with_one_image_do_not_mix() {
    let sticks = [image(Arch::Amd64).stick("first"), image(Arch::Amd64).stick("second")];
    let mut node = Console::boot(Arch::Amd64, &sticks);
    node.wait_for_shell();
    let seed = node.run("lsblk -no PKNAME /dev/imgbuild/seed");
    assert!(!seed.is_empty());
    assert_eq!(node.run("lsblk -no PKNAME /dev/imgbuild/state"), seed);
    assert_eq!(node.run("ls /sys/block/dm-0/slaves | tr -d '0-9' | sort -u"), seed);
    assert_eq!(node.run("systemctl is-system-running --wait"), "running");
}
