//! Images to boot: a workspace whose profiles open a root shell on the serial console, built once each.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use assert_cmd::Command;
use imgbuild::cmd::boot::host;
use imgbuild::profile::Arch;
use tempfile::TempDir;

/// Size of the stick that an image is written to.
pub const STICK: u64 = 4 << 30;

/// Where the downloads of all test runs are kept.
const CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/cache");

/// Published images have no way in but a key; the tests get theirs through an overlay.
const AUTOLOGIN: &str = "[Service]\nExecStart=\nExecStart=-agetty --autologin root --keep-baud 115200 - $TERM\n";

/// A built image and its manifest.
pub struct Image {
    directory: TempDir,
    name: &'static str,
}

/// The image for `arch`, built when first asked for.
pub fn image(arch: Arch) -> &'static Image {
    static AMD64: OnceLock<Image> = OnceLock::new();
    static ARM64: OnceLock<Image> = OnceLock::new();
    match arch {
        Arch::Amd64 => AMD64.get_or_init(|| build("boot-amd64", "uefi-amd64")),
        Arch::Arm64 => ARM64.get_or_init(|| build("boot-arm64", "uefi-arm64")),
    }
}

fn build(name: &'static str, board: &str) -> Image {
    let directory = TempDir::new().expect("a temporary directory");
    let workspace = directory.path().join("workspace");
    // The long time-out is for emulation on a busy machine, where the coldplug of devices alone can take minutes.
    let profile = format!(
        "schema = 1\nextends = \"base\"\ndescription = \"Boots in the tests\"\nboard = \"{board}\"\nhostname = \"tested\"\n\
         serial = true\noverlays = [\"autologin\"]\n\n\
         [kernel]\ncmdline = [\"systemd.default_device_timeout_sec=300\"]\n"
    );
    let overlay = "schema = 1\ndescription = \"A root shell on the serial console\"\n";
    let unit = "overlays/autologin/files/etc/systemd/system/serial-getty@.service.d/autologin.conf";
    for (path, text) in [
        (&*format!("profiles/{name}.toml"), &*profile),
        ("overlays/autologin/overlay.toml", overlay),
        (unit, AUTOLOGIN),
    ] {
        let path = workspace.join(path);
        fs::create_dir_all(path.parent().expect("a path below the workspace")).expect("a directory");
        fs::write(path, text).expect("a file of the workspace");
    }
    Command::cargo_bin("imgbuild")
        .expect("the binary is built")
        .args(["build", "--profile", name, "--cache-dir", CACHE, "--workspace"])
        .arg(&workspace)
        .arg("--output")
        .arg(directory.path().join("out"))
        .assert()
        .success();
    Image { directory, name }
}

impl Image {
    /// A stick with the image on it, named `name`, as flashing would make it.
    pub fn stick(&self, name: &str) -> PathBuf {
        let stick = self.directory.path().join(name);
        host::write_stick(&self.file(".img"), &stick, STICK).expect("room for a stick");
        stick
    }

    /// Where a partition of the image starts and ends, in bytes.
    pub fn partition(&self, label: &str) -> (u64, u64) {
        let manifest: serde_json::Value = serde_json::from_slice(
            &fs::read(self.directory.path().join("out/manifest.json")).expect("the build wrote a manifest"),
        )
        .expect("a manifest is JSON");
        let partitions = manifest["partitions"].as_array().expect("the manifest lists partitions");
        let found = partitions.iter().find(|found| found["label"] == label).expect("the partition is listed");
        let number = |key: &str| found[key].as_u64().expect("offset and size are numbers");
        (number("offset"), number("offset") + number("size"))
    }

    fn file(&self, suffix: &str) -> PathBuf {
        self.directory.path().join(Path::new("out").join(format!("{}{suffix}", self.name)))
    }
}
