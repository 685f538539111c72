//! systemd's boot loader and stub for this machine, from the host's own archive.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use tempfile::TempDir;

use crate::support::ok;

/// UEFI's name of this machine's architecture.
pub const EFI: &str = if cfg!(target_arch = "aarch64") { "aa64" } else { "x64" };

/// The directory that package `systemd-boot-efi` ships them in.
pub fn boot_loader() -> PathBuf {
    static PACKAGE: LazyLock<TempDir> = LazyLock::new(|| {
        let dir = tempfile::tempdir().expect("a temporary directory");
        ok(dir.path(), "apt-get", &["download", "--quiet", "systemd-boot-efi"]);
        let found = fs::read_dir(dir.path()).expect("its entries").next().expect("a package").expect("its entry");
        ok(dir.path(), "dpkg-deb", &["--extract", found.path().to_str().expect("a plain name"), "."]);
        dir
    });
    PACKAGE.path().join(Path::new("usr/lib/systemd/boot/efi"))
}
