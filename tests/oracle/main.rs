//! The oracle: what is in an image is compared, path by path, with what dpkg and the packages' own scripts make of the very
//! packages in its lock (mmdebstrap, natively for amd64).
//!
//! Every difference must be allowed by a line of `allowed.toml` that says why; a line that nothing needs any more is
//! an error too, so that the file stays true.

#![expect(clippy::unwrap_used, reason = "a test that cannot get what it needs has to fail")]

mod allowed;
mod architectures;
mod compare;
#[path = "../support/draw.rs"]
#[expect(dead_code, reason = "random draws are other tests' business")]
mod draw;
mod driver;
mod groups;
mod image;
mod install;
#[path = "../packages/mod.rs"]
#[expect(dead_code, reason = "how long evaluation takes is the census' question")]
mod packages;

use std::time::{SystemTime, UNIX_EPOCH};

use allowed::Compared;
use draw::is_turn;
use image::{CACHE, Image, Workspace};
use install::Installation;
use packages::{Archive, BOARDS};

/// What nodes of the other roles have, and what people add: its scripts are accounted for too.
const MORE: &str = "nfs-common open-iscsi cryptsetup xfsprogs vim-tiny pciutils firmware-realtek apt";

/// An image beside what an installation of its packages holds.
fn compared(image: &Image, installation: &Installation) -> Compared {
    let mut installed = compare::from_tar(&installation.tar);
    installed.retain(|path, _| !image.dropped.is_match(path));
    Compared {
        differences: compare::compare(&installed, &compare::from_image(image)),
        packages: image.packages.iter().map(|package| package.name.clone()).collect(),
    }
}

#[test]
fn images_hold_what_an_installation_of_their_lock_holds() {
    if !is_turn("images_hold_what_an_installation_of_their_lock_holds", 0, 2) {
        return;
    }
    let workspace = Workspace::new();
    workspace.profile("roles", "demo", None, &[MORE, driver::PACKAGES].join(" "), driver::SOURCES);
    let images = ["demo", "roles"].map(|profile| {
        let image = workspace.build(profile);
        compared(&image, &install::install(&image.packages))
    });
    let complaints = allowed::judge(&images, true);
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn images_of_groups_of_packages_hold_what_an_installation_of_their_lock_holds() {
    if std::env::var_os("IMGBUILD_GROUPS").is_none()
        && !is_turn("images_of_groups_of_packages_hold_what_an_installation_of_their_lock_holds", 1, 2)
    {
        return;
    }
    let mut complaints = Vec::new();
    for group in groups::chosen() {
        let workspace = Workspace::new();
        let image = workspace.build(&group.write_profile(BOARDS[0], workspace.path()));
        let installation = install::install(&image.packages);
        let found = allowed::judge(&[compared(&image, &installation)], false);
        if found.is_empty() {
            // Another run has another group.
            installation.discard();
        }
        complaints.extend(found.into_iter().map(|complaint| format!("{}: {complaint}", group.name)));
    }
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_script_is_accounted_for_on_a_pi_too() {
    let workspace = Workspace::new();
    workspace.profile("roles-pi", "base", Some("rpi4"), MORE, "");
    workspace.run(&["lock", "--profile", "roles-pi"]);
}

#[test]
fn scripts_make_the_same_on_a_pi_but_for_its_architecture() {
    let workspace = Workspace::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut archive = Archive::new(CACHE.as_ref(), now).unwrap();
    for group in groups::chosen() {
        workspace.run(&["lock", "--profile", &group.write_profile(BOARDS[1], workspace.path())]);
        let [amd64, arm64] = BOARDS.map(|board| archive.evaluate(&group, board, workspace.path()).unwrap());
        let differences = architectures::differences(&amd64, &arm64);
        assert!(differences.is_empty(), "{}:\n{}", group.name, differences.join("\n"));
    }
}
