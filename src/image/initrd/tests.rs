use super::*;

const KERNEL: &str = "usr/lib/modules/6.12.0-test";

/// A root that holds everything the initrd takes, each file with its own path as content.
fn root() -> Tree {
    let mut tree = Tree::new();
    for alias in ["bin", "lib", "sbin"] {
        tree.put(alias, Node::symlink(format!("usr/{alias}"))).unwrap();
    }
    let units = SYSTEM_UNITS.iter().map(|unit| format!("{UNITS}/{unit}"));
    for path in PARTS.iter().flat_map(|part| part.paths).map(|path| (*path).to_owned()).chain(units) {
        // A link in a `.wants` directory points at the unit of its name.
        match path.split_once(".wants/") {
            Some((_, unit)) => {
                tree.put(&format!("{UNITS}/{unit}"), Node::file(0o644, unit)).unwrap();
                tree.put(&path, Node::symlink(format!("../{unit}"))).unwrap();
            }
            None => tree.put(&path, Node::file(0o755, path.as_str())).unwrap(),
        }
    }
    let modules = "kernel/ext4.ko.xz: kernel/jbd2.ko.xz\nkernel/jbd2.ko.xz:\nkernel/dm-verity.ko.xz: kernel/dm-mod.ko.xz\n\
                   kernel/dm-mod.ko.xz:\nkernel/sha256-ce.ko.xz:\nkernel/crc32c_generic.ko.xz:\nkernel/extra.ko.xz:\n\
                   kernel/unused.ko.xz:\nkernel/sd_mod.ko.xz:\nkernel/usb-storage.ko.xz:\nkernel/soft.ko.xz:\n";
    let lists = [
        ("modules.dep", modules),
        ("modules.softdep", "softdep ext4 pre: soft post: absent\n"),
        ("modules.alias", "alias crypto-sha256 sha256_ce\nalias crypto-crc32c crc32c_generic\nalias pci:v*d* unused\n"),
        (
            "modules.builtin",
            "kernel/fs/squashfs/squashfs.ko\nkernel/fs/autofs/autofs4.ko\nkernel/fs/overlayfs/overlay.ko\n",
        ),
        ("modules.builtin.modinfo", "loop.alias=devname:loop-control\0loop.alias=loop\0"),
        ("modules.order", ""),
    ];
    for (name, text) in lists {
        tree.put(&format!("{KERNEL}/{name}"), Node::file(0o644, text)).unwrap();
    }
    for line in modules.lines() {
        let path = line.split(':').next().unwrap();
        tree.put(&format!("{KERNEL}/{path}"), Node::file(0o644, path)).unwrap();
    }
    tree.put("usr/bin/bash", Node::file(0o755, "bash")).unwrap();
    tree
}

#[test]
fn the_initrd_is_the_roots_own_files_and_what_starts_it() {
    let initrd = build(&root(), &[], Arch::Arm64).unwrap();
    assert_eq!(initrd.file("usr/bin/udevadm").unwrap().text().unwrap(), "usr/bin/udevadm");
    assert!(matches!(&initrd.get("init").unwrap().kind, Kind::Symlink(target) if target == "usr/lib/systemd/systemd"));
    assert!(initrd.contains("etc/initrd-release"));
    assert!(initrd.contains("usr/lib/systemd/system/systemd-udevd.service"), "the unit behind a link in .wants");
    assert_eq!(initrd.get("tmp").unwrap().mode, 0o1777);
    assert!(!initrd.contains("usr/bin/bash"), "only what is declared");
}

#[test]
fn modules_come_with_what_they_depend_on_and_no_others() {
    let initrd = build(&root(), &["extra".to_owned()], Arch::Arm64).unwrap();
    let modules: Vec<&str> =
        initrd.below(KERNEL).filter_map(|(path, _)| path.strip_suffix(".ko.xz")?.rsplit('/').next()).collect();
    let expected = [
        "crc32c_generic",
        "dm-mod",
        "dm-verity",
        "ext4",
        "extra",
        "jbd2",
        "sd_mod",
        "sha256-ce",
        "soft",
        "usb-storage",
    ];
    assert_eq!(modules, expected);
}

#[test]
fn a_module_that_the_kernel_lacks_is_named() {
    let error = build(&root(), &["no-such".to_owned()], Arch::Arm64).unwrap_err();
    assert_eq!(error.to_string(), "the kernel has no module `no-such`, neither as a file nor built in");
    assert!(error.hint().unwrap().contains("initrd_modules"));
}

#[test]
fn a_missing_program_is_named_with_the_package_that_brings_it() {
    let mut root = root();
    root.remove("usr/bin/systemd-repart");
    let error = build(&root, &[], Arch::Amd64).unwrap_err();
    assert!(error.to_string().contains("`/usr/bin/systemd-repart` from package `systemd-repart`"), "{error}");
}

#[test]
fn two_kernels_are_one_too_many() {
    let mut root = root();
    root.put("usr/lib/modules/6.12.0-other/modules.dep", Node::file(0o644, "")).unwrap();
    assert!(matches!(build(&root, &[], Arch::Amd64), Err(InitrdError::Kernels { .. })));
}

#[test]
fn a_program_brings_its_loader_and_libraries() {
    // The test program itself is a real one.
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let needs = elf::needs(&program).unwrap();
    assert!(needs.libraries.iter().any(|library| library == "libc.so.6"), "{needs:?}");
    let mut root = root();
    root.put("usr/bin/dash", Node::file(0o755, program)).unwrap();
    root.put("lib64", Node::symlink("usr/lib64")).unwrap();
    let loader = needs.interpreter.unwrap();
    let loader = root.resolve(&loader, false).unwrap();
    root.put(&loader, Node::file(0o755, "loader")).unwrap();
    for library in &needs.libraries {
        root.put(&format!("usr/lib/x86_64-linux-gnu/{library}"), Node::symlink(format!("{library}.1"))).unwrap();
        root.put(&format!("usr/lib/x86_64-linux-gnu/{library}.1"), Node::file(0o644, "library")).unwrap();
    }

    let initrd = build(&root, &[], Arch::Amd64).unwrap();
    assert!(initrd.contains(&loader));
    assert!(initrd.contains("usr/lib/x86_64-linux-gnu/libc.so.6.1"), "the file behind the library's link");

    root.remove("usr/lib/x86_64-linux-gnu/libc.so.6");
    let error = build(&root, &[], Arch::Amd64).unwrap_err();
    assert_eq!(error.to_string(), "`/usr/bin/dash` needs the library `libc.so.6`, which the image does not hold");
}

#[test]
fn the_packed_initrd_is_the_same_each_time() {
    let initrd = build(&root(), &[], Arch::Amd64).unwrap();
    let packed = pack(&initrd, 1_700_000_000).unwrap();
    assert_eq!(packed, pack(&initrd, 1_700_000_000).unwrap());
    let archive = zstd::decode_all(packed.as_slice()).unwrap();
    assert!(archive.starts_with(b"070701"));
}
