mod others;

use std::collections::BTreeMap;

use super::*;
use crate::debian::Package;
use crate::effects::ledger::{Ledger, LedgerError, treatment};
use crate::effects::{Context, accounts, sample};
use crate::lock::IdMap;
use crate::tree::{Kind, Node, Tree};

const SCRIPT: &str = "#!/bin/sh\nset -e\nmake-everything-ready\n";

/// A package `example` with this `postinst`.
fn package(script: &str) -> Package {
    Package {
        name: "example".to_owned(),
        version: "1.0-1".to_owned(),
        arch: "amd64".to_owned(),
        fields: Vec::new(),
        control: BTreeMap::from([("postinst".to_owned(), script.as_bytes().to_vec())]),
        members: Vec::new(),
    }
}

/// The text of a ledger that accepts the script and declares `effects`.
fn entry(effects: &str) -> String {
    let entry = treatment(&package(SCRIPT), "postinst", &Ledger::default()).entry;
    format!("{}{effects}", entry.replace('…', "Modelled here."))
}

fn declared(effects: &str) -> Declared {
    Ledger::parse(&entry(effects)).unwrap().declared_for(&[package(SCRIPT)]).unwrap()
}

/// What locking gives for a tree with base-passwd's tables, and the tree that is built then.
fn made(effects: &str) -> Result<(IdMap, Tree), EffectError> {
    let mut tree = Tree::new();
    let mut put = |path: &str, node: Node| tree.put(path, node.from("package")).unwrap();
    put("usr/share/base-passwd/passwd.master", Node::file(0o644, "root:*:0:0:root:/root:/bin/bash\n"));
    put("usr/share/base-passwd/group.master", Node::file(0o644, "root:*:0:\nadm:*:4:\nnogroup:*:65534:\n"));
    put("usr/bin/tool", Node::file(0o755, "tool"));
    put("usr/bin/same-tool", Node::hard_link("usr/bin/tool"));
    put("usr/bin/sh", Node::file(0o755, "sh"));
    put("usr/share/example/example.conf", Node::file(0o644, "default\n"));
    put("etc/example.d", Node::dir(0o755));
    put("etc/link", Node::symlink("example.d"));
    let (mut profile, declared) = (sample::profile(), declared(effects));
    profile.users.clear();
    let context = Context { declared: &declared, ..sample::context(&profile) };
    let ids = accounts::allocate_ids(&tree, &context)?;
    let context = Context { ids: &ids, ..context };
    accounts::accounts(&mut tree, &context)?;
    paths(&mut tree, &context)?;
    Ok((ids, tree))
}

/// The error of effects that cannot be, which must name the entry and say what helps.
fn refused(effects: &str) -> String {
    told(&made(effects).unwrap_err())
}

fn told(error: &EffectError) -> String {
    let (text, hint) = (error.to_string(), error.hint());
    assert!(text.starts_with("ledger.toml:") && text.contains("declared for `postinst` of example"), "{text}");
    format!("{text}; {}", hint.unwrap_or_else(|| panic!("no hint: {text}")))
}

const ACCOUNT: &str = "[[script.account]]\nname = \"example\"\n";

#[test]
fn an_account_gets_its_number_when_locking_and_its_lines_when_building() {
    let (ids, tree) = made(
        "[[script.group]]\nname = \"shared\"\n\
         [[script.account]]\nname = \"example\"\nhome = \"/var/lib/example\"\nshell = \"/usr/bin/sh\"\ngecos = \"An example\"\n\
         groups = [\"adm\", \"shared\"]\n\
         [[script.account]]\nname = \"Other\"\ngroup = \"nogroup\"\n",
    )
    .unwrap();
    assert_eq!(ids.users, BTreeMap::from([("example".to_owned(), 101), ("Other".to_owned(), 100)]));
    assert_eq!(ids.groups, BTreeMap::from([("shared".to_owned(), 100), ("example".to_owned(), 101)]));
    let text = |path| tree.file(path).unwrap().text().unwrap();
    let passwd = text("etc/passwd");
    assert!(passwd.contains("example:x:101:101:An example:/var/lib/example:/usr/bin/sh\n"), "{passwd}");
    assert!(passwd.contains("Other:x:100:65534::/nonexistent:/usr/sbin/nologin\n"), "{passwd}");
    assert!(text("etc/group").contains("shared:x:100:example\nexample:x:101:\n"), "{}", text("etc/group"));
    assert!(text("etc/group").contains("adm:x:4:example\n"));
    assert!(text("etc/shadow").contains("example:!:"));
}

#[test]
fn an_account_that_the_lock_does_not_know_is_refused_when_building() {
    let (profile, declared) = (sample::profile(), declared(ACCOUNT));
    let (_, mut tree) = made("").unwrap();
    let error =
        accounts::accounts(&mut tree, &Context { declared: &declared, ..sample::context(&profile) }).unwrap_err();
    assert_eq!(error.to_string(), "the lock pins no number for user `example`");
}

#[test]
fn paths_are_made_with_the_owners_that_were_declared_with_them() {
    let effects = format!(
        "{ACCOUNT}\
         [[script.directory]]\npath = \"/var/lib/example\"\nmode = \"0750\"\nuser = \"example\"\ngroup = \"adm\"\n\
         [[script.directory]]\npath = \"/etc/example.d\"\nmode = \"2755\"\n\
         [[script.file]]\npath = \"/etc/example.d/new\"\ncontent = \"text\\n\"\n\
         [[script.file]]\npath = \"/etc/example.d/example.conf\"\ncopy = \"/usr/share/example/example.conf\"\nmode = \"0640\"\ngroup = \"example\"\n\
         [[script.file]]\npath = \"/usr/bin/same-tool\"\nmode = \"4755\"\n\
         [[script.link]]\npath = \"/etc/link\"\ntarget = \"/run/example\"\n"
    );
    let (_, tree) = made(&effects).unwrap();
    let seen = |path: &str| {
        let node = tree.get(path).unwrap();
        (format!("{:04o}", node.mode), node.uid, node.gid, node.origin.as_str())
    };
    assert_eq!(seen("var/lib/example"), ("0750".to_owned(), 100, 4, ORIGIN));
    assert_eq!(seen("etc/example.d"), ("2755".to_owned(), 0, 0, "package"));
    assert_eq!(seen("etc/example.d/new"), ("0644".to_owned(), 0, 0, ORIGIN));
    assert_eq!(seen("etc/example.d/example.conf"), ("0640".to_owned(), 0, 100, ORIGIN));
    assert_eq!(tree.file("etc/example.d/example.conf").unwrap().text().unwrap(), "default\n");
    // Both names are of one inode.
    assert_eq!(seen("usr/bin/tool").0, "4755");
    assert!(matches!(&tree.get("etc/link").unwrap().kind, Kind::Symlink(target) if target == "/run/example"));
}

#[test]
fn what_changes_nothing_is_refused() {
    for (effects, what) in [
        ("[[script.account]]\nname = \"root\"\n", "account `root`"),
        ("[[script.group]]\nname = \"adm\"\n", "group `adm`"),
        ("[[script.directory]]\npath = \"/etc/example.d\"\n", "directory `/etc/example.d`"),
        ("[[script.file]]\npath = \"/usr/bin/tool\"\nmode = \"0755\"\nuser = \"root\"\n", "file `/usr/bin/tool`"),
        (
            "[[script.file]]\npath = \"/usr/share/example/example.conf\"\ncontent = \"default\\n\"\n",
            "file `/usr/share/example/example.conf`",
        ),
        (
            "[[script.file]]\npath = \"/usr/bin/same-tool\"\ncontent = \"tool\"\nmode = \"0755\"\n",
            "`/usr/bin/same-tool`",
        ),
        ("[[script.link]]\npath = \"/etc/link\"\ntarget = \"example.d\"\n", "link `/etc/link`"),
    ] {
        let error = refused(effects);
        assert!(error.contains(what) && error.contains("already"), "{error}");
        assert!(error.contains("it does nothing: take it out of ledger.toml"), "{error}");
    }
}

#[test]
fn what_cannot_be_made_is_refused_with_what_helps() {
    for (effects, cause, cure) in [
        (
            "[[script.account]]\nname = \"x\"\nshell = \"/usr/bin/fish\"\n",
            "no package brings the shell",
            "leave `shell` out",
        ),
        ("[[script.account]]\nname = \"x\"\ngroup = \"nogruop\"\n", "no group `nogruop`", "did you mean `nogroup`?"),
        (
            "[[script.account]]\nname = \"x\"\ngroups = [\"new\"]\n",
            "no group `new`",
            "`[[script.group]]` with `name = \"new\"`",
        ),
        ("[[script.directory]]\npath = \"/usr/bin/tool\"\n", "a regular file there (package)", "another path"),
        ("[[script.directory]]\npath = \"/usr/bin/tool/x\"\n", "lies below `/usr/bin/tool`", "below a directory"),
        ("[[script.directory]]\npath = \"/etc/x\"\nuser = \"example\"\n", "no user `example`", "`[[script.account]]`"),
        (
            "[[script.file]]\npath = \"/etc/x\"\ngroup = \"rood\"\ncontent = \"\"\n",
            "no group `rood`",
            "did you mean `root`?",
        ),
        ("[[script.file]]\npath = \"/etc/x\"\nmode = \"0600\"\n", "the image has no such file", "`content` or `copy`"),
        ("[[script.file]]\npath = \"/etc/link\"\nmode = \"0600\"\n", "it is a directory", "`[[script.directory]]`"),
        ("[[script.file]]\npath = \"/etc/example.d\"\ncontent = \"\"\n", "a directory there (package)", "another path"),
        ("[[script.file]]\npath = \"/etc/x\"\ncopy = \"/etc/y\"\n", "no file `/etc/y`", "that a package ships"),
        (
            "[[script.link]]\npath = \"/usr/bin/tool\"\ntarget = \"sh\"\n",
            "a regular file there (package)",
            "another path",
        ),
        (
            "[[script.directory]]\npath = \"/etc/x\"\n[[script.directory]]\npath = \"/etc/x\"\nmode = \"0700\"\n",
            "it is declared before",
            "keep one of the two",
        ),
    ] {
        let error = refused(effects);
        assert!(error.contains(cause) && error.contains(cure), "{error}");
    }
    let both = refused(
        "[[script.directory]]\npath = \"/etc/example.d\"\n[[script.link]]\npath = \"/etc/link\"\ntarget = \"example.d\"\n",
    );
    assert!(both.contains("`/etc/example.d`") && both.contains("`/etc/link`"), "all are told at once: {both}");
}

#[test]
fn a_form_that_is_wrong_is_refused_at_its_place() {
    for (effects, cause) in [
        ("[[script.directory]]\npath = \"var/lib/x\"\n", "`var/lib/x` is not an absolute path"),
        ("[[script.directory]]\npath = \"/var/../x\"\n", "is not a clean path"),
        ("[[script.directory]]\npath = \"/run/example\"\n", "would be hidden"),
        ("[[script.directory]]\npath = \"/etc/x\"\nmode = \"rwx\"\n", "is not a file mode"),
        ("[[script.directory]]\npath = \"/etc/x\"\nmode = 755\n", "expected a string"),
        ("[[script.directory]]\npath = \"/etc/x\"\nowner = \"root\"\n", "unknown key `owner`"),
        ("[[script.dir]]\npath = \"/etc/x\"\n", "unknown key `dir`"),
        ("[[script.account]]\nhome = \"/\"\n", "missing key `name`"),
        ("[[script.account]]\nname = \"a:b\"\n", "is not the name of an account"),
        ("[[script.account]]\nname = \"x\"\nhome = \"/x:/y\"\n", "is not an absolute path"),
        ("[[script.account]]\nname = \"x\"\ngecos = \"a:b\"\n", "is not a field of /etc/passwd"),
        ("[[script.link]]\npath = \"/etc/x\"\ntarget = \"\"\n", "this is empty"),
        ("[[script.file]]\npath = \"/etc/x\"\n", "nothing is said"),
        ("[[script.file]]\npath = \"/etc/x\"\ncontent = \"\"\ncopy = \"/etc/y\"\n", "both `content` and `copy`"),
    ] {
        let error = Ledger::parse(&entry(effects)).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("the ledger is not well-formed: ledger.toml:") && text.contains(cause), "{text}");
        assert!(error.hint().is_some(), "{text}");
    }
}

#[test]
fn effects_count_only_beside_the_script_that_is_accepted() {
    let ledger = Ledger::parse(&entry(ACCOUNT)).unwrap();
    assert!(!ledger.declared_for(&[package(SCRIPT)]).unwrap().is_empty());
    let mut other = package(SCRIPT);
    other.name = "other".to_owned();
    assert!(ledger.declared_for(&[other]).unwrap().is_empty(), "another package");
    let error = ledger.declared_for(&[package("#!/bin/sh\nset -e\n")]).unwrap_err();
    assert!(matches!(&error, LedgerError::Stale { .. }) && error.hint().is_some(), "{error}");
    assert!(error.to_string().contains("`postinst` of example"), "{error}");

    // Of two entries for a script of two architectures one fits.
    let line = entry("").lines().find(|line| line.starts_with("sha256")).unwrap().to_owned();
    let other =
        entry("").replace(&line, &format!("sha256 = [\"{}\"]", "0".repeat(64))) + "[[script.account]]\nname = \"x\"\n";
    let both = Ledger::parse(&format!("{}{other}", entry(ACCOUNT))).unwrap();
    let declared = both.declared_for(&[package(SCRIPT)]).unwrap();
    let names = declared.each(|effects| &effects.accounts).map(|(_, account)| account.name.get_ref().0.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["example"]);
}

#[test]
fn the_digest_is_that_of_what_is_declared_and_not_of_how_it_is_written() {
    let digest = |text: &str| Ledger::parse(text).unwrap().declared_digest("example");
    let plain = entry(ACCOUNT);
    assert_eq!(digest(&entry("")), None);
    assert!(digest(&plain).is_some());
    assert_eq!(digest(&plain), digest(&format!("# A comment.\n{}", plain.replace("Modelled here", "Modelled"))));
    assert_ne!(digest(&plain), digest(&format!("{plain}home = \"/var/lib/example\"\n")));
    assert_eq!(Ledger::parse(&plain).unwrap().declared_digest("other"), None);
}

#[test]
fn the_ledger_of_the_program_declares_nothing() {
    assert!(Ledger::embedded().declares_nothing(), "its effects have tables of their own");
}
