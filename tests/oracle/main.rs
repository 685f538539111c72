//! The oracle: what effects make of packages is compared, path by path, with what dpkg and the packages' own
//! scripts make of the very same packages (mmdebstrap, natively for amd64).
//!
//! Every difference must be allowed by a line of `allowed.toml` that says why; a line that nothing needs any more is
//! an error too, so that the file stays true.

#![expect(clippy::unwrap_used, reason = "a test that cannot get what it needs has to fail")]

mod allowed;
#[path = "../apt/mod.rs"]
mod apt;
mod archive;
mod compare;

use std::collections::BTreeMap;

use imgbuild::debian::Package;
use imgbuild::effects::ledger::{self, Ledger};
use imgbuild::effects::{self, Context};
use imgbuild::lock::IdMap;
use imgbuild::profile::{Board, ImageSettings, Kernel, Profile};
use imgbuild::tree::Tree;

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
    }
}

fn extracted(packages: &[Package]) -> Tree {
    let mut tree = Tree::new();
    for member in packages.iter().flat_map(|package| &package.members) {
        let path = tree.resolve(&member.path, false).unwrap();
        // A directory that several packages ship keeps the first one's mode, and a link to a directory stays.
        let kept = member.node.is_dir() && tree.contains(&path);
        if !kept {
            tree.put(&path, member.node.clone()).unwrap();
        }
    }
    tree
}

#[test]
fn effects_make_what_the_scripts_make() {
    let wanted = format!("{PACKAGES} linux-image-amd64");
    let debs = archive::download("amd64", &wanted);
    let installed = compare::from_tar(&archive::install(&debs, EPOCH));
    let packages: Vec<Package> = archive::open(&debs);

    let profile = profile(Board::UefiAmd64);
    let mut tree = extracted(&packages);
    let none = IdMap::default();
    let context = Context { profile: &profile, packages: &packages, ids: &none, epoch: EPOCH };
    let ids = effects::accounts::allocate_ids(&tree, &context).unwrap();
    let context = Context { ids: &ids, ..context };
    for effect in [
        effects::accounts::accounts,
        effects::paths::paths,
        |tree: &mut Tree, _: &Context<'_>| effects::pam::pam(tree),
        |tree: &mut Tree, _: &Context<'_>| effects::shells::shells(tree),
        effects::nsswitch::nsswitch,
        effects::ca::ca,
        |tree: &mut Tree, _: &Context<'_>| effects::tmpfiles::tmpfiles(tree),
        effects::alternatives::alternatives,
        effects::units::units,
        effects::settings::settings,
        effects::access::access,
        effects::dpkg_db::dpkg_db,
    ] {
        effect(&mut tree, &context).unwrap();
    }
    tree.check().unwrap();

    let differences = compare::compare(&installed, &compare::from_tree(&tree));
    let complaints = allowed::judge(&differences);
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_script_of_both_architectures_is_accounted_for() {
    for (arch, more) in [("amd64", "linux-image-amd64"), ("arm64", "linux-image-arm64 raspi-firmware")] {
        let debs = archive::download(arch, &format!("{PACKAGES} {more}"));
        let complaints: Vec<String> = archive::open(&debs)
            .iter()
            .filter_map(|package| ledger::judge(package, &Ledger::default()).err())
            .map(|error| format!("{error}\n{}", error.hint().unwrap_or_default()))
            .collect();
        assert!(complaints.is_empty(), "{arch}:\n{}", complaints.join("\n"));
    }
}
