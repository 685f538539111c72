//! Recommended packages: what the lock's digest knows of them, and what moves with them.

use super::*;
use crate::profile::Recommends;

fn all() -> Recommends {
    Recommends { by_default: true, ..Recommends::default() }
}

#[test]
fn the_digest_is_what_it_was_unless_recommendations_come_along() {
    let mut profile = profile("demo", &["bash", "jq"]);
    let plain = profile.selection_digest();
    profile.recommends = all();
    let with_all = profile.selection_digest();
    profile.recommends.except.insert("jq".to_owned());
    let but_one = profile.selection_digest();
    profile.recommends.by_default = false;
    let of_one = profile.selection_digest();
    let different: std::collections::BTreeSet<_> = [plain, with_all, but_one, of_one].into();
    assert_eq!(different.len(), 4);
    profile.recommends.except.clear();
    assert_eq!(profile.selection_digest(), plain);
}

#[test]
fn what_came_along_stays_at_its_version_until_it_is_updated() {
    let mut profile = profile("demo", &["bash"]);
    profile.recommends = all();
    let mut lock = Lock::new();
    let at_first = [index("debian", DATE, &["bash 5.2-1 ~ jq", "jq 1.7-1"])];
    lock.put("demo", lock_profile(&profile, &at_first, None, Update::Nothing).unwrap());
    let later = [index("debian", DATE, &["bash 5.2-1 ~ jq", "jq 1.7-1", "bash 5.3-1 ~ jq", "jq 1.8-1"])];
    let update = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        versions(&lock_profile(&profile, &later, Some(&lock), Update::Packages(&names)).unwrap())
    };
    assert_eq!(update(&[]), ["bash 5.2-1", "jq 1.7-1"]);
    assert_eq!(update(&["bash"]), ["bash 5.3-1", "jq 1.7-1"]);
    assert_eq!(update(&["jq"]), ["bash 5.2-1", "jq 1.8-1"]);
}

#[test]
fn what_came_along_moves_with_a_package_that_recommends_a_newer_version() {
    let mut profile = profile("demo", &["bash"]);
    profile.recommends = all();
    let mut lock = Lock::new();
    let at_first = ["bash 5.2-1 ~ jq, gone (>= 2)", "jq 1.7-1"];
    let first = [index("debian", DATE, &at_first)];
    lock.put("demo", lock_profile(&profile, &first, None, Update::Nothing).unwrap());
    let update = |more: &[&str]| {
        let later = [index("debian", DATE, &[&at_first, more].concat())];
        versions(&lock_profile(&profile, &later, Some(&lock), Update::Packages(&["bash".to_owned()])).unwrap())
    };
    // Without, it would be gone: the locked one is not what is recommended any more.
    assert_eq!(update(&["bash 5.3-1 ~ jq (>= 1.8)", "jq 1.8-1"]), ["bash 5.3-1", "jq 1.8-1"]);
    // No version is: nothing moves for it, and so it goes.
    assert_eq!(update(&["bash 5.3-1 ~ jq (>= 1.9)", "jq 1.8-1"]), ["bash 5.3-1"]);
    profile.packages.push("jq".to_owned());
    let later = [index("debian", DATE, &[&at_first, &["bash 5.3-1 ~ jq (>= 1.9)", "jq 1.8-1"][..]].concat())];
    let moved = lock_profile(&profile, &later, Some(&lock), Update::Packages(&["bash".to_owned()])).unwrap();
    assert_eq!(versions(&moved), ["bash 5.3-1", "jq 1.7-1"]);
}

#[test]
fn what_a_source_keeps_out_does_not_come_along_and_is_no_error() {
    let mut profile = profile("demo", &["bash"]);
    profile.recommends = all();
    profile.sources[1].only = vec!["libc6".to_owned()];
    let indexes = [index("debian", DATE, &["bash 5.2-1 ~ jq, less"]), index("security", DATE, &["jq 1", "libc6 1"])];
    assert_eq!(versions(&lock_profile(&profile, &indexes, None, Update::Nothing).unwrap()), ["bash 5.2-1"]);
}

#[test]
fn of_a_kernel_that_is_kept_to_the_recommendations_come_along_as_of_the_newest() {
    let mut profile = profile("demo", &["bash", "linux-image-arm64"]);
    profile.kernel.version = Some("6.12.1".to_owned());
    let lines = ["bash 5.2-1", "linux-image-6.12.1-arm64 6.12.1-1 ~ apparmor", "apparmor 4-1"];
    let packages = |profile: &Profile| {
        let locked = lock_profile(profile, &[index("debian", DATE, &lines)], None, Update::Nothing).unwrap();
        let (wanted, recommends) = wanted(profile, &locked.packages);
        assert_eq!(wanted, ["bash", "linux-image-6.12.1-arm64"]);
        assert_eq!(recommends.of("linux-image-6.12.1-arm64"), profile.recommends.of("linux-image-arm64"));
        versions(&locked).len()
    };
    assert_eq!(packages(&profile), 2);
    profile.recommends.except.insert("linux-image-arm64".to_owned());
    assert_eq!(packages(&profile), 3);
    profile.recommends.by_default = true;
    assert_eq!(packages(&profile), 2);
}
