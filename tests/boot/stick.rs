//! Images to boot: a workspace whose profiles open a root shell on the serial console, built once each.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process;

use assert_cmd::Command;
use imgbuild::cmd::boot::host;

use crate::own_module;

/// Size of the stick that an image is written to.
pub const STICK: u64 = 4 << 30;

/// Where the downloads of all test runs are kept.
const CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/cache");

/// Where images, sticks and what machines said are kept until the next run, so that a failure can be looked into.
const PLACE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/boot");

/// Published images have no way in but a key; the tests get theirs through an overlay.
const AUTOLOGIN: &str = "[Service]\nExecStart=\nExecStart=-agetty --autologin root --keep-baud 115200 - $TERM\n";

/// login(1) ends after a minute by itself, which is soon on a busy machine, and leaves a session that failed. In seconds
/// (login.defs(5)).
const LOGIN: &str = "LOGIN_TIMEOUT 900\n";

/// A built image and its manifest.
pub struct Image {
    directory: PathBuf,
    pub profile: &'static str,
}

/// An image that opens a root shell on the serial console of a PC, and has a kernel module of our own.
pub fn amd64() -> Image {
    Image::build_with("boot-amd64", Some("uefi-amd64"), &[own_module::OVERLAY], own_module::add)
}

/// The same for 64-bit ARM with UEFI firmware.
pub fn arm64() -> Image {
    Image::build_with("boot-arm64", Some("uefi-arm64"), &[own_module::OVERLAY], own_module::add)
}

/// As [`amd64`] without the module, to be exported and flashed.
pub fn exported() -> Image {
    Image::build("boot-exported", Some("uefi-amd64"))
}

/// As [`amd64`], signed for Secure Boot with keys that are made here.
pub fn signed() -> Image {
    Image::build_with("boot-signed", Some("uefi-amd64"), &[own_module::OVERLAY], |workspace| {
        for verb in ["init", "secure-boot"] {
            imgbuild(&["secrets", verb, "--workspace"]).arg(workspace).assert().success();
        }
        own_module::add(workspace)
    })
}

/// As [`amd64`] without the module, to be refused.
pub fn unsigned() -> Image {
    Image::build("boot-unsigned", Some("uefi-amd64"))
}

/// The image of a profile that every workspace has, as it is.
pub fn published(profile: &'static str) -> Image {
    Image::build(profile, None)
}

impl Image {
    /// Builds `profile`: one that is made here for `board`, else one that every workspace has.
    fn build(profile: &'static str, board: Option<&str>) -> Self {
        Self::build_with(profile, board, &[], |_| {})
    }

    /// As [`Self::build`], with `more` overlays and what `prepare` puts into the workspace before; what it gives is kept until
    /// the image is there.
    pub fn build_with<T>(
        profile: &'static str,
        board: Option<&str>,
        more: &[&str],
        prepare: impl FnOnce(&Path) -> T,
    ) -> Self {
        let directory = Path::new(PLACE).join(profile);
        let workspace = directory.join("workspace");
        if directory.exists() {
            fs::remove_dir_all(&directory).expect("our own directory");
        }
        fs::create_dir_all(&workspace).expect("a workspace");
        if let Some(board) = board {
            open_up(&workspace, profile, board, more);
        }
        let _kept = prepare(&workspace);
        let k3s = directory.join("k3s");
        crate::k3s::release(&k3s);
        imgbuild(&["build", "--profile", profile, "--workspace"])
            .arg(&workspace)
            .arg("--output")
            .arg(directory.join("out"))
            .arg("--k3s-dir")
            .arg(k3s)
            .assert()
            .success();
        Self { directory, profile }
    }

    /// A stick with the image on it, named `name`, as flashing would make it.
    pub fn stick(&self, name: &str) -> PathBuf {
        let stick = self.directory.join(name);
        host::write_stick(&self.file(), &stick, STICK).expect("room for a stick");
        stick
    }

    /// Writes the image's release set; gives the compressed image in it.
    pub fn export(&self) -> PathBuf {
        let release = self.directory.join("release");
        imgbuild(&["export", "--profile", self.profile, "--workspace"])
            .arg(self.directory.join("workspace"))
            .arg("--k3s-dir")
            .arg(self.directory.join("k3s"))
            .arg("--output")
            .arg(&release)
            .assert()
            .success();
        release.join(format!("{}.img.zst", self.profile))
    }

    /// A stick of zeros, named `name`.
    pub fn blank(&self, name: &str) -> PathBuf {
        let stick = self.directory.join(name);
        File::create(&stick).and_then(|file| file.set_len(STICK)).expect("room for a stick");
        stick
    }

    /// Where a partition of the image starts and ends, in bytes.
    pub fn partition(&self, label: &str) -> (u64, u64) {
        let manifest = self.manifest();
        let partitions = manifest["partitions"].as_array().expect("the manifest lists partitions");
        let found = partitions.iter().find(|found| found["label"] == label).expect("the partition is listed");
        let number = |key: &str| found[key].as_u64().expect("offset and size are numbers");
        (number("offset"), number("offset") + number("size"))
    }

    /// Holds a stick against the image; gives at whose end its backup table lies.
    pub fn verify(&self, stick: &Path) -> String {
        let manifest = self.directory.join("out/manifest.json");
        let ran = imgbuild(&["--json", "verify"]).arg(stick).arg("--manifest").arg(manifest).output().expect("it runs");
        let said = String::from_utf8(ran.stdout).expect("text");
        assert!(ran.status.success(), "{said}");
        let last = said.lines().last().expect("a result");
        let event: serde_json::Value = serde_json::from_str(last).expect("JSON");
        event["result"]["backup_table"].as_str().expect("whose end").to_owned()
    }

    /// What firmware can enrol of the keys that [`signed`] made.
    pub fn secure_boot(&self) -> PathBuf {
        self.directory.join("workspace/secure-boot")
    }

    /// A file named `name` beside the image, with a copy of `from`.
    pub fn copy(&self, from: &Path, name: &str) -> PathBuf {
        let copy = self.directory.join(name);
        fs::copy(from, &copy).expect("room beside the image");
        copy
    }

    /// What the build says of the image.
    pub fn manifest(&self) -> serde_json::Value {
        let text = fs::read(self.directory.join("out/manifest.json")).expect("the build wrote a manifest");
        serde_json::from_slice(&text).expect("a manifest is JSON")
    }

    /// The image's file.
    pub fn file(&self) -> PathBuf {
        self.directory.join("out").join(format!("{}.img", self.profile))
    }
}

/// Has the program write a compressed image to a stick, which the kernel shows as a disk meanwhile.
pub fn flash(image: &Path, stick: &Path) {
    let device = run(process::Command::new("losetup").args(["--find", "--show"]).arg(stick));
    let written = imgbuild(&["flash", "--yes", "--allow-loop", "--no-eject", "--device", device.trim(), "--image"])
        .arg(image)
        .output()
        .expect("the binary runs");
    run(process::Command::new("losetup").args(["--detach", device.trim()]));
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
}

/// Writes a compressed image to a stick as people do it who have only the usual tools.
pub fn dd(image: &Path, stick: &Path) {
    let script =
        "set -o pipefail; zstd -qdc \"$1\" | dd of=\"$2\" bs=4M iflag=fullblock conv=notrunc,sparse status=none";
    run(process::Command::new("bash").args(["-c", script, "dd"]).args([image, stick]));
}

fn run(command: &mut process::Command) -> String {
    let output = command.output().expect("tests/run.sh installs it");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn imgbuild(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("imgbuild").expect("the binary is built");
    command.args(["--cache-dir", CACHE]).args(args);
    command
}

/// Writes a profile for `board` with a root shell on the serial console, and with `more` overlays.
fn open_up(workspace: &Path, profile: &str, board: &str, more: &[&str]) {
    let overlays = [&["autologin"], more].concat();
    // The long time-out is for emulation on a busy machine, where the coldplug of devices alone can take minutes.
    let text = format!(
        "schema = 1\nextends = \"base\"\ndescription = \"Boots in the tests\"\nboard = \"{board}\"\nhostname = \"tested\"\n\
         serial = true\noverlays = {overlays:?}\n\n\
         [kernel]\ncmdline = [\"systemd.default_device_timeout_sec=300\"]\n"
    );
    let overlay = "schema = 1\ndescription = \"A root shell on the serial console\"\n";
    let unit = "overlays/autologin/files/etc/systemd/system/serial-getty@.service.d/autologin.conf";
    for (path, text) in [
        (&*format!("profiles/{profile}.toml"), &*text),
        ("overlays/autologin/overlay.toml", overlay),
        (unit, AUTOLOGIN),
        ("overlays/autologin/files/etc/login.defs", LOGIN),
    ] {
        write(workspace, path, text);
    }
}

/// Writes a file of a workspace.
pub fn write(workspace: &Path, path: &str, text: impl AsRef<[u8]>) {
    let path = workspace.join(path);
    fs::create_dir_all(path.parent().expect("a path below the workspace")).expect("a directory");
    fs::write(path, text).expect("a file of the workspace");
}

/// Makes another text of a file of the workspace.
pub fn edit(workspace: &Path, path: &str, other: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(workspace.join(path)).expect("a file of the workspace");
    write(workspace, path, other(text));
}
