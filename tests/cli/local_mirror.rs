//! A mirror of Debian's archive that is a directory of this machine.

use std::fs;
use std::path::Path;

use crate::archive::{Archive, INRELEASE, Online, pool};
use crate::place::Place;
use crate::tiny;

/// The archive's files below a directory, and a workspace that has them as `debian`.
fn machine(dir: &Path) -> (Place, Archive, Online) {
    let archive = tiny::archive(0);
    let files = archive.files();
    for (path, bytes) in &files {
        let file = dir.join(path.trim_start_matches('/'));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
    let online = archive.online();
    let place = tiny::place(&online, &["parcel"]);
    let profile = place.read("profiles/node.toml").replace(&online.url(), "debian");
    place.write("profiles/node.toml", profile);
    (place, archive, online)
}

#[test]
fn a_path_or_url_of_a_directory_is_a_mirror_and_no_server_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let (place, _archive, online) = machine(dir.path());
    let path = dir.path().to_str().unwrap();
    place.run(&["lock", "node", "--mirror", path]).ok();
    let lock = place.read("imgbuild.lock");
    assert!(!lock.contains(path), "{lock}");

    fs::remove_file(place.path("imgbuild.lock")).unwrap();
    place.run(&["lock", "node", "--mirror", &format!("file://{path}/debian/")]).ok();
    assert_eq!(place.read("imgbuild.lock"), lock);

    // And where the workspace names it.
    place.write("imgbuild.toml", format!("schema = 1\nmirror = {path:?}\n"));
    place.run(&["build", "node"]).ok();
    assert!(place.read("build/node/node.files").contains("\n/usr/parcel\t"));
    assert_eq!(online.paths(), [""; 0]);
}

#[test]
fn a_directory_that_is_no_mirror_or_a_bad_one_is_told_with_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let (place, archive, _online) = machine(dir.path());
    let path = dir.path().to_str().unwrap();
    let refused = |mirror: &str, code| {
        let before = place.files();
        let error = place.run(&["lock", "node", "--mirror", mirror]).fails(code);
        assert_eq!(place.files(), before, "something was written; {error}");
        error
    };
    let error = refused(&format!("{path}/pool"), 5);
    assert!(error.contains("pool/debian/dists/test/InRelease") && error.contains("there is no such file"), "{error}");
    let error = refused("./mirror", 1);
    assert!(error.contains("a directory's absolute path"), "{error}");

    // Another archive's Release file, and then a package that is not the one of the index.
    let inrelease = dir.path().join(INRELEASE.trim_start_matches('/'));
    let ours = fs::read(&inrelease).unwrap();
    fs::write(&inrelease, &Archive::new().files()[INRELEASE]).unwrap();
    let error = refused(path, 5);
    assert!(error.contains("the key is not one of the pinned ones"), "{error}");
    fs::write(&inrelease, ours).unwrap();
    let archive =
        archive.with("parcel", &[], crate::debs::Tar::default().dir("./usr/").file("./usr/parcel", "another"));
    fs::write(dir.path().join(pool("parcel").trim_start_matches('/')), &archive.files()[&pool("parcel")]).unwrap();
    let error = refused(path, 5);
    assert!(error.contains("parcel"), "{error}");
}
