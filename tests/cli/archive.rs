//! Workspaces that use the small archive of tests/support.

#[path = "../support/archive.rs"]
mod small;

use crate::place::Place;

pub use small::{Archive, INDEX, INRELEASE, Online, pool};

impl Online {
    /// A workspace whose profile `node` installs `packages` from here.
    pub fn place(&self, packages: &[&str]) -> Place {
        let place = Place::new();
        let packages = [&["base-passwd"], packages].concat();
        let profile =
            format!("schema = 1\nboard = \"uefi-amd64\"\npackages = {packages:?}\n{}", self.source(&place, "tiny"));
        place.file("profiles/node.toml", profile)
    }

    /// Builds a profile that installs `packages`, which must fail with `code` and leave nothing behind; gives the error.
    pub fn refused(&self, packages: &[&str], code: i32) -> String {
        let place = self.place(packages);
        let before = place.files();
        let error = place.run(&["build", "--profile", "node"]).fails(code);
        assert_eq!(place.files(), before, "something was written; {error}");
        assert!(!place.path("build").exists(), "an output directory was made");
        error
    }

    /// A `[[source]]` called `name` that is this archive, and its key's file in `place`.
    pub fn source(&self, place: &Place, name: &str) -> String {
        let key = format!("keys/{name}.asc");
        place.write(&key, &self.key);
        self.table(name, &key)
    }
}
