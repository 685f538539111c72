//! Running the foreign readers that check our writers.

use std::path::Path;
use std::process::{Command, Output};

/// Runs `program` in `dir` and hands back what came of it. A missing program fails the test: `tests/run.sh` installs
/// all of them.
pub fn run(dir: &Path, program: &str, args: &[&str]) -> Output {
    // Debian keeps half of these tools outside an ordinary user's path.
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let command = Command::new(program).args(args).current_dir(dir).env("PATH", path).env("LC_ALL", "C").output();
    command.unwrap_or_else(|error| panic!("cannot run {program}, which this test needs: {error}"))
}

/// As [`run`], for what must succeed; gives its standard output.
pub fn ok(dir: &Path, program: &str, args: &[&str]) -> String {
    let output = run(dir, program, args);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program} {args:?} failed:\n{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}
