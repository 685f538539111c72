//! Configuration files that come, stay and are told about.

use super::super::sample::{Sample, package};
use crate::effects::dpkg_db::md5;
use crate::tree::Node;

/// The lamp's template, `/usr/share/lamp/lamp.conf`, is the lamps' and nobody else may read it.
fn sample() -> Sample {
    let mut sample =
        Sample::new(vec![package("lamp", &[]), package("ucf", &[("templates", "Template: ucf/title\nType: title\n")])]);
    let template = Node { gid: 103, ..Node::file(0o640, "on\n") };
    sample.files.tree_mut().put("usr/share/lamp/lamp.conf", template).unwrap();
    sample
}

fn metadata(sample: &Sample, path: &str) -> (u16, u32) {
    let (_, node) = sample.files.stat(path, true).unwrap();
    (node.mode, node.gid)
}

fn update(sample: &mut Sample, text: &str) {
    sample.files.write("/usr/share/lamp/lamp.conf", text.as_bytes()).unwrap();
}

const UCF: &str = "ucf --three-way /usr/share/lamp/lamp.conf /etc/lamp.conf";

#[test]
fn a_new_file_is_a_copy_with_mode_and_owner() {
    let mut sample = sample();
    assert_eq!(sample.run(UCF), 0);
    assert_eq!(sample.text("/etc/lamp.conf"), "on\n");
    assert_eq!(metadata(&sample, "/etc/lamp.conf"), (0o640, 103));
    assert_eq!(sample.text("/var/lib/ucf/hashfile"), format!("{}  /etc/lamp.conf\n", md5(b"on\n")));
    assert_eq!(sample.text("/var/lib/ucf/cache/:etc:lamp.conf"), "on\n");
}

#[test]
fn what_is_unchanged_is_replaced_and_keeps_its_mode() {
    let mut sample = sample();
    sample.run(UCF);
    sample.files.chmod("/etc/lamp.conf", 0o600).unwrap();
    update(&mut sample, "off\n");
    assert_eq!(sample.run(UCF), 0);
    assert_eq!(sample.text("/etc/lamp.conf"), "off\n");
    assert_eq!(metadata(&sample, "/etc/lamp.conf"), (0o600, 103));
}

#[test]
fn what_somebody_changed_stays_with_the_new_file_beside_it() {
    let mut sample = sample();
    sample.run(UCF);
    sample.files.write("/etc/lamp.conf", b"mine\n").unwrap();
    assert_eq!(sample.run(UCF), 0, "the package's is the same as before");
    assert!(!sample.files.exists("/etc/lamp.conf.ucf-dist").unwrap());
    update(&mut sample, "off\n");
    assert_eq!(sample.run(UCF), 0);
    assert_eq!(sample.text("/etc/lamp.conf"), "mine\n");
    assert_eq!(sample.text("/etc/lamp.conf.ucf-dist"), "off\n");
}

#[test]
fn a_file_that_was_there_before_ucf_knew_it_is_looked_up_among_earlier_ones() {
    let mut sample = sample();
    sample.files.write("/etc/lamp.conf", b"old\n").unwrap();
    sample.files.write("/sums", format!("{}  0.9\n", md5(b"old\n")).as_bytes()).unwrap();
    assert_eq!(sample.run("ucf --sum-file /sums --src-dir /nowhere /usr/share/lamp/lamp.conf /etc/lamp.conf"), 0);
    assert_eq!(sample.text("/etc/lamp.conf"), "on\n");

    let mut sample = self::sample();
    sample.files.write("/etc/lamp.conf", b"old\n").unwrap();
    sample.files.mkdir("/usr/share/lamp/lamp.conf.md5sum.d", 0o755).unwrap();
    sample.files.write("/usr/share/lamp/lamp.conf.md5sum.d/0.9", md5(b"old\n").as_bytes()).unwrap();
    assert_eq!(sample.run(UCF), 0);
    assert_eq!(sample.text("/etc/lamp.conf"), "on\n");

    let mut sample = self::sample();
    sample.files.write("/etc/lamp.conf", b"strange\n").unwrap();
    sample.files.write("/usr/share/lamp/lamp.conf.md5sum", format!("{} default\n", md5(b"on\n")).as_bytes()).unwrap();
    assert_eq!(sample.run(UCF), 0);
    assert_eq!(sample.text("/etc/lamp.conf"), "strange\n");
    assert!(!sample.files.exists("/etc/lamp.conf.ucf-dist").unwrap());
}

#[test]
fn a_file_that_was_there_and_is_the_same_is_only_recorded_and_another_one_stays() {
    let mut sample = sample();
    sample.files.write("/etc/lamp.conf", b"on\n").unwrap();
    assert_eq!(sample.run(UCF), 0);
    assert!(sample.files.exists("/var/lib/ucf/hashfile").unwrap());
    assert!(!sample.files.exists("/etc/lamp.conf.ucf-dist").unwrap());
    let mut sample = self::sample();
    sample.files.write("/etc/lamp.conf", b"strange\n").unwrap();
    assert_eq!(sample.run(UCF), 0);
    assert_eq!(sample.text("/etc/lamp.conf"), "strange\n");
    assert_eq!(sample.text("/etc/lamp.conf.ucf-dist"), "on\n");
}

#[test]
fn a_file_that_somebody_removed_comes_back_only_where_that_is_asked_for() {
    let mut sample = sample();
    sample.run(UCF);
    sample.files.unlink("/etc/lamp.conf").unwrap();
    assert_eq!(sample.run(UCF), 0);
    assert!(!sample.files.exists("/etc/lamp.conf").unwrap());
    sample.variables.set("UCF_FORCE_CONFFMISS", "1");
    sample.variables.export("UCF_FORCE_CONFFMISS");
    assert_eq!(sample.run(UCF), 0);
    assert_eq!(sample.text("/etc/lamp.conf"), "on\n");
}

#[test]
fn the_environment_decides_for_the_old_or_the_new_one() {
    for (name, value, expected) in [
        ("UCF_FORCE_CONFFNEW", "YES", "on\n"),
        ("UCF_FORCE_CONFFOLD", "YES", "mine\n"),
        ("DPKG_FORCE", "security-mac,confnew", "on\n"),
        ("DPKG_FORCE", "confold,confmiss", "mine\n"),
        ("DPKG_FORCE", "confdef,confnew", "mine\n"),
    ] {
        let mut sample = sample();
        sample.files.write("/etc/lamp.conf", b"mine\n").unwrap();
        sample.variables.set(name, value);
        sample.variables.export(name);
        assert_eq!(sample.run(UCF), 0, "{name}={value}");
        assert_eq!(sample.text("/etc/lamp.conf"), expected, "{name}={value}");
    }
}

#[test]
fn debconf_must_be_handed_over_where_something_would_be_asked() {
    let mut sample = sample();
    sample.source("/usr/share/debconf/confmodule");
    assert_eq!(sample.run(UCF), 0, "a new file is no question");
    update(&mut sample, "off\n");
    sample.files.write("/etc/lamp.conf", b"mine\n").unwrap();
    assert_eq!(sample.run(UCF), 2);
    assert_eq!(sample.run(&format!("{UCF} --debconf-ok")), 0);
    sample.run("db_stop");
    assert!(sample.try_run(&format!("{UCF} --debconf-ok")).is_err());
}

#[test]
fn links_and_diversions_are_followed() {
    let mut sample = sample();
    sample.files.write("/etc/real.conf", b"on\n").unwrap();
    sample.files.symlink("real.conf", "/etc/lamp.conf").unwrap();
    sample.run(UCF);
    assert!(sample.text("/var/lib/ucf/hashfile").ends_with("  /etc/real.conf\n"));
    sample.files.symlink("nowhere/x", "/etc/broken.conf").unwrap();
    assert_eq!(sample.run("ucf /usr/share/lamp/lamp.conf /etc/broken.conf"), 0);
    assert_eq!(sample.text("/etc/broken.conf"), "on\n");
    assert!(sample.files.read_link("/etc/broken.conf").is_err(), "the link led to no directory");
    sample.files.symlink("made.conf", "/etc/open.conf").unwrap();
    assert_eq!(sample.run("ucf /usr/share/lamp/lamp.conf /etc/open.conf"), 0);
    assert_eq!(sample.files.read_link("/etc/open.conf").unwrap(), "made.conf");
    assert_eq!(sample.text("/etc/made.conf"), "on\n");
    sample.run("dpkg-divert --package fuse --no-rename --divert /etc/other.conf /etc/fuse.conf");
    assert_eq!(sample.run("ucf /usr/share/lamp/lamp.conf /etc/fuse.conf"), 0);
    assert_eq!(sample.text("/etc/other.conf"), "on\n");
    assert_eq!(sample.run("ucf --package fuse /usr/share/lamp/lamp.conf /etc/fuse.conf"), 0);
    assert_eq!(sample.text("/etc/fuse.conf"), "on\n");
}

#[test]
fn files_are_forgotten_and_other_places_remembered_in() {
    let mut sample = sample();
    sample.run(UCF);
    assert_eq!(sample.run("ucf --purge /etc/lamp.conf"), 0);
    assert_eq!(sample.text("/var/lib/ucf/hashfile"), "");
    assert!(!sample.files.exists("/var/lib/ucf/cache/:etc:lamp.conf").unwrap());
    assert_eq!(sample.run("ucf -p /etc/none.conf"), 0);
    assert_eq!(sample.run("ucf --state-dir /state /usr/share/lamp/lamp.conf /etc/lamp2.conf"), 0);
    assert!(sample.files.exists("/state/hashfile").unwrap());
}

#[test]
fn wrong_calls_fail() {
    let mut sample = sample();
    assert_eq!(sample.run("ucf /usr/share/lamp/lamp.conf"), 2);
    assert_eq!(sample.run("ucf --purge /a /b"), 2);
    assert_eq!(sample.run("ucf /usr/share/lamp/none /etc/lamp.conf"), 1);
    assert_eq!(sample.run("ucf /usr/share/lamp/lamp.conf /no/such/lamp.conf"), 1);
    assert!(sample.try_run("ucf --no-action /a /b").is_err());
    sample.files.write("/etc/ucf.conf", b"# comment\nconf_force_conffold=YES\n").unwrap();
    assert!(sample.try_run(UCF).is_err());
}

#[test]
fn files_are_registered_to_packages() {
    let mut sample = sample();
    assert_eq!(sample.run("ucfr lamp /etc/lamp.conf"), 0);
    assert_eq!(sample.run("ucfr lamp /etc/lamp.conf"), 0);
    assert_eq!(sample.text("/var/lib/ucf/registry"), "lamp \t /etc/lamp.conf\n");
    assert_eq!(sample.run("ucfr fuse /etc/lamp.conf"), 4);
    assert_eq!(sample.run("ucfr --force fuse /etc/lamp.conf"), 0);
    assert_eq!(sample.run("ucfr --purge lamp /etc/lamp.conf"), 5);
    assert_eq!(sample.run("ucfr --purge fuse /etc/lamp.conf"), 0);
    assert_eq!(sample.text("/var/lib/ucf/registry"), "");
    assert_eq!(sample.run("ucfr --purge fuse /etc/lamp.conf"), 0);
    assert_eq!(sample.run("ucfr fuse"), 1);
    assert_eq!(sample.run("ucfr fuse /x /y"), 3);
    assert!(sample.try_run("ucfr --loud fuse /x").is_err());
    sample.files.write("/var/lib/ucf/registry", b"a \t /x\nb \t /x\n").unwrap();
    assert_eq!(sample.run("ucfr a /x"), 2);
}

#[test]
fn what_is_remembered_is_told_with_colons() {
    let mut sample = sample();
    sample.run(UCF);
    sample.run("ucfr lamp /etc/lamp.conf");
    assert_eq!(sample.run("ucfq -w /etc/lamp.conf"), 0);
    assert_eq!(sample.out, "/etc/lamp.conf:lamp:Yes:No\n");
    sample.files.append("/etc/lamp.conf", b"more\n").unwrap();
    assert_eq!(sample.run("ucfq --with-colons lamp /etc/none"), 0);
    assert_eq!(sample.out, "/etc/lamp.conf:lamp:Yes:Yes\n/etc/none:::\n");
    assert_eq!(sample.run("ucfq -w etc/none"), 0);
    assert!(sample.try_run("ucfq lamp").is_err());
}
