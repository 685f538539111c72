//! Images boot in QEMU through real UEFI firmware, from emulated USB storage, and are what they claim to be.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod added;
#[path = "../support/archive.rs"]
#[expect(dead_code, reason = "what is wrong with an archive is tests/cli's business")]
mod archive;
#[expect(dead_code, reason = "other disks, clocks and power cuts are tests/reflash's business")]
mod console;
#[path = "../support/debs.rs"]
#[expect(dead_code, reason = "the reader's own tests use the rest")]
mod debs;
#[path = "../support/draw.rs"]
#[expect(dead_code, reason = "random draws are other tests' business")]
mod draw;
#[path = "../support/gpg.rs"]
#[expect(dead_code, reason = "the program's own checks of signatures are tests/network's business")]
mod gpg;
mod gpu;
#[path = "../support/hello.rs"]
mod hello;
#[path = "../support/http.rs"]
#[expect(dead_code, reason = "servers that stall are the fetcher's own tests' business")]
mod http;
#[path = "../support/k3s.rs"]
#[expect(dead_code, reason = "the release alone is wanted here")]
mod k3s;
#[path = "../pi_loader/loader/mod.rs"]
#[expect(dead_code, reason = "trials and device trees are tests/pi_loader's and tests/cli's business")]
mod loader;
mod own_module;
mod secure_boot;
mod stick;
#[path = "../support/mod.rs"]
mod support;

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use console::Console;
use draw::is_turn;
use imgbuild::cmd::boot::{host, qemu::Start};
use imgbuild::image::layout;
use imgbuild::profile::Arch;
use loader::{Handover, Pi};
use stick::{Image, STICK};

/// What holds inside every node.
fn check_node(node: &mut Console, image: &Image) {
    assert_eq!(node.run("systemctl is-system-running --wait"), "running", "{}", node.run("systemctl --failed"));
    assert_eq!(node.run("systemctl --failed --no-legend --plain"), "");

    assert_eq!(node.run("findmnt -no SOURCE,FSTYPE / | tr -s ' '"), "/dev/mapper/root squashfs");
    let root = node.run("cat /sys/block/dm-0/dm/uuid");
    assert!(root.starts_with("CRYPT-VERITY-"), "{root}");
    assert!(node.run("touch /usr/new 2>&1").contains("Read-only file system"));

    assert_eq!(node.run("findmnt -no FSTYPE /etc"), "overlay");
    assert_eq!(node.run("touch /etc/new && echo made"), "made");

    assert_eq!(node.run("findmnt -no FSTYPE /var"), "ext4");
    let state: u64 = node.run("lsblk -bdno SIZE /dev/imgbuild/state").parse().expect("a size in bytes");
    let (_, end) = image.partition("seed");
    let rest = STICK - end;
    assert!(state <= rest && state + (4 << 20) > rest, "state has {state} bytes of the {rest} left on the stick");
    assert_eq!(
        node.run("for home in /home /root /srv /opt; do readlink -f $home; done | tr '\\n' ' '"),
        "/var/home /var/roothome /var/srv /var/opt"
    );
    assert_eq!(node.run("readlink -f /var/lib/dpkg"), "/usr/lib/sysimage/dpkg");
    assert_eq!(node.run("dpkg-query -Wf '${Status}\\n' systemd"), "install ok installed");
    assert_eq!(node.run("ls /etc/systemd/system/timers.target.wants"), "fstrim.timer");
    assert_eq!(node.run("ls /var/log/journal 2>/dev/null; ls -d /run/log/journal"), "/run/log/journal");

    // One port of the two has an address, and that is enough.
    assert_eq!(node.run("systemctl start network-online.target && networkctl --no-legend | grep -c configuring"), "1");
    assert_eq!(node.run("systemctl is-active systemd-networkd-wait-online.service"), "active");
    let banner = node.run("agetty --show-issue");
    let id = image.manifest()["image_id"].as_str().expect("the image has an id").to_owned();
    for part in [format!("Node tested, profile {}.", image.profile), "10.0.2.15".to_owned(), format!("Image {id}")] {
        assert!(banner.contains(&part), "{part}: {banner}");
    }
    assert!(node.run("cat /sys/kernel/security/apparmor/profiles").contains("unix-chkpwd"));

    assert_eq!(node.run("awk -F: '$2 !~ /^[!*]/ { print $1 }' /etc/shadow"), "", "accounts that a password opens");
}

/// Whether `stick` still is `image` and nothing else.
fn is_untouched(stick: &Path, image: &Path) -> bool {
    let length = fs::metadata(image).expect("an image").len();
    let [mut stick, mut image] = [stick, image].map(|path| File::open(path).expect("a file"));
    let [mut ours, mut theirs] = [vec![0; 1 << 20], vec![0; 1 << 20]];
    // All sizes in an image are whole MiB.
    (0..STICK >> 20).all(|chunk| {
        stick.read_exact(&mut ours).expect("a stick of its size");
        if chunk < length >> 20 {
            image.read_exact(&mut theirs).expect("an image of its length");
        } else {
            theirs.fill(0);
        }
        ours == theirs
    })
}

#[test]
fn an_amd64_node_loads_our_module_uses_one_stick_of_two_keeps_its_state_and_forgets_all_else() {
    let image = stick::amd64();
    let [first, second] = ["first", "second"].map(|name| image.stick(name));
    let mut node = Console::boot(Arch::Amd64, &[first.clone(), second.clone()]);
    own_module::wait_for(&mut node);
    node.wait_for_shell();
    check_node(&mut node, &image);
    own_module::check(&mut node, "OE");
    let disk = node.run("lsblk -no PKNAME /dev/imgbuild/seed");
    assert!(!disk.is_empty());
    assert_eq!(node.run("lsblk -no PKNAME /dev/imgbuild/state"), disk);
    assert_eq!(node.run("ls /sys/block/dm-0/slaves | tr -d '0-9' | sort -u"), disk);
    assert_eq!(node.run("touch /var/kept /root/kept /etc/lost && sync && echo written"), "written");
    // Both hold the same root. Which one shows up first is up to the hardware.
    let (used, other) = match &*node.run(&format!("lsblk -dno SERIAL /dev/{disk}")) {
        "other" => (second, first),
        _ => (first, second),
    };
    node.power_off();
    assert!(is_untouched(&other, &image.file()));

    let mut node = Console::boot(Arch::Amd64, &[used]);
    node.wait_for_shell();
    assert_eq!(node.run("ls /var/kept /root/kept /etc/lost 2>/dev/null | tr '\\n' ' '"), "/root/kept /var/kept");
    check_node(&mut node, &image);
    node.power_off();
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_node_boots_from_a_stick_that_flash_wrote_and_from_one_that_dd_wrote() {
    if !is_turn("a_node_boots_from_a_stick_that_flash_wrote_and_from_one_that_dd_wrote", 3, 4) {
        return;
    }
    let image = stick::exported();
    let packed = image.export();
    for (write, name, backup) in [(stick::flash as fn(&Path, &Path), "flashed", "disk"), (stick::dd, "copied", "image")]
    {
        let stick = image.blank(name);
        write(&packed, &stick);
        assert_eq!(image.verify(&stick), backup, "where the backup of the partition table lies");
        let mut node = Console::boot(Arch::Amd64, std::slice::from_ref(&stick));
        node.wait_for_shell();
        check_node(&mut node, &image);
        node.power_off();
        assert_eq!(image.verify(&stick), "disk", "the node has moved it with its own partition");
    }
}

#[test]
fn an_arm64_node_boots_and_loads_our_module() {
    if !is_turn("an_arm64_node_boots_and_loads_our_module", 0, 2) {
        return;
    }
    let image = stick::arm64();
    let mut node = Console::boot(Arch::Arm64, &[image.stick("arm64")]);
    own_module::wait_for(&mut node);
    node.wait_for_shell();
    check_node(&mut node, &image);
    own_module::check(&mut node, "OE");
}

/// What a Pi's EEPROM and firmware, as their documentation and reports describe them, hand over to the kernel on `stick`.
fn handed_over(stick: &Path) -> Handover {
    loader::start(File::open(stick).expect("a stick"), Pi::with((2026, 5, 17))).expect("a Pi starts from it")
}

#[test]
fn the_control_plane_of_a_pi_starts_from_its_stick_once_and_again_and_lets_nobody_in_without_a_key() {
    if !is_turn("the_control_plane_of_a_pi_starts_from_its_stick_once_and_again_and_lets_nobody_in_without_a_key", 1, 2)
    {
        return;
    }
    let image = stick::published("control");
    let stick = image.stick("control");
    let before = handed_over(&stick);
    let [kernel, initrd] = [("kernel", &before.kernel), ("initrd", &before.initrd)].map(|(name, bytes)| {
        let path = stick.with_file_name(name);
        fs::write(&path, bytes).expect("room beside the stick");
        path
    });
    // QEMU has no Pi 4 with USB: the kernel runs on its generic ARM machine, with the device tree that QEMU makes of that and
    // with that machine's console.
    let cmdline: Vec<&str> = before.cmdline.split(' ').filter(|word| !word.starts_with("console=")).collect();
    let cmdline = cmdline.join(" ") + " console=ttyAMA0";
    let start = |timeout: &str| Start::Kernel {
        kernel: kernel.clone(),
        initrd: initrd.clone(),
        cmdline: format!("{cmdline} systemd.default_device_timeout_sec={timeout}"),
    };
    let mut node = Console::start(Arch::Arm64, start("300"), std::slice::from_ref(&stick));
    node.wait_for("This image has no seed");
    node.wait_for("control login: ");
    node.type_line("root");
    node.wait_for("Password: ");
    node.type_line("");
    node.wait_for("Login incorrect");
    drop(node);
    // It has added `state` to the GPT and moved the backup.
    assert_eq!(image.verify(&stick), "disk", "and the MBR is the image's");
    assert!(handed_over(&stick) == before, "a Pi starts from it again");

    // Without room for the node's own data, nothing waits for a partition that never comes.
    let image = image.file();
    let small = image.with_file_name("small");
    let size = fs::metadata(&image).expect("an image").len() + (16 << 20);
    host::write_stick(&image, &small, size).expect("room for a stick");
    let mut node = Console::start(Arch::Arm64, start("infinity"), &[small]);
    node.wait_for("imgbuild: this node cannot start.");
    node.wait_for(&format!("({} MiB) is too small", size >> 20));
    let needed = size - (16 << 20) + layout::STATE_LEAST;
    node.wait_for(&format!("the cure is a larger disk, of {} MiB at least", needed >> 20));
}

#[test]
fn a_flipped_bit_in_the_root_is_refused_in_words() {
    let image = stick::published("demo");
    let stick = image.stick("flipped");
    let (start, _) = image.partition("root-a");
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
    node.wait_for("The root file system cannot be read: the stick is damaged or was changed");
    node.wait_for("sysroot.mount");
    node.wait_for("restarts in 60 seconds");
}
