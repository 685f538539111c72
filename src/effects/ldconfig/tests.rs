use super::*;

fn paths(tree: &Tree) -> Vec<String> {
    dirs::search_path(tree, Arch::Amd64).unwrap().into_iter().map(|dir| dir.path).collect()
}

fn tree(nodes: &[(&str, Node)]) -> Tree {
    let mut tree = Tree::new();
    for (path, node) in nodes {
        tree.put(path, node.clone()).unwrap();
    }
    tree
}

#[test]
fn configured_directories_come_before_those_of_the_system_and_each_comes_once() {
    let tree = tree(&[
        ("etc/ld.so.conf", Node::file(0o644, "include /etc/ld.so.conf.d/*.conf\n")),
        ("etc/ld.so.conf.d/b.conf", Node::file(0o644, "# comment\n/opt/b/ # more\n/missing\n")),
        ("etc/ld.so.conf.d/a.conf", Node::file(0o644, "/opt/a\n/usr/lib/x86_64-linux-gnu\n")),
        ("etc/ld.so.conf.d/.hidden.conf", Node::file(0o644, "/opt/hidden\n")),
        ("opt/a", Node::dir(0o755)),
        ("opt/b", Node::dir(0o755)),
        ("opt/hidden", Node::dir(0o755)),
        ("usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3", Node::dir(0o755)),
        ("lib", Node::symlink("usr/lib")),
    ]);
    assert_eq!(
        paths(&tree),
        ["/opt/a", "/usr/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3", "/opt/b", "/lib"]
    );
}

#[test]
fn a_configuration_that_includes_itself_ends() {
    let tree = tree(&[("etc/ld.so.conf", Node::file(0o644, "/opt\ninclude ld.so.conf\n")), ("opt", Node::dir(0o755))]);
    assert_eq!(paths(&tree), ["/opt"]);
}

#[test]
fn files_that_are_no_libraries_are_passed_over_and_stale_links_go() {
    let mut tree = tree(&[
        ("usr/lib/libtext.so", Node::file(0o644, "/* GNU ld script */")),
        ("usr/lib/libempty.so", Node::file(0o644, "")),
        ("usr/lib/libcut.so", Node::file(0o644, &b"\x7fELF\x02\x01\x01"[..])),
        ("usr/lib/libstale.so.1", Node::symlink("gone")),
        ("etc", Node::dir(0o755)),
    ]);
    ldconfig(&mut tree, Arch::Amd64).unwrap();
    let cache = tree.file(CACHE).unwrap().read().unwrap();
    assert_eq!(cache[20..24], [0; 4]);
    assert!(!tree.contains("usr/lib/libstale.so.1"));
    assert!(tree.contains("usr/lib/libtext.so"));
}
