//! The resolver against `apt-get --simulate` on the real trixie archive.
//!
//! apt is asked for the essential packages by name and then the wanted ones, without and with recommended packages, on a
//! system that has nothing installed. Named that way apt adds nothing of its own (it would count itself as
//! essential only if asked for `?essential`), so the sets have to be equal, versions included. None of the sets
//! depends on, or recommends, a virtual package whose providers tie in priority and of which apt takes another than the first
//! by name (such as `sopv`, for `devscripts`, or a terminal, for what opens one, so that BUILD names one): apt's choice then follows the order in which its cache met the
//! names.

use std::fmt::Write as _;

use imgbuild::debian::index;
use imgbuild::debian::resolve::{Universe, resolve};
use imgbuild::profile::Recommends;

use crate::apt::{Apt, Suite};
use crate::draw::Draw;

/// What a K3s node is made of.
const NODE: &str = "systemd systemd-sysv systemd-resolved systemd-timesyncd systemd-repart udev dbus openssh-server \
    iptables nfs-common open-iscsi raspi-firmware curl ca-certificates sudo kmod iproute2 ethtool \
    conntrack ipset socat bash-completion less vim-tiny cryptsetup-bin e2fsprogs dosfstools \
    firmware-brcm80211 wpasupplicant apparmor";
const STORAGE: &str = "lvm2 mdadm smartmontools nvme-cli multipath-tools zfsutils-linux ceph-common samba nfs-kernel-server \
    targetcli-fb drbd-utils borgbackup restic rsync";
const CONTAINERS: &str = "docker.io podman buildah skopeo containerd runc crun ansible golang-go rustc qemu-system-arm \
    libvirt-daemon-system virt-manager";
const MAIL: &str = "postfix dovecot-imapd mailutils logcheck bsd-mailx fail2ban roundcube nginx-full php-fpm \
    mariadb-server postgresql redis-server cron-apt unattended-upgrades";
const BUILD: &str = "build-essential git cmake debhelper python3-dev default-jdk gradle nodejs npm gdb valgrind xterm";
const DESKTOP: &str = "gnome-core xfce4 firefox-esr libreoffice cups network-manager-gnome pipewire-audio";

fn compare(apt: &Apt) {
    let arch = apt.arch;
    let suites = apt.suites();
    let essential = essential(&suites);
    let stanzas = suites.iter().map(|suite| (suite.name, index::parse(&suite.text).unwrap()));
    let universe = Universe::new(arch, stanzas).unwrap();
    let kernel = format!("{NODE} linux-image-{arch}");
    let mut differences = String::new();
    let sets = Draw::new("IMGBUILD_SETS_SEED").some([STORAGE, CONTAINERS, MAIL, BUILD, DESKTOP], 1);
    for set in ["", &kernel].into_iter().chain(sets) {
        let wanted: Vec<String> = set.split_whitespace().map(str::to_owned).collect();
        for (option, by_default) in [("--no-install-recommends", false), ("--install-recommends", true)] {
            let recommends = Recommends { by_default, ..Recommends::default() };
            let selection = resolve(&universe, &wanted, &recommends).unwrap();
            let ours: Vec<(String, String)> = selection
                .packages()
                .map(|found| (found.stanza.name.to_owned(), found.stanza.version.to_string()))
                .collect();
            let theirs = apt.simulate(option, &[essential.as_slice(), &wanted].concat());
            assert!(theirs.len() >= essential.len(), "{arch}: apt lists too little: {theirs:?}");
            for found in ours.iter().filter(|found| !theirs.contains(found)) {
                let why = selection.why(&found.0);
                writeln!(differences, "{arch}, {wanted:?}, {option}: only we choose {found:?}: {why:?}").unwrap();
            }
            for found in theirs.iter().filter(|found| !ours.contains(found)) {
                writeln!(differences, "{arch}, {wanted:?}, {option}: only apt chooses {found:?}").unwrap();
            }
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// Names of the essential packages, found without the parser under test.
fn essential(suites: &[Suite]) -> Vec<String> {
    let stanzas = suites.iter().flat_map(|suite| suite.text.split("\n\n"));
    let mut names: Vec<String> = stanzas
        .filter(|stanza| stanza.lines().any(|line| line == "Essential: yes"))
        .filter_map(|stanza| stanza.lines().find_map(|line| line.strip_prefix("Package: ")))
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    assert!(names.contains(&"dpkg".to_owned()), "{names:?}");
    names
}

#[test]
fn amd64_selections_are_those_of_apt() {
    compare(Apt::amd64());
}

#[test]
fn arm64_selections_are_those_of_apt() {
    compare(Apt::arm64());
}
