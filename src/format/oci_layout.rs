//! Container images as a tar archive in OCI's layout (image specification 1.1, `image-layout.md`), as `ctr images import` and
//! Docker read them: blobs by their digests, and an index that gives images names.
//!
//! The same images always give the same bytes: owners, modes and times are fixed, and files come in a fixed order.

use std::io::{self, Read, Write};

use serde_json::json;
use tar::{Builder, EntryType, Header};

use crate::tree::Digest;

/// An image in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The whole name, with a tag, as containerd knows it.
    pub name: &'a str,
    /// Of its index or manifest, which is one of the blobs.
    pub media_type: &'a str,
    pub sha256: Digest,
    pub size: u64,
}

/// A blob and where its bytes come from.
pub struct Blob<R> {
    pub sha256: Digest,
    pub size: u64,
    pub bytes: R,
}

/// Writes the archive of one image, whose `blobs` come in the order given.
///
/// # Errors
/// Of reading a blob or of writing; a blob of another size than it is told to be.
pub fn write<R: Read>(
    out: impl Write,
    image: &Entry<'_>,
    blobs: impl IntoIterator<Item = io::Result<Blob<R>>>,
) -> io::Result<()> {
    let mut archive = Builder::new(out);
    for path in ["blobs/", "blobs/sha256/"] {
        let mut header = header(EntryType::Directory, 0o755, 0);
        archive.append_data(&mut header, path, io::empty())?;
    }
    for blob in blobs {
        let Blob { sha256, size, bytes } = blob?;
        let mut header = header(EntryType::Regular, 0o644, size);
        let mut counted = Counted { bytes: bytes.take(size), read: 0 };
        archive.append_data(&mut header, format!("blobs/sha256/{sha256}"), &mut counted)?;
        if counted.read != size {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("a blob ends after {} bytes", counted.read),
            ));
        }
    }
    let tag = image.name.rsplit(':').next().unwrap_or_default();
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": image.media_type,
            "digest": format!("sha256:{}", image.sha256),
            "size": image.size,
            "annotations": {
                // The whole name, which containerd goes by, and the tag, which others do.
                "io.containerd.image.name": image.name,
                "org.opencontainers.image.ref.name": tag,
            },
        }],
    });
    for (path, text) in [("index.json", index), ("oci-layout", json!({"imageLayoutVersion": "1.0.0"}))] {
        let text = text.to_string();
        let mut header = header(EntryType::Regular, 0o644, text.len() as u64);
        archive.append_data(&mut header, path, text.as_bytes())?;
    }
    archive.into_inner()?.flush()
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header
}

struct Counted<R> {
    bytes: R,
    read: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.read += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(blobs: &[&[u8]], size: u64) -> io::Result<Vec<u8>> {
        let image = Entry {
            name: "docker.io/library/busybox:1.37.0",
            media_type: "application/vnd.oci.image.index.v1+json",
            sha256: Digest::of(blobs[0]),
            size,
        };
        let mut out = Vec::new();
        let blobs = blobs.iter().map(|bytes| Ok(Blob { sha256: Digest::of(bytes), size, bytes: *bytes }));
        write(&mut out, &image, blobs).map(|()| out)
    }

    #[test]
    fn an_archive_has_each_blob_at_its_digest_and_an_index_with_the_name() {
        let bytes = archive(&[b"one", b"two"], 3).unwrap();
        let mut read = tar::Archive::new(&bytes[..]);
        let mut names = Vec::new();
        for entry in read.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            if path == "index.json" {
                let index: serde_json::Value = serde_json::from_str(&text).unwrap();
                let named = &index["manifests"][0]["annotations"];
                assert_eq!(named["io.containerd.image.name"], "docker.io/library/busybox:1.37.0");
                assert_eq!(named["org.opencontainers.image.ref.name"], "1.37.0");
            }
            names.push(path);
        }
        let blob = |bytes: &[u8]| format!("blobs/sha256/{}", Digest::of(bytes));
        assert_eq!(names, ["blobs/", "blobs/sha256/", &blob(b"one"), &blob(b"two"), "index.json", "oci-layout"]);
        assert_eq!(bytes, archive(&[b"one", b"two"], 3).unwrap());
    }

    #[test]
    fn a_blob_that_ends_early_is_no_archive() {
        assert_eq!(archive(&[b"one"], 4).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
