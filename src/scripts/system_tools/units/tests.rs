use super::super::sample::{Done, run_with, tree};
use crate::lock::IdMap;
use crate::tree::{Kind, Node, Tree};

fn units() -> Tree {
    let mut tree = tree();
    let mut put = |path: &str, text: &str| tree.put(path, Node::file(0o644, text)).unwrap();
    put("usr/lib/systemd/system/a.service", "[Install]\nWantedBy=multi-user.target\n");
    put("usr/lib/systemd/system/b@.service", "[Install]\nWantedBy=multi-user.target\n");
    put("usr/lib/systemd/system/static.service", "[Service]\n");
    put("usr/lib/systemd/system/off.service", "[Install]\nWantedBy=multi-user.target\n");
    put("usr/lib/systemd/system-preset/90-x.preset", "disable off.service\n");
    put("usr/lib/systemd/user/u.service", "[Install]\nWantedBy=default.target\n");
    put("etc/init.d/a", "");
    put(
        "etc/init.d/old",
        "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: old\n# Default-Start:     2 3\n# Default-Stop: 0 6 x\n### END INIT INFO\n# Default-Start: 5\n",
    );
    tree
}

fn run(lines: &[&str]) -> Done {
    run_with(super::super::find, units(), &IdMap::default(), true, lines)
}

fn status(lines: &[&str]) -> u8 {
    run(lines).status()
}

#[test]
fn debhelpers_sections_enable_a_unit_on_a_first_installation() {
    let done = run(&["deb-systemd-helper unmask a.service", "deb-systemd-helper --quiet was-enabled a.service"]);
    assert_eq!((done.status(), done.err.as_str()), (0, ""));
    let done = run(&["deb-systemd-helper enable a.service", "deb-systemd-helper --user enable u.service"]);
    assert_eq!(done.status(), 0);
    assert!(done.requests.preset.contains("a.service") && done.requests.preset_user.contains("u.service"));
    assert_eq!(done.changes[0], "enables a.service, as far as presets allow");
    assert!(!done.tree.contains("var/lib/systemd"));
}

#[test]
fn a_unit_without_a_record_is_no_installed_one_and_has_one_after_update_state() {
    assert_eq!(status(&["deb-systemd-helper debian-installed a.service"]), 1);
    assert_eq!(
        status(&["deb-systemd-helper update-state a.service", "deb-systemd-helper debian-installed a.service"]),
        0
    );
    assert_eq!(
        status(&["deb-systemd-helper update-state u.service", "deb-systemd-helper --user debian-installed u.service"]),
        1
    );
    // With a record, enabling again does not make links that are not there.
    let done = run(&["deb-systemd-helper update-state a.service", "deb-systemd-helper enable a.service"]);
    assert!(done.requests.preset.is_empty());
    assert_eq!(status(&["deb-systemd-helper update-state a.service", "deb-systemd-helper was-enabled a.service"]), 1);
    for unit in ["a.service", "off.service"] {
        let asked = format!("deb-systemd-helper is-enabled {unit}");
        assert_eq!(status(&[&format!("deb-systemd-helper enable {unit}"), &asked]), u8::from(unit == "off.service"));
    }
}

#[test]
fn a_unit_that_is_not_there_is_an_error_of_its_own() {
    let done = run(&["deb-systemd-helper enable nosuch.service"]);
    assert_eq!(done.status(), 1);
    assert!(done.requests.preset.is_empty());
    assert_eq!(status(&["deb-systemd-helper update-state nosuch.service"]), 1);
    assert_eq!(status(&["deb-systemd-helper enable b@x.service"]), 0);
    assert_eq!(status(&["deb-systemd-helper"]), 0);
    assert!(run(&["deb-systemd-helper frobnicate a.service"]).reason().contains("`frobnicate`"));
}

#[test]
fn masks_are_links_and_only_the_helpers_own_go_again() {
    let path = "etc/systemd/system/a.service";
    let done = run(&["deb-systemd-helper mask a.service"]);
    assert!(matches!(&done.tree.get(path).unwrap().kind, Kind::Symlink(to) if to == "/dev/null"));
    assert!(!run(&["deb-systemd-helper mask a.service", "deb-systemd-helper unmask a.service"]).tree.contains(path));
    assert!(run(&["systemctl mask a.service", "deb-systemd-helper unmask a.service"]).tree.contains(path));
    assert!(!run(&["systemctl mask a", "systemctl unmask a"]).tree.contains(path));
    assert_eq!(status(&["systemctl mask a", "systemctl is-enabled a"]), 1);
    let mut taken = units();
    taken.put(path, Node::file(0o644, "")).unwrap();
    let done = run_with(super::super::find, taken, &IdMap::default(), true, &["systemctl mask a"]);
    assert_eq!(done.status(), 1);
}

#[test]
fn what_is_disabled_later_is_no_longer_asked_for() {
    for line in ["deb-systemd-helper disable a.service", "deb-systemd-helper purge a.service", "systemctl disable a"] {
        let done = run(&["deb-systemd-helper enable a.service", line]);
        assert!(done.requests.preset.is_empty(), "{line}");
    }
    let done = run(&["systemctl disable a", "systemctl enable a"]);
    assert!(done.requests.disable.is_empty() && done.requests.enable.contains("a.service"));
    let done = run(&["update-rc.d a disable", "deb-systemd-helper enable a.service"]);
    assert!(done.requests.disable.is_empty() && done.requests.preset.contains("a.service"));
}

#[test]
fn systemctl_enables_and_ignores_what_needs_a_running_manager() {
    let done = run(&["systemctl --root=/ enable --now a b@x.service"]);
    assert!(done.requests.enable.contains("a.service") && done.requests.enable.contains("b@x.service"));
    assert!(run(&["systemctl --global enable u"]).requests.enable_user.contains("u.service"));
    assert!(run(&["systemctl --preset-mode=enable-only preset a"]).requests.preset.contains("a.service"));
    assert_eq!(status(&["systemctl enable nosuch"]), 1);
    assert_eq!(status(&["systemctl disable nosuch"]), 1);
    assert_eq!(status(&["systemctl enable"]), 1);
    for verb in [
        "--system daemon-reload",
        "start a",
        "is-active --quiet a",
        "show --property MainPID --value a",
        "kill -s HUP a",
        "",
    ] {
        let done = run(&[&format!("systemctl {verb}")]);
        assert_eq!((done.status(), done.out.as_str()), (0, ""), "{verb}");
    }
    assert_eq!(run(&["systemctl is-system-running"]).out, "offline\n");
    for line in ["preset a", "--root=/x enable a", "edit a", "set-default a"] {
        assert!(run(&[&format!("systemctl {line}")]).reason().contains("is not modelled with"), "{line}");
    }
}

#[test]
fn systemctl_knows_what_is_enabled() {
    for (lines, out, wanted) in [
        (&["systemctl is-enabled a"][..], "disabled\n", 1),
        (&["systemctl enable a", "systemctl is-enabled a"], "enabled\n", 0),
        (&["deb-systemd-helper enable off.service", "systemctl is-enabled off"], "disabled\n", 1),
        (&["systemctl is-enabled static"], "static\n", 0),
        (&["systemctl is-enabled nosuch"], "not-found\n", 4),
        (&["systemctl disable a", "systemctl is-enabled -q a"], "", 1),
    ] {
        let done = run(lines);
        assert_eq!((done.out.as_str(), done.status()), (out, wanted), "{lines:?}");
    }
    let mut linked = units();
    linked.put("etc/systemd/system/multi-user.target.wants/a.service", Node::symlink("x")).unwrap();
    assert_eq!(run_with(super::super::find, linked, &IdMap::default(), true, &["systemctl is-enabled a"]).status(), 0);
}

#[test]
fn systemctl_lists_unit_files_with_their_states() {
    let done = run(&["systemctl enable a", "systemctl list-unit-files '*.s*'"]);
    assert!(done.out.contains("\na.service                                          enabled    -\n"), "{}", done.out);
    assert!(done.out.contains("static.service") && done.out.ends_with("\n4 unit files listed.\n"), "{}", done.out);
    let done = run(&["systemctl list-unit-files --no-legend 'b@*'"]);
    assert_eq!(done.out.lines().count(), 1);
}

#[test]
fn nothing_is_started() {
    for (line, wanted) in [
        ("invoke-rc.d a start", 0),
        ("invoke-rc.d --skip-systemd-native a restart", 0),
        ("invoke-rc.d --disclose-deny a start", 101),
        ("invoke-rc.d --query a start", 101),
        ("invoke-rc.d a", 103),
        ("invoke-rc.d --odd a start", 103),
        ("deb-systemd-invoke start a.service b.service", 0),
        ("deb-systemd-invoke --user daemon-reload", 0),
        ("deb-systemd-invoke start", 1),
        ("start-stop-daemon --start --exec /usr/bin/a", 0),
    ] {
        assert_eq!(status(&[line]), wanted, "{line}");
    }
    assert!(run(&["invoke-rc.d --force a start"]).reason().contains("--force"));
}

#[test]
fn links_of_system_v_init_are_made_for_scripts_without_a_unit() {
    let done = run(&["update-rc.d old defaults 20 80"]);
    for path in ["etc/rc2.d/S01old", "etc/rc3.d/S01old", "etc/rc0.d/K01old", "etc/rc6.d/K01old"] {
        assert!(matches!(&done.tree.get(path).unwrap().kind, Kind::Symlink(to) if to == "../init.d/old"), "{path}");
    }
    assert!(!done.tree.contains("etc/rc5.d"));
    assert!(!run(&["update-rc.d a defaults"]).tree.contains("etc/rc2.d"));
    assert_eq!(status(&["update-rc.d nosuch defaults"]), 1);
    assert_eq!(status(&["update-rc.d nosuch remove"]), 0);
    let done = run(&["update-rc.d old defaults-disabled"]);
    assert!(done.tree.contains("etc/rc2.d/K01old") && !done.tree.contains("etc/rc2.d/S01old"));
    let done = run(&["update-rc.d old defaults", "update-rc.d old disable"]);
    assert!(done.tree.contains("etc/rc2.d/K01old") && !done.tree.contains("etc/rc2.d/S01old"));
    let done = run(&["update-rc.d old defaults", "update-rc.d old disable", "update-rc.d old enable"]);
    assert!(done.tree.contains("etc/rc2.d/S01old") && done.tree.contains("etc/rc0.d/K01old"));
    let done = run(&["update-rc.d old defaults", "update-rc.d -f old remove"]);
    assert!(!done.tree.contains("etc/rc2.d/S01old") && !done.tree.contains("etc/rc0.d/K01old"));
    assert_eq!((status(&["update-rc.d old"]), status(&["update-rc.d old twist"])), (1, 1));
}

#[test]
fn update_rc_d_enables_and_disables_the_unit_of_the_name() {
    assert!(run(&["update-rc.d a disable"]).requests.disable.contains("a.service"));
    assert!(run(&["update-rc.d a enable"]).requests.enable.contains("a.service"));
    assert!(run(&["update-rc.d old disable"]).requests.disable.is_empty());
}

#[test]
fn declared_accounts_are_there_and_declared_paths_are_made_for_the_script() {
    assert_eq!(status(&["systemd-sysusers a.conf"]), 0);
    assert!(run(&["systemd-sysusers -"]).reason().contains("standard input"));
    let mut tree = units();
    tree.put("usr/lib/tmpfiles.d/a.conf", Node::file(0o644, "d /run/a 0750 root adm\n")).unwrap();
    let done =
        run_with(super::super::find, tree, &IdMap::default(), true, &["systemd-tmpfiles --create a.conf || true"]);
    assert_eq!((done.tree.get("run/a").unwrap().mode, done.tree.get("run/a").unwrap().gid), (0o750, 4));
    assert_eq!(done.changes, ["made /run/a (tmpfiles.d)"]);
    assert_eq!(status(&["systemd-tmpfiles a.conf"]), 1);
    for option in ["--remove", "--create --clean", "--create -"] {
        assert!(run(&[&format!("systemd-tmpfiles {option}")]).reason().contains("is not modelled"), "{option}");
    }
}
