use std::collections::BTreeMap;

use super::*;
use crate::effects::sample;
use crate::profile::ProfileFile;
use crate::tree::Node;

/// A tree with base-passwd's tables cut short, and `sysusers` as a file of sysusers.d.
fn tree_with(sysusers: &str) -> Tree {
    let mut tree = Tree::new();
    let passwd = "root:*:0:0:root:/root:/bin/bash\nnobody:*:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
    let group = "root:*:0:\ntty:*:5:\nsudo:*:27:\nshadow:*:42:\nusers:*:100:\nnogroup:*:65534:\n";
    tree.put("usr/share/base-passwd/passwd.master", Node::file(0o644, passwd)).unwrap();
    tree.put("usr/share/base-passwd/group.master", Node::file(0o644, group)).unwrap();
    tree.put("usr/lib/sysusers.d/x.conf", Node::file(0o644, sysusers)).unwrap();
    tree.put("usr/bin/bash", Node::file(0o755, "")).unwrap();
    tree.put("bin", Node::symlink("usr/bin")).unwrap();
    tree.put("etc/skel/.profile", Node::file(0o644, "x")).unwrap();
    tree
}

fn build(tree: &Tree, ids: &IdMap) -> Database {
    let mut builder = Builder::start(tree, ids, true).unwrap();
    sysusers::Sysusers::read(tree, &BTreeMap::new()).unwrap().apply(tree, &mut builder).unwrap();
    builder.database
}

fn ids(users: &[(&str, u32)], groups: &[(&str, u32)]) -> IdMap {
    let map = |pairs: &[(&str, u32)]| pairs.iter().map(|(name, id)| ((*name).to_owned(), *id)).collect();
    IdMap { users: map(users), groups: map(groups) }
}

#[test]
fn numbers_are_counted_down_and_a_user_shares_its_groups() {
    let database =
        build(&tree_with("u alpha - \"The A\" /var/a\ng beta -\ng tty 5\nu! gamma -:nogroup\n"), &IdMap::default());
    assert_eq!(database.group("beta").unwrap().gid, 999);
    let alpha = database.user("alpha").unwrap();
    assert_eq!((alpha.uid, alpha.gid, database.group("alpha").unwrap().gid), (998, 998, 998));
    assert_eq!((alpha.gecos.as_str(), alpha.home.as_str()), ("The A", "/var/a"));
    let gamma = database.user("gamma").unwrap();
    assert_eq!((gamma.uid, gamma.gid, gamma.secret), (997, 65534, Secret::Expired));
    assert_eq!(database.group("tty").unwrap().gid, 5);
}

#[test]
fn pinned_numbers_win_and_are_given_to_nobody_else() {
    let pinned = ids(&[("elsewhere", 999), ("alpha", 150)], &[("alpha", 150)]);
    let database = build(&tree_with("u alpha -\nu delta -\n"), &pinned);
    assert_eq!(database.user("alpha").unwrap().uid, 150);
    assert_eq!(database.user("delta").unwrap().uid, 998, "999 belongs to an account of another profile");
}

#[test]
fn numbers_paths_ranges_and_members_are_understood() {
    let mut tree = tree_with("u eta 321\nu theta /srv/theta\nr - 500-510\nu iota -\nm iota sudo\nm kappa newgroup\n");
    tree.put("srv/theta", Node::dir(0o755).owned(432, 433)).unwrap();
    let database = build(&tree, &IdMap::default());
    assert_eq!(database.user("eta").unwrap().uid, 321);
    assert_eq!(database.group("eta").unwrap().gid, 321);
    let theta = database.user("theta").unwrap();
    assert_eq!((theta.uid, theta.gid), (432, 433));
    assert_eq!(database.group("newgroup").unwrap().gid, 510);
    assert_eq!(database.user("iota").unwrap().uid, 509);
    assert_eq!(database.group("sudo").unwrap().members, ["iota"]);
    assert_eq!(database.group("newgroup").unwrap().members, ["kappa"]);
}

#[test]
fn a_masked_file_and_one_of_etc_with_the_same_name_take_the_packages_place() {
    let mut tree = tree_with("u alpha -\n");
    tree.put("etc/sysusers.d/x.conf", Node::symlink("/dev/null")).unwrap();
    assert!(build(&tree, &IdMap::default()).user("alpha").is_none());
    tree.put("etc/sysusers.d/x.conf", Node::file(0o644, "u mine -\n")).unwrap();
    let database = build(&tree, &IdMap::default());
    assert!(database.user("alpha").is_none() && database.user("mine").is_some());
}

#[test]
fn a_malformed_declaration_is_refused_with_its_place() {
    let error = sysusers::Sysusers::read(&tree_with("g ok -\nx what -\n"), &BTreeMap::new()).unwrap_err();
    assert_eq!(error.to_string(), "`/usr/lib/sysusers.d/x.conf`, line 2: unknown line type `x`");
    let error = sysusers::Sysusers::read(&tree_with("u %H -\n"), &BTreeMap::new()).unwrap_err();
    assert!(error.to_string().contains("%H"), "{error}");
}

#[test]
fn an_account_that_the_lock_does_not_know_stops_the_build() {
    let tree = tree_with("u alpha -\n");
    let none = IdMap::default();
    let mut builder = Builder::start(&tree, &none, false).unwrap();
    let error = sysusers::Sysusers::read(&tree, &BTreeMap::new()).unwrap().apply(&tree, &mut builder).unwrap_err();
    assert_eq!(error.to_string(), "the lock pins no number for group `alpha`");
    assert!(error.hint().unwrap().contains("imgbuild lock"));
}

#[test]
fn nobody_has_a_password() {
    let database = build(&tree_with("u alpha -\nu! beta -\n"), &IdMap::default());
    let shadow = database.shadow(20000);
    assert!(shadow.contains("root:*:20000:0:99999:7:::\n"), "{shadow}");
    assert!(shadow.contains("alpha:!*:20000::::::\n"), "{shadow}");
    assert!(shadow.contains("beta:!*:20000:::::1:\n"), "{shadow}");
    assert!(database.gshadow().contains("sudo:*::\n"));
}

#[test]
fn what_an_overlay_declares_gets_a_pinned_number_and_takes_a_packages_place() {
    let file = |text: &str, symlink: Option<&str>| ProfileFile {
        content: Content::from(text),
        mode: 0o644,
        user: "root".to_owned(),
        group: "root".to_owned(),
        symlink: symlink.map(str::to_owned),
        directory: false,
        origin: crate::profile::Origin::Overlay("app".to_owned()),
    };
    let mut tree = tree_with("u alpha -\n");
    tree.put("lib", Node::symlink("usr/lib")).unwrap();
    let mut profile = sample::profile();
    // People want groups that this tree does not have.
    profile.users.clear();
    profile.files.insert("lib/sysusers.d/app.conf".to_owned(), file("u app - \"The app\" /var/lib/app\n", None));
    let ids = allocate_ids(&tree, &sample::context(&profile)).unwrap();
    assert_eq!((ids.users["alpha"], ids.users["app"], ids.groups["app"]), (998, 999, 999));

    // Built with that lock, its files may belong to the account.
    accounts(&mut tree, &Context { ids: &ids, ..sample::context(&profile) }).unwrap();
    assert!(tree.file("etc/passwd").unwrap().text().unwrap().contains("app:x:999:999:The app:/var/lib/app:"));
    assert_eq!(Owners::read(&tree).unwrap().user("app"), Some(999));

    profile.files.insert("etc/sysusers.d/x.conf".to_owned(), file("", Some("/dev/null")));
    let masked = allocate_ids(&tree, &sample::context(&profile)).unwrap();
    assert!(!masked.users.contains_key("alpha") && masked.users.contains_key("app"));
}

#[test]
fn a_person_whose_number_is_none_of_peoples_is_refused_when_locking_and_building() {
    let mut profile = sample::profile();
    profile.users.truncate(1);
    profile.users[0].groups.clear();
    let name = profile.users[0].name.clone();
    let pinned = |number| ids(&[(&name, number)], &[(&name, number)]);
    for number in [33, 70000, u32::MAX - 1] {
        let ids = pinned(number);
        let context = Context { ids: &ids, ..sample::context(&profile) };
        let mut tree = tree_with("");
        let errors = [allocate_ids(&tree, &context).unwrap_err(), accounts(&mut tree, &context).unwrap_err()];
        for error in errors {
            assert!(error.to_string().contains(&format!("the number {number}")), "{error}");
            assert!(error.hint().unwrap().contains("[ids.users]"));
        }
    }
    let ids = pinned(59999);
    let mut tree = tree_with("");
    accounts(&mut tree, &Context { ids: &ids, ..sample::context(&profile) }).unwrap();
    let text = tree.file("etc/subuid").unwrap().text().unwrap();
    assert_eq!(text, format!("{name}:{}:65536\n", 100_000 + 58_999_u32 * 65_536));
}

#[test]
fn people_join_groups_that_scripts_make_and_those_that_nothing_makes_are_told() {
    let mut profile = sample::profile();
    profile.users.truncate(1);
    profile.users[0].groups = vec!["made".to_owned()];
    let name = profile.users[0].name.clone();
    let mut tree = tree_with("");
    let ids = allocate_ids(&tree, &sample::context(&profile)).unwrap();
    accounts(&mut tree, &Context { ids: &ids, ..sample::context(&profile) }).unwrap();

    let error = join_people(&mut tree, &profile).unwrap_err();
    assert!(error.to_string().contains("there is no group `made`"), "{error}");
    let file = |tree: &Tree, path: &str| tree.file(path).unwrap().text().unwrap().clone();
    let groups = file(&tree, "etc/group") + "made:x:900:\n";
    tree.put("etc/group", Node::file(0o644, groups)).unwrap();
    join_people(&mut tree, &profile).unwrap();
    let once = file(&tree, "etc/group");
    assert!(once.contains(&format!("made:x:900:{name}\n")), "{once}");
    join_people(&mut tree, &profile).unwrap();
    assert_eq!(file(&tree, "etc/group"), once, "who is a member already is not entered twice");
}
