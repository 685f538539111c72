//! `imgbuild images`: the container images of manifests and of charts, which a real Helm renders, and their digests.

use std::env;
use std::path::Path;

use serde_json::{Value, json};

use crate::archive::Online;
use crate::charts::{place, repository};
use crate::http::{Answer, Server};
use crate::images_of_registries::Multi;
use crate::place::{Place, Ran};
use crate::tiny;

/// A small server with the chart `app`, and with manifests of its own.
fn workspace(online: &Online, charts: &Server, keys: &str) -> Place {
    let spec = format!(
        "  repo: {}\n  chart: app\n  version: 1.10.0\n  valuesContent: |-\n    tag: \"1.38.0\"\n",
        charts.url("/charts")
    );
    let place = place(online, &spec, keys);
    place.write(
        "overlays/app/manifests/app-20-deployment.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: app}\nspec:\n  template:\n    spec:\n      \
         containers:\n        - {name: c, image: 'ghcr.io/team/web:v3', args: ['--key={{ secrets.app_key }}', \
         '--on={{ cluster.domain }}']}\n",
    );
    place
}

/// Runs the verb with the Helm of `tests/tools.sh`.
fn with_helm(place: &Place, args: &[&str]) -> Ran {
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools");
    let helm = tools.join("helm");
    assert!(helm.exists(), "{} is missing: `tests/tools.sh {}` installs it", helm.display(), tools.display());
    let path = env::join_paths(std::iter::once(tools).chain(env::split_paths(&env::var_os("PATH").unwrap()))).unwrap();
    Ran::of(place.command(args).env("PATH", path))
}

fn honest() -> Server {
    repository(|request, bytes| Answer::honest(request, &bytes))
}

#[test]
fn images_of_manifests_and_of_rendered_charts_are_listed_with_where_they_are_named() {
    let (online, charts) = (tiny::archive(0).online(), honest());
    let place = workspace(&online, &charts, "charts = \"baked\"");
    place.run(&["lock", "--profile", "node"]).ok();
    let asked = charts.requests().len();
    let found = with_helm(&place, &["--json", "images", "node"]).result();
    let names: Vec<&str> =
        found["images"].as_array().unwrap().iter().map(|image| image["image"].as_str().unwrap()).collect();
    let expected = ["docker.io/library/busybox:1.38.0", "ghcr.io/team/web:v3", "quay.io/team/helper:v2.1"];
    assert_eq!(names, expected, "the chart's default is another tag, and the helper is an argument");
    assert!(found["images"][0]["from"][0].as_str().unwrap().starts_with("chart `app` 1.10.0"), "{found}");
    assert_eq!(found["images"][1]["from"], json!(["app-20-deployment.yaml"]));
    assert_eq!(found["not_rendered"], json!([]));
    assert_eq!(charts.requests().len(), asked, "the chart is in the cache");
    let text = with_helm(&place, &["images", "--profile", "node"]).ok();
    assert!(text.contains("quay.io/team/helper:v2.1\n    chart `app` 1.10.0"), "{text}");
}

#[test]
fn a_chart_that_is_not_rendered_is_named_with_the_reason() {
    let (online, charts) = (tiny::archive(0).online(), honest());
    let place = workspace(&online, &charts, "");
    let empty = tempfile::tempdir().unwrap();
    let ran = Ran::of(place.command(&["--json", "images", "node"]).env("PATH", empty.path()));
    let found = ran.result();
    assert_eq!(found["not_rendered"][0]["why"], "`helm` is not on PATH");
    assert_eq!(found["images"].as_array().unwrap().len(), 1);

    // Values that the chart cannot do anything with.
    let manifest = place.read("overlays/app/manifests/app-10-chart.yaml").replace("tag: \"1.38.0\"", "tag: [");
    place.write("overlays/app/manifests/app-10-chart.yaml", manifest);
    let found = with_helm(&place, &["--json", "images", "node"]).result();
    assert!(found["not_rendered"][0]["why"].as_str().unwrap().starts_with("helm fails: "), "{found}");
    // A repository that is away.
    drop(charts);
    let ran = with_helm(&place, &["images", "node"]);
    assert!(ran.stderr.contains("is not looked into: "), "{}", ran.stderr);
}

#[test]
fn digests_are_asked_for_and_stand_as_preload_wants_them() {
    let online = tiny::archive(0).online();
    let image = Multi::new("app");
    let (digest, index) = (image.index, image.parts[&format!("manifests/sha256:{}", image.index)].1.clone());
    let registry = Server::start(move |request| match request.path.as_str() {
        "/v2/team/app/manifests/1.0" => Answer::whole(&index),
        _ => Answer::not_found(),
    });
    let host = registry.url("").replace("http://", "");
    let place = place(&online, "  chart: https://%{KUBERNETES_API}%/static/mine.tgz\n", "");
    let pods = |image: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{{name: c, image: '{image}'}}]}}\n"
        )
    };
    let manifest = "overlays/app/manifests/app-20-pod.yaml";
    place.write(manifest, pods(&format!("{host}/team/app:1.0")));
    let line = format!("{host}/team/app:1.0@sha256:{digest}");
    let text = place.run(&["images", "node", "--digests"]).ok();
    assert_eq!(text, format!("preload = [\n    \"{line}\",\n]\n"));

    // What has its digest is not asked for; what there is not is told.
    let asked = registry.requests().len();
    place.write(manifest, pods(&line));
    assert_eq!(place.run(&["images", "node", "--digests"]).ok(), text);
    assert_eq!(registry.requests().len(), asked);
    place.write(manifest, pods(&format!("{host}/team/other:1.0")));
    let ran = place.run(&["images", "node", "--digests"]);
    assert_eq!(ran.code, Some(5), "{}", ran.stderr);
    assert!(ran.stderr.contains("no digest of") && ran.stderr.contains("404"), "{}", ran.stderr);
    let found: Value = serde_json::from_str(
        place
            .run(&["--json", "images", "node", "--digests"])
            .stdout
            .lines()
            .find(|line| line.contains("result"))
            .unwrap(),
    )
    .unwrap();
    assert_eq!(found["result"]["without_digest"][0]["image"], format!("{host}/team/other:1.0"));
}
