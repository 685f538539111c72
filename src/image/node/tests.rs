use uuid::uuid;

use super::*;
use crate::tree::Kind;

fn installed(root: &mut Tree) -> String {
    install(root, uuid!("74fff5a2-27fb-55d2-8aee-9fc9318b8e39"), Some("ACT")).unwrap();
    root.check().unwrap();
    root.file("usr/lib/tmpfiles.d/zz-imgbuild-var.conf").unwrap().text().unwrap()
}

#[test]
fn homes_become_links_and_take_their_content_along() {
    let mut root = Tree::new();
    root.put("root", Node::dir(0o700)).unwrap();
    root.put("root/.profile", Node::file(0o600, "umask 077\n")).unwrap();
    root.put("root/.login", Node::hard_link("root/.profile")).unwrap();
    let lines = installed(&mut root);
    assert!(matches!(&root.get("root").unwrap().kind, Kind::Symlink(target) if target == "var/roothome"));
    assert_eq!(root.file("var/roothome/.login").unwrap().text().unwrap(), "umask 077\n");
    assert!(lines.contains("d /var/roothome 0700 0 0 -\n"), "{lines}");
    assert!(lines.contains("d /var/srv 0755 0 0 -\n"), "{lines}");
    assert!(
        lines.contains("C /var/roothome/.profile 0600 0 0 - /usr/share/factory/var/roothome/.profile\n"),
        "{lines}"
    );
    assert_eq!(root.file("usr/share/factory/var/roothome/.profile").unwrap().text().unwrap(), "umask 077\n");
}

#[test]
fn what_lies_below_var_is_made_with_its_owner_and_odd_names_are_escaped() {
    let mut root = Tree::new();
    root.put("var/lib/nfs", Node::dir(0o755).owned(101, 65534)).unwrap();
    root.put("var/lib/nfs/50% \"x\"", Node::file(0o600, "x").owned(101, 0)).unwrap();
    root.put("var/lib/nfs/link", Node::symlink("../a b")).unwrap();
    let lines = installed(&mut root);
    assert!(lines.contains("d /var/lib/nfs 0755 101 65534 -\n"), "{lines}");
    assert!(
        lines.contains(r"C /var/lib/nfs/50%%\x20\x22x\x22 0600 101 0 - /usr/share/factory/var/lib/nfs/50%%"),
        "{lines}"
    );
    assert!(lines.contains(r"L /var/lib/nfs/link - - - - ../a\x20b"), "{lines}");
}

#[test]
fn what_a_package_makes_by_itself_gets_no_second_line() {
    let mut root = Tree::new();
    root.put("var/lib/chrony", Node::dir(0o700)).unwrap();
    root.put("usr/lib/tmpfiles.d/chrony.conf", Node::file(0o644, "d /var/lib/chrony/ 0750 chrony chrony - -\n"))
        .unwrap();
    assert!(!installed(&mut root).contains("chrony"));
}

#[test]
fn nothing_is_made_below_what_another_line_makes_a_link() {
    let mut root = Tree::new();
    root.put("usr/lib/tmpfiles.d/db.conf", Node::file(0o644, "L+ /var/lib/db - - - - /usr/lib/db\n")).unwrap();
    root.put("var/lib/db/sub/status", Node::file(0o644, "x")).unwrap();
    root.put("var/lib/db.old", Node::file(0o644, "x")).unwrap();
    let lines = installed(&mut root);
    assert!(
        lines.contains("/var/lib/db.old ") && !lines.contains("/var/lib/db ") && !lines.contains("/sub"),
        "{lines}"
    );
    assert!(!root.contains("usr/share/factory/var/lib/db"));
    assert!(root.contains("var/lib/db/sub/status"), "who reads the image without running it finds it in its place");
}

#[test]
fn only_units_that_are_there_are_masked_and_an_overlay_may_decide_otherwise() {
    let mut root = Tree::new();
    root.put("usr/lib/systemd/system/ldconfig.service", Node::file(0o644, "")).unwrap();
    root.put("usr/lib/systemd/system/systemd-firstboot.service", Node::file(0o644, "")).unwrap();
    root.put("etc/systemd/system/systemd-firstboot.service", Node::file(0o644, "[Unit]\n")).unwrap();
    installed(&mut root);
    let mask = &root.get("etc/systemd/system/ldconfig.service").unwrap().kind;
    assert!(matches!(mask, Kind::Symlink(target) if target == "/dev/null"));
    assert!(root.file("etc/systemd/system/systemd-firstboot.service").is_some());
    assert!(!root.contains("etc/systemd/system/systemd-sysusers.service"));
}

#[test]
fn the_profiles_led_is_named_for_the_node_unless_a_file_names_another() {
    let mut root = Tree::new();
    installed(&mut root);
    assert_eq!(root.file("usr/lib/imgbuild/led").unwrap().text().unwrap(), "ACT\n");
    let mut root = Tree::new();
    root.put("usr/lib/imgbuild/led", Node::file(0o644, "PWR\n")).unwrap();
    installed(&mut root);
    assert_eq!(root.file("usr/lib/imgbuild/led").unwrap().text().unwrap(), "PWR\n");
}

#[test]
fn a_login_on_a_serial_line_waits_for_its_device_without_a_limit() {
    let mut root = Tree::new();
    installed(&mut root);
    // The ports that profiles with `serial = true` have as their console (image::cmdline).
    for port in ["ttyS0", "ttyS1", "ttyAMA0"] {
        let text = root.file(&format!("usr/lib/systemd/system/dev-{port}.device.d/10-imgbuild.conf")).unwrap();
        assert!(text.text().unwrap().ends_with("[Unit]\nJobRunningTimeoutSec=infinity\n"), "{port}");
    }
}
