//! The oracle: what effects make of packages is compared, path by path, with what dpkg and the packages' own
//! scripts make of the very same packages (mmdebstrap, natively for amd64).
//!
//! Every difference must be allowed by a line of `allowed.toml` that says why; a line that nothing needs any more is
//! an error too, so that the file stays true.

#![expect(clippy::unwrap_used, reason = "a test that cannot get what it needs has to fail")]

mod allowed;
#[path = "../debian/apt.rs"]
#[expect(dead_code, reason = "the resolver's tests use the rest of it")]
mod apt;
mod archive;
mod compare;

use apt::Apt;

use std::collections::BTreeMap;

use imgbuild::debian::Package;
use imgbuild::effects::ledger::{self, Ledger};
use imgbuild::effects::unpack::unpack;
use imgbuild::effects::{self, Context};
use imgbuild::format::NoStore;
use imgbuild::lock::IdMap;
use imgbuild::profile::{Board, ImageSettings, Kernel, Profile};

/// What a node of every role has, and apt, which mmdebstrap always installs.
const PACKAGES: &str = "systemd systemd-sysv udev dbus systemd-cryptsetup systemd-repart systemd-timesyncd systemd-resolved \
    systemd-boot-efi kmod e2fsprogs util-linux mount login passwd sudo openssh-server ca-certificates iptables iproute2 curl \
    procps nfs-common open-iscsi cryptsetup-bin xfsprogs ethtool conntrack socat ipset zstd less vim-tiny tzdata pciutils \
    libpam-systemd libnss-resolve libnss-myhostname apparmor iputils-ping firmware-realtek apt";

/// Any fixed time: only its sameness on both sides matters.
const EPOCH: u64 = 1_790_000_000;

fn profile(board: Board) -> Profile {
    Profile {
        name: "oracle".to_owned(),
        description: String::new(),
        board,
        hostname: None,
        sources: Vec::new(),
        packages: PACKAGES.split_whitespace().map(str::to_owned).collect(),
        drop: Vec::new(),
        kernel: Kernel::default(),
        sysctl: BTreeMap::new(),
        files: BTreeMap::new(),
        users: Vec::new(),
        networks: Vec::new(),
        timezone: "Etc/UTC".to_owned(),
        ntp: Vec::new(),
        locale: "C.UTF-8".to_owned(),
        enable: Vec::new(),
        disable: Vec::new(),
        image: ImageSettings { boot_size: 0, root_size: 0, seed_size: 0, block_size: 1 << 20, compression_level: 3 },
        serial: false,
        k3s: None,
    }
}

#[test]
fn effects_make_what_the_scripts_make() {
    let wanted = format!("{PACKAGES} linux-image-amd64");
    let debs = archive::download(Apt::amd64(), &wanted);
    let installed = compare::from_tar(&archive::install(&debs, EPOCH));
    let packages: Vec<Package> = archive::open(&debs);

    let profile = profile(Board::UefiAmd64);
    let mut tree = unpack(&packages).unwrap();
    let none = IdMap::default();
    let context = Context { profile: &profile, packages: &packages, ids: &none, epoch: EPOCH };
    let ids = effects::accounts::allocate_ids(&tree, &context).unwrap();
    let context = Context { ids: &ids, ..context };
    effects::apply(&mut tree, &context, &NoStore).unwrap();
    tree.check().unwrap();

    let differences = compare::compare(&installed, &compare::from_tree(&tree));
    let complaints = allowed::judge(&differences);
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_script_of_both_architectures_is_accounted_for() {
    for (apt, more) in [(Apt::amd64(), "linux-image-amd64"), (Apt::arm64(), "linux-image-arm64 raspi-firmware")] {
        let debs = archive::download(apt, &format!("{PACKAGES} {more}"));
        let complaints: Vec<String> = archive::open(&debs)
            .iter()
            .filter_map(|package| ledger::judge(package, &Ledger::default()).err())
            .map(|error| format!("{error}\n{}", error.hint().unwrap_or_default()))
            .collect();
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }
}
