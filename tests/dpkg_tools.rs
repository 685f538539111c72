//! The commands of dpkg that scripts call against dpkg's own: each command line is run by both over the same small root file
//! system, and what is there afterwards, what was printed and the exit status must be equal.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use imgbuild::debian::Package;
use imgbuild::effects::Requests;
use imgbuild::lock::IdMap;
use imgbuild::profile::Arch;
use imgbuild::scripts::{Accounts, Debconf, Debian};
use imgbuild::shell::{Files, Script, run};
use imgbuild::tree::{Kind, Node, Tree};

const COMMANDS: [&str; 3] = ["dpkg", "dpkg-divert", "dpkg-statoverride"];

const FILES: [&str; 6] = ["usr/bin/a", "usr/bin/b", "usr/lib/x", "usr/lib/y", "etc/conf", "usr/share/d/file"];

/// What a command line comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Outcome {
    status: u8,
    out: String,
    /// By path: type, content or target, owner, mode.
    files: BTreeMap<String, String>,
    diversions: BTreeSet<Vec<String>>,
    overrides: BTreeSet<String>,
}

impl Outcome {
    fn new(status: u8, out: String, mut files: BTreeMap<String, String>, text: impl Fn(&str) -> String) -> Self {
        files.retain(|path, _| !path.starts_with("var"));
        let diversions = text("var/lib/dpkg/diversions");
        let lines: Vec<String> = diversions.lines().map(str::to_owned).collect();
        let overrides = text("var/lib/dpkg/statoverride").lines().map(str::to_owned).collect();
        // Lists come in the order of a hash table.
        let out = if out.lines().count() > 1 && !out.contains("ing '") {
            let lines: BTreeSet<&str> = out.lines().collect();
            lines.into_iter().flat_map(|line| [line, "\n"]).collect()
        } else {
            out
        };
        Self { status, out, files, diversions: lines.chunks(3).map(<[String]>::to_vec).collect(), overrides }
    }
}

fn ours(line: &str) -> Result<Outcome, String> {
    let mut tree = Tree::new();
    for path in FILES {
        tree.put(path, Node::file(0o644, path)).unwrap();
    }
    for command in COMMANDS {
        tree.put(&format!("usr/sbin/{command}"), Node::file(0o755, "")).unwrap();
    }
    for (path, target) in [("lib", "usr/lib"), ("usr/bin/l", "a")] {
        tree.put(path, Node::symlink(target)).unwrap();
    }
    tree.put("var/lib/dpkg", Node::dir(0o755)).unwrap();
    tree.put("etc/passwd", Node::file(0o644, "root:x:0:0::/root:/bin/sh\nmail:x:8:8::/:/bin/sh\n")).unwrap();
    tree.put("etc/group", Node::file(0o644, "root:x:0:\nmail:x:8:\n")).unwrap();
    let package = Package {
        name: "lamp".to_owned(),
        version: "1".to_owned(),
        arch: "amd64".to_owned(),
        fields: Vec::new(),
        control: BTreeMap::new(),
        members: Vec::new(),
    };
    let ids = IdMap::default();
    let mut host = Debian {
        package: &package,
        script: "postinst",
        packages: std::slice::from_ref(&package),
        arch: Arch::Amd64,
        requests: Requests::default(),
        debconf: Debconf::default(),
        accounts: Accounts::new(&tree, &ids, false, 0).unwrap(),
    };
    let mut files = Files::new(tree, "test");
    let environment = [("PATH", "/usr/sbin:/usr/bin"), ("DPKG_MAINTSCRIPT_PACKAGE", "lamp")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let script = Script { text: line, name: "postinst", args: &[], environment: &environment };
    let done = run(script, &mut files, &mut host).map_err(|stop| format!("{:?}", stop.reason))?;
    let tree = files.into_tree();
    let found = tree.iter().filter(|(path, node)| !node.is_dir() && !path.starts_with("usr/sbin"));
    let found = found.filter(|(path, _)| !["etc/passwd", "etc/group"].contains(path));
    let found = found.map(|(path, node)| {
        let what = match &node.kind {
            Kind::File(content) => content.text().unwrap(),
            Kind::Symlink(target) => format!("-> {target}"),
            kind => format!("{kind:?}"),
        };
        let mode = if matches!(node.kind, Kind::Symlink(_)) { 0o777 } else { node.mode };
        (path.to_owned(), format!("{what} {}:{} {mode:o}", node.uid, node.gid))
    });
    let text = |path: &str| tree.file(path).map(|content| content.text().unwrap()).unwrap_or_default();
    Ok(Outcome::new(done.status, String::from_utf8(done.out).unwrap(), found.collect(), text))
}

/// What dpkg's own commands do, all in one shell.
fn real(lines: &[String]) -> Vec<Outcome> {
    let dir = tempfile::tempdir().unwrap();
    let mut script = format!("cd {}\nexec </dev/null 2>/dev/null\numask 022\n", dir.path().display());
    script += "export DPKG_MAINTSCRIPT_PACKAGE=lamp\nunset DPKG_ROOT DPKG_ADMINDIR\n";
    for command in ["dpkg-divert", "dpkg-statoverride"] {
        // A function's name has no dash everywhere.
        writeln!(script, "alias {command}='{command} --root=\"$root\"'").unwrap();
    }
    for (number, line) in lines.iter().enumerate() {
        let root = dir.path().join(number.to_string());
        for path in FILES {
            let at = root.join(path);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(at, path).unwrap();
        }
        symlink("usr/lib", root.join("lib")).unwrap();
        symlink("a", root.join("usr/bin/l")).unwrap();
        fs::create_dir_all(root.join("var/lib/dpkg/info")).unwrap();
        fs::create_dir_all(root.join("var/lib/dpkg/updates")).unwrap();
        for file in ["status", "available"] {
            fs::write(root.join("var/lib/dpkg").join(file), "").unwrap();
        }
        let line = line.replace('\'', "'\\''");
        writeln!(script, "(root=$PWD/{number}; eval '{line}') >{number}.out; echo $? >{number}.status").unwrap();
    }
    fs::write(dir.path().join("script"), script).unwrap();
    let mut shell = Command::new("sh");
    shell.arg(dir.path().join("script")).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    assert!(shell.status().unwrap().success());
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let outcome = |number: usize| {
        let root = dir.path().join(number.to_string());
        let mut files = BTreeMap::new();
        let mut todo = vec![root.clone()];
        while let Some(folder) = todo.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let metadata = fs::symlink_metadata(&path).unwrap();
                if metadata.is_dir() {
                    todo.push(path);
                    continue;
                }
                let what = match fs::read_link(&path) {
                    Ok(target) => format!("-> {}", target.display()),
                    Err(_) => read(&path),
                };
                let shown = format!("{what} {}:{} {:o}", metadata.uid(), metadata.gid(), metadata.mode() & 0o7777);
                files.insert(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(), shown);
            }
        }
        let status = read(&dir.path().join(format!("{number}.status"))).trim().parse().unwrap();
        Outcome::new(status, read(&dir.path().join(format!("{number}.out"))), files, |path| read(&root.join(path)))
    };
    (0..lines.len()).map(outcome).collect()
}

fn compare(lines: Vec<String>) {
    let (mut known, mut expected) = (Vec::new(), Vec::new());
    let mut refused = Vec::new();
    for line in lines {
        match ours(&line) {
            Ok(outcome) => {
                expected.push(outcome);
                known.push(line);
            }
            Err(reason) => refused.push(format!("{line}: {reason}")),
        }
    }
    let mut found = String::new();
    for ((line, ours), real) in known.iter().zip(&expected).zip(real(&known)) {
        if *ours != real {
            write!(found, "{line}\n   ours {ours:?}\n  dpkg's {real:?}\n").unwrap();
        }
    }
    assert!(found.is_empty(), "{found}");
    assert!(refused.is_empty(), "not modelled: {refused:#?}");
}

/// Chooses without chance: a linear congruential generator (Knuth's MMIX).
struct Draw(u64);

impl Draw {
    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        all[usize::try_from(self.0 >> 33).unwrap() % all.len()]
    }
}

#[test]
fn versions_compare_as_dpkg_compares_them() {
    const PARTS: [&str; 22] = [
        "0", "1", "9", "10", "1.0", "1.00", ".", "-", "+", "~", "~~", "a", "b", "rc", "deb", ":", "2:", "0:", "-0",
        "-1", "ubuntu", "",
    ];
    const RELATIONS: [&str; 17] =
        ["lt", "le", "eq", "ne", "ge", "gt", "lt-nl", "le-nl", "ge-nl", "gt-nl", "<<", "<=", "=", ">=", ">>", "<", ">"];
    let mut draw = Draw(14);
    let mut lines = Vec::new();
    while lines.len() < 150 {
        let mut version =
            || format!("{}{}{}{}", draw.of(&["1", "0", "2", ""]), draw.of(&PARTS), draw.of(&PARTS), draw.of(&PARTS));
        let (left, right) = (version(), version());
        let relation = draw.of(&RELATIONS);
        let line = format!("dpkg --compare-versions '{left}' '{relation}' '{right}'");
        // dpkg goes on with what it has read of a wrong version.
        if ours(&line).is_ok() {
            lines.push(line);
        }
    }
    compare(lines);
}

#[test]
#[ignore = "needs root: files get other owners"]
fn diversions_and_overrides_are_those_of_dpkg() {
    let mut lines: Vec<String> = [
        "dpkg-divert --add --rename /usr/bin/a; dpkg-divert --list; dpkg-divert --truename /usr/bin/a",
        "dpkg-divert --package other --add --no-rename --divert /x /usr/bin/a; dpkg-divert --listpackage /usr/bin/a",
        "dpkg-divert --local --rename --divert /usr/bin/z /usr/bin/l; dpkg-divert --local --rename --remove /usr/bin/l",
        "dpkg-divert --no-rename --divert /lib/x.usr-is-merged /lib/x; dpkg-divert --list '/lib/*'",
        "dpkg-divert --rename --divert /lib/x.usr-is-merged --add /lib/x; dpkg-divert --quiet --remove --rename /lib/x",
        "dpkg-statoverride --update --add mail root 4750 /usr/bin/a; dpkg-statoverride --list",
        "dpkg-statoverride --add root mail 0640 /etc/conf; dpkg-statoverride --list '/etc/*'",
        "dpkg-statoverride --update --add root mail 640 /etc/none/; dpkg-statoverride --remove /etc/none",
    ]
    .map(str::to_owned)
    .into();
    let mut draw = Draw(7);
    let paths =
        ["/usr/bin/a", "/usr/bin/b", "/usr/bin/l", "/usr/bin/n", "/lib/x", "/usr/lib/x", "/etc/conf", "/usr/share/d"];
    for _ in 0..80 {
        let mut line = String::new();
        for _ in 0..3 {
            let to = draw.of(&["--divert /usr/bin/z", "--divert /usr/lib/y", "--divert /etc/conf", "", ""]);
            let action =
                draw.of(&["--add", "--add", "", "--remove", "--remove", "--list", "--truename", "--listpackage"]);
            let to = if ["--add", "", "--remove"].contains(&action) { to } else { "" };
            let whose = draw.of(&["--package lamp", "--package other", "--local", "", ""]);
            let (moves, quiet) = (draw.of(&["--rename", "--rename", "--no-rename"]), draw.of(&["--quiet", "", ""]));
            write!(line, "dpkg-divert {action} {whose} {moves} {quiet} {to} {}; ", draw.of(&paths)).unwrap();
        }
        lines.push(line);
        let mut line = String::new();
        for _ in 0..3 {
            let path = draw.of(&["/usr/bin/a", "/usr/bin/l", "/usr/bin/n", "/etc/conf/", "/usr/share/d"]);
            let quiet = draw.of(&["", "--quiet", "--force-all", "--update", "--update"]);
            match draw.of(&["add", "add", "remove", "list"]) {
                "add" => {
                    let (user, group) =
                        (draw.of(&["root", "mail", "#7777", "nosuch"]), draw.of(&["root", "mail", "#8"]));
                    let mode = draw.of(&["644", "04755", "1777", "0700", "888", "77777"]);
                    write!(line, "dpkg-statoverride {quiet} --add '{user}' '{group}' {mode} {path}; ").unwrap();
                }
                "remove" => write!(line, "dpkg-statoverride {quiet} --remove {path}; ").unwrap(),
                _ => write!(line, "dpkg-statoverride --list {}; ", draw.of(&["", "'/usr/*'", "/etc/conf/"])).unwrap(),
            }
        }
        lines.push(line);
    }
    compare(lines);
}
