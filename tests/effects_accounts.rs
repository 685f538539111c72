//! Accounts of real packages, against systemd-sysusers and pwck.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "debian/apt.rs"]
#[expect(dead_code, reason = "the tests of `debian` use the rest")]
mod apt;
#[path = "support/profile.rs"]
mod profile;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use imgbuild::debian::{self, Package};
use imgbuild::effects::declared::Declared;
use imgbuild::effects::{Context, accounts, unpack};
use imgbuild::lock::IdMap;
use imgbuild::tree::{Digest, Kind, Tree};

/// Whoever ships sysusers.d files, and what the profile's user below needs.
const PACKAGES: &[&str] = &[
    "base-files",
    "base-passwd",
    "bash",
    "dbus-system-bus-common",
    "openssh-client",
    "openssh-server",
    "polkitd",
    "rpcbind",
    "sudo",
    "systemd",
    "systemd-resolved",
    "systemd-timesyncd",
    "udev",
];

const EPOCH: u64 = 1_790_000_000;

fn packages() -> Vec<Package> {
    let packs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packs");
    fs::create_dir_all(&packs).unwrap();
    apt::Apt::amd64()
        .download(PACKAGES)
        .iter()
        .map(|path| debian::deb::open(path, Digest::of(&fs::read(path).unwrap()), &packs).unwrap())
        .collect()
}

/// Lines of passwd or group by name: the fields after the password, members in order of the alphabet.
fn lines(text: &str) -> BTreeMap<String, Vec<String>> {
    text.lines()
        .map(|line| {
            let mut fields: Vec<String> = line.split(':').map(str::to_owned).collect();
            let name = fields.remove(0);
            fields.remove(0);
            (name, fields)
        })
        .collect()
}

/// Writes the files below `dirs` of the tree to `root`.
fn write(tree: &Tree, dirs: &[&str], root: &Path) {
    for (path, node) in dirs.iter().flat_map(|dir| tree.below(dir)) {
        if let Kind::File(content) = &node.kind {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content.read().unwrap()).unwrap();
        }
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error} (tests/run.sh installs it)"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {text}");
}

#[test]
fn real_packages_get_the_accounts_that_systemd_sysusers_makes() {
    let packages = packages();
    let profile = profile::profile(
        "board = \"uefi-amd64\"\n[[user]]\nname = \"ada\"\ngroups = [\"adm\", \"systemd-journal\"]\nshell = \"/bin/bash\"\n",
    );
    let none = IdMap::default();
    let context = Context {
        profile: &profile,
        packages: &packages,
        ids: &none,
        declared: Declared::none(),
        requests: imgbuild::effects::Requests::none(),
        epoch: EPOCH,
    };
    let mut tree = unpack::unpack(&packages).unwrap();
    let ids = accounts::allocate_ids(&tree, &context).unwrap();
    let context = Context { ids: &ids, ..context };
    accounts::accounts(&mut tree, &context).unwrap();
    let text = |path: &str| tree.file(path).unwrap().text().unwrap();
    let (passwd, group) = (lines(&text("etc/passwd")), lines(&text("etc/group")));

    // The real tool over the same declarations and base-passwd's tables.
    let real = tempfile::tempdir().unwrap();
    write(&tree, &["usr/lib/sysusers.d"], real.path());
    for entry in fs::read_dir(real.path().join("usr/lib/sysusers.d")).unwrap() {
        let path = entry.unwrap().path();
        // Before version 257 the tool does not know that accounts can be locked.
        let text = fs::read_to_string(&path).unwrap().replace("u! ", "u ");
        fs::write(path, text).unwrap();
    }
    fs::create_dir(real.path().join("etc")).unwrap();
    for (master, name) in [("passwd.master", "passwd"), ("group.master", "group")] {
        fs::write(real.path().join("etc").join(name), text(&format!("usr/share/base-passwd/{master}"))).unwrap();
    }
    run(Command::new("systemd-sysusers").arg(format!("--root={}", real.path().display())));
    for (name, ours) in [("passwd", &passwd), ("group", &group)] {
        let theirs = lines(&fs::read_to_string(real.path().join("etc").join(name)).unwrap());
        assert!(theirs.len() > 20, "{theirs:?}");
        for (account, fields) in theirs {
            // The profile's user joins groups that the tool does not know of.
            let compared = if name == "group" { 1 } else { fields.len() };
            assert_eq!(ours[&account][..compared], fields[..compared], "{name}: {account}");
        }
    }

    assert_eq!(passwd["ada"], ["1000", "1000", "", "/home/ada", "/bin/bash"]);
    assert_eq!(group["adm"][1], "ada");
    assert_eq!(text("etc/subuid"), "ada:100000:65536\n");
    assert_eq!((tree.get("home/ada").unwrap().mode, tree.get("home/ada/.profile").unwrap().uid), (0o700, 1000));

    // The shadow tool finds nothing to say about the files.
    write(&tree, &["etc"], real.path());
    let file = |name: &str| real.path().join("etc").join(name);
    run(Command::new("pwck").args(["-q", "-r"]).arg(file("passwd")).arg(file("shadow")));

    // Locking again keeps every number, and nothing is pinned that Debian fixes.
    assert_eq!(accounts::allocate_ids(&tree, &context).unwrap(), ids);
    assert!(!ids.users.contains_key("root") && !ids.groups.contains_key("sudo"));
}
