//! What the profile leaves out: documentation, translations, drivers that no node of its kind has.

use globset::GlobSet;

use crate::tree::{Kind, Tree};

/// Where the links of the alternatives system meet.
const ALTERNATIVES: &str = "etc/alternatives";

/// What ucf remembers, for upgrades alone: scripts that are evaluated share it, an image has no use for it.
const UCF: &str = "var/lib/ucf/";

/// Takes everything that `dropped` matches out of the tree, and the alternatives whose choice that was: their links
/// would lead nowhere.
pub fn trim(tree: &mut Tree, dropped: &GlobSet) {
    let gone: Vec<String> = tree
        .below(ALTERNATIVES)
        .filter(|(_, node)| target(&node.kind).is_some_and(|target| dropped.is_match(target)))
        .map(|(path, _)| path.to_owned())
        .collect();
    tree.retain(|path, node| {
        let followed = target(&node.kind).is_some_and(|target| gone.iter().any(|link| link == target));
        let remembered = path.starts_with(UCF) && node.origin.starts_with("script:");
        !(remembered || followed || dropped.is_match(path) || gone.iter().any(|link| link == path))
    });
}

/// Where an absolute link leads, as a clean path.
fn target(kind: &Kind) -> Option<&str> {
    let Kind::Symlink(target) = kind else { return None };
    target.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::sample;
    use crate::tree::Node;

    #[test]
    fn what_ucf_remembers_of_scripts_goes_and_its_directory_stays() {
        let mut tree = Tree::new();
        tree.put("var/lib/ucf", Node::dir(0o755).from("ucf")).unwrap();
        tree.put("var/lib/ucf/cache", Node::dir(0o755).from("script:ucf")).unwrap();
        tree.put("var/lib/ucf/hashfile", Node::file(0o644, "x").from("script:lamp")).unwrap();
        trim(&mut tree, &sample::profile().dropped());
        let left: Vec<&str> = tree.iter().map(|(path, _)| path).collect();
        assert_eq!(left, ["", "var", "var/lib", "var/lib/ucf"]);
    }

    #[test]
    fn an_alternative_goes_with_its_choice_and_the_others_stay() {
        let mut tree = Tree::new();
        let mut put = |path: &str, node: Node| tree.put(path, node).unwrap();
        for (link, name, choice) in [
            ("usr/bin/awk", "awk", "/usr/bin/mawk"),
            ("usr/share/man/man1/awk.1.gz", "awk.1.gz", "/usr/share/man/man1/mawk.1.gz"),
            ("usr/bin/pager", "pager", "/usr/share/man/less"),
        ] {
            put(choice.trim_start_matches('/'), Node::file(0o755, "x"));
            put(&format!("{ALTERNATIVES}/{name}"), Node::symlink(choice));
            put(link, Node::symlink(format!("/{ALTERNATIVES}/{name}")));
        }
        let mut profile = sample::profile();
        profile.drop = vec!["usr/share/man".to_owned()];
        trim(&mut tree, &profile.dropped());
        let left: Vec<&str> = tree.iter().filter(|(_, node)| !node.is_dir()).map(|(path, _)| path).collect();
        assert_eq!(left, ["etc/alternatives/awk", "usr/bin/awk", "usr/bin/mawk"]);
    }
}
