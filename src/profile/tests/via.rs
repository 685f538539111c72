//! `via`: how the manifests of an overlay reach the cluster.

use super::{error, json_schema, node};
use crate::profile::{Via, Workspace};

/// A controller, an overlay that Git delivers, one that the image does, and one without manifests.
const OVERLAYS: [(&str, &str); 7] = [
    ("overlays/flux/overlay.toml", "schema = 1\nprovides = [\"gitops\"]\n"),
    ("overlays/flux/manifests/flux-10-chart.yaml", "kind: Chart\n"),
    ("overlays/app/overlay.toml", "schema = 1\nvia = \"gitops\"\n"),
    ("overlays/app/manifests/app-10-chart.yaml", "kind: Chart\n"),
    ("overlays/base/overlay.toml", "schema = 1\n"),
    ("overlays/base/manifests/base-10-chart.yaml", "kind: Chart\n"),
    ("overlays/plain/overlay.toml", "schema = 1\n"),
];

fn with(profile: &str) -> Vec<(&'static str, String)> {
    let overlays = OVERLAYS.iter().map(|(path, text)| (*path, (*text).to_owned()));
    overlays.chain([("profiles/node.toml", format!("schema = 1\nextends = \"demo\"\n{profile}"))]).collect()
}

fn refused(profile: &str) -> String {
    refused_with(profile, None)
}

/// As [`refused`], with another text of one file.
fn refused_with(profile: &str, other: Option<(&str, &str)>) -> String {
    let mut files = with(profile);
    if let Some((path, text)) = other {
        files.iter_mut().filter(|(known, _)| *known == path).for_each(|file| text.clone_into(&mut file.1));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    error(&files, "node")
}

#[test]
fn an_overlay_says_how_its_manifests_reach_the_cluster_and_a_profile_may_say_otherwise() {
    let via = |settings: &str| {
        let files = with(&format!("overlays = [\"flux\", \"app\", \"base\"]\n{settings}"));
        let profile = node(&files.iter().map(|(path, text)| (*path, text.as_str())).collect::<Vec<_>>());
        ["flux-10-chart.yaml", "app-10-chart.yaml", "base-10-chart.yaml"].map(|name| profile.manifests[name].via)
    };
    assert_eq!(via(""), [Via::Image, Via::Gitops, Via::Image]);
    let turned = "[overlay.app]\nvia = \"image\"\n[overlay.base]\nvia = \"gitops\"\n";
    assert_eq!(via(turned), [Via::Image, Via::Image, Via::Gitops]);
    // Without a controller all come with the image.
    let files = with("overlays = [\"app\"]\n[overlay.app]\nvia = \"image\"\n");
    node(&files.iter().map(|(path, text)| (*path, text.as_str())).collect::<Vec<_>>());
}

#[test]
fn what_cannot_be_delivered_so_is_shown_at_its_place() {
    let params = "schema = 1\n[params.via]\ndescription = \"Which way\"\n";
    let nothing = "schema = 1\nvia = \"gitops\"\n";
    insta::assert_snapshot!(
        [
            refused("overlays = [\"app\"]\n"),
            refused("overlays = [\"base\"]\n[overlay.base]\nvia = \"gitops\"\n"),
            refused("overlays = [\"flux\"]\n[overlay.flux]\nvia = \"gitops\"\n"),
            refused("overlays = [\"flux\", \"app\"]\n[overlay.app]\nvia = \"git\"\n"),
            refused("overlays = [\"flux\", \"app\"]\n[overlay.app]\nvia = true\n"),
            refused("overlays = [\"plain\"]\n[overlay.plain]\nvia = \"image\"\n"),
            refused_with("overlays = [\"plain\"]\n", Some(("overlays/plain/overlay.toml", nothing))),
            refused_with("overlays = [\"base\"]\n", Some(("overlays/base/overlay.toml", params))),
            refused_with(
                "overlays = [\"app\"]\n",
                Some(("overlays/app/overlay.toml", "schema = 1\nvia = \"argocd\"\n"))
            ),
        ]
        .join("\n\n")
    );
}

#[test]
fn editors_complete_it_where_an_overlay_has_manifests() {
    let files = with("");
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let dir = super::workspace(&files);
    let schema = json_schema(&Workspace::open(dir.path()).unwrap()).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let tables = &schema["properties"]["overlay"]["properties"];
    assert_eq!(tables["plain"]["properties"], serde_json::json!({}));
    let via = |overlay: &str| &tables[overlay]["properties"]["via"];
    assert_eq!((&via("app")["default"], &via("base")["default"]), (&"gitops".into(), &"image".into()));
    assert_eq!(via("app")["enum"], serde_json::json!(["image", "gitops"]));
}
