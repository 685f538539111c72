//! `[[source]]` and `drop` of overlays.

use super::*;

const SOURCE: &str = r#"schema = 1
drop = ["/usr/share/icons", "/usr/share/themes"]

[[source]]
name = "vendor"
archive = "https://packages.example.com/debian"
suite = "/"
only = ["tool-*"]
versions = "580"
"#;

fn files<'a>(node: &'a str, one: &'a str, two: &'a str) -> [(&'a str, &'a str); 3] {
    [("profiles/node.toml", node), ("overlays/one/overlay.toml", one), ("overlays/two/overlay.toml", two)]
}

const NODE: &str = "schema = 1\nextends = \"demo\"\noverlays = [\"one\", \"two\"]\n";

#[test]
fn an_overlay_brings_its_archive_and_what_the_image_leaves_out() {
    let node_of = |node_text: &str| node(&files(node_text, SOURCE, SOURCE));
    let plain = node(&[("profiles/node.toml", "schema = 1\nextends = \"demo\"\n")]);
    let profile = node_of(NODE);
    assert_eq!(profile.sources.len(), plain.sources.len() + 1);
    let vendor = profile.sources.last().unwrap();
    assert_eq!((vendor.name.as_str(), vendor.versions.as_deref()), ("vendor", Some("580")));
    assert_eq!(profile.marks.givers("source.only", "vendor tool-*").count(), 2);
    assert!(["usr/share/icons", "usr/share/themes"].iter().all(|path| profile.drop.contains(&(*path).to_owned())));
    // The profile has the last word.
    let own = format!(
        "{NODE}drop = [\"-/usr/share/icons\"]\n[[source]]\nname = \"vendor\"\narchive = \"https://mirror.example.com\"\nsuite = \"/\"\n"
    );
    let profile = node_of(&own);
    let vendor = profile.sources.last().unwrap();
    assert_eq!(
        (vendor.archive.as_str(), vendor.only.len(), &vendor.versions),
        ("https://mirror.example.com", 0, &None)
    );
    assert_eq!(profile.marks.givers("source.only", "vendor tool-*").count(), 0);
    assert!(
        !profile.drop.contains(&"usr/share/icons".to_owned()) && profile.drop.contains(&"usr/share/themes".to_owned())
    );
}

#[test]
fn overlays_whose_archives_of_one_name_differ_are_refused() {
    let said = error(&files(NODE, SOURCE, &SOURCE.replace("580", "590")), "node");
    assert!(said.contains("source `vendor` comes from both overlay `one` and overlay `two`"), "{said}");
}

#[test]
fn nothing_is_taken_away_that_neither_profile_nor_overlay_leaves_out() {
    let said = error(&files(&format!("{NODE}drop = [\"-/usr/share/icon\"]\n"), SOURCE, SOURCE), "node");
    for part in ["`/usr/share/icon` is not inherited", "did you mean `-/usr/share/icons`?", "node.toml:4:9"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_version_begins_with_numbers() {
    let said = error(&files(NODE, &SOURCE.replace("\"580\"", "\">=580\""), SOURCE), "node");
    assert!(said.contains("`>=580` is not the beginning of a version"), "{said}");
}
