//! systemd's boot loader and stub for this machine, from the host's own archive.

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use crate::support::ok;

/// UEFI's name of this machine's architecture.
pub const EFI: &str = if cfg!(target_arch = "aarch64") { "aa64" } else { "x64" };

/// The file `name` of package `systemd-boot-efi`.
pub fn boot_loader(name: &str) -> &'static [u8] {
    static FILES: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
        let dir = tempfile::tempdir().expect("a temporary directory");
        ok(dir.path(), "apt-get", &["download", "--quiet", "systemd-boot-efi"]);
        let package = fs::read_dir(dir.path()).expect("its entries").next().expect("a package").expect("its entry");
        ok(dir.path(), "dpkg-deb", &["--extract", package.path().to_str().expect("a plain name"), "."]);
        let files = fs::read_dir(dir.path().join("usr/lib/systemd/boot/efi")).expect("the boot loader's directory");
        let file = |entry: fs::DirEntry| {
            (entry.file_name().into_string().expect("a plain name"), fs::read(entry.path()).expect("a readable file"))
        };
        files.map(|entry| file(entry.expect("its entry"))).collect()
    });
    &FILES[name]
}
