//! Drivers against the lock: of profiles that no node uses.

use std::collections::BTreeMap;

use super::lints::{self, Finding};
use crate::debian::archive::{FetchedIndex, SourceState};
use crate::lock::{Lock, Update, lock_profile};
use crate::profile::sample::sample;
use crate::profile::{Board, KernelModule, KernelRange, Origin, Profile};
use crate::tree::Digest;

/// A profile with a kernel, a library of a driver, and that driver's module for these kernels.
fn profile(kernels: &str) -> Profile {
    let module = KernelModule {
        package: "card-source".to_owned(),
        source: "usr/src/card-*".to_owned(),
        patches: Vec::new(),
        make: Vec::new(),
        modules: vec!["card.ko".to_owned()],
        kernels: KernelRange::parse(kernels).unwrap(),
        same_version: vec!["libcuda1".to_owned()],
        origin: Origin::Overlay("card".to_owned()),
    };
    Profile {
        packages: ["linux-image-amd64", "libcuda1"].map(str::to_owned).into(),
        kernel_modules: BTreeMap::from([("card".to_owned(), module)]),
        ..sample(Board::UefiAmd64)
    }
}

/// A lock of the profile from two sources that have what it names.
fn locked(profile: &Profile) -> Lock {
    let stanza = |name: &str, version: &str, depends: &str| {
        let sha256 = Digest::of(name.as_bytes());
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\nDepends: {depends}\nFilename: pool/{name}.deb\n\
             Size: 1\nSHA256: {sha256}\n\n"
        )
    };
    let kernel = "linux-image-6.12.118+deb13-amd64";
    let packages = stanza("linux-image-amd64", "6.12.118-1", kernel)
        + &stanza(kernel, "6.12.118-1", "libcuda1")
        + &stanza("libcuda1", "550.163.01-2", kernel);
    let index = |name: &str, archive: &str, suite: &str, text: String| {
        let signed_by = "41587F7DB8C774BCCF131416762F67A0B2C39DE4".to_owned();
        let (sha256, date) = (Digest::of(text.as_bytes()), 1_795_252_544);
        let (name, archive, suite) = (name.to_owned(), archive.to_owned(), suite.to_owned());
        FetchedIndex { state: SourceState { name, archive, suite, date, sha256, signed_by }, text }
    };
    let indexes = [
        index("debian", "debian", "trixie", packages),
        index("security", "debian-security", "trixie-security", String::new()),
    ];
    let mut lock = Lock::new();
    lock.put(&profile.name, lock_profile(profile, &indexes, None, Update::Nothing).unwrap());
    lock
}

fn drivers(profile: &Profile, lock: Option<&Lock>) -> Vec<(&'static str, String)> {
    let found = lints::of_profile(profile, lock, None).into_iter();
    let of_drivers = found.filter(|finding: &Finding| finding.code.starts_with("C16"));
    of_drivers.map(|finding| (finding.code, finding.diagnostic.message)).collect()
}

#[test]
fn the_locked_kernel_counts_unless_the_profile_asks_for_another() {
    let known = profile(">=6.12.107 <6.13");
    let lock = locked(&known);
    assert_eq!(drivers(&known, Some(&lock)), []);
    let narrower = profile("<6.12.100");
    let message = "kernel module `card` of profile `demo` is not known to work with kernel 6.12.118+deb13-amd64, only with <6.12.100";
    assert_eq!(drivers(&narrower, Some(&lock)), [("C160-kernel-without-driver", message.to_owned())]);
    assert_eq!(drivers(&narrower, None), [], "any kernel may be locked");

    let mut pinned = profile(">=6.12.107 <6.13");
    for (version, found) in [("6.12.90", 1), ("6.12.110", 0), ("6.12", 0), ("6.18", 1), ("6", 0), ("5", 1), ("7", 1)] {
        pinned.kernel.version = Some(version.to_owned());
        assert_eq!(drivers(&pinned, Some(&lock)).len(), found, "{version}");
    }
}
