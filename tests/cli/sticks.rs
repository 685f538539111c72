//! Sticks: loop devices, which need root.

use std::fs::{self, File};

use crate::support;

/// Loop devices, and the one place where a person plugs one of them in after the other.
pub struct Sticks {
    dir: tempfile::TempDir,
    devices: Vec<String>,
}

impl Sticks {
    pub fn new(number: usize) -> Self {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let attach = |number| {
            let disk = dir.path().join(format!("disk{number}"));
            File::create(&disk).unwrap().set_len(400 << 20).unwrap();
            support::ok(dir.path(), "losetup", &["--find", "--show", disk.to_str().unwrap()]).trim().to_owned()
        };
        let devices = (0..number).map(attach).collect();
        Self { dir, devices }
    }

    pub fn port(&self) -> String {
        self.dir.path().join("stick").to_str().unwrap().to_owned()
    }

    pub fn plug(&self, number: usize) {
        let _ = fs::remove_file(self.port());
        std::os::unix::fs::symlink(&self.devices[number], self.port()).unwrap();
    }

    /// Its path below `/dev`.
    pub fn device(&self, number: usize) -> &str {
        &self.devices[number]
    }

    pub fn name(&self, number: usize) -> &str {
        self.device(number).trim_start_matches("/dev/")
    }

    pub fn resize(&self, number: usize, size: u64) {
        File::options().write(true).open(self.dir.path().join(format!("disk{number}"))).unwrap().set_len(size).unwrap();
        support::ok(self.dir.path(), "losetup", &["--set-capacity", self.device(number)]);
    }
}

impl Drop for Sticks {
    fn drop(&mut self) {
        for device in &self.devices {
            let _ = std::process::Command::new("losetup").args(["--detach", device]).status();
        }
    }
}
