use super::*;
use crate::effects::declared::Declared;

#[test]
fn install_sections_become_links() {
    let install = Install::parse(
        "[Unit]\nWantedBy=no\n[Install]\nWantedBy=a.target \\\n b.target\nRequiredBy=c.service\nAlias=d.service\nAlso=e.socket\n",
    );
    assert_eq!(
        install.links("x.service"),
        ["a.target.wants/x.service", "b.target.wants/x.service", "c.service.requires/x.service", "d.service"]
    );
    assert_eq!(install.also, ["e.socket"]);
}

#[test]
fn templates_take_their_instance_or_the_default_one() {
    let install = Install::parse("[Install]\nWantedBy=getty.target dev-%i.device\nDefaultInstance=tty1\n");
    assert_eq!(install.links("getty@.service")[0], "getty.target.wants/getty@tty1.service");
    assert_eq!(install.links("getty@ttyS0.service")[1], "dev-ttyS0.device.wants/getty@ttyS0.service");
    assert!(Install::parse("[Install]\nWantedBy=x.target\n").links("y@.service").is_empty());
}

#[test]
fn an_empty_assignment_clears_what_came_before() {
    assert_eq!(Install::parse("[Install]\nWantedBy=a.target\nWantedBy=\nWantedBy=b.target\n").wanted_by, ["b.target"]);
}

#[test]
fn only_literal_enable_commands_of_scripts_count() {
    let script = "if [ -z \"$2\" ]; then\n    systemctl ${DPKG_ROOT:+--root=\"$DPKG_ROOT\"} enable getty@tty1.service || true\n    systemctl disable ssh.service\n    systemctl enable $unit\nfi\n";
    assert_eq!(explicit(script), ["getty@tty1.service"]);
    let script = "systemctl enable --now a.path || echo \"cannot enable a.path\" >&2\nsystemctl enable --now\n";
    assert_eq!(explicit(script), ["a.path"]);
}

#[test]
fn the_first_matching_preset_rule_wins_and_earlier_directories_hide_later_ones() {
    let mut tree = Tree::new();
    let file = |text: &str| Node::file(0o644, text);
    tree.put("usr/lib/systemd/system-preset/90-a.preset", file("disable x.*\nenable *\n")).unwrap();
    tree.put("usr/lib/systemd/system-preset/80-b.preset", file("disable y.service\n")).unwrap();
    tree.put("etc/systemd/system-preset/80-b.preset", file("enable x.service\n")).unwrap();
    let presets = Presets::read(&tree, "system-preset");
    assert_eq!(presets.query("x.service"), Preset::Enable);
    assert_eq!(presets.query("x.socket"), Preset::Disable);
    assert_eq!(presets.query("y.service"), Preset::Enable);
    assert_eq!(Presets::default().query("z.service"), Preset::Enable);
}

/// A tree with units of every sort that enabling has to know.
fn tree_of_units() -> Tree {
    let mut tree = Tree::new();
    let mut unit = |name: &str, text: &str| {
        tree.put(&format!("usr/lib/systemd/system/{name}"), Node::file(0o644, text)).unwrap();
    };
    unit("a.service", "[Install]\nWantedBy=multi-user.target\nAlias=alpha.service\nAlso=a.socket\n");
    unit("a.socket", "[Install]\nWantedBy=sockets.target\n");
    unit("b.service", "[Install]\nWantedBy=multi-user.target\n");
    unit("no.service", "[Install]\nWantedBy=multi-user.target\n");
    tree.put("usr/lib/systemd/system-preset/90-x.preset", Node::file(0o644, "disable no.*\n")).unwrap();
    tree
}

#[test]
fn enabling_makes_links_for_the_unit_its_aliases_and_what_goes_with_it() {
    let mut tree = tree_of_units();
    let mut system = Manager::new(&tree, "system");
    system.preset(&mut tree, "a.service").unwrap();
    system.preset(&mut tree, "no.service").unwrap();
    for link in ["multi-user.target.wants/a.service", "alpha.service", "sockets.target.wants/a.socket"] {
        assert!(tree.contains(&format!("etc/systemd/system/{link}")), "{link}");
    }
    assert!(!tree.contains("etc/systemd/system/multi-user.target.wants/no.service"));
}

#[test]
fn disabling_takes_every_link_of_the_unit_and_no_other() {
    let mut tree = tree_of_units();
    let mut system = Manager::new(&tree, "system");
    for unit in ["a.service", "b.service"] {
        assert!(system.enable(&mut tree, unit).unwrap());
    }
    system.disable(&mut tree, "a.service");
    assert!(!tree.contains("etc/systemd/system/alpha.service"));
    assert!(!tree.contains("etc/systemd/system/multi-user.target.wants/a.service"));
    assert!(tree.contains("etc/systemd/system/multi-user.target.wants/b.service"));
    assert!(tree.contains("etc/systemd/system/sockets.target.wants/a.socket"));
}

#[test]
fn a_unit_that_nothing_brings_is_not_enabled_and_a_mask_stays() {
    let mut tree = tree_of_units();
    let mut system = Manager::new(&tree, "system");
    assert!(!system.enable(&mut tree, "c.service").unwrap());
    tree.put("etc/systemd/system/alpha.service", Node::symlink("/dev/null")).unwrap();
    system.enable(&mut tree, "a.service").unwrap();
    system.disable(&mut tree, "alpha.service");
    assert!(
        matches!(&tree.get("etc/systemd/system/alpha.service").unwrap().kind, Kind::Symlink(to) if to == "/dev/null")
    );
}

#[test]
fn the_written_preset_makes_a_first_boot_enable_what_is_enabled_and_nothing_more() {
    let mut tree = tree_of_units();
    let mut system = Manager::new(&tree, "system");
    system.enable(&mut tree, "b.service").unwrap();
    system.write_preset(&mut tree).unwrap();
    let presets = Presets::read(&tree, "system-preset");
    assert_eq!(presets.query("b.service"), Preset::Enable);
    assert_eq!(presets.query("a.service"), Preset::Disable);
}

/// What is said of a tree whose enabled `x.service` has this `[Service]` section, and `files` beside it.
fn runs_as(service: &str, files: &[(&str, &str)]) -> Result<(), String> {
    let mut tree = Tree::new();
    let mut put = |path: &str, text: &str| tree.put(path, Node::file(0o644, text)).unwrap();
    put("etc/passwd", "root:x:0:0:::\nada:x:1000:1000:::\n");
    put("etc/group", "root:x:0:\nada:x:1000:\n");
    put("usr/lib/systemd/system/x.service", &format!("[Service]\n{service}\n[Install]\nWantedBy=multi-user.target\n"));
    put("usr/lib/systemd/system/x.socket", "[Socket]\nService=x.service\n[Install]\nWantedBy=sockets.target\n");
    for (path, text) in files {
        put(path, text);
    }
    let mut system = Manager::new(&tree, "system");
    system.enable(&mut tree, "x.socket").unwrap();
    let find = |name: &str| system.find(&tree, name).map(|(_, text)| text);
    runs_as::check(&tree, Declared::none(), system.enabled.iter(), find)
        .map_err(|error| format!("{error}; {}", error.hint().unwrap()))
}

#[test]
fn an_enabled_unit_whose_account_nothing_makes_is_refused() {
    let error = runs_as("User=example", &[]).unwrap_err();
    assert!(error.contains("unit `x.socket`") && error.contains("starts `x.service`"), "{error}");
    assert!(error.contains("user `example`, which the image does not have"), "{error}");
    assert!(error.contains("sysusers.d/example.conf") && error.contains("u example -"), "{error}");
    assert!(runs_as("User=ada\nGroup=example", &[]).unwrap_err().contains("group `example`"));
    for sound in ["", "User=ada", "User=1234", "User=%i", "User=example\nDynamicUser=yes", "User=example\nUser="] {
        runs_as(sound, &[]).unwrap();
    }
    let drop_in = ("etc/systemd/system/x.service.d/own.conf", "[Service]\nUser=ada\n");
    runs_as("User=example", &[drop_in]).unwrap();
}
