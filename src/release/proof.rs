//! What proves an image from elsewhere, by the files beside it. Nothing here reads a file or asks a server: whoever has the
//! bytes gives them, in this order:
//!
//! ```text
//! SHA256SUMS.minisig ─▶ SHA256SUMS ─▶ manifest ─▶ every range of the image (flash::check)
//!   (key of the workspace)       └──▶ the image's file
//! ```

use super::{SIGNATURE, SUMS, Tag, VerifyError, manifest_name, verify};
use crate::format::Sums;
use crate::image::{Manifest, ManifestError};
use crate::tree::Digest;

/// Whose signature the sums must have, and as what.
#[derive(Debug, Clone, Copy)]
pub struct SignedBy<'a> {
    /// A public key of minisign, the line `RW…` of its file.
    pub key: &'a str,
    /// The release that they must be signed as, if one is asked for.
    pub tag: Option<&'a Tag>,
}

/// Why an image is not taken for what it says that it is. Files are named as they are beside the image.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    #[error("{SUMS} is not signed: there is no {SIGNATURE} beside it")]
    Unsigned,
    #[error("{SIGNATURE} is not by the workspace's `release_key`")]
    Signature(#[from] VerifyError),
    #[error("{SUMS} is signed, but not as release `{tag}`: its signature says `{said}`")]
    OtherRelease { tag: String, said: String },
    #[error("{SUMS} is not a list of SHA-256 sums: line {line}")]
    Sums { line: usize },
    #[error("{file} is not in the list {SUMS}")]
    Unlisted { file: String },
    #[error("{file} does not have the SHA-256 that {SUMS} says")]
    OtherBytes { file: String },
    #[error("{file} cannot be gone by")]
    Manifest { file: String, source: ManifestError },
    #[error("{file} is called after `{named}`, but is of `{profile}`")]
    OtherProfile { file: String, named: String, profile: String },
}

impl ProofError {
    /// The file that it is about; its text begins with the name.
    #[must_use]
    pub fn file(&self) -> &str {
        match self {
            Self::Unsigned | Self::OtherRelease { .. } | Self::Sums { .. } => SUMS,
            Self::Signature(_) => SIGNATURE,
            Self::Unlisted { file }
            | Self::OtherBytes { file }
            | Self::Manifest { file, .. }
            | Self::OtherProfile { file, .. } => file,
        }
    }
}

/// The list of digests `text`, which must have this `signature` where somebody must have signed it.
///
/// # Errors
/// A signature that is missing, or by another key, or of another release; what is no list.
pub fn verified_sums(text: &[u8], signature: Option<&[u8]>, signed: Option<SignedBy<'_>>) -> Result<Sums, ProofError> {
    if let Some(SignedBy { key, tag }) = signed {
        let signature = signature.ok_or(ProofError::Unsigned)?;
        let said = verify(key, text, &String::from_utf8_lossy(signature))?;
        if let Some(tag) = tag.filter(|tag| tag.comment() != said) {
            return Err(ProofError::OtherRelease { tag: tag.as_str().to_owned(), said });
        }
    }
    Sums::parse(&String::from_utf8_lossy(text)).map_err(|line| ProofError::Sums { line })
}

/// An image's file and what proves it.
#[derive(Debug)]
pub struct Proof {
    /// What the image must be.
    pub manifest: Manifest,
    /// Name of the image's file.
    image: String,
    /// The digest of the file, by the sums; none without sums, and for one that they do not list.
    file: Option<Digest>,
}

/// The names that the manifest of the image's file `image` may have, the likeliest first.
#[must_use]
pub fn manifest_names(image: &str) -> [String; 2] {
    let stem = [".zst", ".gz", ".xz"].iter().find_map(|end| image.strip_suffix(end)).unwrap_or(image);
    [manifest_name(stem.strip_suffix(".img").unwrap_or(stem)), "manifest.json".to_owned()]
}

impl Proof {
    /// By the manifest's file, its name and bytes, which `sums` prove where there are some.
    ///
    /// # Errors
    /// A manifest that is not the sums', or none.
    pub fn new(sums: Option<&Sums>, image: &str, (file, text): (&str, &[u8])) -> Result<Self, ProofError> {
        let name = || file.to_owned();
        if let Some(sums) = sums {
            let sha256 = sums.get(file).ok_or_else(|| ProofError::Unlisted { file: name() })?;
            if Digest::of(text) != sha256 {
                return Err(ProofError::OtherBytes { file: name() });
            }
        }
        let manifest = Manifest::parse(text).map_err(|source| ProofError::Manifest { file: name(), source })?;
        Ok(Self { manifest, image: image.to_owned(), file: sums.and_then(|sums| sums.get(image)) })
    }

    /// Refuses the image of a profile other than `named`.
    ///
    /// # Errors
    /// If it is one.
    pub fn check_profile(&self, named: &str) -> Result<(), ProofError> {
        let (file, profile) = (self.image.clone(), self.manifest.profile.clone());
        if profile == named { Ok(()) } else { Err(ProofError::OtherProfile { file, named: named.to_owned(), profile }) }
    }

    /// The digest that the image's file must have.
    ///
    /// # Errors
    /// If no sums tell.
    pub fn file(&self) -> Result<Digest, ProofError> {
        self.file.ok_or_else(|| ProofError::Unlisted { file: self.image.clone() })
    }

    /// Refuses an image's file of another digest than the sums say, where they say one. For a file that is not compressed that is
    /// the manifest's, so that the sums and the manifest must be of the same image.
    ///
    /// # Errors
    /// Another digest.
    pub fn check_file(&self, is: Digest) -> Result<(), ProofError> {
        match self.file {
            Some(sha256) if sha256 != is => Err(ProofError::OtherBytes { file: self.image.clone() }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use minisign::KeyPair;

    use super::*;

    fn signed_by(pair: &KeyPair, text: &[u8], comment: &str) -> Vec<u8> {
        minisign::sign(None, &pair.sk, Cursor::new(text), Some(comment), None).unwrap().into_string().into_bytes()
    }

    fn list(files: &[(&str, &[u8])]) -> Sums {
        let mut sums = Sums::default();
        for (name, bytes) in files {
            sums.put(name, Digest::of(bytes));
        }
        sums
    }

    #[test]
    fn sums_count_if_the_key_that_is_asked_for_signed_them_as_the_release_that_is_asked_for() {
        let [ours, other] = [(), ()].map(|()| KeyPair::generate_unencrypted_keypair().unwrap());
        let text = list(&[("x.img", b"image")]).text();
        let text = text.as_bytes();
        let key = ours.pk.to_base64();
        let [v1, v2] = ["v1", "v2"].map(|tag| Tag::parse(tag).unwrap());
        let ask = |signature: Option<&[u8]>, tag| {
            verified_sums(text, signature, Some(SignedBy { key: &key, tag })).map_err(|error| error.to_string())
        };
        let release = signed_by(&ours, text, "imgbuild v1");
        assert!(ask(Some(&release), Some(&v1)).is_ok() && ask(Some(&release), None).is_ok());
        assert!(verified_sums(text, None, None).is_ok());
        for (signature, tag, expected) in [
            (None, None, "SHA256SUMS is not signed: there is no SHA256SUMS.minisig beside it"),
            (Some(&release[..]), Some(&v2), "not as release `v2`: its signature says `imgbuild v1`"),
            (Some(&signed_by(&ours, text, "imgbuild node 0123")), Some(&v1), "not as release `v1`"),
            (Some(&signed_by(&other, text, "imgbuild v1")), Some(&v1), "is not by the workspace's `release_key`"),
            (Some(&signed_by(&ours, b"other", "imgbuild v1")), Some(&v1), "is not by the workspace's `release_key`"),
            (Some(b"nonsense"), None, "is not by the workspace's `release_key`"),
            (Some(b"\xff\0"), None, "is not by the workspace's `release_key`"),
        ] {
            let error = ask(signature, tag).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        // Signed as any release, but not a list.
        let text = b"none";
        let signature = signed_by(&ours, text, "x");
        let error = verified_sums(text, Some(&signature), Some(SignedBy { key: &key, tag: None })).unwrap_err();
        assert!(matches!(error, ProofError::Sums { line: 1 }));
    }

    #[test]
    fn a_manifest_is_looked_for_under_the_image_s_name_first() {
        for image in ["node.img.zst", "node.img.xz", "node.img", "node"] {
            assert_eq!(manifest_names(image), ["node.manifest.json", "manifest.json"], "{image}");
        }
    }

    #[test]
    fn a_manifest_is_the_sums_and_tells_what_image_and_file_must_be() {
        let text = crate::image::sample_manifest().to_string().into_bytes();
        let manifest = Manifest::parse(&text).unwrap();
        let file = ("node.manifest.json", &text[..]);
        let sums = list(&[("node.img.zst", b"packed"), ("node.manifest.json", &text)]);
        let proof = Proof::new(Some(&sums), "node.img.zst", file).unwrap();
        assert_eq!((proof.file().unwrap(), &proof.manifest), (Digest::of(b"packed"), &manifest));
        proof.check_file(Digest::of(b"packed")).unwrap();
        let other = proof.check_file(Digest::of(b"other")).unwrap_err();
        assert_eq!(other.to_string(), "node.img.zst does not have the SHA-256 that SHA256SUMS says");
        proof.check_profile("node").unwrap();
        let other = proof.check_profile("gpu").unwrap_err();
        assert_eq!(other.to_string(), "node.img.zst is called after `gpu`, but is of `node`");

        let told = |sums: Option<&Sums>, text: &[u8]| {
            Proof::new(sums, "node.img.zst", ("node.manifest.json", text)).unwrap_err().to_string()
        };
        assert!(told(Some(&Sums::default()), &text).contains("node.manifest.json is not in the list SHA256SUMS"));
        assert!(told(Some(&sums), b"{}").contains("node.manifest.json does not have the SHA-256"));
        let none = Proof::new(None, "node.img.zst", ("manifest.json", b"{}")).unwrap_err();
        assert!(matches!(&none, ProofError::Manifest { source: ManifestError::Json(_), .. }), "{none}");
        // Without sums nothing tells what the file must be; its ranges do.
        let alone = Proof::new(None, "node.img.zst", file).unwrap();
        alone.check_file(Digest::of(b"anything")).unwrap();
        assert!(matches!(alone.file(), Err(ProofError::Unlisted { .. })));
    }
}
