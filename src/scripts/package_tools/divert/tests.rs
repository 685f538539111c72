//! Diversions: what is recorded and what moves.

use super::super::sample::{Sample, member, package};

fn sample() -> Sample {
    let (mut lamp, mut fuse) = (package("lamp", &[]), package("fuse", &[]));
    lamp.members.push(member("usr/bin/lamp", "lamp's"));
    fuse.members.push(member("usr/bin/fuse", "fuse's"));
    fuse.members.push(member("usr/lib/fuse", "library"));
    Sample::new(vec![lamp, fuse])
}

#[test]
fn another_packages_file_moves_away_and_back() {
    let mut sample = sample();
    assert_eq!(sample.run("dpkg-divert --package lamp --add --rename --divert /usr/bin/fuse.real /usr/bin/fuse"), 0);
    assert_eq!(sample.out, "Adding 'diversion of /usr/bin/fuse to /usr/bin/fuse.real by lamp'\n");
    assert_eq!(sample.text("/usr/bin/fuse.real"), "fuse's");
    assert!(!sample.files.exists("/usr/bin/fuse").unwrap());
    assert_eq!(sample.text("/var/lib/dpkg/diversions"), "/usr/bin/fuse\n/usr/bin/fuse.real\nlamp\n");
    assert_eq!(sample.requests.diverted.len(), 1);
    assert_eq!(sample.run("dpkg-divert --package lamp --rename --divert /usr/bin/fuse.real /usr/bin/fuse"), 0);
    assert!(sample.out.starts_with("Leaving '"));
    assert_eq!(sample.run("dpkg-divert --quiet --remove --rename /usr/bin/fuse"), 0);
    assert_eq!(sample.out, "");
    assert_eq!(sample.text("/usr/bin/fuse"), "fuse's");
    assert_eq!(sample.text("/var/lib/dpkg/diversions"), "");
    assert!(sample.requests.diverted.is_empty());
}

#[test]
fn diversions_are_told() {
    let mut sample = sample();
    sample.run("dpkg-divert --local --rename /usr/bin/fuse");
    sample.run("dpkg-divert --package fuse --divert /x --add /usr/bin/none");
    assert_eq!(sample.run("dpkg-divert --list"), 0);
    assert_eq!(
        sample.out,
        "local diversion of /usr/bin/fuse to /usr/bin/fuse.distrib\ndiversion of /usr/bin/none to /x by fuse\n"
    );
    sample.run("dpkg-divert --list *.distrib");
    assert_eq!(sample.out, "local diversion of /usr/bin/fuse to /usr/bin/fuse.distrib\n");
    sample.run("dpkg-divert --list nothing");
    assert_eq!(sample.out, "");
    sample.run("dpkg-divert --truename /usr/bin/fuse");
    assert_eq!(sample.out, "/usr/bin/fuse.distrib\n");
    sample.run("dpkg-divert --truename /usr/bin/lamp");
    assert_eq!(sample.out, "/usr/bin/lamp\n");
    sample.run("dpkg-divert --listpackage /usr/bin/fuse");
    assert_eq!(sample.out, "LOCAL\n");
    sample.run("dpkg-divert --listpackage /usr/bin/none");
    assert_eq!(sample.out, "fuse\n");
    sample.run("dpkg-divert --listpackage /usr/bin/lamp");
    assert_eq!(sample.out, "");
    sample.run("dpkg-query -S /usr/bin/fuse");
    assert_eq!(
        sample.out,
        "local diversion from: /usr/bin/fuse\nlocal diversion to: /usr/bin/fuse.distrib\nfuse: /usr/bin/fuse\n"
    );
    sample.run("dpkg -L fuse");
    assert!(sample.out.contains("/usr/bin/fuse\nlocally diverted to: /usr/bin/fuse.distrib\n"));
}

#[test]
fn a_file_of_the_packages_own_stays() {
    let mut sample = sample();
    assert_eq!(sample.run("dpkg-divert --add --rename --divert /usr/bin/lamp.old /usr/bin/lamp"), 0);
    assert_eq!(sample.text("/usr/bin/lamp"), "lamp's");
    assert!(sample.out.contains("Ignoring request to rename"));
    assert_eq!(sample.run("dpkg-divert --remove --rename --divert /usr/bin/lamp.old /usr/bin/lamp"), 0);
    assert_eq!(sample.text("/usr/bin/lamp"), "lamp's");
}

#[test]
fn in_a_preinst_the_other_packages_file_is_what_moves() {
    let mut sample = sample();
    sample.packages[1].members.push(member("usr/bin/lamp", "fuse's lamp"));
    sample.script = "preinst";
    assert_eq!(sample.run("dpkg-divert --add --rename --divert /usr/bin/lamp.fuse /usr/bin/lamp"), 0);
    assert_eq!(sample.text("/usr/bin/lamp"), "lamp's");
    assert_eq!(sample.text("/usr/bin/lamp.fuse"), "fuse's lamp");
}

#[test]
fn paths_through_the_links_of_merged_usr_are_recorded_as_given() {
    let mut sample = sample();
    sample.files.symlink("usr/lib", "/lib").unwrap();
    let command = "dpkg-divert --add --no-rename --divert /lib/fuse.usr-is-merged /lib/fuse";
    assert_eq!(sample.run(command), 0);
    assert_eq!(sample.text("/var/lib/dpkg/diversions"), "/lib/fuse\n/lib/fuse.usr-is-merged\nlamp\n");
    assert!(sample.requests.diverted.is_empty(), "no package has a file of that name");
    assert!(sample.try_run("dpkg-divert --add --no-rename --divert /x /usr/lib/fuse").is_err());
}

#[test]
fn what_is_not_allowed_is_exit_status_2() {
    let mut sample = sample();
    sample.run("dpkg-divert --add --rename --divert /usr/bin/fuse.real /usr/bin/fuse");
    for command in [
        "--add --divert /elsewhere /usr/bin/fuse",
        "--add --package fuse --divert /usr/bin/fuse.real /usr/bin/fuse",
        "--add --divert /usr/bin/fuse /usr/bin/x",
        "--add /usr/bin",
        "--add usr/bin/x",
        "--add --divert x /usr/bin/x",
        "--add --divert /usr/bin/x /usr/bin/x",
        "--add --rename --divert /usr/bin/fuse.real /usr/lib/fuse",
        "--add --rename --divert /usr/bin/lamp /usr/lib/fuse",
        "--add /a /b",
        "--remove --add /a",
        "--remove --divert /elsewhere /usr/bin/fuse",
        "--remove --package fuse /usr/bin/fuse",
        "--remove --local /usr/bin/fuse",
    ] {
        assert_eq!(sample.run(&format!("dpkg-divert {command}")), 2, "{command}");
    }
    assert_eq!(sample.run("dpkg-divert --remove /usr/bin/none"), 0);
    assert_eq!(sample.out, "No diversion 'diversion of /usr/bin/none by lamp', none removed.\n");
    assert!(sample.try_run("dpkg-divert --test --remove --rename /usr/bin/fuse").is_err());
    assert!(sample.try_run("dpkg-divert --root=/x --list").is_err());
}
