//! Flat repositories, as NVIDIA's are, and priorities of sources.

use crate::archive::{Archive, Online};
use crate::debs::Tar;
use crate::http::Answer;
use crate::place::Place;
use crate::tiny;

fn package(text: &str) -> Tar {
    Tar::default().dir("./").dir("./usr/").file(&format!("./usr/{text}"), text)
}

fn flat() -> Archive {
    let mut archive = Archive::new();
    archive.flat = true;
    archive
}

/// Version and source that the lock has of a package.
fn locked(place: &Place, name: &str) -> String {
    let lock: toml::Table = place.read("imgbuild.lock").parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"].as_str() == Some(name)).unwrap();
    let [version, source] = ["version", "source"].map(|key| package[key].as_str().unwrap());
    format!("{version} of {source}")
}

/// The profile `node` of `place` with `more` behind it.
fn add(place: &Place, profile: &str, vendor: &Online, more: &str) {
    let source = vendor.source(place, "vendor");
    place.write("profiles/node.toml", format!("{profile}{source}{more}"));
}

#[test]
fn a_package_of_a_flat_repository_is_locked_fetched_and_built() {
    let (debian, vendor) = (tiny::archive(0).online(), flat().with("driver", &[], package("driver")).online());
    let place = tiny::place(&debian, &["driver"]);
    add(&place, &place.read("profiles/node.toml"), &vendor, "only = [\"driver\"]\n");
    place.run(&["lock", "--profile", "node"]).ok();
    assert_eq!(locked(&place, "driver"), "1.0-1 of vendor");
    place.run(&["lock", "--check"]).ok();
    place.run(&["build", "--profile", "node"]).ok();
    assert!(place.read("build/node/node.files").contains("/usr/driver\t"));
    assert_eq!(vendor.paths(), ["/debian/InRelease", "/debian/Packages", "/debian/driver.deb"]);
}

#[test]
fn a_flat_repository_whose_index_or_signature_is_anothers_is_refused() {
    let debian = Archive::new().online();
    let vendor = flat().with("driver", &[], package("driver"));
    let refused = |files, code| {
        let vendor = vendor.serve(files, Answer::honest);
        let place = debian.place(&["driver"]);
        add(&place, &place.read("profiles/node.toml"), &vendor, "");
        let before = place.files();
        let error = place.run(&["lock", "--profile", "node"]).fails(code);
        assert_eq!(place.files(), before, "something was written; {error}");
        error
    };
    let change = |path: &str, from: &str, to: &str| {
        let mut files = vendor.files();
        let text = String::from_utf8(files[path].clone()).unwrap();
        assert!(text.contains(from), "{text}");
        files.insert(path.to_owned(), text.replace(from, to).into_bytes());
        files
    };
    let error = refused(change("/debian/InRelease", "Origin: vendor", "Origin: other"), 5);
    assert!(error.contains("source `vendor`") && error.contains("/debian/InRelease"), "{error}");
    let error = refused(change("/debian/Packages", "driver", "drivel"), 5);
    assert!(error.contains("index Packages of source `vendor`"), "{error}");
    let mut foreign = vendor.files();
    foreign.extend(flat().with("driver", &[], package("other")).files());
    let error = refused(foreign, 5);
    assert!(error.contains("the key is not one of the pinned ones"), "{error}");
    // A path that leaves the archive, signed.
    let mut leaving = flat().with("driver", &[], package("driver"));
    leaving.index = |index| index.replace("./driver.deb", "./../driver.deb");
    let leaving = leaving.online();
    let place = debian.place(&["driver"]);
    add(&place, &place.read("profiles/node.toml"), &leaving, "");
    let error = place.run(&["lock", "--profile", "node"]).fails(1);
    assert!(error.contains("field `Filename` has a bad value `./../driver.deb`"), "{error}");
}

#[test]
fn the_source_of_the_highest_priority_gives_a_package_whatever_its_version() {
    let debian = Archive::new().with_version("driver", "9.0-1", &[], package("new"));
    let debian = debian.with_version("tool", "9.0-1", &[], package("tool")).online();
    let vendor = flat().with("driver", &[], package("old")).online();
    let place = debian.place(&["driver", "tool"]);
    let profile = place.read("profiles/node.toml");
    add(&place, &profile, &vendor, "");
    place.run(&["lock", "--profile", "node"]).ok();
    assert_eq!(locked(&place, "driver"), "9.0-1 of tiny");

    add(&place, &profile, &vendor, "priority = 600\n");
    assert!(place.run(&["lock", "--check"]).fails(3).contains("does not fit node"));
    place.run(&["lock"]).ok();
    assert_eq!([locked(&place, "driver"), locked(&place, "tool")], ["1.0-1 of vendor", "9.0-1 of tiny"]);
    let why = place.run(&["why", "--profile", "node", "driver"]).ok();
    assert!(why.ends_with("driver 1.0-1 comes from source `vendor`\n"), "{why}");

    // One that stands back gives what nobody else has.
    add(&place, &profile, &vendor, "priority = 100\n");
    place.run(&["lock"]).ok();
    assert_eq!(locked(&place, "driver"), "9.0-1 of tiny");
}

#[test]
fn what_a_flat_repository_cannot_have_is_told_at_its_place() {
    let head = "schema = 1\nextends = \"demo\"\n[[source]]\nname = \"x\"\n";
    let cases = [
        (
            "archive = \"https://example.org/a\"\nsuite = \"/\"\ncomponents = [\"main\"]\n",
            "source `x` is a flat repository, and these have no components",
        ),
        ("archive = \"https://example.org/a\"\nsuite = \"x\"\n", "source `x` has no component"),
        ("archive = \"debian\"\nsuite = \"/\"\n", "Debian's archive of source `x` is no flat repository"),
        ("archive = \"https://example.org/a\"\nsuite = \"/a\"\n", "`/a` is not a suite"),
        ("archive = \"https://example.org/a\"\nsuite = \"../\"\n", "`../` is not a suite"),
        ("archive = \"https://example.org/a\"\nsuite = \"/\"\npriority = 0\n", "0 is not a priority"),
    ];
    for (lines, message) in cases {
        let place = Place::new().file("profiles/node.toml", format!("{head}{lines}"));
        let error = place.run(&["check", "--profile", "node"]).fails(1);
        assert!(error.contains(message) && error.contains("profiles/node.toml:"), "{error}");
    }
}
