//! A cache file that changed since it was written, length and all: it is made anew, and nothing made of it passes for an
//! image.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::place::{Place, files, json};
use crate::shared::demo;
use crate::tiny;

/// A place with the lock, downloads and packs of [`demo`] and nothing derived, and the damage that was done there.
struct Damage {
    place: Place,
    pack: PathBuf,
    /// The package's name.
    package: String,
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
    let (_, start, len) = find(&bytes, wanted);
    bytes[usize::try_from(start + at(len)).unwrap()] ^= 1;
    fs::write(&pack, bytes).unwrap();
    Damage { place, pack, package: found["name"].as_str().unwrap().to_owned() }
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

    /// The build says what was damaged, makes it anew, and its image is the one of an undamaged cache.
    fn is_healed(&self) {
        let ran = self.build();
        let warning = format!("damaged in the cache, unpacked anew: {} ", self.package);
        assert!(ran.stderr.contains(&warning), "{}", ran.stderr);
        ran.ok();
        let image = |dir: &Path| json(&dir.join("manifest.json"))["image_sha256"].clone();
        assert_eq!(image(&self.place.path("build/demo")), image(&demo().path("build/demo")));
        // For good.
        fs::remove_dir_all(self.place.path("build")).unwrap();
        assert!(!self.build().stderr.contains("damaged"));
    }
}

#[test]
fn a_flipped_bit_in_a_file_of_many_blocks_is_healed() {
    // perl: some MiB, and nothing but the writer of the root file system reads it.
    damage("perl-base", "usr/bin/perl", |len| {
        assert!(len > 2 << 20);
        len / 2
    })
    .is_healed();
}

#[test]
fn a_flipped_bit_in_a_small_file_is_healed() {
    damage("tzdata", "usr/share/zoneinfo/Europe/Berlin", |_| 0).is_healed();
}

#[test]
fn a_flipped_bit_in_the_kernel_or_in_the_initrd_is_healed() {
    damage("linux-image-6", "boot/vmlinuz-", |len| len - 1).is_healed();
    damage("kmod", "usr/bin/kmod", |len| len - 1).is_healed();
}

#[test]
fn several_damaged_packs_are_healed_in_one_run_and_without_their_downloads_there_is_no_image() {
    let online = tiny::archive(100_000).online();
    let place = tiny::place(&online, &["freight", "parcel"]);
    let build = ["--offline", "build", "--profile", "node"];
    place.run(&build[1..]).ok();
    let good = json(&place.path("build/node/manifest.json"))["image_sha256"].clone();
    let damage = |names: &[&str]| {
        fs::remove_dir_all(place.path("build")).unwrap();
        // The compressed blocks too, or nobody would read the packs.
        fs::remove_dir_all(place.cache().join("derived")).unwrap();
        for name in names {
            let pack = place.cache().join(format!("packs/{}.tar", sha256(&place, name)));
            let mut bytes = fs::read(&pack).unwrap();
            let at = usize::try_from(find(&bytes, &format!("usr/{name}")).1).unwrap();
            bytes[at] ^= 1;
            fs::write(&pack, bytes).unwrap();
        }
    };
    damage(&["freight", "parcel"]);
    let ran = place.run(&build);
    assert!(ran.stderr.contains("freight 1.0-1") && ran.stderr.contains("parcel 1.0-1"), "{}", ran.stderr);
    ran.ok();
    assert_eq!(json(&place.path("build/node/manifest.json"))["image_sha256"], good);

    damage(&["parcel"]);
    let download = place.cache().join("downloads/sha256").join(sha256(&place, "parcel"));
    fs::write(&download, "other bytes").unwrap();
    let error = place.run(&build).fails(5);
    assert!(error.contains("offline, and damaged in the cache: parcel 1.0-1"), "{error}");
    assert!(error.contains("run once without `--offline` to download it anew"), "{error}");
    assert!(!place.path("build").exists());
    // Gone is another cause than damaged.
    let error = place.run(&build).fails(5);
    assert!(error.contains("offline, and not in the cache: parcel 1.0-1"), "{error}");
    place.run(&build[1..]).ok();
    assert_eq!(json(&place.path("build/node/manifest.json"))["image_sha256"], good);
}

#[test]
fn what_killed_runs_left_in_the_cache_goes_unless_another_run_writes() {
    let online = tiny::archive(0).online();
    let place = tiny::place(&online, &[]);
    place.run(&["build", "--profile", "node"]).ok();
    let left = [place.cache().join("packs/.tmpdead"), place.cache().join("derived/00/.tmpdead")];
    fs::create_dir_all(left[1].parent().unwrap()).unwrap();
    for path in &left {
        fs::write(path, "half").unwrap();
    }
    fs::remove_dir_all(place.path("build")).unwrap();
    let writer = fs::File::open(place.cache().join("packs")).unwrap();
    writer.lock_shared().unwrap();
    place.run(&["build", "--profile", "node"]).ok();
    assert!(left.iter().all(|path| path.exists()));
    drop(writer);
    fs::remove_dir_all(place.path("build")).unwrap();
    place.run(&["build", "--profile", "node"]).ok();
    assert!(left.iter().all(|path| !path.exists()));
}

/// The digest of a locked package.
fn sha256(place: &Place, name: &str) -> String {
    let manifest = place.read("imgbuild.lock");
    let entry = manifest.split_once(&format!("[[package]]\nname = \"{name}\"")).unwrap().1;
    entry.split_once("sha256 = \"").unwrap().1[..64].to_owned()
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

/// Where a cache is looked at before all else: nothing is locked, and nothing could be.
const LOCK: [&str; 4] = ["--offline", "lock", "--profile", "demo"];

#[test]
fn a_cache_that_everybody_may_write_to_is_refused_and_a_new_one_is_its_users_alone() {
    let place = Place::new();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let plan = ["build", "--profile", "demo", "--plan"];
    for inside in ["", "packs"] {
        let dir = place.cache().join(inside);
        fs::create_dir_all(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
        for args in [&LOCK[..], &["build", "--profile", "demo"], &plan, &["why", "--profile", "demo", "systemd"]] {
            let error = place.run(args).fails(1);
            assert!(
                error.contains("everybody may write to the cache directory") && error.contains("--cache-dir"),
                "{error}"
            );
        }
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o775)).unwrap();
    }
    // As /tmp is.
    fs::set_permissions(place.cache(), fs::Permissions::from_mode(0o1777)).unwrap();
    let error = place.run(&plan).fails(1);
    assert!(error.contains("one of your own below it") && !error.contains("chmod"), "{error}");
    // Nobody else gets below a directory that only its owner may enter.
    fs::set_permissions(place.cache().join("packs"), fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(place.cache(), fs::Permissions::from_mode(0o700)).unwrap();
    place.run(&plan).ok();
    fs::remove_dir_all(place.cache()).unwrap();
    place.run(&LOCK).fails(5);
    assert_eq!(mode(place.cache()), 0o700);
}

#[test]
fn who_takes_nothing_from_the_cache_does_not_look_at_it_and_looking_makes_none() {
    let place = Place::new();
    fs::set_permissions(place.cache(), fs::Permissions::from_mode(0o777)).unwrap();
    let look = |place: &Place| {
        place.run(&["list"]).ok();
        place.run(&["check"]).ok();
    };
    look(&place);
    fs::remove_dir_all(place.cache()).unwrap();
    look(&place);
    place.run(&["build", "--profile", "demo", "--plan"]).ok();
    assert!(!place.cache().exists());
}

#[test]
#[ignore = "needs root: another user"]
fn a_cache_of_another_user_is_refused() {
    let place = Place::new();
    std::os::unix::fs::chown(place.cache(), Some(65534), None).unwrap();
    let error = place.run(&LOCK).fails(1);
    assert!(error.contains("belongs to another user (number 65534)"), "{error}");
    assert!(error.contains("one of root's own") && !error.contains("chown"), "{error}");
}
