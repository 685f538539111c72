//! `recommends` of profiles, of packages, and of overlays.

use super::*;

const NODE: &str = "schema = 1\nextends = \"parent\"\n";
const PARENT: (&str, &str) = (
    "profiles/parent.toml",
    "schema = 1\nextends = \"demo\"\nrecommends = true\n\
     packages = [\"git\", { name = \"jq\", recommends = true }, { name = \"vim\", recommends = false }]\n",
);

/// What comes along for a profile with `keys` that extends [`PARENT`].
fn child(keys: &str) -> (bool, Vec<String>) {
    of(&node(&[PARENT, ("profiles/node.toml", &format!("{NODE}{keys}"))]))
}

fn of(profile: &Profile) -> (bool, Vec<String>) {
    (profile.recommends.by_default, profile.recommends.except.iter().cloned().collect())
}

fn is(by_default: bool, except: &[&str]) -> (bool, Vec<String>) {
    (by_default, except.iter().map(|&name| name.to_owned()).collect())
}

#[test]
fn nothing_comes_along_unless_a_profile_says_so() {
    let demo = load(&Workspace::embedded(), "demo").unwrap();
    assert!(demo.recommends.is_usual());
    let plain = node(&[("profiles/node.toml", "schema = 1\nextends = \"demo\"\n")]);
    let said =
        "schema = 1\nextends = \"demo\"\nrecommends = false\npackages = [{ name = \"curl\", recommends = false }]\n";
    let said = node(&[("profiles/node.toml", said)]);
    assert!(said.recommends.is_usual());
    assert_eq!(said.config_digest(), plain.config_digest());
}

#[test]
fn the_extending_file_wins_and_says_it_package_by_package() {
    assert_eq!(child(""), is(true, &["vim"]));
    assert_eq!(child("recommends = false\n"), is(false, &["jq"]));
    assert_eq!(child("packages = [{ name = \"git\", recommends = false }]\n"), is(true, &["git", "vim"]));
    assert_eq!(child("packages = [{ name = \"vim\", recommends = true }]\n"), is(true, &[]));
    // A name alone says nothing of it.
    assert_eq!(child("packages = [\"vim\", { name = \"vim\" }]\n"), is(true, &["vim"]));
    // What is taken away takes it along.
    assert_eq!(child("recommends = false\npackages = [\"-jq\"]\n"), is(false, &[]));
    assert_eq!(child("recommends = false\npackages = [\"-jq\", \"jq\"]\n"), is(false, &["jq"]));
    let list =
        node(&[PARENT, ("profiles/node.toml", &format!("{NODE}packages = [\"-git\", {{ name = \"less\" }}]\n"))]);
    assert!(!list.packages.contains(&"git".to_owned()) && list.packages.contains(&"less".to_owned()));
    // As tables below headers too.
    assert_eq!(child("[[packages]]\nname = \"git\"\nrecommends = false\n"), is(true, &["git", "vim"]));
}

#[test]
fn an_overlay_says_it_of_its_packages_and_the_profile_wins() {
    let app =
        ("overlays/app/overlay.toml", "schema = 1\npackages = [\"less\", { name = \"vim\", recommends = true }]\n");
    let with = |keys: &str| {
        let text = format!("schema = 1\nextends = \"demo\"\noverlays = [\"app\"]\n{keys}");
        node(&[("profiles/node.toml", &text), app])
    };
    assert_eq!(of(&with("")), is(false, &["vim"]));
    assert_eq!(of(&with("packages = [\"vim\"]\n")), is(false, &["vim"]));
    assert_eq!(of(&with("packages = [{ name = \"vim\", recommends = false }]\n")), is(false, &[]));
    assert_eq!(of(&with("recommends = true\n")), is(true, &[]));
    let when = "schema = 1\n[params.editor]\ndescription = \"x\"\ndefault = false\n\
                [[when]]\nparams = { editor = true }\npackages = [{ name = \"vim\", recommends = true }]\n";
    let set = |editor: bool| {
        let text = format!("schema = 1\nextends = \"demo\"\noverlays = [\"app\"]\n[overlay.app]\neditor = {editor}\n");
        of(&node(&[("profiles/node.toml", &text), ("overlays/app/overlay.toml", when)]))
    };
    assert_eq!((set(true), set(false)), (is(false, &["vim"]), is(false, &[])));
}

#[test]
fn two_overlays_that_disagree_are_refused_unless_the_profile_decides() {
    let overlay = |said: bool| format!("schema = 1\npackages = [{{ name = \"vim\", recommends = {said} }}]\n");
    let (yes, no) = (overlay(true), overlay(false));
    let files = |keys| {
        let text = format!("schema = 1\nextends = \"demo\"\noverlays = [\"a\", \"b\"]\n{keys}");
        [
            ("profiles/node.toml", text),
            ("overlays/a/overlay.toml", yes.clone()),
            ("overlays/b/overlay.toml", no.clone()),
        ]
    };
    let undecided = files("");
    let message = error(&undecided.each_ref().map(|(path, text)| (*path, text.as_str())), "node");
    insta::assert_snapshot!(message, @r#"
    error: `recommends` of package `vim` comes from both overlay `a` and overlay `b`
     |
     = help: use only one of the two overlays, or decide it in the profile, which wins over both
    "#);
    let decided = files("packages = [{ name = \"vim\", recommends = true }]\n");
    assert_eq!(of(&node(&decided.each_ref().map(|(path, text)| (*path, text.as_str())))), is(false, &["vim"]));
}

#[test]
fn mistakes_are_shown_at_their_place() {
    let told = [
        "packages = [\"curl\", { name = \"vim\", recommend = true }]",
        "packages = [{ recommends = true }]",
        "packages = [{ name = \"-curl\" }]",
        "packages = [{ name = \"vim\", recommends = \"yes\" }]",
        "packages = [\"curl\", 3]",
        "packages = [\"curl\", \"Vim\"]",
        "packages = [{ name = \"vim\", recommends = true }, { name = \"vim\", recommends = false }]",
        "packages = { name = \"vim\", recommends = true }",
        "[packages]\nname = \"vim\"\nrecommends = true",
        "recommends = [\"vim\"]",
    ]
    .map(|text| node_error(&format!("schema = 1\nextends = \"demo\"\n{text}\n")));
    insta::assert_snapshot!(told.join("\n\n"), @r#"
    error: unknown key `recommend`
     --> profiles/node.toml:3:37
      |
    3 | packages = ["curl", { name = "vim", recommend = true }]
      |                                     ^^^^^^^^^
      |
      = help: did you mean `recommends`? keys here: `name`, `recommends`

    error: missing key `name`
     --> profiles/node.toml:3:13
      |
    3 | packages = [{ recommends = true }]
      |             ^^^^^^^^^^^^^^^^^^^^^
      |
      = help: add `name` to this table

    error: `-curl` is not a package name
     --> profiles/node.toml:3:22
      |
    3 | packages = [{ name = "-curl" }]
      |                      ^^^^^^^
      |
      = help: name a Debian package alone, without version or architecture, such as `open-iscsi`

    error: expected a boolean, found string "yes"
     --> profiles/node.toml:3:42
      |
    3 | packages = [{ name = "vim", recommends = "yes" }]
      |                                          ^^^^^
      |
      = help: write `true` or `false`, without quotes

    error: expected a package's name or a table, found integer `3`
     --> profiles/node.toml:3:21
      |
    3 | packages = ["curl", 3]
      |                     ^

    error: `Vim` is not a package name
     --> profiles/node.toml:3:21
      |
    3 | packages = ["curl", "Vim"]
      |                     ^^^^^
      |
      = help: name a Debian package alone, without version or architecture, such as `open-iscsi`

    error: `vim` is given twice, with another `recommends`
     --> profiles/node.toml:3:59
      |
    3 | packages = [{ name = "vim", recommends = true }, { name = "vim", recommen...
      |                                                           ^^^^^
      |
      = help: keep one of the two entries

    error: expected a list, found table
     --> profiles/node.toml:3:12
      |
    3 | packages = { name = "vim", recommends = true }
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write it in brackets, a single entry too: `[{ … }]`

    error: expected a list, found table
     --> profiles/node.toml:3:1
      |
    3 | [packages]
      | ^^^^^^^^^^
      |
      = help: there may be several, so each has two brackets: `[[packages]]`

    error: expected a boolean, found list
     --> profiles/node.toml:3:14
      |
    3 | recommends = ["vim"]
      |              ^^^^^^^
      |
      = help: write `true` or `false`, without quotes
    "#);
}
