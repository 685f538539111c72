//! What a flash costs beside the usual tools, side by side in one run: on a loop device, and on one that the kernel slows
//! down to a stick's speed. Prints a table; asserts nothing; what this host cannot do is a row that says so. Needs root.
//!
//! The image is a made one, or one that a build in a workspace has made: `cargo bench --bench flash -- build/control/control.img`.
//! Such a one is flashed as an image from elsewhere, and by its profile too.

#![expect(clippy::print_stdout, reason = "the table is the result")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be taken has to stop")]

#[path = "../tests/flash_memory/image.rs"]
#[expect(dead_code, reason = "the manifest says the size")]
mod image;

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use image::Image;
use imgbuild::flash::{Raw, Source};
use imgbuild::image::Manifest;
use serde_json::Value;
use tempfile::TempDir;

/// Bytes of data in the image, which has an empty slot of the same size: about what a node's image has.
const DATA: usize = 256 << 20;
const DEVICE: u64 = 2 << 30;
/// Bytes a second of the slow device: an ordinary stick reads faster than it writes.
const SLOW_WRITE: u64 = 40 << 20;
const SLOW_READ: u64 = 100 << 20;

/// What is compared most closely.
const ROWS: [&str; 6] = [
    "dd of the data alone",
    "bmaptool, and reading that much back",
    "flash: writing",
    "flash: reading back",
    "flash --image: all of it",
    "flash --profile: all of it",
];
const DIRECT: [&str; 2] = ["oflag=direct", "conv=fsync"];

/// A cgroup whose processes use one device slowly.
struct Slow {
    dir: PathBuf,
}

impl Slow {
    /// Where the kernel can do that: by cgroups of the second version, or of the first.
    fn new(device: &str) -> Option<Self> {
        let number = fs::read_to_string(format!("/sys/block/{device}/dev")).ok()?;
        let number = number.trim();
        let second = Path::new("/sys/fs/cgroup/imgbuild-bench").to_owned();
        let first = Path::new("/sys/fs/cgroup/blkio/imgbuild-bench").to_owned();
        let limits = [
            (second, vec![("io.max", format!("{number} rbps={SLOW_READ} wbps={SLOW_WRITE}"))]),
            (
                first,
                vec![
                    ("blkio.throttle.read_bps_device", format!("{number} {SLOW_READ}")),
                    ("blkio.throttle.write_bps_device", format!("{number} {SLOW_WRITE}")),
                ],
            ),
        ];
        limits.into_iter().find_map(|(dir, files)| {
            fs::create_dir_all(&dir).ok()?;
            let slow = Self { dir };
            // Never a file of our own: where there is no such cgroup, there may be a plain directory.
            let limit = |(file, limit): &(&str, String)| {
                let mut file = File::options().write(true).open(slow.dir.join(file))?;
                file.write_all(limit.as_bytes())
            };
            files.iter().all(|file| limit(file).is_ok()).then_some(slow)
        })
    }

    /// The program, as a process of the group.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("sh");
        let enter = format!("echo $$ > {}/cgroup.procs; exec \"$@\"", self.dir.display());
        command.args(["-c", &enter, "sh", program]);
        command
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.dir);
    }
}

struct Bench {
    dir: TempDir,
    manifest: Manifest,
    /// The file that is named, `WORKSPACE/build/PROFILE/PROFILE.img`.
    built: Option<PathBuf>,
    device: String,
    slow: Option<Slow>,
}

impl Bench {
    fn command(&self, program: &str) -> Command {
        let mut command = match &self.slow {
            Some(slow) => slow.command(program),
            None => Command::new(program),
        };
        command.current_dir(self.dir.path()).stderr(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Bytes of data.
    fn mapped(&self) -> u64 {
        self.manifest.ranges.iter().map(|range| range.length).sum()
    }

    /// Seconds that a command takes; none if it is not there or fails.
    fn seconds(&self, program: &str, args: &[&str]) -> Option<f64> {
        let start = Instant::now();
        let ended = self.command(program).args(args).status().ok()?;
        ended.success().then(|| start.elapsed().as_secs_f64())
    }

    fn dd(&self, from: &str, to: &str, flags: &[&str]) -> Option<f64> {
        self.seconds("dd", &[&[format!("if={from}").as_str(), &format!("of={to}"), "bs=4M"], flags].concat())
    }

    /// Flashes what these arguments name; gives seconds for all, for writing and for reading back.
    fn flash(&self, what: &[&str]) -> (f64, f64, f64) {
        let start = Instant::now();
        let mut child = self
            .command(env!("CARGO_BIN_EXE_imgbuild"))
            .args(["--json", "flash", "--device", &self.device, "--allow-loop", "--yes"])
            .args(what)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (mut write, mut verify, mut began) = (0.0, 0.0, Instant::now());
        let mut phase = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
            let told = &event["writer"]["event"];
            if told == "phase" || told == "done" {
                match phase.as_str() {
                    "write" => write = began.elapsed().as_secs_f64(),
                    "verify" => verify = began.elapsed().as_secs_f64(),
                    _ => {}
                }
                began = Instant::now();
                event["writer"]["phase"].as_str().unwrap_or_default().clone_into(&mut phase);
            }
        }
        assert!(child.wait().unwrap().success());
        (start.elapsed().as_secs_f64(), write, verify)
    }

    /// One turn of all that is compared closely: seconds of each [`ROWS`]; none for what is not here.
    fn turn(&self) -> [Option<f64>; ROWS.len()] {
        let data = self.dd("data", &self.device, &DIRECT);
        let bmap = self.seconds("bmaptool", &["copy", "--bmap", "node.bmap", "node.img", &self.device]);
        let back = self.read_back(self.mapped());
        let (image, write, verify) = self.flash(&["--cache-dir", "cache", "--image", "node.img"]);
        let profile = self.built.as_ref().and_then(|file| {
            let workspace = file.ancestors().nth(3)?.to_str()?;
            Some(self.flash(&["--workspace", workspace, "--profile", file.file_stem()?.to_str()?]).0)
        });
        let bmap = bmap.zip(back).map(|(write, read)| write + read);
        [data, bmap, Some(write), Some(verify), Some(image), profile]
    }

    /// Reads so many bytes from the beginning of the device.
    fn read_back(&self, bytes: u64) -> Option<f64> {
        self.dd(&self.device, "/dev/null", &["iflag=direct", &format!("count={}", bytes >> 22)])
    }

    /// Prints it; what is compared closely is done `rounds` times, in turns, and its median counts.
    fn table(&self, title: &str, rounds: u32) {
        let mib = |bytes: u64| f64::from(u32::try_from(bytes >> 20).unwrap());
        let mapped = mib(self.mapped());
        let whole = mib(self.manifest.image_size);
        println!("\n{title}: image of {whole} MiB, {mapped} MiB of it data\n");
        println!("{:<44} {:>8} {:>8}", "", "s", "MiB/s");
        let row = |name: &str, seconds: Option<f64>, amount: f64| match seconds {
            Some(seconds) => println!("{name:<44} {seconds:>8.2} {:>8.1}", amount / seconds),
            None => println!("{name:<44} {:>8}", "not here"),
        };
        let dd_whole = self.dd("node.img", &self.device, &DIRECT);
        row("dd of the whole image", dd_whole, whole);
        let back = self.read_back(self.manifest.image_size);
        row("dd of it, and reading it back", dd_whole.zip(back).map(|(write, read)| write + read), whole);
        let turns: Vec<_> = (0..rounds).map(|_| self.turn()).collect();
        let medians: [Option<f64>; ROWS.len()] =
            std::array::from_fn(|row| turns.iter().map(|turn| turn[row]).collect::<Option<Vec<f64>>>().map(median));
        for (name, seconds) in ROWS.iter().zip(medians) {
            row(name, seconds, mapped);
        }
        println!();
        let [data, _, write, verify, image, profile] = medians;
        let ratio = |name: &str, part: Option<f64>, of: Option<f64>| {
            if let Some((part, of)) = part.zip(of) {
                println!("{name} = 1: {:.3}", part / of);
            }
        };
        ratio("speed of writing, dd of the data", data, write);
        ratio(
            "writing and reading back, dd of the data",
            write.zip(verify).map(|(write, verify)| write + verify),
            data,
        );
        ratio("flash --image, dd of the whole image", image, dd_whole);
        ratio("flash --profile, dd of the whole image", profile, dd_whole);
    }
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// The manifest and the bytes of the image that was built, else of a made one.
fn image(built: Option<&Path>) -> (Manifest, Box<dyn Source>) {
    let Some(path) = built else {
        let image = Image::new(DATA);
        return (image.manifest.clone(), Box::new(image));
    };
    let manifest = fs::read(path.with_file_name("manifest.json")).unwrap();
    (Manifest::parse(&manifest).unwrap(), Box::new(Raw(File::open(path).unwrap())))
}

fn main() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // The first argument is this program; cargo adds `--bench`, which is no file.
    let named = std::env::args().skip(1).map(PathBuf::from).find(|path| path.is_file());
    let built = named.map(|path| path.canonicalize().unwrap());
    let (manifest, source) = image(built.as_deref());
    let file = File::create(dir.path().join("node.img")).unwrap();
    file.set_len(manifest.image_size).unwrap();
    let data = File::create(dir.path().join("data")).unwrap();
    let mut at = 0;
    for range in &manifest.ranges {
        let mut bytes = vec![0; usize::try_from(range.length).unwrap()];
        source.read(&mut bytes, range.offset).unwrap();
        file.write_all_at(&bytes, range.offset).unwrap();
        data.write_all_at(&bytes, at).unwrap();
        at += range.length;
    }
    // What `oflag=direct` can write.
    data.set_len(at.next_multiple_of(4096)).unwrap();
    file.sync_all().unwrap();
    data.sync_all().unwrap();
    fs::write(dir.path().join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    File::create(dir.path().join("disk")).unwrap().set_len(DEVICE).unwrap();
    let disk = dir.path().join("disk");
    let attached = Command::new("losetup").args(["--find", "--show", "--direct-io=on"]).arg(&disk).output().unwrap();
    assert!(attached.status.success(), "no loop device: this needs root");
    let device = String::from_utf8(attached.stdout).unwrap().trim().to_owned();
    let mut bench = Bench { dir, manifest, built, device, slow: None };
    // Its map is a text of its own; where the tool is not there, its row says so.
    bench.seconds("bmaptool", &["create", "--output", "node.bmap", "node.img"]);
    bench.table("loop device", 9);
    bench.slow = Slow::new(bench.device.trim_start_matches("/dev/"));
    if bench.slow.is_some() {
        bench.table("loop device that writes 40 MiB/s and reads 100", 3);
    } else {
        println!("\nthis kernel cannot slow a device down by cgroups: no second table");
    }
    Command::new("losetup").args(["--detach", &bench.device]).status().unwrap();
}
