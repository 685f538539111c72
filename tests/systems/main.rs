//! The shipped overlays of the cluster's systems: each in a server's profile of a made-up cluster, as the program checks it
//! and as K3s gets it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alerts;
mod foreign;
mod gitops;
mod keys;
mod place;
mod renovate;

use std::collections::BTreeSet;

use insta::assert_snapshot;
use serde_json::Value;

use crate::keys::Keys;
use crate::place::Place;

/// Those with manifests, by the order in which a server applies them.
const SYSTEMS: [&str; 13] = [
    "argocd",
    "cert-manager",
    "forward-auth",
    "kubeseal-webgui",
    "longhorn",
    "metallb",
    "monitoring",
    "nvidia-device-plugin",
    "portainer",
    "postgres",
    "registry",
    "renovate",
    "sealed-secrets",
];

/// Those of them that take no chart: their manifests are their own.
const WITHOUT_CHART: [&str; 2] = ["registry", "renovate"];

/// Those of them that have to be there before Git is read: they come with the image, all others by Git.
const SEED: [&str; 3] = ["argocd", "metallb", "sealed-secrets"];

/// Settings that turn on what is off by default.
const ALL_ON: &str = r#"
[overlay.argocd]
ingress = true
appsets = true
[overlay.forward-auth]
provider = "oidc"
[overlay.longhorn]
gpu = true
ingress = true
[overlay.monitoring]
arch = "amd64"
[overlay.nvidia-device-plugin]
slices = 4
[overlay.registry]
certificate = "traefik"
[overlay.renovate]
platform = "gitea"
github = { secret = "renovate-github" }
logins = { secret = "renovate-logins" }
"#;

#[test]
fn check_finds_nothing_in_any_of_them_as_shipped_or_with_everything_on() {
    for settings in ["", ALL_ON] {
        let (told, code) = Place::new(&SYSTEMS, settings).check();
        assert_eq!(code, Some(0), "{told}");
        assert!(!told.contains("overlays/") && !told.contains("error"), "{told}");
    }
}

#[test]
fn every_storage_class_that_is_asked_for_is_made_by_one_of_them_or_by_k3s() {
    fn asked(value: &Value, all: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                let names = ["storageClass", "storageClassName"].iter().filter_map(|key| map.get(*key)?.as_str());
                all.extend(names.map(str::to_owned));
                map.values().for_each(|below| asked(below, all));
            }
            Value::Array(list) => list.iter().for_each(|below| asked(below, all)),
            _ => {}
        }
    }
    let place = Place::new(&SYSTEMS, ALL_ON);
    let objects: Vec<Value> = place.objects().into_iter().map(|(_, object)| object).collect();
    let made = objects.iter().filter(|object| object["kind"] == "StorageClass");
    let mut made: BTreeSet<String> = made.map(|class| class["metadata"]["name"].as_str().unwrap().to_owned()).collect();
    // Longhorn's chart makes the first, K3s the second.
    made.extend(["longhorn", "local-path"].map(str::to_owned));
    let mut wanted = BTreeSet::new();
    let values = place.charts().into_iter().map(|chart| chart.values);
    for value in objects.iter().cloned().chain(values) {
        asked(&value, &mut wanted);
    }
    assert!(wanted.contains("longhorn"), "{wanted:?}");
    assert!(wanted.is_subset(&made), "asked for: {wanted:?}, made: {made:?}");
}

#[test]
fn a_server_gets_these_manifests() {
    for (overlay, manifests) in Place::new(&SYSTEMS, "").manifests() {
        assert_snapshot!(overlay, manifests);
    }
}

#[test]
fn what_parameters_turn_on_is_in_the_manifests() {
    let all = Place::new(&SYSTEMS, ALL_ON).manifests();
    let plain = Place::new(&SYSTEMS, "").manifests();
    let new = |overlay: &str| {
        let lines = all[overlay].lines().filter(|line| !plain[overlay].contains(line));
        lines.collect::<Vec<_>>().join("\n")
    };
    let changed = ["argocd", "forward-auth", "longhorn", "monitoring", "nvidia-device-plugin", "registry", "renovate"];
    assert_snapshot!(changed.map(new).join("\n\n"));
}

#[test]
fn every_value_that_an_overlay_sets_is_a_key_of_the_pinned_chart() {
    for settings in ["", ALL_ON] {
        let all = Place::new(&SYSTEMS, settings).charts();
        let without = |system: &str| all.iter().all(|chart| chart.overlay != system);
        assert_eq!(SYSTEMS.into_iter().filter(|system| without(system)).collect::<Vec<_>>(), WITHOUT_CHART);
        for chart in all {
            let keys = Keys::of(chart.release());
            assert_eq!(
                keys.pin,
                format!("{} {}", chart.name, chart.version),
                "{}: keys of another chart",
                chart.overlay
            );
            assert_eq!(keys.unknown(&chart.values), [""; 0], "{}: no such keys in the chart", chart.overlay);
        }
    }
}

#[test]
fn a_key_that_a_chart_lacks_is_found_wherever_it_stands() {
    let unknown = |overlay: &str, values| Keys::of(overlay).unknown(&values);
    let values = serde_json::json!({"speaker": {"resources": {"requests": {"cpu": "1"}}, "toleration": []}, "frr": {}});
    assert_eq!(unknown("metallb", values), ["/frr", "/speaker/toleration"]);
    // Below a list or a text there is nothing to know.
    let values = serde_json::json!({"configs": {"params": {"server.insecure": true}}, "server": {"config": {"a": 1}}});
    assert_eq!(unknown("argocd", values), ["/server/config", "/server/config/a"]);
}

#[test]
fn charts_are_safe_to_install_on_a_tainted_server_at_a_first_boot() {
    for chart in Place::new(&SYSTEMS, "").charts() {
        let spec = &chart.object["spec"];
        assert_eq!(chart.object["metadata"]["namespace"], "kube-system", "{}", chart.overlay);
        assert_eq!(spec["failurePolicy"], "abort", "{}", chart.overlay);
        // The one kind of job that tolerates every taint that servers have. What comes by Git needs none.
        let is_seed = SEED.contains(&chart.overlay.as_str());
        assert_eq!(spec["bootstrap"], if is_seed { Value::Bool(true) } else { Value::Null }, "{}", chart.overlay);
        let from = spec["repo"].as_str().or(spec["chart"].as_str()).unwrap();
        assert!(from.starts_with("https://") || from.starts_with("oci://"), "{}", chart.overlay);
    }
}

#[test]
fn what_an_owner_forgets_is_told_with_its_cure() {
    let place = Place::new(&["metallb"], "");
    place.edit("cluster.toml", "disable = [\"servicelb\"]", "disable = []");
    let (servicelb, _) = place.check();
    place.edit("cluster.toml", "disable = []", "disable = [\"servicelb\"]");
    place.edit("cluster.toml", "pool = ", "# pool = ");
    let (pool, _) = place.check();
    let (replicas, _) = Place::new(&["longhorn"], "[overlay.longhorn]\nreplicas = 9\n").check();
    let place = Place::new(&["sealed-secrets"], "");
    place.edit("secrets.toml", "sealing-key", "ceiling-key");
    let (key, _) = place.check();
    assert_snapshot!([servicelb, pool, replicas, key].join("\n"));
}

#[test]
fn a_parameter_that_is_needed_and_not_set_is_told_with_the_overlay_and_the_file_and_never_becomes_null() {
    let told = |place: &Place, overlay: &str, param: &str| {
        place.edit("cluster.toml", &format!("{param} = "), &format!("# {param} = "));
        let (told, code) = place.check();
        let message = format!("error[C080-manifest]: `{param}` of the overlay `{overlay}` is not set");
        let cure = format!("= help: write `{param} = …` into [overlay.{overlay}] of cluster.toml");
        assert!(code == Some(1) && told.contains(&message) && told.contains(&cure), "{overlay} {param}: {told}");
    };
    for (overlay, param) in [
        ("argocd", "repository"),
        ("forward-auth", "client"),
        ("forward-auth", "issuer"),
        ("forward-auth", "emails"),
        ("metallb", "pool"),
        ("postgres", "bucket"),
        ("renovate", "repositories"),
    ] {
        told(&Place::new(&SYSTEMS, ALL_ON), overlay, param);
    }
    for param in ["app", "installation"] {
        let place = Place::new(&["argocd"], "[overlay.argocd]\nauth = \"github-app\"\n");
        let more = "repository = \"https://git.example.org/you/cluster.git\"\napp = \"12\"\ninstallation = \"34\"";
        place.edit("cluster.toml", "repository = \"git@git.example.org:you/cluster.git\"", more);
        told(&place, "argocd", param);
    }
}

#[test]
fn a_node_that_mounts_volumes_of_longhorn_gets_what_profile_storage_has() {
    let place = Place::new(&[], "");
    let worker =
        "schema = 1\nextends = \"base\"\nboard = \"rpi4\"\noverlays = [\"longhorn-node\"]\n[k3s]\nrole = \"agent\"\n";
    place.write("profiles/mounts.toml", worker);
    let (own, storage) = (place.profile("mounts"), place.profile("storage"));
    assert_eq!(own.packages, storage.packages);
    assert_eq!(own.kernel.modules, storage.kernel.modules);
    assert_eq!((own.enable, own.disable), (storage.enable, storage.disable));
}

#[test]
fn argo_cd_needs_the_secret_of_the_way_that_it_logs_in_by_and_no_other() {
    let cluster = "repository = \"git@git.example.org:you/cluster.git\"";
    let of = |auth: &str| {
        let place = Place::new(&["argocd"], &format!("[overlay.argocd]\nauth = \"{auth}\"\n"));
        if auth == "ssh" {
            return place;
        }
        let more = "repository = \"https://git.example.org/you/cluster.git\"\napp = \"12\"\ninstallation = \"34\"";
        place.edit("cluster.toml", cluster, more);
        place
    };
    for (auth, secret) in [("ssh", "deploy-key"), ("token", "git-token"), ("github-app", "github-app-key")] {
        let place = of(auth);
        let others = ["deploy-key", "git-token", "github-app-key"].into_iter().filter(|other| *other != secret);
        others.for_each(|other| place.edit("secrets.toml", &format!("{other} = "), &format!("{other}-of-others = ")));
        let (told, code) = place.check();
        assert!(code == Some(0) && !told.contains("error"), "{auth}: {told}");
        place.edit("secrets.toml", &format!("{secret} = "), &format!("{secret}-lost = "));
        assert!(place.check().0.contains(&format!("the secret `{secret}` is not set")), "{auth}");
    }
    let secret = |auth| of(auth).manifests()["argocd"].split("======== ").nth(1).unwrap().to_owned();
    assert_snapshot!([secret("token"), secret("github-app")].concat());
}

#[test]
fn a_database_goes_without_a_bucket_or_is_restored_from_one() {
    let without =
        Place::new(&["argocd", "longhorn", "cert-manager", "postgres"], "[overlay.postgres]\nbackups = false\n");
    without.edit("cluster.toml", "bucket = ", "# bucket = ");
    without.edit("secrets.toml", "s3-", "not-s3-");
    let (told, code) = without.check();
    assert!(code == Some(0) && !told.contains("error"), "{told}");
    let restored = Place::new(&["argocd", "longhorn", "cert-manager", "postgres"], "");
    restored.edit("cluster.toml", "bucket = ", "archive = \"main-2\"\nrestore = \"main\"\nbucket = ");
    let part = |place: &Place, file: &str| {
        let all = place.manifests();
        let found = all["postgres"].split("======== ").find(|part| part.starts_with(file));
        found.map(|part| format!("======== {part}")).unwrap_or_default()
    };
    assert_eq!(part(&without, "postgres-41"), "");
    assert_snapshot!(
        [part(&without, "postgres-10"), part(&without, "postgres-40"), part(&restored, "postgres-40")].concat()
    );
}
