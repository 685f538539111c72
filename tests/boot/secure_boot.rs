//! Secure Boot: firmware that has enrolled our keys starts what is signed with them, and nothing else.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::console::Console;
use crate::draw::is_turn;
use crate::own_module;
use crate::stick::{self, Image};

/// What the firmware is given of `secure-boot/`.
const SETTINGS: [&str; 3] = ["PK.auth", "KEK.auth", "db.auth"];

/// Firmware's settings without any key: Setup Mode.
const NO_KEYS: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/// systemd-boot enrols what lies in `loader/keys/auto` by itself, in virtual machines alone (loader.conf(5)).
const ENROL: &str = "timeout 0\nsecure-boot-enroll if-safe\n";

/// The file system of the stick's first partition, as mtools take it.
fn esp(image: &Image, stick: &Path) -> String {
    format!("{}@@{}", stick.display(), image.partition("esp").0)
}

/// Puts the settings on `stick` where the boot loader enrols them from.
fn offer_keys(image: &Image, stick: &Path) {
    let esp = esp(image, stick);
    let mtools = |program: &str, args: &[&str]| {
        let ran = Command::new(program).args(["-i", &esp]).args(args).output().expect("tests/run.sh installs it");
        assert!(ran.status.success(), "{program}: {}", String::from_utf8_lossy(&ran.stderr));
    };
    let config = stick.with_extension("conf");
    std::fs::write(&config, ENROL).expect("room beside the stick");
    mtools("mcopy", &["-o", &config.display().to_string(), "::loader/loader.conf"]);
    mtools("mmd", &["::loader/keys", "::loader/keys/auto"]);
    for name in SETTINGS {
        let file = image.secure_boot().join(name);
        mtools("mcopy", &[&file.display().to_string(), "::loader/keys/auto/"]);
    }
}

/// A stick with `image` whose command line names another root: one digit of its hash is another.
fn changed(image: &Image) -> PathBuf {
    const KEY: &[u8] = b"roothash=";
    let stick = image.stick("changed");
    let disk = OpenOptions::new().read(true).write(true).open(&stick).expect("the stick is a file");
    let (start, end) = image.partition("esp");
    let mut bytes = vec![0; usize::try_from(end - start).expect("it fits in memory")];
    disk.read_exact_at(&mut bytes, start).expect("a whole partition");
    let found: Vec<usize> = (0..bytes.len() - KEY.len()).filter(|&at| bytes[at..].starts_with(KEY)).collect();
    let [at] = found[..] else { panic!("one command line, not {}", found.len()) };
    let digit = at + KEY.len();
    let other = if bytes[digit] == b'0' { b'1' } else { b'0' };
    disk.write_all_at(&[other], start + digit as u64).expect("the stick can be written");
    stick
}

#[test]
fn firmware_with_our_keys_starts_the_signed_image_and_refuses_unsigned_and_changed_ones() {
    if !is_turn("firmware_with_our_keys_starts_the_signed_image_and_refuses_unsigned_and_changed_ones", 2, 4) {
        return;
    }
    let signed = stick::signed();
    let variables = signed.copy(Path::new(NO_KEYS), "variables");

    let stick = signed.stick("signed");
    offer_keys(&signed, &stick);
    let mut enrolling = Console::secure_boot(&stick, &variables);
    enrolling.wait_for("Custom Secure Boot keys successfully enrolled");
    // It would restart, which QEMU is told not to do.
    enrolling.wait_for_end();

    let mut unsigned = Console::secure_boot(&stick::unsigned().stick("unsigned"), &variables);
    unsigned.wait_for("failed to load Boot0001");
    unsigned.wait_for("Access Denied");
    drop(unsigned);

    let mut refused = Console::secure_boot(&changed(&signed), &variables);
    refused.wait_for("Error loading \\EFI\\Linux\\");
    refused.wait_for("Access denied");
    drop(refused);

    // The very same stick as it was built, from the same firmware.
    let mut node = Console::secure_boot(&signed.stick("signed"), &variables);
    own_module::wait_for(&mut node);
    node.wait_for_shell();
    let on = "od -An -t u1 -j 4 /sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    assert_eq!(node.run(on), "1");
    assert_eq!(node.run("cat /sys/kernel/security/lockdown"), "none [integrity] confidentiality");
    assert_eq!(node.run("systemctl is-system-running --wait"), "running", "{}", node.run("systemctl --failed"));
    // Locked down, the kernel loads what is signed; nobody but us has the key, and firmware has told it the certificate.
    own_module::check(&mut node, "O");
    node.power_off();
}
