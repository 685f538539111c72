//! Whether a file is a chart, and the one that was wanted: a tar archive with gzip that has `NAME/Chart.yaml`
//! (helm.sh/docs/topics/charts).

use std::io::Read as _;

use flate2::read::GzDecoder;

/// Most bytes that are unpacked to find `Chart.yaml`, and most of that file.
const MAX_UNPACKED: u64 = 256 << 20;
const MAX_TEXT: u64 = 1 << 20;

/// Holds a file against the name and the version that were wanted, as far as they are known.
///
/// # Errors
/// Why it is not that chart, in words.
pub(super) fn check(bytes: &[u8], name: Option<&str>, version: Option<&str>) -> Result<(), String> {
    let text = description(bytes)?;
    let get = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let value = line.unwrap_or_default().split(" #").next().unwrap_or_default().trim();
        value.trim_matches(['"', '\'']).to_owned()
    };
    let is = get("name");
    if name.is_some_and(|name| name != is) {
        return Err(format!("it is the chart `{}`", is.escape_debug()));
    }
    let is = get("version");
    if version.is_some_and(|version| !super::same(version, &is)) {
        return Err(format!("it is version `{}`", is.escape_debug()));
    }
    Ok(())
}

/// The text of `Chart.yaml`.
fn description(bytes: &[u8]) -> Result<String, String> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Err("it is not packed with gzip".to_owned());
    }
    let mut archive = tar::Archive::new(GzDecoder::new(bytes).take(MAX_UNPACKED));
    let damaged = |error: std::io::Error| format!("it is no tar archive: {error}");
    for entry in archive.entries().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        let is_it = entry.path().is_ok_and(|path| path.components().count() == 2 && path.ends_with("Chart.yaml"));
        if is_it {
            let mut text = String::new();
            let read = entry.take(MAX_TEXT).read_to_string(&mut text);
            return read.map(|_| text).map_err(|error| format!("its Chart.yaml cannot be read: {error}"));
        }
    }
    Err("it has no Chart.yaml".to_owned())
}
