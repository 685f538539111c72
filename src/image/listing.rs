//! The text listing of a root file system: one line a path, to be compared between images.

use std::fmt::Write as _;

use crate::tree::{Digest, Kind, Node, Tree};

const HEADER: &str = "path\ttype\tmode\tuid\tgid\tsize\tcontent\txattrs\torigin\n";

/// Every path of `tree` in path order, tab-separated under a header line. `type` is a letter as `find -printf %y`
/// prints it, or `h` for a hard link; `content` is a file's SHA-256, a link's target or a device's
/// numbers; what does not apply is `-`. Tabs, line feeds and backslashes in names are escaped.
#[must_use]
pub fn listing(tree: &Tree) -> String {
    let mut text = String::from(HEADER);
    for (path, node) in tree.iter() {
        let (letter, size, content) = describe(&node.kind);
        let Node { mode, uid, gid, .. } = node;
        let (path, origin) = (escape(path), escape(&node.origin));
        writeln!(text, "/{path}\t{letter}\t{mode:04o}\t{uid}\t{gid}\t{size}\t{content}\t{}\t{origin}", xattrs(node))
            .expect("a string takes all that is written");
    }
    text
}

fn describe(kind: &Kind) -> (char, String, String) {
    let nothing = || "-".to_owned();
    match kind {
        Kind::Dir => ('d', nothing(), nothing()),
        Kind::File(content) => ('f', content.len().to_string(), content.digest().to_string()),
        Kind::Symlink(target) => ('l', nothing(), escape(target)),
        Kind::HardLink(target) => ('h', nothing(), format!("/{}", escape(target))),
        Kind::CharDevice { major, minor } => ('c', nothing(), format!("{major}:{minor}")),
        Kind::BlockDevice { major, minor } => ('b', nothing(), format!("{major}:{minor}")),
        Kind::Fifo => ('p', nothing(), nothing()),
    }
}

/// Names and digests of values: `security.capability=…`, separated by commas.
fn xattrs(node: &Node) -> String {
    if node.xattrs.is_empty() {
        return "-".to_owned();
    }
    let list: Vec<String> =
        node.xattrs.iter().map(|(name, value)| format!("{}={}", escape(name), Digest::of(value))).collect();
    list.join(",")
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_line() {
        let mut tree = Tree::new();
        tree.put("etc/na\tme", Node::file(0o640, "hi").owned(0, 42).from("pkg")).unwrap();
        tree.put("etc/other", Node::hard_link("etc/na\tme").from("pkg")).unwrap();
        tree.put("dev/console", Node::of(Kind::CharDevice { major: 5, minor: 1 }, 0o600).from("effect:x")).unwrap();
        tree.put("bin", Node::symlink("usr/bin").from("base-files")).unwrap();
        let digest = Digest::of(b"hi");
        let expected = format!(
            "{HEADER}/\td\t0755\t0\t0\t-\t-\t-\timgbuild\n\
             /bin\tl\t0777\t0\t0\t-\tusr/bin\t-\tbase-files\n\
             /dev\td\t0755\t0\t0\t-\t-\t-\teffect:x\n\
             /dev/console\tc\t0600\t0\t0\t-\t5:1\t-\teffect:x\n\
             /etc\td\t0755\t0\t0\t-\t-\t-\tpkg\n\
             /etc/na\\tme\tf\t0640\t0\t42\t2\t{digest}\t-\tpkg\n\
             /etc/other\th\t0644\t0\t0\t-\t/etc/na\\tme\t-\tpkg\n"
        );
        assert_eq!(listing(&tree), expected);
    }
}
