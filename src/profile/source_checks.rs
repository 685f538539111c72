//! What the values of a `[[source]]` may be: archives, suites, keys and versions.

use super::checks::{NAME_MAX, Verdict, file_url, only, refuse, url, workspace_path};
use crate::urls::WebUrl;

/// Where a source's archive is.
pub(super) fn archive(text: &str) -> Verdict {
    if matches!(text, "debian" | "debian-security") || url(text).is_ok() || is_local(text) {
        return Ok(());
    }
    if let Some(url) = WebUrl::directory(text) {
        return refuse(text, "an archive", &format!("a directory of this machine is written as `{url}`"));
    }
    if text.contains('@') || (text.contains('.') && !text.contains("://")) {
        return url(text);
    }
    let hint =
        "write `debian`, `debian-security` or the URL of the directory above `dists/`, `file:///…` on this machine";
    refuse(text, "an archive", hint)
}

/// Where the keys of a source are: a file of the workspace, or a URL, of this machine too.
pub(super) fn key_place(text: &str) -> Verdict {
    if is_local(text) && !text.ends_with('/') {
        return Ok(());
    }
    if text.contains("://") { file_url(text) } else { workspace_path(text) }
}

/// Whether it is the URL of what lies on this machine.
fn is_local(text: &str) -> bool {
    text.starts_with("file:") && WebUrl::archive(text).is_ok()
}

/// The fingerprint of an `OpenPGP` key of version 4, a SHA-1 (RFC 9580, section 5.5.4.2).
pub(super) fn fingerprint(text: &str) -> Verdict {
    if text.len() == 40 && only(text, |char| char.is_ascii_hexdigit()) {
        return Ok(());
    }
    let hint = "write the 40 hexadecimal digits, without spaces, that `gpg --show-keys FILE` prints";
    refuse(text, "a certificate's fingerprint", hint)
}

/// A suite: a relative path below `dists/`, or with `/` at its end, as in sources.list(5), below the archive itself.
pub(super) fn suite(text: &str) -> Verdict {
    if text == "/" || is_archive_path(text.strip_suffix('/').unwrap_or(text)) {
        return Ok(());
    }
    refuse(text, "a suite", "write one such as `trixie`, or `/` for a flat repository")
}

/// A component of a suite: a relative path below the suite's directory.
pub(super) fn archive_component(text: &str) -> Verdict {
    if is_archive_path(text) {
        return Ok(());
    }
    refuse(text, "a component", "write one such as `main` or `non-free-firmware`")
}

fn is_archive_path(text: &str) -> bool {
    let part =
        |part: &str| only(part, |char| char.is_ascii_alphanumeric() || "-_.".contains(char)) && !part.starts_with('.');
    text.len() <= NAME_MAX && text.split('/').all(part)
}

/// The first numbers of packages' versions.
pub(super) fn version_start(text: &str) -> Verdict {
    if text.split('.').all(|part| only(part, |char| char.is_ascii_digit())) {
        return Ok(());
    }
    refuse(text, "the beginning of a version", "write its first numbers alone, such as `580` or `580.142`")
}
