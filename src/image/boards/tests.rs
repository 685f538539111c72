use super::*;
use crate::profile::sample::sample;
use crate::tree::Node;

const RELEASE: &str = "6.12.117+deb13-arm64";

fn profile(board: Board, serial: bool) -> Profile {
    Profile { serial, ..sample(board) }
}

fn pi_tree() -> Tree {
    let mut tree = Tree::new();
    let mut put = |path: &str| tree.put(path, Node::file(0o644, path)).unwrap();
    put(&format!("boot/vmlinuz-{RELEASE}"));
    for name in ["start4.elf", "fixup4.dat"] {
        put(&format!("usr/lib/raspi-firmware/{name}"));
    }
    for board in ["4-b", "400", "cm4-io"] {
        put(&format!("usr/lib/linux-image-{RELEASE}/broadcom/bcm2711-rpi-{board}.dtb"));
    }
    tree
}

fn boot_files(profile: &Profile, tree: &Tree) -> Result<Vec<BootFile>, BootError> {
    let kernel = Kernel::find(tree)?;
    let parts = BootParts {
        profile,
        tree,
        kernel: &kernel,
        initrd: b"initrd",
        cmdline: "roothash=00 ro",
        image_id: "0123",
        secure_boot: None,
    };
    files(&parts)
}

fn text(files: &[BootFile], path: &str) -> String {
    files.iter().find(|file| file.path == path).unwrap().content.text().unwrap()
}

#[test]
fn every_embedded_text_ends_its_lines_with_line_feeds_alone() {
    for text in rpi::TEXTS.iter().chain(&uefi::TEXTS) {
        assert!(text.ends_with('\n') && !text.contains('\r'), "{text}");
    }
    for list in [rpi::TEXTS[0], uefi::TEXTS[0]] {
        toml::from_str::<Blobs>(list).unwrap();
    }
}

#[test]
fn a_pi_gets_firmware_device_trees_and_configuration() {
    let files = boot_files(&profile(Board::Rpi4, true), &pi_tree()).unwrap();
    let mut names: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "autoboot.txt",
            "bcm2711-rpi-4-b.dtb",
            "bcm2711-rpi-400.dtb",
            "bcm2711-rpi-cm4-io.dtb",
            "bcm2711-rpi-cm4.dtb",
            "cmdline.txt",
            "config.txt",
            "fixup4.dat",
            "initrd.img",
            "start4.elf",
            "vmlinuz",
        ]
    );
    assert_eq!(text(&files, "cmdline.txt"), "roothash=00 ro\n");
    let autoboot = text(&files, "autoboot.txt");
    assert!(autoboot.contains("boot_partition=1\n") && !autoboot.contains("[tryboot]"), "{autoboot}");
    let config = text(&files, "config.txt");
    for line in ["arm_64bit=1", "kernel=vmlinuz", "initramfs initrd.img followkernel", "enable_uart=1"] {
        assert!(config.lines().any(|found| found == line), "{line}");
    }
    let quiet = boot_files(&profile(Board::Rpi4, false), &pi_tree()).unwrap();
    assert!(!text(&quiet, "config.txt").contains("enable_uart"));
}

#[test]
fn what_is_missing_is_named_with_its_package() {
    let mut tree = pi_tree();
    tree.remove("usr/lib/raspi-firmware/start4.elf");
    let error = boot_files(&profile(Board::Rpi4, true), &tree).unwrap_err();
    assert_eq!(error.to_string(), "`/usr/lib/raspi-firmware/start4.elf`, which the boot partition needs, is missing");
    assert!(error.hint().unwrap().contains("`raspi-firmware`"));

    tree.remove(&format!("boot/vmlinuz-{RELEASE}"));
    assert!(matches!(boot_files(&profile(Board::Rpi4, true), &tree), Err(BootError::NoKernel)));
    let error = boot_files(&profile(Board::UefiArm64, true), &pi_tree()).unwrap_err();
    assert!(error.hint().unwrap().contains("`systemd-boot-efi`"));
}

#[test]
fn two_kernels_are_refused() {
    let mut tree = pi_tree();
    tree.put("boot/vmlinuz-6.12.1", Node::file(0o644, "x")).unwrap();
    let error = boot_files(&profile(Board::Rpi4, true), &tree).unwrap_err();
    assert_eq!(error.to_string(), format!("several kernels (6.12.1, {RELEASE}), an image boots exactly one"));
}

#[test]
fn a_profiles_lines_of_config_txt_come_last_and_no_filter_stays_in_force_behind_them() {
    let mut pi = profile(Board::Rpi4, true);
    pi.config_txt = ["[pi4]", "arm_freq=2000"].map(str::to_owned).to_vec();
    let config = text(&boot_files(&pi, &pi_tree()).unwrap(), "config.txt");
    let without = text(&boot_files(&profile(Board::Rpi4, true), &pi_tree()).unwrap(), "config.txt");
    assert_eq!(config, format!("{without}# The profile's.\n[pi4]\narm_freq=2000\n[all]\n"));
}

#[test]
fn device_tree_overlays_that_a_profile_names_are_taken_along_and_missing_ones_told() {
    let mut pi = profile(Board::Rpi4, true);
    pi.config_txt = ["dtoverlay=gpio-fan,gpiopin=14", "dtparam=temp=60000", "dtoverlay="].map(str::to_owned).to_vec();
    let error = boot_files(&pi, &pi_tree()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`dtoverlay=gpio-fan,gpiopin=14` asks for an overlay that the image does not have: \
         `/usr/lib/raspi-firmware/overlays/gpio-fan.dtbo`"
    );
    assert!(error.hint().unwrap().contains("[[file]]"), "{:?}", error.hint());
    pi.config_txt[0] = "DTOVERLAY=gpio-fan,gpiopin=14".to_owned();
    assert!(matches!(boot_files(&pi, &pi_tree()), Err(BootError::NoOverlay { .. })));
    let mut tree = pi_tree();
    tree.put("usr/lib/raspi-firmware/overlays/gpio-fan.dtbo", Node::file(0o644, "fan")).unwrap();
    let files = boot_files(&pi, &tree).unwrap();
    assert_eq!(text(&files, "overlays/gpio-fan.dtbo"), "fan");
    assert_eq!(files.iter().filter(|file| file.path.starts_with("overlays/")).count(), 1);
}
