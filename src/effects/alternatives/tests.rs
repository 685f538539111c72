use super::*;

#[test]
fn continued_lines_slaves_and_several_commands_are_read() {
    let script = "update-alternatives \\\n  --install /usr/sbin/iptables iptables /usr/sbin/iptables-nft 20 \\\n  --slave /usr/sbin/iptables-save iptables-save /usr/sbin/iptables-nft-save\nupdate-alternatives --quiet --install /usr/bin/pager pager \\\n /usr/bin/less 77 || true\n";
    let choices = parse(script);
    assert_eq!(choices.len(), 2);
    assert_eq!((choices[0].name.as_str(), choices[0].priority), ("iptables", 20));
    assert_eq!(choices[0].slaves[0].path, "/usr/sbin/iptables-nft-save");
    assert_eq!((choices[1].path.as_str(), choices[1].slaves.len()), ("/usr/bin/less", 0));
}

#[test]
fn removals_comments_and_computed_arguments_are_no_choices() {
    assert!(
        parse("update-alternatives --remove pager /bin/less\n# update-alternatives --install /a b /c 1\n").is_empty()
    );
    assert!(parse("update-alternatives --install /a b /c $PRIORITY\n").is_empty());
    assert!(parse("update-alternatives --install /a b /c 5 $slaves\n").is_empty());
}

fn tree_with(paths: &[&str]) -> Tree {
    use crate::tree::Node;
    let mut tree = Tree::new();
    for path in paths {
        tree.put(path, Node::file(0o755, "")).unwrap();
    }
    tree
}

#[test]
fn a_file_in_the_way_is_never_replaced_by_a_link() {
    let mut tree = tree_with(&["usr/bin/vi"]);
    let mut link = |at: &str, name: &str, to: &str| {
        let link = group::Link { name: name.to_owned(), at: at.to_owned(), to: to.to_owned() };
        link.make(&mut tree, false).unwrap();
    };
    link("/usr/bin/vi", "vi", "/usr/bin/vim.tiny");
    link("/usr/bin/view", "view", "/usr/bin/vim.tiny");
    link("/usr/share/man/man1/vi.1.gz", "vi.1.gz", "/usr/share/man/man1/vim.1.gz");
    assert!(matches!(tree.get("usr/bin/vi").unwrap().kind, crate::tree::Kind::File(_)));
    assert!(
        matches!(&tree.get("usr/bin/view").unwrap().kind, crate::tree::Kind::Symlink(to) if to == "/etc/alternatives/view")
    );
    assert!(!tree.contains("usr/share/man"));
}
