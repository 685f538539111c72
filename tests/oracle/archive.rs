//! Real packages from the mirror that this host uses, and their installation by mmdebstrap.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::apt::Apt;
use imgbuild::debian::{self, Package};
use imgbuild::tree::Digest;

/// Where unpacked packages, repositories and results are kept between runs.
fn cache() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("oracle")
}

fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error} (tests/run.sh installs it)"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Downloads `packages` (blank-separated), everything essential and all they need, recommendations excepted, as trixie
/// with updates and security fixes has them now.
pub fn download(arch: &'static str, packages: &str) -> Vec<PathBuf> {
    let apt = Apt::new(arch);
    let wanted: Vec<String> =
        ["?essential"].into_iter().chain(packages.split_whitespace()).map(str::to_owned).collect();
    let selected = apt.simulate(&wanted);
    apt.download(&selected.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>())
}

/// Reads packages, sorted by name.
pub fn open(debs: &[PathBuf]) -> Vec<Package> {
    let packs = cache().join("packs");
    let mut packages: Vec<Package> =
        debs.iter().map(|path| debian::deb::open(path, digest(path), &packs).unwrap()).collect();
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    packages
}

/// Installs exactly `debs` with mmdebstrap, from a repository that holds nothing else. Returns the tar archive.
pub fn install(debs: &[PathBuf], epoch: u64) -> PathBuf {
    let names: Vec<&str> = debs.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    fs::create_dir_all(cache()).unwrap();
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
