//! The table as a whole, of machines as their kernels tell of them.

use std::fs;

use super::*;

#[path = "../../../tests/support/machine.rs"]
mod kernel;

fn disks(machine: &str) -> Vec<Disk> {
    let root = tempfile::tempdir().unwrap();
    kernel::lay_out(machine, root.path());
    list(root.path()).unwrap()
}

#[test]
fn people_see_a_table_of_each_captured_machine() {
    let files = fs::read_dir("tests/fixtures/devices").unwrap().map(|file| file.unwrap().path());
    let mut names: Vec<String> = files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    let shown = names.iter().map(|name| format!("── {name}\n{}", table(&judged(&disks(name), &Limits::default()))));
    insta::assert_snapshot!(shown.collect::<String>());
}

#[test]
fn programs_see_all_that_is_known_of_a_disk_and_each_reason_to_refuse_it() {
    let disks = disks("usb-stick-mounted");
    let entries: Vec<_> = judged(&disks, &Limits::default()).iter().map(|(disk, why)| entry(disk, why)).collect();
    insta::assert_snapshot!(format!("{:#}", json!(entries)));
}
