//! Mounts in other mount namespaces, such as those of containers and of services with private mounts. This process's own mount
//! table does not list them, but that of a process in such a namespace does, if this user may read it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::Disk;
use super::text::{clean, mounts, shown};

/// Describes who has the disk or a partition of it mounted in another mount namespace: for each namespace the process with
/// the lowest number. `/proc` is read below the root directory `root`. Processes that this user may not inspect are skipped.
#[must_use]
pub fn mounts_in_other_namespaces(root: &Path, disk: &Disk) -> Vec<String> {
    let proc = root.join("proc");
    let space = |process: &str| fs::read_link(proc.join(process).join("ns/mnt")).ok();
    let mut seen: BTreeSet<_> = space("self").into_iter().collect();
    let entries = fs::read_dir(&proc).into_iter().flatten();
    let mut processes: Vec<u32> = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    processes.sort_unstable();
    let mut found = Vec::new();
    for process in processes {
        let Some(space) = space(&process.to_string()) else { continue };
        if seen.contains(&space) {
            continue;
        }
        let dir = proc.join(process.to_string());
        let Ok(table) = fs::read(dir.join("mountinfo")) else { continue };
        seen.insert(space);
        if let Some(mount) =
            mounts(&String::from_utf8_lossy(&table)).iter().find(|mount| disk.numbers.contains(&mount.number))
        {
            let name = clean(&fs::read_to_string(dir.join("comm")).unwrap_or_default());
            found.push(format!(
                "process {process} ({name}), which has {} mounted at {} in a mount namespace of its own",
                shown(Path::new(&mount.source)),
                shown(&mount.path)
            ));
        }
    }
    found
}
