//! What the effects of others make of what is declared: alternatives, units, diversions.

use super::*;
use crate::debian::Member;
use crate::effects::alternatives::alternatives;
use crate::effects::dpkg_db::dpkg_db;
use crate::effects::units::units;
use crate::effects::unpack::unpack_diverted;

type Effect = fn(&mut Tree, &Context<'_>) -> Result<(), EffectError>;

/// The tree with `files` after `effect`, its image having the package `example` with what it declares.
fn after(effect: Effect, files: &[(&str, Node)], effects: &str) -> Result<Tree, EffectError> {
    let mut tree = Tree::new();
    for (path, node) in files {
        tree.put(path, node.clone().from("package")).unwrap();
    }
    let (mut profile, declared) = (sample::profile(), declared(effects));
    (profile.enable, profile.disable) = (Vec::new(), Vec::new());
    let packages = [package(SCRIPT)];
    effect(&mut tree, &Context { packages: &packages, declared: &declared, ..sample::context(&profile) })?;
    Ok(tree)
}

/// The error of effects that cannot be, which must name the entry and say what helps.
fn refused_by(effect: Effect, files: &[(&str, Node)], effects: &str) -> String {
    told(&after(effect, files, effects).unwrap_err())
}

fn target<'t>(tree: &'t Tree, path: &str) -> &'t str {
    match &tree.get(path).unwrap_or_else(|| panic!("no {path}")).kind {
        Kind::Symlink(target) => target,
        other => panic!("{path}: {other:?}"),
    }
}

const ALTERNATIVE: &str = "[[script.alternative]]\nlink = \"/usr/bin/editor\"\nname = \"editor\"\npath = \"/usr/bin/example\"\npriority = 30\n\
     slaves = [{ link = \"/usr/share/man/editor.1\", name = \"editor.1\", path = \"/usr/share/man/example.1\" }]\n";

fn with_alternative() -> Vec<(&'static str, Node)> {
    vec![("usr/bin/example", Node::file(0o755, "x")), ("usr/share/man/example.1", Node::file(0o644, "x"))]
}

#[test]
fn a_declared_alternative_has_its_links_and_its_record() {
    let tree = after(alternatives, &with_alternative(), ALTERNATIVE).unwrap();
    assert_eq!(target(&tree, "usr/bin/editor"), "/etc/alternatives/editor");
    assert_eq!(target(&tree, "etc/alternatives/editor"), "/usr/bin/example");
    assert_eq!(target(&tree, "etc/alternatives/editor.1"), "/usr/share/man/example.1");
    let record = tree.file("var/lib/dpkg/alternatives/editor").unwrap().text().unwrap();
    assert!(record.ends_with("/usr/bin/example\n30\n/usr/share/man/example.1\n\n"), "{record}");
}

#[test]
fn an_alternative_that_cannot_be_or_is_there_already_is_refused() {
    let files = with_alternative();
    let tried = |files: &[(&str, Node)], effects: &str, cause: &str| {
        let error = refused_by(alternatives, files, effects);
        assert!(error.contains("alternative `editor`") && error.contains(cause), "{error}");
    };
    tried(&files[..1], ALTERNATIVE, "there is nothing at `/usr/share/man/example.1`");
    tried(&files[1..], ALTERNATIVE, "there is nothing at `/usr/bin/example`");
    tried(&files, &format!("{ALTERNATIVE}{ALTERNATIVE}"), "is a choice of it already");
    let taken = [&files[..], &[("usr/bin/editor", Node::file(0o755, ""))]].concat();
    tried(&taken, ALTERNATIVE, "`/usr/bin/editor`, the image has a regular file (package)");
    tried(&files, &ALTERNATIVE.replace("/usr/bin/editor", "/usr/nowhere/editor"), "in no directory");
    let other = [&files[..], &[("usr/bin/other", Node::file(0o755, ""))]].concat();
    let elsewhere = ALTERNATIVE.replace("bin/example", "bin/other").replace("/usr/bin/editor", "/usr/bin/edit");
    tried(&other, &format!("{ALTERNATIVE}{elsewhere}"), "`/usr/bin/editor` is its link already");
}

const INSTALL: &str = "[Install]\nWantedBy=multi-user.target\n";
const UNIT: &str = "usr/lib/systemd/system/example.service";
const ENABLED: &str = "units = [\"example.service\"]\n";

fn with_unit(text: &str) -> Vec<(&'static str, Node)> {
    vec![(UNIT, Node::file(0o644, text.to_owned())), ("etc/passwd", Node::file(0o644, "root:x:0:0:::\n"))]
}

#[test]
fn a_declared_unit_is_enabled() {
    let tree = after(units, &with_unit(INSTALL), ENABLED).unwrap();
    assert_eq!(target(&tree, "etc/systemd/system/multi-user.target.wants/example.service"), format!("/{UNIT}"));
}

#[test]
fn a_declared_unit_that_is_not_there_or_would_not_be_started_by_that_is_refused() {
    let masked =
        [&with_unit(INSTALL)[..], &[("etc/systemd/system/example.service", Node::symlink("/dev/null"))]].concat();
    for (files, effects, cause) in [
        (with_unit(INSTALL), "units = [\"exmaple.service\"]\n", "nothing brings it; did you mean `example.service`?"),
        (with_unit(INSTALL), "units = [\"example.service\", \"example.service\"]\n", "it is enabled already"),
        (with_unit("[Service]\n"), ENABLED, "names nothing that would start it"),
        (masked, ENABLED, "it is masked"),
    ] {
        let error = refused_by(units, &files, effects);
        assert!(error.contains(cause) && error.contains("unit `ex"), "{error}");
    }
}

#[test]
fn a_declared_unit_whose_account_nothing_makes_is_refused() {
    let files = with_unit(&format!("[Service]\nUser=example\n{INSTALL}"));
    let error = refused_by(units, &files, ENABLED);
    assert!(error.contains("runs as user `example`, which the image does not have"), "{error}");
    assert!(error.contains("declare it too, `[[script.account]]` with `name = \"example\"`"), "{error}");
    let with_account = [&files[..], &[("etc/passwd", Node::file(0o644, "example:x:100:100:::\n"))]].concat();
    after(units, &with_account, ENABLED).unwrap();
}

const DIVERSION: &str = "[[script.diversion]]\npath = \"/usr/bin/tool\"\n";

/// `example` and another package with files.
fn packages(own: &[&str], others: &[(&str, Node)]) -> Vec<Package> {
    let member = |(path, node): &(&str, Node)| Member { path: (*path).to_owned(), node: node.clone() };
    let own: Vec<(&str, Node)> = own.iter().map(|path| (*path, Node::file(0o755, "own").from("example"))).collect();
    let of = |files: &[(&str, Node)]| files.iter().map(member).collect::<Vec<_>>();
    let other = Package { name: "other".to_owned(), members: of(others), control: BTreeMap::new(), ..package("") };
    vec![Package { members: of(&own), ..package(SCRIPT) }, other]
}

#[test]
fn a_diverted_file_gives_its_place_to_the_package_that_wants_it() {
    let files = [
        ("bin", Node::symlink("usr/bin").from("other")),
        ("bin/tool", Node::file(0o755, "tool").from("other")),
        ("usr/bin/alias", Node::hard_link("bin/tool").from("other")),
    ];
    let packages = packages(&["usr/bin/tool"], &files);
    let ledger = Ledger::parse(&entry(DIVERSION)).unwrap();
    let declared = ledger.declared_for(&packages).unwrap();
    let mut tree = unpack_diverted(&packages, &declared.diverted(&packages).unwrap()).unwrap();
    let text = |path: &str| tree.file(path).unwrap().text().unwrap();
    assert_eq!((text("usr/bin/tool"), text("usr/bin/tool.distrib")), ("own".to_owned(), "tool".to_owned()));
    assert_eq!(text("usr/bin/alias"), "tool", "a hard link stays one with the file that went");
    tree.check().unwrap();

    let profile = sample::profile();
    dpkg_db(&mut tree, &Context { packages: &packages, declared: &declared, ..sample::context(&profile) }).unwrap();
    let record = tree.file("var/lib/dpkg/diversions").unwrap().text().unwrap();
    assert_eq!(record, "/usr/bin/tool\n/usr/bin/tool.distrib\nexample\n");
}

#[test]
fn a_diversion_of_what_no_other_package_ships_is_refused_and_so_is_one_to_a_place_that_is_taken() {
    let file = || Node::file(0o755, "").from("other");
    for (own, files, effects, cause) in [
        (&["usr/bin/tool"][..], &[][..], DIVERSION.to_owned(), "no other package of the image ships that file"),
        (&[], &[("usr/bin/tool", Node::dir(0o755))], DIVERSION.to_owned(), "it is a directory of other"),
        (&["usr/x"], &[("bin/tool", file())], format!("{DIVERSION}to = \"/usr/x\"\n"), "example ships `/usr/x`"),
        (&[], &[("bin/tool", file())], format!("{DIVERSION}{DIVERSION}to = \"/usr/y\"\n"), "is declared before"),
    ] {
        let packages = packages(own, files);
        let declared = Ledger::parse(&entry(&effects)).unwrap().declared_for(&packages).unwrap();
        let error = told(&declared.diverted(&packages).unwrap_err());
        assert!(error.contains("diversion of `/usr/bin/tool`") && error.contains(cause), "{error}");
    }
    let error = Ledger::parse(&entry(&format!("{DIVERSION}to = \"/usr/bin/tool\"\n"))).unwrap_err();
    assert!(error.to_string().contains("is diverted to itself") && error.hint().is_some(), "{error}");
}
