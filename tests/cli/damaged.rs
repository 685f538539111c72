//! A cache file that changed since it was written, length and all: nothing made of it passes for an image.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::place::{Place, files, json};
use crate::shared::demo;

/// A place with the lock, downloads and packs of [`demo`] and nothing derived, and the damage that was done there.
struct Damage {
    place: Place,
    pack: PathBuf,
    /// The path of the file whose byte is another.
    file: String,
}

/// Copies the packs of `demo`, and flips one bit in the file `wanted` of the package whose name begins with `package`.
fn damage(package: &str, wanted: &str, at: impl Fn(u64) -> u64) -> Damage {
    let place = Place::new().with_downloads();
    fs::copy(demo().path("imgbuild.lock"), place.path("imgbuild.lock")).unwrap();
    let (from, to) = (demo().cache().join("packs"), place.cache().join("packs"));
    fs::create_dir(&to).unwrap();
    let manifest = json(&demo().path("build/demo/manifest.json"));
    let packages = manifest["packages"].as_array().unwrap();
    let found = packages.iter().find(|found| found["name"].as_str().unwrap().starts_with(package)).unwrap();
    let damaged = format!("{}.tar", found["sha256"].as_str().unwrap());
    for name in files(&from).into_iter().filter(|name| *name != damaged) {
        fs::hard_link(from.join(&name), to.join(&name)).unwrap();
    }
    let pack = to.join(&damaged);
    let mut bytes = fs::read(from.join(&damaged)).unwrap();
    let (file, start, len) = find(&bytes, wanted);
    bytes[usize::try_from(start + at(len)).unwrap()] ^= 1;
    fs::write(&pack, bytes).unwrap();
    Damage { place, pack, file }
}

/// Path, place and length of the file in a pack whose path begins with `wanted`.
fn find(mut pack: &[u8], wanted: &str) -> (String, u64, u64) {
    let mut archive = tar::Archive::new(pack.by_ref());
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().trim_start_matches("./").to_owned();
        if path.starts_with(wanted) {
            return (path, entry.raw_file_position(), entry.size());
        }
    }
    panic!("no {wanted}");
}

impl Damage {
    fn build(&self) -> crate::place::Ran {
        self.place.run(&["--offline", "build", "--profile", "demo"])
    }

    /// The build fails, says where and what to do, and leaves nothing that looks like an image.
    fn is_refused(&self) {
        let error = self.build().fails(3);
        let pack = self.pack.to_str().unwrap();
        assert!(error.contains(&self.file), "{error}");
        assert!(error.contains(&format!("`{pack}` is damaged")), "{error}");
        assert!(error.contains(&format!("delete `{pack}` and build again")), "{error}");
        assert!(self.outputs().is_empty(), "{:?}", self.outputs());
    }

    fn outputs(&self) -> Vec<String> {
        let output = self.place.path("build/demo");
        if output.exists() { files(&output) } else { Vec::new() }
    }

    /// What the refused build left in the cache is as good as ever.
    fn heals_without_packs(&self) {
        fs::remove_dir_all(self.place.cache().join("packs")).unwrap();
        self.build().ok();
        let image = |dir: &Path| json(&dir.join("manifest.json"))["image_sha256"].clone();
        assert_eq!(image(&self.place.path("build/demo")), image(&demo().path("build/demo")));
    }
}

#[test]
fn a_flipped_bit_in_a_file_of_many_blocks_is_refused_and_pollutes_nothing() {
    // perl: some MiB, and nothing but the writer of the root file system reads it.
    let damage = damage("perl-base", "usr/bin/perl", |len| {
        assert!(len > 2 << 20);
        len / 2
    });
    damage.is_refused();
    damage.heals_without_packs();
}

#[test]
fn a_flipped_bit_in_a_small_file_is_refused_and_pollutes_nothing() {
    let damage = damage("tzdata", "usr/share/zoneinfo/Europe/Berlin", |_| 0);
    damage.is_refused();
    damage.heals_without_packs();
}

#[test]
fn a_flipped_bit_in_the_kernel_or_in_the_initrd_is_refused() {
    damage("linux-image-6", "boot/vmlinuz-", |len| len - 1).is_refused();
    damage("kmod", "usr/bin/kmod", |len| len - 1).is_refused();
}

#[test]
fn a_pack_whose_control_files_changed_is_made_anew() {
    let damage = damage("perl-base", "usr/bin/perl", |_| 0);
    // Undoes that, and flips a bit near the pack's end instead: the last control file's, before the closing zeros.
    let mut bytes = fs::read(demo().cache().join("packs").join(damage.pack.file_name().unwrap())).unwrap();
    let last = bytes.iter().rposition(|&byte| byte != 0).unwrap();
    bytes[last] ^= 1;
    fs::write(&damage.pack, bytes).unwrap();
    damage.build().ok();
    let image = |place: &Place| json(&place.path("build/demo/manifest.json"))["image_sha256"].clone();
    assert_eq!(image(&damage.place), image(demo()));
}
