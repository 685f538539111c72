//! Helm's charts in a server's image: `[k3s] charts = "baked"`, from a repository or a registry to K3s's static directory.

use flate2::Compression;
use flate2::write::GzEncoder;
use imgbuild::tree::Digest;
use serde_json::json;

use crate::archive::Online;
use crate::http::{Answer, Request, Server};
use crate::k3s::VERSION;
use crate::modules::in_image;
use crate::place::Place;
use crate::tiny;

/// A chart's file.
pub fn chart(name: &str, version: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    let files = [
        ("Chart.yaml", format!("apiVersion: v2\nname: {name}\nversion: {version}\n")),
        ("values.yaml", "image: docker.io/library/busybox\ntag: \"1.37.0\"\n".to_owned()),
        ("templates/pod.yaml", POD.to_owned()),
    ];
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("{name}/{path}"), text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  containers:
    - name: app
      image: {{ .Values.image }}:{{ .Values.tag }}
      args: [\"--helper-image=quay.io/team/helper:v2.1\"]
";

/// A repository with the charts `app` 1.2.0 and 1.10.0, whose index and files are as `answer` says.
pub fn repository(answer: impl Fn(&Request, Vec<u8>) -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |request| {
        let entry = |version: &str| {
            let digest = Digest::of(&chart("app", version));
            json!({"name": "app", "version": version, "urls": [format!("files/app-{version}.tgz")], "digest": digest.to_string()})
        };
        let index = json!({"apiVersion": "v1", "entries": {"app": [entry("1.10.0"), entry("1.2.0")]}});
        match request.path.strip_prefix("/charts/") {
            Some("index.yaml") => answer(request, index.to_string().into_bytes()),
            Some("files/app-1.10.0.tgz") => answer(request, chart("app", "1.10.0")),
            Some("files/app-1.2.0.tgz") => answer(request, chart("app", "1.2.0")),
            _ => Answer::not_found(),
        }
    })
}

fn honest() -> Server {
    repository(|request, bytes| Answer::honest(request, &bytes))
}

/// A small server whose manifest has `spec` of a `HelmChart`, and `keys` in `[k3s]`.
pub fn place(online: &Online, spec: &str, keys: &str) -> Place {
    let place = tiny::place(online, &[]);
    let profile = place.read("profiles/node.toml").replacen("schema = 1\n", "schema = 1\noverlays = [\"app\"]\n", 1);
    place.write("profiles/node.toml", format!("{profile}[k3s]\nversion = \"{VERSION}\"\nrole = \"server\"\n{keys}\n"));
    place.write("overlays/app/overlay.toml", "schema = 1\n");
    place.write("overlays/app/manifests/app-10-chart.yaml", manifest(spec));
    place
}

fn manifest(spec: &str) -> String {
    let head = "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: app, namespace: kube-system}\n";
    format!("{head}spec:\n  failurePolicy: abort\n  targetNamespace: app\n{spec}")
}

fn of_repository(server: &Server, version: &str) -> String {
    format!("  repo: {}\n  chart: app\n  version: {version}\n", server.url("/charts"))
}

const BAKED: &str = "charts = \"baked\"";

#[test]
fn a_chart_is_locked_carried_and_installed_from_the_server_itself() {
    let (online, repository) = (tiny::archive(0).online(), honest());
    let place = place(&online, &of_repository(&repository, "1.10.0"), BAKED);
    let said = place.run(&["lock", "--profile", "node"]).ok();
    assert!(said.contains("+ app 1.10.0 (node)"), "{said}");
    let lock: toml::Table = place.read("imgbuild.lock").parse().unwrap();
    let locked = &lock["chart"].as_array().unwrap()[0];
    let file = chart("app", "1.10.0");
    assert_eq!(locked["sha256"].as_str(), Some(Digest::of(&file).to_string().as_str()));
    assert_eq!(locked["url"].as_str(), Some(repository.url("/charts/files/app-1.10.0.tgz").as_str()));
    place.run(&["lock", "--check"]).ok();

    // The build asks nobody.
    drop(repository);
    place.run(&["--offline", "build", "--profile", "node"]).ok();
    assert_eq!(in_image(&place, "usr/share/imgbuild/charts/app-1.10.0.tgz"), file);
    let text = in_image(&place, "usr/share/imgbuild/manifests/app-10-chart.yaml");
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("chart: \"https://%{KUBERNETES_API}%/static/imgbuild/app-1.10.0.tgz\"\n"), "{text}");
    assert!(text.contains("repo: \"\"\n") && text.contains("version: \"\"\n"), "{text}");
}

#[test]
fn charts_are_left_to_the_repository_unless_they_are_baked() {
    let (online, repository) = (tiny::archive(0).online(), honest());
    let place = place(&online, &of_repository(&repository, "1.10.0"), "");
    place.run(&["build", "--profile", "node"]).ok();
    assert_eq!(repository.requests(), []);
    let text = in_image(&place, "usr/share/imgbuild/manifests/app-10-chart.yaml");
    assert!(String::from_utf8(text).unwrap().contains("chart: app\n  version: 1.10.0\n"));
}

#[test]
fn another_version_makes_the_lock_stale_until_it_is_locked_again() {
    let (online, repository) = (tiny::archive(0).online(), honest());
    let place = place(&online, &of_repository(&repository, "1.10.0"), BAKED);
    place.run(&["lock", "--profile", "node"]).ok();
    place.write("overlays/app/manifests/app-10-chart.yaml", manifest(&of_repository(&repository, "1.2.0")));
    let error = place.run(&["lock", "--check"]).fails(3);
    assert!(error.contains("has not chart `app` 1.2.0") && error.contains("imgbuild lock --profile node"), "{error}");
    let error = place.run(&["build", "--profile", "node"]).fails(3);
    assert!(error.contains("has not chart `app` 1.2.0"), "{error}");
    let said = place.run(&["lock", "--profile", "node"]).ok();
    assert!(said.contains("app 1.10.0 → 1.2.0"), "{said}");
    // What `values` say is no matter of the lock.
    let spec = of_repository(&repository, "1.2.0") + "  valuesContent: |-\n    a: b\n";
    place.write("overlays/app/manifests/app-10-chart.yaml", manifest(&spec));
    place.run(&["lock", "--check"]).ok();
}

#[test]
fn a_chart_of_a_registry_is_found_by_its_version() {
    let online = tiny::archive(0).online();
    let registry = Server::start(|request| {
        let file = chart("app", "1.2.3+4");
        let manifest = json!({
            "schemaVersion": 2,
            "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": format!("sha256:{}", "0".repeat(64)), "size": 2},
            "layers": [{
                "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
                "digest": format!("sha256:{}", Digest::of(&file)), "size": file.len(),
            }],
        });
        // A tag has no `+`.
        match request.path.strip_prefix("/v2/team/app/") {
            Some("manifests/1.2.3_4") => Answer::whole(manifest.to_string().as_bytes()),
            Some(path) if path == format!("blobs/sha256:{}", Digest::of(&file)) => Answer::honest(request, &file),
            _ => Answer::not_found(),
        }
    });
    let host = registry.url("").replace("http://", "");
    let place = place(&online, &format!("  chart: oci://{host}/team/app\n  version: 1.2.3+4\n"), BAKED);
    place.run(&["lock", "--profile", "node"]).ok();
    place.run(&["build", "--profile", "node"]).ok();
    assert_eq!(in_image(&place, "usr/share/imgbuild/charts/app-1.2.3+4.tgz"), chart("app", "1.2.3+4"));
}

#[test]
fn a_repository_that_answers_wrongly_is_told_with_what_is_wrong() {
    let online = tiny::archive(0).online();
    let lock = |server: &Server, version: &str, code: i32| {
        let place = place(&online, &of_repository(server, version), BAKED);
        let error = place.run(&["lock", "--profile", "node"]).fails(code);
        assert!(!place.path("imgbuild.lock").exists());
        error
    };
    let error = lock(&honest(), "1.3.0", 1);
    assert!(error.contains("does not have this version; its first are 1.10.0, 1.2.0"), "{error}");
    let page = repository(|_, _| Answer::whole(b"<html>sign in</html>"));
    assert!(lock(&page, "1.2.0", 5).contains("is no index of charts"));
    let tampered = repository(|request, bytes| {
        let bytes = if request.path.contains("/files/") { [bytes, b"!".to_vec()].concat() } else { bytes };
        Answer::honest(request, &bytes)
    });
    let error = lock(&tampered, "1.2.0", 5);
    assert!(error.contains("its SHA-256 is") && error.contains("another file than its index"), "{error}");
    let other = repository(|request, bytes| {
        // The index promises nothing, and the file is another version.
        let is_index = request.path.ends_with("index.yaml");
        let bytes = if is_index {
            String::from_utf8(bytes).unwrap().replace("\"digest\"", "\"was\"").into_bytes()
        } else {
            chart("app", "9.9.9")
        };
        Answer::honest(request, &bytes)
    });
    let error = lock(&other, "1.2.0", 3);
    assert!(error.contains("it is version `9.9.9`"), "{error}");
    let away = repository(|_, _| Answer::not_found());
    assert!(lock(&away, "1.2.0", 5).contains("404"));
}

#[test]
fn a_chart_without_a_version_is_a_mistake_of_its_manifest() {
    let (online, repository) = (tiny::archive(0).online(), honest());
    let place = place(&online, &format!("  repo: {}\n  chart: app\n", repository.url("/charts")), BAKED);
    let error = place.run(&["lock", "--profile", "node"]).fails(1);
    assert!(error.contains("overlays/app/manifests/app-10-chart.yaml") && error.contains("no version"), "{error}");
}

#[test]
fn agents_install_no_charts() {
    let online = tiny::archive(0).online();
    let place = tiny::place(&online, &[]);
    let profile = place.read("profiles/node.toml");
    let k3s = format!("[k3s]\nversion = \"{VERSION}\"\nrole = \"agent\"\n{BAKED}\n");
    place.write("profiles/node.toml", profile + &k3s);
    let error = place.run(&["lock", "--profile", "node"]).fails(1);
    assert!(error.contains("`k3s.charts` is a server's"), "{error}");
}
