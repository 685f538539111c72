//! The installation by mmdebstrap.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::image::Package;
use imgbuild::tree::Digest;

/// What was installed.
pub struct Installation {
    /// A tar archive, which is kept between runs.
    pub tar: PathBuf,
}

impl Installation {
    /// Removes it.
    pub fn discard(self) {
        fs::remove_file(self.tar).unwrap();
    }
}

const SUITE: &str = "trixie";

/// Any fixed time: dates are not compared.
const EPOCH: &str = "1790000000";

fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error} (tests/run.sh installs it)"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Installs exactly `packages`, from a repository that holds nothing else: the essential ones are unpacked and configured first, as
/// in every installation of Debian, then the others.
pub fn install(packages: &[Package]) -> Installation {
    let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("oracle");
    fs::create_dir_all(&cache).unwrap();
    let digests: Vec<&str> = packages.iter().map(|package| package.sha256.as_str()).collect();
    let tar = cache.join(format!("installed-{}.tar", Digest::of(digests.join("\n").as_bytes())));
    if tar.exists() {
        return Installation { tar };
    }
    let repository = tempfile::tempdir_in(&cache).unwrap();
    let mut index = String::new();
    for Package { name, sha256, file } in packages {
        fs::copy(file, repository.path().join(format!("{name}.deb"))).unwrap();
        let control = String::from_utf8(output(Command::new("dpkg-deb").arg("--field").arg(file))).unwrap();
        let (control, size) = (control.trim_end(), fs::metadata(file).unwrap().len());
        writeln!(index, "{control}\nFilename: ./{name}.deb\nSize: {size}\nSHA256: {sha256}\n").unwrap();
    }
    fs::write(repository.path().join("Packages"), &index).unwrap();
    // mmdebstrap takes the essential packages of the suite's name alone.
    let (digest, size) = (Digest::of(index.as_bytes()), index.len());
    let release = format!("Suite: {SUITE}\nCodename: {SUITE}\nSHA256:\n {digest} {size} Packages\n");
    fs::write(repository.path().join("Release"), release).unwrap();
    let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let partial = tar.with_extension("partial.tar");
    output(
        Command::new("mmdebstrap")
            .args([
                "--variant=essential",
                "--aptopt=APT::Install-Recommends \"false\"",
                "--aptopt=APT::Sandbox::User \"root\"",
            ])
            .arg(format!("--include={}", names.join(",")))
            .arg(SUITE)
            .arg(&partial)
            .arg(format!("deb [trusted=yes] copy:{} ./", repository.path().display()))
            .env("SOURCE_DATE_EPOCH", EPOCH),
    );
    fs::rename(partial, &tar).unwrap();
    Installation { tar }
}
