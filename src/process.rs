//! This program as a process, and the programs that it starts: what it holds in memory and in its environment stays with it.

use std::ffi::OsStr;
use std::process::Command;

/// What the names of this program's own variables begin with.
const OWN: &str = "IMGBUILD_";

/// From now on no core dump is made of this process, and no other process of the same user can read its memory or environment:
/// both may hold secrets. Root still can.
pub(crate) fn keep_memory_private() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // A lower limit is never refused, and neither is the call below; without them the program works as well.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // The limit says nothing to a program that takes core dumps from the kernel through a pipe (core(5)), such as systemd-coredump.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// A program to start, without this one's variables: some are secrets (`IMGBUILD_SECRET_NAME`, `IMGBUILD_MINISIGN_PASSWORD`) or
/// may hold a password (a mirror's URL), and no other program has a use for any.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| name.as_encoded_bytes().starts_with(OWN.as_bytes())) {
        command.env_remove(name);
    }
    command
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// All source files of the program below a directory.
    fn sources(dir: &Path) -> Vec<(String, String)> {
        let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        let read = |path: std::path::PathBuf| {
            if path.is_dir() {
                sources(&path)
            } else {
                vec![(path.display().to_string(), fs::read_to_string(path).unwrap())]
            }
        };
        entries.flat_map(read).collect()
    }

    #[test]
    fn every_program_is_started_with_a_clean_environment() {
        let own = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        let starts = |(path, text): &&(String, String)| {
            let without_tests = text.split("#[cfg(test)]").next().unwrap_or_default();
            let is_test = path.contains("/tests/") || path.ends_with("/tests.rs");
            without_tests.contains("Command::new(") && !is_test && !path.ends_with("/src/process.rs")
        };
        let found: Vec<&str> = own.iter().filter(starts).map(|(path, _)| path.as_str()).collect();
        assert_eq!(found, [] as [&str; 0], "these start programs without `process::command`");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn no_core_dump_is_made_however_the_system_takes_them() {
        use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};
        keep_memory_private();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
