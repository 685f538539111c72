//! What the initrd takes from the root file system, by the package that brings it.

/// Directory of the system's units.
pub(super) const UNITS: &str = "usr/lib/systemd/system";

/// Paths that one package brings.
pub(super) struct Part {
    pub(super) package: &'static str,
    pub(super) paths: &'static [&'static str],
}

/// Links of the merged /usr, where the architecture has them.
pub(super) const ALIASES: [&str; 4] = ["bin", "lib", "lib64", "sbin"];

/// Programs, generators, udev rules and settings.
pub(super) const PARTS: &[Part] = &[
    Part {
        package: "systemd",
        paths: &[
            "usr/bin/systemctl",
            "usr/bin/systemd-tmpfiles",
            "usr/lib/systemd/system-generators/systemd-fstab-generator",
            "usr/lib/systemd/systemd",
            "usr/lib/systemd/systemd-executor",
            "usr/lib/systemd/systemd-fsck",
            "usr/lib/systemd/systemd-journald",
            "usr/lib/systemd/systemd-shutdown",
            "usr/lib/systemd/systemd-sysroot-fstab-check",
        ],
    },
    Part {
        package: "systemd-cryptsetup",
        paths: &[
            "usr/lib/systemd/system-generators/systemd-veritysetup-generator",
            "usr/lib/systemd/systemd-veritysetup",
        ],
    },
    Part { package: "systemd-repart", paths: &["usr/bin/systemd-repart"] },
    Part {
        package: "udev",
        paths: &[
            "usr/bin/udevadm",
            "usr/lib/systemd/systemd-udevd",
            "usr/lib/udev/ata_id",
            "usr/lib/udev/rules.d/50-firmware.rules",
            "usr/lib/udev/rules.d/50-udev-default.rules",
            "usr/lib/udev/rules.d/60-block.rules",
            "usr/lib/udev/rules.d/60-persistent-storage.rules",
            "usr/lib/udev/rules.d/80-drivers.rules",
            "usr/lib/udev/rules.d/99-systemd.rules",
            "usr/lib/udev/scsi_id",
        ],
    },
    // The verity device gets its name in /dev/mapper from these rules, and they call the program.
    Part {
        package: "dmsetup",
        paths: &[
            "usr/lib/udev/rules.d/55-dm.rules",
            "usr/lib/udev/rules.d/60-persistent-storage-dm.rules",
            "usr/lib/udev/rules.d/95-dm-notify.rules",
            "usr/sbin/dmsetup",
        ],
    },
    // The kernel calls modprobe by this path for file systems and ciphers.
    Part { package: "kmod", paths: &["usr/bin/kmod", "usr/sbin/modprobe"] },
    Part {
        package: "e2fsprogs",
        paths: &["etc/mke2fs.conf", "usr/sbin/e2fsck", "usr/sbin/fsck.ext4", "usr/sbin/mkfs.ext4"],
    },
    Part { package: "mount", paths: &["usr/bin/mount", "usr/bin/umount"] },
    // fsck is what systemd-fsck calls, the rest serves the scripts of the node.
    Part { package: "util-linux", paths: &["usr/bin/flock", "usr/bin/mountpoint", "usr/bin/partx", "usr/sbin/fsck"] },
    Part { package: "dash", paths: &["usr/bin/dash", "usr/bin/sh"] },
    Part { package: "coreutils", paths: &["usr/bin/ln", "usr/bin/mkdir", "usr/bin/sleep", "usr/bin/tr"] },
    Part { package: "base-files", paths: &["usr/lib/os-release"] },
    // Names only. Device nodes keep the groups they get here when the real root takes over.
    Part { package: "base-passwd", paths: &["etc/group", "etc/passwd"] },
    Part { package: "imgbuild", paths: &["usr/lib/imgbuild/root-disk", "usr/lib/udev/rules.d/61-imgbuild.rules"] },
];

/// Units of systemd and udev; a link in a `.wants` directory brings the unit it points at. Whatever is not listed does not run in the initrd: no shell, no gpt-auto, no network.
pub(super) const SYSTEM_UNITS: &[&str] = &[
    "basic.target",
    "emergency.target",
    "final.target",
    "initrd-cleanup.service",
    "initrd-fs.target",
    "initrd-parse-etc.service",
    "initrd-root-device.target",
    "initrd-root-fs.target",
    "initrd-root-fs.target.wants/systemd-repart.service",
    "initrd-switch-root.service",
    "initrd-switch-root.target",
    "initrd-udevadm-cleanup-db.service",
    "initrd-usr-fs.target",
    "initrd.target",
    "local-fs-pre.target",
    "local-fs.target",
    "modprobe@.service",
    "paths.target",
    "shutdown.target",
    "slices.target",
    "sockets.target",
    "sockets.target.wants/systemd-journald-dev-log.socket",
    "sockets.target.wants/systemd-journald.socket",
    "sockets.target.wants/systemd-udevd-control.socket",
    "sockets.target.wants/systemd-udevd-kernel.socket",
    "swap.target",
    "sysinit.target",
    "sysinit.target.wants/kmod-static-nodes.service",
    "sysinit.target.wants/systemd-journald.service",
    "sysinit.target.wants/systemd-tmpfiles-setup-dev-early.service",
    "sysinit.target.wants/systemd-tmpfiles-setup-dev.service",
    "sysinit.target.wants/systemd-udev-trigger.service",
    "sysinit.target.wants/systemd-udevd.service",
    "sysinit.target.wants/veritysetup.target",
    "systemd-fsck@.service",
    "timers.target",
    "umount.target",
    "veritysetup-pre.target",
];

/// Files that only the initrd has: path, mode, text.
pub(super) const OWN_FILES: &[(&str, u16, &str)] = &[
    ("usr/lib/imgbuild/explain-failure", 0o755, include_str!("files/explain-failure")),
    ("usr/lib/systemd/journald.conf.d/10-imgbuild.conf", 0o644, include_str!("files/journald.conf")),
    ("usr/lib/systemd/system.conf.d/10-imgbuild.conf", 0o644, include_str!("files/system.conf")),
    ("usr/lib/udev/rules.d/99-verity.rules", 0o644, include_str!("files/99-verity.rules")),
    ("usr/lib/systemd/system/emergency.service", 0o644, include_str!("files/emergency.service")),
    ("usr/lib/systemd/system/imgbuild-etc-upper.service", 0o644, include_str!("files/imgbuild-etc-upper.service")),
    ("usr/lib/systemd/system/imgbuild-no-state.service", 0o644, include_str!("files/imgbuild-no-state.service")),
    ("usr/lib/systemd/system/run-imgbuild-seed.mount", 0o644, include_str!("files/run-imgbuild-seed.mount")),
    ("usr/lib/systemd/system/sysroot-etc.mount", 0o644, include_str!("files/sysroot-etc.mount")),
    ("usr/lib/systemd/system/sysroot-var.mount", 0o644, include_str!("files/sysroot-var.mount")),
    (
        "usr/lib/systemd/system/systemd-repart.service.d/10-imgbuild.conf",
        0o644,
        include_str!("files/systemd-repart.conf"),
    ),
];

/// Links that only the initrd has: path, text.
pub(super) const OWN_LINKS: &[(&str, &str)] = &[
    // systemd takes this name as the sign that it runs in an initrd.
    ("etc/initrd-release", "../usr/lib/os-release"),
    ("init", "usr/lib/systemd/systemd"),
    ("usr/lib/systemd/system/default.target", "initrd.target"),
    ("usr/lib/systemd/system/initrd-fs.target.requires/sysroot-etc.mount", "../sysroot-etc.mount"),
    ("usr/lib/systemd/system/initrd-fs.target.requires/sysroot-var.mount", "../sysroot-var.mount"),
];

/// Empty directories: mount points, and what mke2fs and repart want for temporary files.
pub(super) const DIRECTORIES: &[(&str, u16)] = &[
    ("dev", 0o755),
    ("proc", 0o555),
    ("run", 0o755),
    ("sys", 0o555),
    ("sysroot", 0o755),
    ("tmp", 0o1777),
    ("var/tmp", 0o1777),
];
