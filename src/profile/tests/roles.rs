//! What overlays say of each other, held against the overlays of a profile.

use super::{error, node};

/// Two registries, what needs one, and what cannot live with one.
const OVERLAYS: [(&str, &str); 5] = [
    ("overlays/distribution/overlay.toml", "schema = 1\nprovides = [\"registry\", \"oci\"]\n"),
    ("overlays/zot/overlay.toml", "schema = 1\nprovides = [\"registry\"]\nconflicts = [\"registry\"]\n"),
    ("overlays/argocd/overlay.toml", "schema = 1\nneeds = [\"registry\"]\n"),
    ("overlays/docker/overlay.toml", "schema = 1\nconflicts = [\"k3s-server\", \"registry\"]\n"),
    ("overlays/broken/overlay.toml", "schema = 1\nprovide = [\"registry\"]\n"),
];

fn with<'f>(more: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    OVERLAYS.into_iter().chain(more.iter().copied()).collect()
}

fn of(overlays: &str) -> String {
    format!("schema = 1\nextends = \"demo\"\noverlays = [{overlays}]\n")
}

fn refused(overlays: &str) -> String {
    error(&with(&[("profiles/node.toml", &of(overlays))]), "node")
}

#[test]
fn what_needs_a_role_takes_whichever_overlay_has_it_and_the_order_is_all_the_same() {
    for overlays in ["\"argocd\", \"distribution\"", "\"zot\", \"argocd\"", "\"docker\""] {
        let profile = node(&with(&[("profiles/node.toml", &of(overlays))]));
        assert!(profile.overlays.iter().all(|overlay| overlay.provides.contains(&overlay.name)));
    }
    // One that a profile inherits is swapped.
    let leaf = "schema = 1\nextends = \"usual\"\noverlays = [\"-distribution\", \"zot\"]\n";
    let usual = of("\"argocd\", \"distribution\"");
    let profile = node(&with(&[("profiles/usual.toml", &usual), ("profiles/node.toml", leaf)]));
    assert!(profile.overlays.iter().any(|overlay| overlay.name == "zot"));
}

#[test]
fn two_of_a_role_a_conflict_and_an_unmet_need_are_shown_where_the_profile_names_the_overlay() {
    let inherited = "schema = 1\nextends = \"usual\"\noverlays = [\"zot\"]\n";
    let usual = of("\"distribution\"");
    let odd = [
        ("overlays/odd/overlay.toml", "schema = 1\nneeds = [\"registri\"]\n"),
        ("overlays/lone/overlay.toml", "schema = 1\nneeds = [\"oci\"]\n"),
    ];
    let of_odd = |name: &str| {
        let profile = of(&format!("\"{name}\""));
        error(&with(&[odd[0], odd[1], ("profiles/node.toml", &profile)]), "node")
    };
    insta::assert_snapshot!(
        [
            refused("\"distribution\", \"zot\""),
            error(&with(&[("profiles/usual.toml", &usual), ("profiles/node.toml", inherited)]), "node"),
            refused("\"docker\", \"distribution\""),
            refused("\"distribution\", \"docker\""),
            refused("\"argocd\""),
            of_odd("lone"),
            of_odd("odd"),
        ]
        .join("\n\n")
    );
}

#[test]
fn an_overlays_own_name_is_a_role_too() {
    let named = ("overlays/registry/overlay.toml", "schema = 1\n");
    let both = of("\"registry\", \"zot\"");
    let told = error(&with(&[named, ("profiles/node.toml", &both)]), "node");
    assert!(told.contains("overlays `registry` and `zot` both provide `registry`"), "{told}");
    let alone = of("\"argocd\", \"registry\"");
    node(&with(&[named, ("profiles/node.toml", &alone)]));
}

#[test]
fn a_condition_may_need_and_provide() {
    let overlay = "schema = 1\n[params.login]\ndescription = \"Who may come in\"\ndefault = \"none\"\n\
                   [[when]]\nparams = { login = \"sso\" }\nneeds = [\"front-door\"]\nprovides = [\"board\"]\n";
    let profile = |login: &str| of("\"dashboard\"") + &format!("[overlay.dashboard]\nlogin = \"{login}\"\n");
    let files =
        |profile: &str| error(&[("overlays/dashboard/overlay.toml", overlay), ("profiles/node.toml", profile)], "node");
    let told = files(&profile("sso"));
    assert!(told.contains("overlay `dashboard` needs `front-door`"), "{told}");
    assert!(told.contains("overlays/dashboard/overlay.toml:7:10"), "{told}");
    node(&[("overlays/dashboard/overlay.toml", overlay), ("profiles/node.toml", &profile("none"))]);
}
