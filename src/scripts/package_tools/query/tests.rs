//! Questions about packages.

use super::super::sample::{Sample, member, package};

fn sample() -> Sample {
    let (mut lamp, mut fuse, mut lib) = (
        package("lamp", &[("postinst", "true\n"), ("conffiles", "/etc/lamp.conf\n"), ("md5sums", "")]),
        package("fuse", &[]),
        package("liblamp1", &[]),
    );
    lamp.members.push(member("etc/lamp.conf", "on\n"));
    lamp.members.push(member("usr/bin/lamp", "x"));
    fuse.members.push(member("usr/bin/fuse", "y"));
    fuse.fields.push(("Source".to_owned(), "fuses (1:2.0-1)".to_owned()));
    fuse.fields.push(("Description".to_owned(), "a fuse\n It burns.".to_owned()));
    lib.fields.push(("Multi-Arch".to_owned(), "same".to_owned()));
    lib.members.push(member("usr/lib/liblamp.so.1", "z"));
    let mut sample = Sample::new(vec![lamp, fuse, lib]);
    sample.requests.configured.insert("fuse".to_owned());
    sample
}

/// What a query with this format prints for a package.
fn shows(format: &str, package: &str) -> String {
    let mut sample = sample();
    assert_eq!(sample.words(&["dpkg-query", "-W", "-f", format, package]), Ok(0));
    sample.out
}

#[test]
fn fields_are_put_into_formats() {
    assert_eq!(shows("${Package} ${Version}\\n", "lamp"), "lamp 1.2-3\n");
    assert_eq!(shows("${binary:Package}", "liblamp1"), "liblamp1:amd64");
    assert_eq!(shows("${Package;-8}|${Version;8}|", "fuse"), "fuse    |   1.2-3|");
    assert_eq!(shows("${source:Package} ${source:Version} ${source:Upstream-Version}", "fuse"), "fuses 1:2.0-1 2.0");
    assert_eq!(shows("${source:Package} ${source:Version}", "lamp"), "lamp 1.2-3");
    assert_eq!(shows("${binary:Summary}\\t\\$${Nothing}", "fuse"), "a fuse\t$");
    assert_eq!(
        shows("${Conffiles}\n", "lamp"),
        " /etc/lamp.conf 16fd1e36d9d8c51d85ce87ddba1c3d4c\n"
            .replace("16fd1e36d9d8c51d85ce87ddba1c3d4c", &crate::effects::dpkg_db::md5(b"on\n"))
    );
    assert_eq!(shows("${db-fsys:Files}", "fuse"), " /.\n /usr/bin/fuse\n");
}

#[test]
fn states_are_those_between_unpacking_and_configuring() {
    let format = "${Status}|${db:Status-Abbrev}|${db:Status-Want}|${db:Status-Status}|${db:Status-Eflag}";
    assert_eq!(shows(format, "fuse"), "install ok installed|ii |install|installed|ok");
    assert_eq!(shows(format, "lamp"), "install ok half-configured|iF |install|half-configured|ok");
    assert_eq!(shows(format, "liblamp1"), "install ok unpacked|iU |install|unpacked|ok");
    let mut sample = sample();
    sample.script = "preinst";
    sample.words(&["dpkg-query", "-Wf${Status}", "lamp"]).unwrap();
    assert_eq!(sample.out, "install reinstreq half-installed");
}

#[test]
fn packages_are_found_by_name_architecture_and_pattern() {
    let mut sample = sample();
    assert_eq!(sample.run("dpkg-query -W"), 0);
    assert_eq!(sample.out, "lamp\t1.2-3\nfuse\t1.2-3\nliblamp1:amd64\t1.2-3\n");
    assert_eq!(sample.run("dpkg-query --show *lamp*"), 0);
    assert_eq!(sample.out, "lamp\t1.2-3\nliblamp1:amd64\t1.2-3\n");
    assert_eq!(sample.run("dpkg-query -W lamp:amd64 none"), 1);
    assert_eq!(sample.out, "lamp\t1.2-3\n");
    assert_eq!(sample.run("dpkg-query -W lamp:arm64"), 1);
}

#[test]
fn the_status_is_that_of_the_database() {
    let mut sample = sample();
    assert_eq!(sample.run("dpkg -s fuse"), 0);
    assert!(sample.out.starts_with("Package: fuse\nStatus: install ok installed\nMaintainer: "), "{}", sample.out);
    assert_eq!(sample.run("dpkg-query --status none"), 1);
    assert_eq!(sample.out, "");
    assert_eq!(sample.run("dpkg --status"), 0);
    let names: Vec<&str> = sample.out.lines().filter_map(|line| line.strip_prefix("Package: ")).collect();
    assert_eq!(names, ["lamp", "fuse", "liblamp1"]);
}

#[test]
fn files_are_listed_and_searched() {
    let mut sample = sample();
    assert_eq!(sample.run("dpkg -L lamp"), 0);
    assert_eq!(sample.out, "/.\n/etc/lamp.conf\n/usr/bin/lamp\n");
    assert_eq!(sample.run("dpkg-query -L lamp none"), 1);
    assert_eq!(sample.run("dpkg -S /usr/bin/lamp"), 0);
    assert_eq!(sample.out, "lamp: /usr/bin/lamp\n");
    assert_eq!(sample.run("dpkg-query -S bin/"), 0);
    assert_eq!(sample.out, "fuse: /usr/bin/fuse\nlamp: /usr/bin/lamp\n");
    assert_eq!(sample.run("dpkg --search /usr/lib/* /none"), 1);
    assert_eq!(sample.out, "liblamp1:amd64: /usr/lib/liblamp.so.1\n");
    assert!(!sample.err.is_empty());
}

#[test]
fn control_files_are_told_by_where_the_database_has_them() {
    let mut sample = sample();
    assert_eq!(sample.run("dpkg-query --control-path lamp postinst"), 0);
    assert_eq!(sample.out, "/var/lib/dpkg/info/lamp.postinst\n");
    assert_eq!(sample.run("dpkg-query -c lamp"), 0);
    assert_eq!(
        sample.out,
        "/var/lib/dpkg/info/lamp.conffiles\n/var/lib/dpkg/info/lamp.md5sums\n/var/lib/dpkg/info/lamp.postinst\n"
    );
    assert_eq!(sample.run("dpkg-query --control-path lamp prerm"), 0);
    assert_eq!(sample.out, "");
    assert_eq!(sample.run("dpkg-query --control-path none postinst"), 2);
    assert_eq!(sample.run("dpkg-query --control-list lamp"), 0);
    assert_eq!(sample.out, "conffiles\nmd5sums\npostinst\n");
    assert_eq!(sample.run("dpkg-query --control-show lamp postinst"), 0);
    assert_eq!(sample.out, "true\n");
    assert_eq!(sample.run("dpkg-query --control-show lamp prerm"), 2);
}

#[test]
fn wrong_calls_fail_and_what_differs_between_machines_stops() {
    let mut sample = sample();
    for command in
        ["dpkg-query -f x", "dpkg-query -W -s lamp", "dpkg-query -S", "dpkg-query -L", "dpkg-query --control-show lamp"]
    {
        assert_eq!(sample.run(command), 2, "{command}");
    }
    for command in [
        "dpkg -l",
        "dpkg-query --print-avail lamp",
        "dpkg-query --admindir=/x -W",
        "dpkg-query -W -f ${db-fsys:Last-Modified} lamp",
    ] {
        assert!(sample.try_run(command).is_err(), "{command}");
    }
}
