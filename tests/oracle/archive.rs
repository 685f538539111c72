//! Real packages from the mirror that this host uses, and their installation by mmdebstrap.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use imgbuild::tree::Digest;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Where downloads, repositories and results are kept between runs.
fn cache() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("oracle")
}

fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error} (tests/run.sh installs it)"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Downloads `packages` (blank-separated) and all they need, recommendations excepted, as trixie with updates and
/// security fixes has them now. Returns the files, sorted by name.
pub fn download(arch: &str, packages: &str) -> Vec<PathBuf> {
    let root = cache().join(arch);
    for dir in ["etc/apt.conf.d", "etc/preferences.d", "lists/partial", "archives/partial", "debs"] {
        fs::create_dir_all(root.join(dir)).unwrap();
    }
    fs::write(root.join("status"), "").unwrap();
    fs::write(root.join("etc/sources.list"), sources()).unwrap();
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        let set = |key: &str, path: &str| format!("{key}={}", root.join(path).display());
        for option in [
            set("Dir::Etc", "etc"),
            set("Dir::State::lists", "lists"),
            set("Dir::State::status", "status"),
            set("Dir::Cache::archives", "archives"),
            set("Dir::Cache", ""),
            format!("APT::Architecture={arch}"),
            format!("APT::Architectures={arch}"),
            "APT::Install-Recommends=false".to_owned(),
            "APT::Sandbox::User=root".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "DPkg::Post-Invoke=".to_owned(),
        ] {
            command.arg("-o").arg(option);
        }
        output(command.args(arguments))
    };
    apt(&["update"]);
    let mut install = vec!["install", "--yes", "--print-uris", "?essential"];
    install.extend(packages.split_whitespace());
    let uris = String::from_utf8(apt(&install)).unwrap();
    let mut files = Vec::new();
    // Each line: 'URI' FILE SIZE HASH. Files that apt's own archive directory holds would not be listed.
    for line in uris.lines().filter(|line| line.starts_with('\'')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let path = root.join("debs").join(words[1]);
        if fs::metadata(&path).is_ok_and(|found| found.len().to_string() == words[2]) {
            files.push((path, None));
        } else {
            files.push((path, Some(words[0].trim_matches('\'').to_owned())));
        }
    }
    let missing: Vec<&(PathBuf, Option<String>)> = files.iter().filter(|(_, uri)| uri.is_some()).collect();
    if !missing.is_empty() {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", "--location", "--parallel"]);
        for (path, uri) in missing {
            curl.arg("--output").arg(path).arg(uri.as_deref().unwrap_or_default());
        }
        output(&mut curl);
    }
    let mut files: Vec<PathBuf> = files.into_iter().map(|(path, _)| path).collect();
    assert!(files.len() > 100, "apt-get chose only {} packages:\n{uris}", files.len());
    files.sort();
    files
}

/// Trixie with updates and security fixes, from the archives that this host uses.
fn sources() -> String {
    let configured = output(Command::new("apt-get").args(["indextargets", "--format", "$(REPO_URI)"]));
    let configured = String::from_utf8_lossy(&configured).into_owned();
    let find = |name: &str| {
        let found = configured.lines().map(|uri| uri.trim_end_matches('/')).find(|uri| uri.ends_with(name));
        found.map_or_else(|| format!("https://mirrors.kernel.org{name}"), str::to_owned)
    };
    let (main, security) = (find("/debian"), find("/debian-security"));
    let line = |uri: &str, suite: &str| format!("deb [signed-by={KEYRING}] {uri} {suite} main non-free-firmware\n");
    line(&main, "trixie") + &line(&main, "trixie-updates") + &line(&security, "trixie-security")
}

/// Installs exactly `debs` with mmdebstrap, from a repository that holds nothing else. Returns the tar archive.
pub fn install(debs: &[PathBuf], epoch: u64) -> PathBuf {
    let names: Vec<&str> = debs.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    let tar = cache().join(format!("installed-{}.tar", Digest::of(names.join("\n").as_bytes())));
    if tar.exists() {
        return tar;
    }
    let repository = tempfile::tempdir_in(cache()).unwrap();
    let mut index = String::new();
    let mut include = Vec::new();
    for (path, name) in debs.iter().zip(&names) {
        fs::hard_link(path, repository.path().join(name)).unwrap();
        let control = String::from_utf8(output(Command::new("dpkg-deb").arg("--field").arg(path))).unwrap();
        let package = control.lines().find_map(|line| line.strip_prefix("Package: ")).unwrap();
        include.push(package.to_owned());
        let size = fs::metadata(path).unwrap().len();
        let digest = digest(path);
        index.push_str(&format!("{}\nFilename: ./{name}\nSize: {size}\nSHA256: {digest}\n\n", control.trim_end()));
    }
    fs::write(repository.path().join("Packages"), index).unwrap();
    let partial = tar.with_extension("partial.tar");
    output(
        Command::new("mmdebstrap")
            .args([
                "--variant=apt",
                "--aptopt=APT::Install-Recommends \"false\"",
                "--aptopt=APT::Sandbox::User \"root\"",
            ])
            .arg(format!("--include={}", include.join(",")))
            .arg("trixie")
            .arg(&partial)
            .arg(format!("deb [trusted=yes] copy:{} ./", repository.path().display()))
            .env("SOURCE_DATE_EPOCH", epoch.to_string()),
    );
    fs::rename(partial, &tar).unwrap();
    tar
}

fn digest(path: &Path) -> Digest {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut File::open(path).unwrap(), &mut bytes).unwrap();
    Digest::of(&bytes)
}
