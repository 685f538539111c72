//! The release of K3s, and its artifacts.

use super::*;

/// What is locked for `name`, with this release of K3s.
fn with_k3s(name: &str, version: &str) -> Locked {
    let artifact = LockedArtifact {
        name: "k3s".to_owned(),
        version: version.to_owned(),
        arch: Arch::Arm64,
        path: format!("{version}/k3s-arm64"),
        size: 70_000_000,
        sha256: Digest::of(version.as_bytes()),
        profiles: Vec::new(),
    };
    Locked {
        artifacts: vec![artifact],
        ..lock_profile(&profile(name, &["bash"]), &first(), None, Update::Nothing).unwrap()
    }
}

#[test]
fn profiles_share_a_release_and_it_goes_with_the_last_of_them() {
    let mut lock = Lock::new();
    lock.put("control", with_k3s("control", "v1.36.4+k3s1"));
    lock.put("storage", with_k3s("storage", "v1.36.4+k3s1"));
    assert_eq!(lock.artifacts.len(), 1);
    assert_eq!(lock.artifacts[0].profiles, ["control", "storage"]);
    let old = lock.clone();
    for name in ["control", "storage"] {
        lock.put(name, with_k3s(name, "v1.36.5+k3s1"));
    }
    assert_eq!(lock.artifacts.len(), 1);
    let lines: Vec<String> = diff(&old, &lock).iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["  k3s v1.36.4+k3s1 → v1.36.5+k3s1 (control, storage)"]);
    lock.remove("control");
    assert_eq!(lock.artifacts_of("storage").count(), 1);
    lock.remove("storage");
    assert_eq!(lock.artifacts, []);
}

#[test]
fn a_lock_made_where_nobody_had_k3s_fits_a_standalone_profile_until_the_release_changes() {
    let mut profile = profile("demo", &["bash"]);
    let k3s = K3s {
        version: "v1.36.5+k3s1".to_owned(),
        role: Role::Server,
        standalone: true,
        air_gap: false,
        taints: Vec::new(),
        labels: BTreeMap::new(),
        disable: Vec::new(),
        kubelet_args: Vec::new(),
        embedded_registry: false,
        preload: Vec::new(),
        charts: Charts::Repository,
    };
    profile.k3s = Some(k3s.clone());
    let locked = lock_profile(&profile, &first(), None, Update::Nothing).unwrap();
    let mut lock = Lock::new();
    lock.put("demo", locked.clone());
    lock.expect(&profile).unwrap();
    profile.k3s = Some(K3s { standalone: false, ..k3s.clone() });
    let error = lock.expect(&profile).unwrap_err();
    assert_eq!(error, OutdatedError::WithoutK3s { profile: "demo".to_owned() });
    let cure = error.hint().unwrap();
    assert!(["imgbuild lock --profile demo", "--k3s-dir DIR", "--k3s-mirror"].iter().all(|way| cure.contains(way)));
    lock.put("demo", Locked { artifacts: with_k3s("demo", "v1.36.5+k3s1").artifacts, ..locked });
    lock.expect(&profile).unwrap();
    for changed in [
        K3s { version: "v1.36.6+k3s1".to_owned(), ..k3s.clone() },
        K3s { role: Role::Agent, standalone: false, ..k3s.clone() },
        K3s { air_gap: true, ..k3s },
    ] {
        profile.k3s = Some(changed);
        assert!(matches!(lock.expect(&profile), Err(OutdatedError::Changed { .. })));
    }
}

#[test]
fn artifacts_that_contradict_the_lock_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("imgbuild.lock");
    let mut lock = Lock::new();
    lock.put("control", with_k3s("control", "v1.36.5+k3s1"));
    lock.save(&path).unwrap();
    assert_eq!(Lock::load(&path).unwrap(), Some(lock.clone()));
    let mut wrong = [lock.clone(), lock.clone(), lock.clone(), lock.clone()];
    wrong[0].artifacts[0].path = "../k3s".to_owned();
    wrong[1].artifacts[0].arch = Arch::Amd64;
    wrong[2].artifacts[0].profiles.push("gone".to_owned());
    wrong[3].artifacts.push(lock.artifacts[0].clone());
    for (lock, cause) in wrong.iter().zip([
        "leaves the mirror",
        "is not for amd64",
        "no profile `gone` is locked",
        "artifact `k3s` twice",
    ]) {
        lock.save(&path).unwrap();
        let error = Lock::load(&path).unwrap_err().to_string();
        assert!(error.contains("k3s") && error.contains(cause), "{error}");
    }
}
