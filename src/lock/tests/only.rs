//! Sources that give only certain packages.

use super::*;

/// A profile whose second source gives certain packages only, and what its first lock comes down to.
fn narrowed(packages: &[&str], only: &[&str], main: &[&str], other: &[&str]) -> Result<Locked, LockError> {
    let mut profile = profile("demo", packages);
    profile.sources[1].only = only.iter().map(|&pattern| pattern.to_owned()).collect();
    lock_profile(&profile, &[index("debian", DATE, main), index("security", DATE, other)], None, Update::Nothing)
}

#[test]
fn a_source_with_only_gives_the_named_packages_and_the_rest_of_it_is_not_there() {
    let main = ["raspi-firmware 1.20240424+ds-6 dosfstools", "dosfstools 4.2-1", "bash 5.2-1"];
    let newer = ["raspi-firmware 1.20260408+ds-1 dosfstools", "dosfstools 4.3-1", "bash 5.3-1"];
    let locked = |only: &[&str]| narrowed(&["raspi-firmware", "bash"], only, &main, &newer).unwrap();
    let all = versions(&locked(&[]));
    assert_eq!(all, ["bash 5.3-1", "dosfstools 4.3-1", "raspi-firmware 1.20260408+ds-1"]);
    let one = locked(&["raspi-firmware"]);
    assert_eq!(versions(&one), ["bash 5.2-1", "dosfstools 4.2-1", "raspi-firmware 1.20260408+ds-1"]);
    assert_eq!(one.packages[2].source, "security");
    assert_eq!(one.sources[1].only, ["raspi-firmware"]);
    assert_eq!(
        versions(&locked(&["raspi-*", "b?sh"])),
        ["bash 5.3-1", "dosfstools 4.2-1", "raspi-firmware 1.20260408+ds-1"]
    );
    // An older version wins no more than without `only`.
    let older = narrowed(&["bash"], &["bash"], &["bash 5.2-1"], &["bash 5.1-1"]).unwrap();
    assert_eq!(versions(&older), ["bash 5.2-1"]);
}

#[test]
fn a_pattern_of_only_that_is_no_package_is_refused_and_what_is_kept_out_is_told() {
    let main = ["bash 5.2-1 readline (>= 9)", "readline 8.2-1"];
    let newer = ["bash 5.3-1", "readline 9.0-1", "jq 1.8-1"];
    let error = narrowed(&["bash"], &["bash", "raspi-*"], &main, &newer).unwrap_err();
    assert_eq!(error.to_string(), "source `security` has no package `raspi-*`");
    assert!(error.hint().unwrap().contains("`only`"), "{:?}", error.hint());
    // A new package that needs what is not let in.
    let error = narrowed(&["bash"], &["jq"], &main, &newer).unwrap_err();
    assert!(error.to_string().contains("the only candidate is readline 8.2-1 from debian"), "{error}");
    assert!(error.hint().unwrap().ends_with("or let it in with `only` of source `security`"), "{:?}", error.hint());
}

#[test]
fn a_lock_stays_good_until_only_changes_and_an_update_moves_what_is_let_in() {
    let (main, newer) = (["bash 5.2-1", "jq 1.7-1"], ["bash 5.3-1", "jq 1.8-1"]);
    let mut profile = profile("demo", &["bash", "jq"]);
    let plain = profile.selection_digest();
    let indexes = [index("debian", DATE, &main), index("security", DATE, &newer)];
    let mut lock = Lock::new();
    profile.sources[1].only = vec!["jq".to_owned()];
    assert_ne!(profile.selection_digest(), plain);
    lock.put("demo", lock_profile(&profile, &indexes, None, Update::Nothing).unwrap());
    lock.expect(&profile).unwrap();
    profile.sources[1].only.push("bash".to_owned());
    assert!(matches!(lock.expect(&profile), Err(OutdatedError::Changed { .. })));
    // As a lock always does, it keeps what an index still has.
    let kept = lock_profile(&profile, &indexes, Some(&lock), Update::Nothing).unwrap();
    assert_eq!(versions(&kept), ["bash 5.2-1", "jq 1.8-1"]);
    let moved = lock_profile(&profile, &indexes, Some(&lock), Update::Packages(&["bash".to_owned()])).unwrap();
    assert_eq!(versions(&moved), ["bash 5.3-1", "jq 1.8-1"]);
}

#[test]
fn a_source_with_versions_gives_those_alone_and_what_it_keeps_out_is_told() {
    let mut profile = profile("demo", &["tool"]);
    let plain = profile.selection_digest();
    profile.sources[1].versions = Some("580".to_owned());
    assert_ne!(profile.selection_digest(), plain);
    let lock = |profile: &Profile, main: &[&str], other: &[&str]| {
        lock_profile(profile, &[index("debian", DATE, main), index("security", DATE, other)], None, Update::Nothing)
    };
    let other = ["tool 590.44-1", "tool 580.142-1", "tool 580.95-1", "tool 5800.1-1"];
    assert_eq!(versions(&lock(&profile, &[], &other).unwrap()), ["tool 580.142-1"]);
    // Another source's versions are not its business.
    assert_eq!(versions(&lock(&profile, &["tool 595.1-1"], &other).unwrap()), ["tool 595.1-1"]);
    profile.sources[1].versions = Some("580.95".to_owned());
    assert_eq!(versions(&lock(&profile, &[], &other).unwrap()), ["tool 580.95-1"]);
    // A package that needs what is not let in.
    let error = lock(&profile, &["tool 600-1 lib (>= 600)"], &["lib 600-1", "tool 580.95-1"]).unwrap_err();
    assert!(error.hint().unwrap().ends_with("let it in with `versions` of source `security`"), "{:?}", error.hint());
}
