//! Archives that lie, are stale or break off: each an error that names what and where, and nothing written.

use std::collections::BTreeMap;

use crate::archive::{Archive, INDEX, INRELEASE, pool};
use crate::http::Answer;

type Files = BTreeMap<String, Vec<u8>>;

/// The error of a build from an archive whose files were changed after signing.
fn tampered(change: impl FnOnce(&mut Files)) -> String {
    let archive = Archive::new();
    let mut files = archive.files();
    change(&mut files);
    archive.serve(files, Answer::honest).refused(&["parcel"], 5)
}

/// The error of a build from an archive whose index was changed before signing.
fn hostile(code: i32, index: fn(String) -> String) -> String {
    let mut archive = Archive::new();
    archive.index = index;
    archive.online().refused(&["parcel"], code)
}

#[test]
fn a_good_archive_can_be_locked() {
    let online = Archive::new().online();
    let place = online.place(&["parcel"]);
    place.run(&["lock", "--profile", "node"]).ok();
    let lock = place.read("imgbuild.lock");
    for name in ["linux-image-amd64", "parcel", "systemd-boot-efi"] {
        assert!(lock.contains(&format!("name = \"{name}\"")), "{lock}");
        assert!(online.paths().contains(&pool(name)));
    }
    assert_eq!(online.paths().iter().filter(|path| *path == INRELEASE).count(), 1);
    place.run(&["--offline", "lock", "--check"]).ok();
}

#[test]
fn a_tampered_release_file_is_refused() {
    let error = tampered(|files| {
        let text = String::from_utf8(files[INRELEASE].clone()).unwrap();
        files.insert(INRELEASE.to_owned(), text.replace("Suite: test", "Suite: tesT").into_bytes());
    });
    assert!(error.contains("source `tiny`") && error.contains(INRELEASE), "{error}");
}

#[test]
fn a_release_file_by_another_key_is_refused() {
    let (ours, theirs) = (Archive::new(), Archive::new());
    let mut files = ours.files();
    files.insert(INRELEASE.to_owned(), theirs.files()[INRELEASE].clone());
    let error = ours.serve(files, Answer::honest).refused(&["parcel"], 5);
    assert!(error.contains("source `tiny`") && error.contains("not one of the pinned ones"), "{error}");
}

#[test]
fn an_expired_release_file_is_refused() {
    let mut archive = Archive::new();
    archive.validity = -3600;
    let error = archive.online().refused(&["parcel"], 5);
    assert!(error.contains("source `tiny`") && error.contains("it expired on"), "{error}");
}

#[test]
fn a_changed_index_is_refused() {
    let error = tampered(|files| files.get_mut(INDEX).unwrap()[0] = b'p');
    assert!(error.contains("source `tiny`") && error.contains("its SHA-256 is"), "{error}");
}

#[test]
fn a_truncated_package_is_refused() {
    let error = tampered(|files| files.get_mut(&pool("parcel")).unwrap().truncate(100));
    assert!(error.contains("parcel 1.0-1") && error.contains(&pool("parcel")), "{error}");
}

#[test]
fn a_swapped_package_is_refused() {
    let error = tampered(|files| {
        let other = files[&pool("systemd-boot-efi")].clone();
        files.insert(pool("parcel"), other);
    });
    assert!(error.contains("parcel 1.0-1") && error.contains("--mirror"), "{error}");
}

#[test]
fn a_package_with_another_hash_is_refused() {
    let error = tampered(|files| *files.get_mut(&pool("parcel")).unwrap().last_mut().unwrap() = 1);
    assert!(error.contains("parcel 1.0-1") && error.contains("its SHA-256 is"), "{error}");
}

#[test]
fn a_package_that_is_gone_is_named_with_its_address() {
    let error = tampered(|files| drop(files.remove(&pool("parcel"))));
    assert!(error.contains("parcel 1.0-1") && error.contains(&pool("parcel")) && error.contains("404"), "{error}");
    assert!(error.contains("imgbuild lock --update"), "{error}");
}

#[test]
fn a_connection_that_is_always_cut_half_way_is_an_error_in_the_end() {
    let archive = Archive::new();
    let cut = archive.serve(archive.files(), |request, file| {
        let answer = Answer::honest(request, file);
        // A byte more each time would be progress: this server gives none.
        if request.path == pool("parcel") { Answer::whole(file).cut(file.len() / 2) } else { answer }
    });
    let error = cut.refused(&["parcel"], 5);
    assert!(error.contains("parcel 1.0-1") && error.contains("network"), "{error}");
}

#[test]
fn a_connection_that_is_cut_once_is_resumed() {
    let archive = Archive::new();
    let cut = archive.serve(archive.files(), |request, file| {
        let answer = Answer::honest(request, file);
        if request.path == pool("parcel") && request.earlier == 0 { answer.cut(file.len() / 2) } else { answer }
    });
    cut.place(&["parcel"]).run(&["lock", "--profile", "node"]).ok();
    assert_eq!(cut.paths().iter().filter(|path| **path == pool("parcel")).count(), 2);
}

#[test]
fn a_package_path_that_leaves_the_archive_is_refused() {
    let error = hostile(1, |index| index.replace("Filename: pool/parcel", "Filename: ../../etc/parcel"));
    assert!(error.contains("source `tiny`") && error.contains("../../etc/parcel"), "{error}");
}

#[test]
fn an_index_with_fields_that_cannot_be_is_refused() {
    let error = hostile(1, |index| index.replace("Package: parcel", "Package: parcel/../x"));
    assert!(error.contains("source `tiny`") && error.contains("parcel/../x"), "{error}");
    let error = hostile(1, |index| index.replace("Version: 1.0-1", "Version: 1.0-1; rm -rf /"));
    assert!(error.contains("source `tiny`"), "{error}");
    let error = hostile(1, |index| index.replacen("SHA256: ", "SHA256: ../", 1));
    assert!(error.contains("source `tiny`"), "{error}");
}

#[test]
fn a_dependency_that_nobody_has_is_explained() {
    let error = hostile(1, |index| index.replace("Package: parcel\n", "Package: parcel\nDepends: string (>= 2)\n"));
    assert!(error.contains("parcel") && error.contains("string (>= 2)"), "{error}");
}
