//! The images that all tests look at, built once.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use crate::place::Place;

static DEMO: LazyLock<Place> = LazyLock::new(|| {
    let place = Place::lasting("cli-shared").with_downloads();
    place.run(&["build", "--profile", "demo"]).ok();
    place
});

static CONTROL: LazyLock<PathBuf> = LazyLock::new(|| {
    DEMO.run(&["build", "--profile", "control"]).ok();
    DEMO.path("build/control")
});

/// The place where `demo` is built and locked.
pub fn demo() -> &'static Place {
    &DEMO
}

/// The directory of `control`'s image, in the same workspace.
pub fn control() -> PathBuf {
    CONTROL.clone()
}

/// Another workspace with the lock of [`demo`] and the same cache.
pub fn beside_demo() -> Place {
    let place = Place::beside(demo());
    fs::copy(demo().path("imgbuild.lock"), place.path("imgbuild.lock")).unwrap();
    place
}
