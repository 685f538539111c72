use super::*;

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
