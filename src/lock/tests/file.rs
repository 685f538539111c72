//! The file: what of it is refused, and that it says what was saved.

use proptest::prelude::*;

use super::*;

#[test]
fn a_lock_that_contradicts_itself_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("imgbuild.lock");
    assert_eq!(Lock::load(&path).unwrap(), None);
    let text = locked().to_text();
    let hex = Digest::of(b"bash 5.2-1 libc6").to_string();
    let cases = [
        (text.replace("version = 1", "version = 2"), "format version 2"),
        (text.replace("pool/main/bash", "../bash"), "leaves the archive"),
        (text.replace("name = \"bash\"", "name = \"../bash\""), "not a package's name"),
        (text.replace("name = \"bash\"", "name = \"libc6\""), "has package `libc6` twice"),
        (text.replace("source = \"debian\"", "source = \"other\""), "has no source `other`"),
        (text.replace("arch = \"arm64\"\nsource", "arch = \"amd64\"\nsource"), "is not for amd64"),
        (text.replace("[profile.demo]", "[profile.other]"), "no profile `demo` is locked"),
        (text.replace("date = \"2026", "date = \"x"), "is not a date"),
        (text.replace(&hex, &hex[1..]), "a SHA-256 digest has 64 hexadecimal digits"),
        (text.replace("size = 1000", "size = 1000\nextra = 1"), "unknown field `extra`"),
        (
            text.replace("size = 1000", "size = 9223372036854775807"),
            "9223372036854775807 bytes are more than any package has",
        ),
        (text.replace("[ids.users]", "[ids.users"), "is damaged: line "),
        (text.replace("[ids.users]", "[ids.users]\nadmin = 65534"), "which stands for no account"),
    ];
    for (text, message) in cases {
        std::fs::write(&path, text).unwrap();
        let error = Lock::load(&path).unwrap_err();
        assert!(error.to_string().contains(message), "{message}: {error}");
        assert!(error.to_string().contains("imgbuild.lock") && error.hint().is_some());
    }
}

prop_compose! {
    /// Any lock that does not contradict itself.
    fn any_lock()(
        packages in proptest::collection::btree_map("[a-z][a-z0-9+.-]{1,8}", ("[0-9]{1,3}[a-z~+.]{0,3}", any::<u32>()), 0..20),
        users in proptest::collection::btree_map("[a-z_][a-z0-9-]{0,8}", Just(()), 0..5),
        epoch in 0..4_000_000_000_u64,
        first in proptest::bool::ANY,
    ) -> Lock {
        let mut lock = Lock::new();
        let selected = packages.into_iter().map(|(name, (version, size))| LockedPackage {
            path: format!("pool/main/{name}_{version}_all.deb"),
            sha256: Digest::of(name.as_bytes()),
            size: size.into(),
            arch: "all".to_owned(),
            source: "debian".to_owned(),
            scripts: "none".to_owned(),
            scripts_sha256: size.is_multiple_of(3).then(|| Digest::of(name.as_bytes())),
            declared: size.is_multiple_of(2).then(|| Digest::of(version.as_bytes())),
            profiles: Vec::new(),
            name,
            version,
        });
        let source = LockedSource {
            name: "debian".to_owned(),
            archive: "debian".to_owned(),
            suite: "trixie".to_owned(),
            date: crate::debian::date::display(epoch),
            sha256: Digest::of(b""),
            signed_by: String::new(),
            only: Vec::new(),
            profiles: Vec::new(),
        };
        let profile = LockedProfile { arch: Arch::Amd64, config: Digest::of(b"config"), contents: Digest([0; 32]), epoch, users: Vec::new(), groups: Vec::new(), k3s: None };
        let locked = Locked { profile, sources: vec![source], packages: selected.collect(), artifacts: Vec::new(), images: Vec::new(), charts: Vec::new(), kernel_modules: Vec::new(), toolchain: Vec::new() };
        lock.put("second", locked.clone());
        if first {
            lock.put("first", locked);
        }
        lock.ids.users = users.into_keys().zip(100..).collect();
        lock
    }
}

proptest! {
    #[test]
    fn what_is_saved_is_loaded_again(lock in any_lock()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("imgbuild.lock");
        lock.save(&path).unwrap();
        prop_assert_eq!(Lock::load(&path).unwrap(), Some(lock));
    }
}
