//! What the image holds below `var/` is made on the state partition at boot, by lines for systemd-tmpfiles.
//!
//! The partition starts empty and lies over the image's own `var/`. Directories and links are written as lines, files
//! are copied from `/usr/share/factory/var` if they are not there yet (hard links of the originals: no
//! further byte in the image). See tmpfiles.d(5).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::ORIGIN;
use crate::tree::{Kind, Node, Tree, TreeError};

/// Where files that are copied at boot can be read while the partition hides the originals.
const FACTORY: &str = "usr/share/factory";
/// Sorts after the packages' own files, and of two lines for one path systemd-tmpfiles takes the first.
const LINES: &str = "usr/lib/tmpfiles.d/zz-imgbuild-var.conf";
/// Where lines may already be, in the image.
const CONFIGURATIONS: [&str; 2] = ["etc/tmpfiles.d", "usr/lib/tmpfiles.d"];

/// Puts the lines and the files they copy into `tree`.
pub(super) fn provide(tree: &mut Tree) -> Result<(), TreeError> {
    let known = Known::read(tree);
    let mut lines = String::from("# What packages and overlays put below /var.\n");
    let mut copies: Vec<(String, Node)> = Vec::new();
    for (path, node) in tree.below("var").filter(|(path, _)| !known.makes(path)) {
        let place = escape(path);
        let Node { mode, uid, gid, .. } = node;
        match &node.kind {
            Kind::Dir => line(&mut lines, format_args!("d /{place} {mode:04o} {uid} {gid} -")),
            Kind::File(_) | Kind::HardLink(_) => {
                let original = if let Kind::HardLink(target) = &node.kind { target } else { path };
                copies.push((format!("{FACTORY}/{path}"), Node::hard_link(original).from(ORIGIN)));
                line(&mut lines, format_args!("C /{place} {mode:04o} {uid} {gid} - /{FACTORY}/{place}"));
            }
            Kind::Symlink(target) => line(&mut lines, format_args!("L /{place} - - - - {}", escape(target))),
            // Devices and pipes are made by the programs that use them.
            _ => {}
        }
    }
    for (path, node) in copies {
        tree.put(&path, node)?;
    }
    tree.put(LINES, Node::file(0o644, lines).from(ORIGIN))
}

fn line(lines: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(lines, "{text}").expect("writing to a string cannot fail");
}

/// What lines in the image already make, by clean path.
#[derive(Default)]
struct Known {
    paths: BTreeSet<String>,
    /// Those of them that are links: all below leads elsewhere.
    links: BTreeSet<String>,
}

impl Known {
    /// Reads the lines. Those that only clean up or set attributes (`x`, `z`, `a` …) make nothing.
    fn read(tree: &Tree) -> Self {
        let mut known = Self::default();
        for (path, node) in CONFIGURATIONS.iter().flat_map(|directory| tree.below(directory)) {
            let Kind::File(content) = &node.kind else { continue };
            if path.rsplit_once('.').is_none_or(|(_, extension)| extension != "conf") {
                continue;
            }
            // A file that is not text is for systemd-tmpfiles to complain about.
            for line in content.text().unwrap_or_default().lines() {
                let mut words = line.split_ascii_whitespace();
                if let (Some(kind), Some(path)) = (words.next(), words.next())
                    && kind.starts_with(['d', 'D', 'f', 'F', 'L', 'C', 'v', 'q', 'Q', 'p', 'c', 'b'])
                {
                    let path = path.trim_matches('/').to_owned();
                    if kind.starts_with('L') {
                        known.links.insert(path.clone());
                    }
                    known.paths.insert(path);
                }
            }
        }
        known
    }

    /// Whether `path` needs no line of ours.
    fn makes(&self, path: &str) -> bool {
        let above = path.match_indices('/').map(|(at, _)| &path[..at]);
        self.paths.contains(path) || above.into_iter().any(|directory| self.links.contains(directory))
    }
}

/// Writes what would otherwise end a word, start a quote or an escape, or be a specifier.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'%' => out.push_str("%%"),
            b'!'..=b'~' if !matches!(byte, b'\\' | b'"' | b'\'') => out.push(char::from(byte)),
            _ => write!(out, "\\x{byte:02x}").expect("writing to a string cannot fail"),
        }
    }
    out
}
