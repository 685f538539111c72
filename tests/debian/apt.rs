//! The host's own apt, working in a private root below the target directory: the foreign reader of archives,
//! versions and dependencies, and the source of real packages. It uses the mirror that the host is configured
//! for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const COMPONENTS: &str = "main contrib non-free non-free-firmware";

/// One suite's index text, in the order of the sources.
pub struct Suite {
    pub name: &'static str,
    pub text: String,
}

/// A private apt root for one architecture with fresh lists of trixie, its updates and its security suite.
pub struct Apt {
    root: PathBuf,
    pub arch: &'static str,
}

impl Apt {
    /// The root for `amd64`, set up once.
    pub fn amd64() -> &'static Self {
        static APT: LazyLock<Apt> = LazyLock::new(|| Apt::new("amd64"));
        &APT
    }

    /// The root for `arm64`, set up once.
    pub fn arm64() -> &'static Self {
        static APT: LazyLock<Apt> = LazyLock::new(|| Apt::new("arm64"));
        &APT
    }

    /// Sets the root up and downloads what changed of the lists.
    fn new(arch: &'static str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("apt").join(arch);
        for dir in ["etc/apt.conf.d", "etc/preferences.d", "state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(root.join(dir)).unwrap();
        }
        let (debian, security) = mirrors();
        let line = |base: &str, suite| format!("deb [signed-by={KEYRING}] {base} {suite} {COMPONENTS}\n");
        let sources = line(&debian, "trixie") + &line(&debian, "trixie-updates") + &line(&security, "trixie-security");
        fs::write(root.join("etc/sources.list"), sources).unwrap();
        let apt = Self { root, arch };
        run(apt.command().arg("update"));
        apt
    }

    /// The suites' indexes as apt downloaded and verified them.
    pub fn suites(&self) -> Vec<Suite> {
        let mut files: Vec<PathBuf> = fs::read_dir(self.root.join("state/lists"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().ends_with(&format!("_binary-{}_Packages", self.arch)))
            .collect();
        files.sort();
        ["trixie", "trixie-updates", "trixie-security"]
            .map(|name| {
                let of_suite = files.iter().filter(|file| file.to_string_lossy().contains(&format!("_dists_{name}_")));
                Suite { name, text: of_suite.map(|file| fs::read_to_string(file).unwrap() + "\n").collect() }
            })
            .into()
    }

    /// What `apt-get --simulate install` would install on an empty system, as sorted `(name, version)`; `option` is such as
    /// `--no-install-recommends`.
    pub fn simulate(&self, option: &str, packages: &[String]) -> Vec<(String, String)> {
        let output = run(self.command().args(["--simulate", option, "install"]).args(packages));
        let mut found: Vec<_> = output
            .lines()
            .filter_map(|line| line.strip_prefix("Inst ")?.split_once(" ("))
            .map(|(name, rest)| (name.to_owned(), rest.split(' ').next().unwrap().to_owned()))
            .collect();
        found.sort();
        found
    }

    /// Downloads packages and gives their files, in the same order.
    pub fn download(&self, packages: &[&str]) -> Vec<PathBuf> {
        // Tests run at the same time and share the directory.
        static DOWNLOADING: Mutex<()> = Mutex::new(());
        let dir = self.root.join("debs");
        fs::create_dir_all(&dir).unwrap();
        let _one_at_a_time = DOWNLOADING.lock().unwrap();
        let output = run(self.command().args(["--print-uris", "download"]).args(packages));
        let files: Vec<String> = output.lines().filter_map(|line| line.split(' ').nth(1)).map(str::to_owned).collect();
        run(self.command().arg("download").args(packages).current_dir(&dir));
        let find = |package: &&str| files.iter().find(|file| file.starts_with(&format!("{package}_")));
        packages.iter().map(|package| dir.join(find(package).expect("apt names each file"))).collect()
    }

    fn command(&self) -> Command {
        let mut command = Command::new("apt-get");
        let options = [
            format!("Dir={}", self.root.display()),
            "Dir::Etc=etc".into(),
            "Dir::State=state".into(),
            "Dir::State::status=/dev/null".into(),
            "Dir::Cache=cache".into(),
            "Dir::Cache::pkgcache=pkgcache.bin".into(),
            "Dir::Cache::srcpkgcache=srcpkgcache.bin".into(),
            format!("APT::Architecture={}", self.arch),
            format!("APT::Architectures={}", self.arch),
            "APT::Solver=internal".into(),
            "APT::Sandbox::User=root".into(),
            "Acquire::Languages=none".into(),
            "Acquire::GzipIndexes=false".into(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".into(),
            "Acquire::IndexTargets::deb::DEP-11-icons-small::DefaultEnabled=false".into(),
            "Acquire::IndexTargets::deb::DEP-11-icons::DefaultEnabled=false".into(),
            "Acquire::IndexTargets::deb::DEP-11-icons-hidpi::DefaultEnabled=false".into(),
        ];
        command.arg("-q").args(options.iter().flat_map(|option| ["-o", option]));
        command.env("LC_ALL", "C.UTF-8");
        command
    }
}

/// Base addresses of the host's Debian and security archives, from what its apt would fetch.
fn mirrors() -> (String, String) {
    let output = run(Command::new("apt-get").args(["update", "--print-uris"]));
    let bases: Vec<&str> = output
        .lines()
        .filter_map(|line| line.strip_prefix('\'')?.split_once("/dists/"))
        .map(|(base, _)| base)
        .collect();
    let find = |name: &str| bases.iter().find(|base| base.ends_with(name)).map(|&base| base.to_owned());
    (
        find("/debian").unwrap_or_else(|| "https://mirrors.kernel.org/debian".into()),
        find("/debian-security").unwrap_or_else(|| "https://mirrors.kernel.org/debian-security".into()),
    )
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} failed:\n{out}\n{err}");
    out.into_owned()
}
