//! The scripts as texts, and what they tell in the four places.

use std::process::Command;

use imgbuild::tree::Kind;

use crate::sandbox::{Sandbox, image, said};

#[test]
fn shellcheck_and_perl_find_nothing_to_warn_of_in_the_scripts() {
    let place = tempfile::tempdir().expect("a directory");
    let mut scripts = Vec::new();
    for (path, node) in image().iter() {
        let Kind::File(content) = &node.kind else { continue };
        let text = content.text().expect("scripts and units are text");
        if text.starts_with("#!") || text.starts_with("# shellcheck shell=") {
            let script = place.path().join(path.replace('/', "_"));
            let is_perl = text.starts_with("#!/usr/bin/perl\n");
            std::fs::write(&script, text).expect("our own file");
            if is_perl {
                let checked = Command::new("perl").args(["-cw"]).arg(&script).output().expect("perl runs");
                assert!(checked.status.success() && said(&checked).ends_with(" syntax OK\n"), "{}", said(&checked));
                assert_eq!(said(&checked).lines().count(), 1, "{}", said(&checked));
            } else {
                scripts.push(script);
            }
        }
    }
    assert!(scripts.len() >= 7, "{scripts:?}");
    let checked = Command::new("shellcheck").arg("--severity=warning").args(&scripts).output();
    let checked = checked.expect("shellcheck runs: tests/run.sh installs it");
    assert!(checked.status.success(), "{}", said(&checked));
}

#[test]
fn a_status_is_told_in_json_on_the_banner_in_the_journal_and_on_the_console() {
    let node = Sandbox::new();
    node.seed("# made by a test\n\nNODE='pi1'\nCLUSTER='home'\n");
    let output = node.run("", r#"/usr/lib/imgbuild/status waiting data-disk 'no "ssd" in C:\.' 'plug it in.'"#);
    assert!(output.status.success(), "{}", said(&output));
    let status = node.status();
    let expected = serde_json::json!({
        "schema": 1, "node": "pi1", "cluster": "home", "profile": "storage", "image": "0123456789abcdef", "bootloader": null,
        "state": "waiting", "waiting_for": "data-disk", "reason": r#"no "ssd" in C:\."#, "cure": "plug it in.",
        "since": status["since"], "since_uptime": 100,
    });
    assert_eq!(status, expected);
    assert_eq!(
        node.read("run/issue.d/90-imgbuild.issue"),
        "waiting for data-disk: no \"ssd\" in C:\\\\.\nCure: plug it in.\n\n",
        "agetty takes a backslash for an escape"
    );
    assert_eq!(node.read("run/agetty"), "--reload\n");
    let line = "waiting for data-disk: no \"ssd\" in C:\\. Cure: plug it in.\n";
    assert_eq!(node.read("run/journal-lines"), line);
    assert_eq!(node.read("console"), format!("\rimgbuild: {line}"));
}

#[test]
fn no_control_character_of_a_reason_or_a_cure_reaches_a_terminal() {
    let node = Sandbox::new();
    // Of one byte and, in UTF-8, of two (CSI); what else is not ASCII stays, whatever the caller's locale.
    let says = r"LC_ALL=C /usr/lib/imgbuild/status failed '' $'a\e[2Jb\tc\u009bd é.' $'e\nf\a.'";
    assert!(node.run("", says).status.success());
    let status = node.status();
    assert_eq!((&status["reason"], &status["cure"]), (&"a [2Jb c d é.".into(), &"e f .".into()), "{status}");
    let line = "K3s is not ready: a [2Jb c d é.";
    assert_eq!(node.read("run/issue.d/90-imgbuild.issue"), format!("{line}\nCure: e f .\n\n"));
    assert_eq!(node.read("console"), format!("\rimgbuild: {line} Cure: e f .\n"));
}

#[test]
fn a_status_said_again_changes_nothing_and_ready_tells_the_seconds_since_power_on() {
    let node = Sandbox::new();
    node.run("", "/usr/lib/imgbuild/status starting '' '' ''");
    let first = node.status();
    assert_eq!((&first["node"], &first["cluster"]), (&"fallback".into(), &serde_json::Value::Null));
    node.write("uptime", "117.99 0.00\n");
    node.run("", "/usr/lib/imgbuild/status starting '' '' ''");
    assert_eq!(node.status(), first);
    assert_eq!(node.read("run/agetty"), "--reload\n", "nothing is told twice");

    node.run("", "/usr/lib/imgbuild/status ready '' '' ''");
    assert_eq!(node.status()["since_uptime"], 117);
    assert_eq!(node.read("run/issue.d/90-imgbuild.issue"), "ready 117 s after power-on\n\n");
}

#[test]
fn an_led_that_is_named_blinks_as_the_state_demands() {
    let node = Sandbox::new();
    node.write("usr/lib/imgbuild/led", "ACT\n");
    for file in ["trigger", "delay_on", "delay_off"] {
        node.write(&format!("class/leds/ACT/{file}"), "");
    }
    let led = |file: &str| node.read(&format!("class/leds/ACT/{file}")).trim().to_owned();
    node.run("", "/usr/lib/imgbuild/status waiting network 'no cable.' 'plug it in.'");
    assert_eq!((led("trigger"), led("delay_on"), led("delay_off")), ("timer".into(), "100".into(), "1900".into()));
    node.run("", "/usr/lib/imgbuild/status ready '' '' ''");
    assert_eq!(led("trigger"), "heartbeat");

    node.write("usr/lib/imgbuild/led", "../../etc\n");
    let output = node.run("", "/usr/lib/imgbuild/status failed '' 'x.' 'y.'");
    assert!(output.status.success(), "a name that is no name is passed over: {}", said(&output));
}

#[test]
fn k3s_is_ordered_after_the_mounts_of_the_data_disks() {
    let node = Sandbox::new();
    let generate = "mkdir -p /run/units && /usr/lib/systemd/system-generators/imgbuild-data-disks /run/units";
    assert!(node.run("", generate).status.success(), "without a seed there is nothing to do");
    assert!(!node.path("run/units/k3s.service.d").exists());
    node.seed(
        "DISK_1_LABEL='a'\nDISK_1_MOUNT='/var/lib/longhorn'\nDISK_2_LABEL='b'\nDISK_2_MOUNT='/var/lib/scratch'\n",
    );
    assert!(node.run("", generate).status.success());
    for unit in ["k3s", "k3s-agent"] {
        assert_eq!(
            node.read(&format!("run/units/{unit}.service.d/50-data-disks.conf")),
            "[Unit]\nRequiresMountsFor=/var/lib/longhorn /var/lib/scratch\n"
        );
    }
}

#[test]
fn the_gate_is_wanted_at_boot_and_both_kinds_of_k3s_need_its_permit() {
    let image = image();
    let text = |path: &str| image.file(path).expect(path).text().expect("units are text");
    let wanted = image.get("usr/lib/systemd/system/multi-user.target.wants/imgbuild-gate.service").expect("a link");
    assert!(matches!(&wanted.kind, Kind::Symlink(target) if target == "../imgbuild-gate.service"));
    assert!(text("usr/lib/systemd/system/imgbuild-gate.service").contains("ConditionPathExists=/usr/local/bin/k3s\n"));
    let permit = "/run/imgbuild/k3s-may-start";
    assert!(text("usr/lib/imgbuild/gate").contains(&format!("permit={permit}\n")));
    for unit in ["k3s", "k3s-agent"] {
        let settings = text(&format!("usr/lib/systemd/system/{unit}.service.d/10-imgbuild-gate.conf"));
        assert!(settings.contains(&format!("AssertPathExists={permit}\n")), "{settings}");
        assert!(settings.contains("Wants=imgbuild-watch.service\n"), "{settings}");
    }
}

#[test]
fn the_journal_has_room_for_several_deaths_of_k3s_with_all_its_stacks() {
    let settings = include_str!("../../overlays/node/files/usr/lib/systemd/journald.conf.d/10-volatile.conf");
    let room = settings.lines().find_map(|line| line.strip_prefix("RuntimeMaxUse=")?.strip_suffix('M'));
    let room: u32 = room.expect("a size").parse().expect("a number of MiB");
    // Seen with K3s v1.21.2: 31,801 lines of one death took 23 MB.
    assert!(room >= 5 * 23, "{room} MiB");
}
