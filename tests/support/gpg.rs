//! Keys and signatures by `GnuPG`.

use std::fs;
use std::path::Path;

use imgbuild::profile::SourceKey;
use tempfile::TempDir;

use crate::support;

/// 2026-01-01.
pub const NOW: u64 = 1_767_225_600;
pub const DAY: u64 = 24 * 60 * 60;

/// A `GnuPG` home whose clock stands at `NOW`.
pub struct Gpg(TempDir);

impl Gpg {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn home(&self) -> &Path {
        self.0.path()
    }

    pub fn at(&self, time: u64, args: &[&str]) -> String {
        let time = format!("{time}!");
        let common =
            ["--homedir", ".", "--batch", "--yes", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""];
        let clock = ["--faked-system-time", &time, "--allow-weak-digest-algos"];
        support::ok(self.0.path(), "gpg", &[&common[..], &clock[..], args].concat())
    }

    pub fn gpg(&self, args: &[&str]) -> String {
        self.at(NOW, args)
    }

    /// A certificate whose primary key certifies and whose subkey signs, as Debian's; gives the subkey's fingerprint.
    pub fn new_key(&self, name: &str, expire: &str) -> String {
        self.at(NOW - 10 * DAY, &["--quick-gen-key", name, "ed25519", "cert", "0"]);
        let primary = self.fingerprints(name).remove(0);
        self.at(NOW - 10 * DAY, &["--quick-add-key", &primary, "ed25519", "sign", expire]);
        self.fingerprints(name).remove(1)
    }

    pub fn fingerprints(&self, name: &str) -> Vec<String> {
        let listing = self.gpg(&["--with-colons", "--with-subkey-fingerprint", "--list-keys", name]);
        listing
            .lines()
            .filter(|line| line.starts_with("fpr:"))
            .map(|line| line.split(':').nth(9).unwrap().to_owned())
            .collect()
    }

    pub fn export(&self, name: &str) -> SourceKey {
        SourceKey::Certificates(self.gpg(&["--armor", "--export", name]).into_bytes())
    }

    pub fn clearsign(&self, text: &str, time: u64, key: &str, more: &[&str]) -> String {
        fs::write(self.0.path().join("text"), text).unwrap();
        let user = format!("{key}!");
        let sign = ["--local-user", &user, "--output", "-", "--clearsign", "text"];
        self.at(time, &[more, &sign[..]].concat())
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        support::run(self.0.path(), "gpgconf", &["--homedir", ".", "--kill", "all"]);
    }
}
