//! `AppArmor` profiles of programs that a node cannot have.
//!
//! Debian's package brings profiles for some ninety programs of desktops and build machines, and loading them all is what
//! takes longest at each boot. Nothing can be installed below the read-only root later, so a profile that attaches
//! to paths where the image has no program has no use there.

use globset::{GlobBuilder, GlobMatcher};

use crate::tree::{Kind, Tree, parent};

/// Files of profiles lie right in here; what its directories hold is included by them, and by those of containers.
const PROFILES: &str = "etc/apparmor.d";

/// Takes the files out of which no profile can ever attach to a program.
pub(super) fn prune(tree: &mut Tree) {
    let useless: Vec<String> = tree
        .below(PROFILES)
        .filter(|(path, _)| parent(path) == Some(PROFILES))
        .filter_map(|(path, node)| match &node.kind {
            Kind::File(content) => Some((path, attachments(&content.text().ok()?)?)),
            _ => None,
        })
        .filter(|(_, globs)| !tree.iter().any(|(path, node)| !node.is_dir() && attaches(globs, path)))
        .map(|(path, _)| path.to_owned())
        .collect();
    for path in useless {
        tree.remove(&path);
    }
}

/// The programs that the profiles of a file are for; `None` if one is not of the plain form
/// `profile NAME /PATH flags=(…) {` and so may be meant for anything.
fn attachments(text: &str) -> Option<Vec<GlobMatcher>> {
    // A profile within a profile is indented, and only the outer one attaches.
    let headers: Vec<&str> =
        text.lines().filter(|line| line.ends_with('{') && !line.starts_with([' ', '\t', '#'])).collect();
    let globs = headers.iter().map(|header| {
        // Behind the profile's name.
        let mut words = header.strip_prefix("profile ")?.split_ascii_whitespace().skip(1);
        let path = words.next().filter(|path| path.starts_with('/') && !path.contains(['@', '"']))?;
        let glob = GlobBuilder::new(path).literal_separator(true).empty_alternates(true).build().ok()?;
        Some(glob.compile_matcher())
    });
    globs.collect::<Option<Vec<_>>>().filter(|globs| !globs.is_empty())
}

/// Whether one of `globs` matches the program at `path`, by its name before the merged `/usr` too.
fn attaches(globs: &[GlobMatcher], path: &str) -> bool {
    let names = [Some(path), path.strip_prefix("usr/")];
    names.into_iter().flatten().any(|name| globs.iter().any(|glob| glob.is_match(format!("/{name}"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Node;

    #[test]
    fn only_profiles_without_any_program_are_taken_out() {
        let mut tree = Tree::new();
        for path in ["usr/sbin/unix_chkpwd", "usr/bin/tool"] {
            tree.put(path, Node::file(0o755, "")).unwrap();
        }
        for (name, text) in [
            ("absent", "abi <abi/4.0>,\nprofile absent /usr/bin/absent{,-esr} flags=(unconfined) {\n  userns,\n}\n"),
            ("two", "profile a /usr/bin/absent {\n}\nprofile b /bin/to* {\n}\n"),
            ("unix-chkpwd", "profile unix-chkpwd /{,usr/}{,s}bin/unix_chkpwd flags=(complain) {\n}\n"),
            ("by-name", "profile by-name {\n  profile kmod /usr/bin/absent {\n  }\n}\n"),
            ("variable", "profile variable @{exec_path} {\n}\n"),
            ("abstractions/base", "profile x /usr/bin/absent {\n"),
        ] {
            tree.put(&format!("{PROFILES}/{name}"), Node::file(0o644, text)).unwrap();
        }
        prune(&mut tree);
        let left: Vec<&str> = tree
            .below(PROFILES)
            .filter(|(_, node)| !node.is_dir())
            .map(|(path, _)| &path[PROFILES.len() + 1..])
            .collect();
        assert_eq!(left, ["abstractions/base", "by-name", "two", "unix-chkpwd", "variable"]);
    }
}
