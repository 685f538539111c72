//! Composes `.deb` files byte by byte, sound and hostile ones alike.

use std::io::Write;

use tar::{EntryType, Header};

pub const CONTROL: &str = "Package: sample\nVersion: 1.0-1\nArchitecture: all\nDescription: a sample\n of two lines\n";

/// A tar archive under construction, still without its end marker.
#[derive(Default)]
pub struct Tar(pub Vec<u8>);

impl Tar {
    /// A member with exactly this name, however hostile; `link` is empty unless it is a link.
    pub fn entry(self, kind: EntryType, name: &str, link: &str, data: &[u8]) -> Self {
        self.with(kind, name.as_bytes(), link, data, |_| {})
    }

    pub fn file(self, name: &str, data: &str) -> Self {
        self.entry(EntryType::Regular, name, "", data.as_bytes())
    }

    pub fn dir(self, name: &str) -> Self {
        self.entry(EntryType::Directory, name, "", b"")
    }

    pub fn symlink(self, name: &str, target: &str) -> Self {
        self.entry(EntryType::Symlink, name, target, b"")
    }

    /// As [`Tar::entry`], with a last word on the header before its checksum is made.
    pub fn with(
        mut self,
        kind: EntryType,
        name: &[u8],
        link: &str,
        data: &[u8],
        change: impl FnOnce(&mut Header),
    ) -> Self {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o644 });
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(data.len() as u64);
        if matches!(kind, EntryType::Char | EntryType::Block) {
            header.set_device_major(1).unwrap();
            header.set_device_minor(3).unwrap();
        }
        change(&mut header);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// A pax header for the member that follows.
    pub fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut data = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let len = (rest..rest + 9).find(|len| rest + len.to_string().len() == *len).unwrap();
            write!(data, "{len} {key}=").unwrap();
            data.extend_from_slice(value);
            data.push(b'\n');
        }
        self.entry(EntryType::XHeader, "pax", "", &data)
    }

    /// With the end marker.
    pub fn finish(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

/// An `ar` archive of `(name, bytes)`.
pub fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, data) in members {
        writeln!(bytes, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, "100644", data.len()).unwrap();
        bytes.extend_from_slice(data);
        if data.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

/// A `control.tar` with one file.
pub fn control_tar(control: &str) -> Vec<u8> {
    Tar::default().dir("./").file("./control", control).finish()
}

/// An uncompressed `.deb` with the sample control file.
pub fn deb_of(data_tar: &[u8]) -> Vec<u8> {
    deb_with(&control_tar(CONTROL), data_tar)
}

pub fn deb_with(control_tar: &[u8], data_tar: &[u8]) -> Vec<u8> {
    ar(&[("debian-binary", b"2.0\n"), ("control.tar", control_tar), ("data.tar", data_tar)])
}

pub fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
