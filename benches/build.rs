//! What a build costs, as ratios measured side by side in one run: against `mmdebstrap` and `mksquashfs` over the same
//! packages, natively and with arm64 emulated, and against itself when little or nothing changed. Prints a table; asserts
//! nothing; what this host cannot do is a row that says so. Needs root, for `mmdebstrap` and for unpacking the finished
//! root with its owners.

#![expect(clippy::print_stdout, reason = "the table is the result")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be taken has to stop")]

#[path = "../tests/support/k3s.rs"]
#[expect(dead_code, reason = "the release alone is wanted here")]
mod k3s;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const IMGBUILD: &str = env!("CARGO_BIN_EXE_imgbuild");

/// The control node, and the same packages for a PC, which `mmdebstrap` can install here without emulation.
const TWIN: &str = "schema = 1\nextends = \"control\"\ndescription = \"control, natively\"\nboard = \"uefi-amd64\"\noverlays = [\"changed\"]\n";
/// The control node with the file that changes.
const CHANGING: &str =
    "schema = 1\nextends = \"control\"\ndescription = \"control, changing\"\noverlays = [\"changed\"]\n";
/// Where the kernel shows the program that runs arm64 programs on a PC.
const EMULATOR: &str = "/proc/sys/fs/binfmt_misc/qemu-aarch64";
const OVERLAY: &str = "schema = 1\ndescription = \"A file that changes\"\n";

/// Whether this host runs programs of arm64: the kernel knows the emulator, and `arch-test`, which `mmdebstrap` asks, agrees.
fn emulates() -> bool {
    let asked = Command::new("arch-test").arg("arm64").stdout(Stdio::null()).stderr(Stdio::null()).status();
    Path::new(EMULATOR).exists() && asked.is_ok_and(|status| status.success())
}

/// How long a command took, and the most memory it had.
struct Cost {
    time: Duration,
    /// KiB.
    memory: u64,
}

/// A workspace and a cache below one directory.
struct Bench {
    dir: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
        let _ = fs::remove_dir_all(dir.join("away"));
        fs::create_dir_all(dir.join("ws/profiles")).unwrap();
        fs::create_dir_all(dir.join("ws/overlays/changed/files/etc")).unwrap();
        fs::write(dir.join("ws/profiles/twin.toml"), TWIN).unwrap();
        fs::write(dir.join("ws/profiles/changing.toml"), CHANGING).unwrap();
        fs::write(dir.join("ws/overlays/changed/overlay.toml"), OVERLAY).unwrap();
        // A stand-in of a few hundred bytes: what is compared has no K3s.
        k3s::release(&dir.join("k3s"));
        let bench = Self { dir };
        bench.change("first");
        bench
    }

    /// Changes the overlay's one file.
    fn change(&self, text: &str) {
        fs::write(self.dir.join("ws/overlays/changed/files/etc/changed"), text).unwrap();
    }

    fn build(&self, profile: &str) -> Cost {
        let mut command = Command::new(IMGBUILD);
        command.args(["--quiet", "build", "--profile", profile, "--workspace"]).arg(self.dir.join("ws"));
        command.arg("--k3s-dir").arg(self.dir.join("k3s"));
        measure(command.arg("--cache-dir").arg(self.dir.join("cache")))
    }

    /// Forgets everything derived and every output; downloads stay.
    fn forget(&self) {
        for derived in ["cache/packs", "cache/derived", "ws/build"] {
            self.put_away(derived);
        }
    }

    /// Takes a directory out of the way. It is not removed now: file systems look for thousands of just freed inodes when new
    /// files are made, which is no part of what is measured.
    fn put_away(&self, path: &str) {
        let away = self.dir.join("away");
        fs::create_dir_all(&away).unwrap();
        let number = fs::read_dir(&away).unwrap().count();
        let _ = fs::rename(self.dir.join(path), away.join(number.to_string()));
    }

    fn output(&self, profile: &str) -> PathBuf {
        self.dir.join("ws/build").join(profile)
    }

    fn manifest(&self, profile: &str) -> Value {
        serde_json::from_slice(&fs::read(self.output(profile).join("manifest.json")).unwrap()).unwrap()
    }

    /// A repository of a profile's packages, made of the downloads.
    fn repository(&self, profile: &str) -> (PathBuf, String) {
        let dir = self.dir.join("repository");
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        let mut index = String::new();
        let mut names = Vec::new();
        for package in self.manifest(profile)["packages"].as_array().unwrap() {
            let (name, sha256) = (package["name"].as_str().unwrap(), package["sha256"].as_str().unwrap());
            let deb = self.dir.join("cache/downloads/sha256").join(sha256);
            fs::hard_link(&deb, dir.join(format!("{name}.deb"))).unwrap();
            let control = Command::new("dpkg-deb").arg("--field").arg(&deb).output().unwrap().stdout;
            let control = String::from_utf8(control).unwrap();
            let size = fs::metadata(&deb).unwrap().len();
            writeln!(index, "{}\nFilename: ./{name}.deb\nSize: {size}\nSHA256: {sha256}\n", control.trim_end())
                .unwrap();
            names.push(name.to_owned());
        }
        fs::write(dir.join("Packages"), index).unwrap();
        (dir, names.join(","))
    }

    /// mmdebstrap and mksquashfs over a profile's packages.
    fn usual_way(&self, profile: &str, arch: &str) -> Duration {
        let (repository, names) = self.repository(profile);
        let (tree, squashfs) = (self.dir.join("tree"), self.dir.join("usual.squashfs"));
        self.put_away("tree");
        let _ = fs::remove_file(&squashfs);
        let mut mmdebstrap = Command::new("mmdebstrap");
        mmdebstrap.args(["--quiet", "--variant=custom", "--aptopt=APT::Sandbox::User \"root\""]);
        mmdebstrap.arg(format!("--architectures={arch}")).arg(format!("--include={names}")).arg("trixie").arg(&tree);
        mmdebstrap.arg(format!("deb [trusted=yes] copy:{} ./", repository.display()));
        let mut mksquashfs = Command::new("mksquashfs");
        mksquashfs.args([&tree, &squashfs]).args(["-comp", "zstd", "-no-progress", "-quiet"]);
        measure(&mut mmdebstrap).time + measure(&mut mksquashfs).time
    }

    /// Bytes of our root file system, and of mksquashfs' of the same tree with the same settings.
    fn sizes(&self, profile: &str) -> (u64, u64) {
        let manifest = self.manifest(profile);
        let root = manifest["partitions"].as_array().unwrap().iter().find(|found| found["label"] == "root-a").unwrap();
        let (tree, squashfs) = (self.dir.join("root"), self.dir.join("same.squashfs"));
        let _ = fs::remove_dir_all(&tree);
        let _ = fs::remove_file(&squashfs);
        let image = self.output(profile).join(format!("{profile}.img"));
        let mut unsquashfs = Command::new("unsquashfs");
        measure(
            unsquashfs
                .arg("-offset")
                .arg(root["offset"].to_string())
                .args(["-quiet", "-no-progress", "-dest"])
                .args([&tree, &image]),
        );
        let encoders = &manifest["encoders"];
        let mut mksquashfs = Command::new("mksquashfs");
        mksquashfs.args([&tree, &squashfs]).args(["-comp", "zstd", "-no-progress", "-quiet", "-Xcompression-level"]);
        measure(
            mksquashfs
                .arg(encoders["squashfs_level"].to_string())
                .arg("-b")
                .arg(encoders["squashfs_block_size"].to_string()),
        );
        (root["used"].as_u64().unwrap(), fs::metadata(squashfs).unwrap().len())
    }
}

/// Runs a command to its end; watches its memory, which the kernel counts as a maximum (`VmHWM`).
fn measure(command: &mut Command) -> Cost {
    let start = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut memory = 0;
    let ended = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        let text = fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        memory = memory.max(peak.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    };
    let time = start.elapsed();
    assert!(ended.success(), "{command:?} ended with {ended}");
    Cost { time, memory }
}

/// Prints a row of the table.
fn row(what: &str, time: Duration, note: &str) {
    println!("| {what} | {:.2} s | {note} |", time.as_secs_f64());
}

/// Prints a row with a comparison.
fn against(what: &str, time: Duration, usual: Duration) {
    row(what, time, &format!("{:.1}× faster", usual.as_secs_f64() / time.as_secs_f64()));
}

/// Time of a build after one overlay file changed, and of one after that with nothing changed.
fn again(bench: &Bench, profile: &str) -> (Duration, Duration) {
    bench.change("second");
    bench.build(profile);
    bench.change("third");
    (bench.build(profile).time, bench.build(profile).time)
}

fn main() {
    let bench = Bench::new();
    // Downloads, and locks.
    for profile in ["control", "changing", "twin"] {
        bench.build(profile);
    }
    bench.forget();
    let control = bench.build("control");
    let (changed, unchanged) = again(&bench, "changing");
    bench.forget();
    let twin = bench.build("twin");
    let (changed_twin, unchanged_twin) = again(&bench, "twin");
    let (ours, theirs) = bench.sizes("twin");
    let native = bench.usual_way("twin", "amd64");

    println!("\n| what, from downloaded packages | time | |\n|---|---|---|");
    row("mmdebstrap + mksquashfs -comp zstd, amd64 natively", native, "1");
    against("imgbuild, the same packages for amd64, no other cache", twin.time, native);
    against("the same, one overlay file changed", changed_twin, native);
    against("the same, nothing changed", unchanged_twin, native);
    if emulates() {
        bench.build("control");
        let emulated = bench.usual_way("control", "arm64");
        row("mmdebstrap + mksquashfs -comp zstd, arm64 emulated", emulated, "1");
        against("imgbuild, `control` for arm64, no other cache", control.time, emulated);
    } else {
        println!(
            "| mmdebstrap + mksquashfs -comp zstd, arm64 emulated | not measured | this host runs no arm64 programs: \
             `{EMULATOR}` or `arch-test` is missing |"
        );
        row("imgbuild, `control` for arm64, no other cache", control.time, "");
    }
    row("the same, one overlay file changed", changed, "");
    row("the same, nothing changed", unchanged, "");
    println!("\npeak memory: {} MiB", control.memory.max(twin.memory) / 1024);
    #[expect(clippy::cast_precision_loss, reason = "a percentage of some hundred million bytes")]
    let larger = (ours as f64 / theirs as f64 - 1.0) * 100.0;
    println!("root partition: {ours} bytes, mksquashfs of the same tree: {theirs} ({larger:+.1} %)");
}
