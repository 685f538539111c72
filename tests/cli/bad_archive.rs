//! Archives that lie, are stale or break off: each an error that names what and where, and nothing written.

use std::collections::BTreeMap;

use crate::archive::{Archive, INDEX, INRELEASE, pool};
use crate::http::Answer;
use crate::place::Place;

type Files = BTreeMap<String, Vec<u8>>;

/// The error of a build from an archive whose index was changed before signing.
fn hostile(index: fn(String) -> String) -> String {
    let mut archive = Archive::new();
    archive.index = index;
    archive.online().refused(&["parcel"], 1)
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
fn what_was_changed_after_it_was_signed_is_refused_with_what_it_is() {
    let changes: [fn(&mut Files); 7] = [
        |files| {
            let text = String::from_utf8(files[INRELEASE].clone()).unwrap();
            files.insert(INRELEASE.to_owned(), text.replace("Suite: test", "Suite: tesT").into_bytes());
        },
        |files| drop(files.insert(INRELEASE.to_owned(), Archive::new().files()[INRELEASE].clone())),
        |files| files.get_mut(INDEX).unwrap()[0] = b'p',
        |files| files.get_mut(&pool("parcel")).unwrap().truncate(100),
        |files| {
            let other = files[&pool("systemd-boot-efi")].clone();
            files.insert(pool("parcel"), other);
        },
        |files| *files.get_mut(&pool("parcel")).unwrap().last_mut().unwrap() = 1,
        |files| drop(files.remove(&pool("parcel"))),
    ];
    let told = changes.map(|change| {
        let archive = Archive::new();
        let mut files = archive.files();
        change(&mut files);
        archive.serve(files, Answer::honest).refused(&["parcel"], 5)
    });
    insta::assert_snapshot!(Place::new().stable(&told.join("\n")));
}

#[test]
fn an_expired_release_file_is_refused() {
    let mut archive = Archive::new();
    archive.validity = -3600;
    let error = archive.online().refused(&["parcel"], 5);
    assert!(error.contains("source `tiny`") && error.contains("it expired on"), "{error}");
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
fn an_index_with_fields_that_cannot_be_is_refused() {
    let changes: [fn(String) -> String; 5] = [
        |index| index.replace("Filename: pool/parcel", "Filename: ../../etc/parcel"),
        |index| index.replace("Package: parcel", "Package: parcel/../x"),
        |index| index.replace("Version: 1.0-1", "Version: 1.0-1; rm -rf /"),
        |index| index.replacen("SHA256: ", "SHA256: ../", 1),
        |index| index.replace("Package: parcel\n", "Package: parcel\nDepends: string (>= 2)\n"),
    ];
    insta::assert_snapshot!(Place::new().stable(&changes.map(hostile).join("\n")));
}
