//! Scripts that start the program under other conditions.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

/// A script in the place of the program, in a directory of its own that every user may enter.
pub struct Wrapper(TempDir);

impl Wrapper {
    /// `before` runs first; with `by` before it the program is started then. `$PROGRAM` is its file.
    pub fn new(before: &str, by: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let program = dir.path().join("imgbuild");
        fs::copy(env!("CARGO_BIN_EXE_imgbuild"), &program).unwrap();
        let script = dir.path().join("script");
        let text = format!(
            "#!/bin/sh\nset -e\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nexport PROGRAM={}\ncd {}\n{before}\nexec {by} \"$PROGRAM\" \"$@\"\n",
            program.display(),
            dir.path().display()
        );
        fs::write(&script, text).unwrap();
        for file in [&program, &script] {
            fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self(dir)
    }

    pub fn script(&self) -> PathBuf {
        self.path("script")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}
