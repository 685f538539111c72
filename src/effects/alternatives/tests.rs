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
    let mut tree = Tree::new();
    for path in paths {
        tree.put(path, Node::file(0o755, "")).unwrap();
    }
    tree
}

#[test]
fn a_file_in_the_way_is_never_replaced_by_a_link() {
    let mut tree = tree_with(&["usr/bin/vi"]);
    link(&mut tree, "/usr/bin/vi", "vi", "/usr/bin/vim.tiny").unwrap();
    assert!(matches!(tree.get("usr/bin/vi").unwrap().kind, crate::tree::Kind::File(_)));
    link(&mut tree, "/usr/bin/view", "view", "/usr/bin/vim.tiny").unwrap();
    assert!(
        matches!(&tree.get("usr/bin/view").unwrap().kind, crate::tree::Kind::Symlink(to) if to == "/etc/alternatives/view")
    );
    link(&mut tree, "/usr/share/man/man1/vi.1.gz", "vi.1.gz", "/usr/share/man/man1/vim.1.gz").unwrap();
    assert!(!tree.contains("usr/share/man"));
}
