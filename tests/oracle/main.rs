//! The oracle: what is in an image is compared, path by path, with what dpkg and the packages' own scripts make of the very
//! packages in its lock (mmdebstrap, natively for amd64).
//!
//! Every difference must be allowed by a line of `allowed.toml` that says why; a line that nothing needs any more is
//! an error too, so that the file stays true.

#![expect(clippy::unwrap_used, reason = "a test that cannot get what it needs has to fail")]

mod allowed;
mod compare;
mod driver;
mod image;
mod install;

use image::Workspace;

/// What nodes of the other roles have, and what people add: its scripts are accounted for too.
const MORE: &str = "nfs-common open-iscsi cryptsetup xfsprogs vim-tiny pciutils firmware-realtek apt";

#[test]
fn images_hold_what_an_installation_of_their_lock_holds() {
    let workspace = Workspace::new();
    workspace.profile("roles", "demo", None, &[MORE, driver::PACKAGES].join(" "), driver::SOURCES);
    let mut differences = Vec::new();
    for profile in ["demo", "roles"] {
        let image = workspace.build(profile);
        let mut installed = compare::from_tar(&install::install(&image.packages));
        installed.retain(|path, _| !image.dropped.is_match(path));
        differences.extend(compare::compare(&installed, &compare::from_image(&image)));
    }
    let complaints = allowed::judge(&differences);
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_script_is_accounted_for_on_a_pi_too() {
    let workspace = Workspace::new();
    workspace.profile("roles-pi", "base", Some("rpi4"), MORE, "");
    workspace.run(&["lock", "--profile", "roles-pi"]);
}
