use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::profile::{self, K3s, Workspace};
use crate::tree::Content;

/// The embedded profile with a stand-in for the program in its tree.
fn installed(name: &str, change: impl FnOnce(&mut K3s)) -> (Tree, Profile) {
    let mut profile = profile::load(&Workspace::embedded(), name).unwrap();
    change(profile.k3s.as_mut().unwrap());
    let mut tree = Tree::new();
    let air_gap = profile.k3s.as_ref().unwrap().air_gap;
    for (artifact, text) in [("k3s", "k3s"), ("k3s-airgap-images", "images")].into_iter().take(1 + usize::from(air_gap))
    {
        let content = Content::from(text);
        let arch = profile.board.arch();
        let (path, mode) = place_of(artifact, "v1.36.5+k3s1", arch, &content.digest()).unwrap();
        tree.put(&path, Node::file(mode, content).from(ORIGIN)).unwrap();
    }
    let manifests = BTreeMap::from([("a.yaml".to_owned(), "kind: A\n".to_owned())]);
    install(&mut tree, &profile, &manifests).unwrap();
    tree.check().unwrap();
    (tree, profile)
}

fn text(tree: &Tree, path: &str) -> String {
    tree.file(path).unwrap().text().unwrap()
}

#[test]
fn the_configuration_of_a_control_plane() {
    let (tree, _) = installed("control", |_| {});
    insta::assert_snapshot!(text(&tree, "etc/rancher/k3s/config.yaml"));
}

#[test]
fn the_configuration_of_a_storage_worker() {
    let (tree, _) = installed("storage", |_| {});
    insta::assert_snapshot!(text(&tree, "etc/rancher/k3s/config.yaml"));
}

#[test]
fn the_configuration_of_a_gpu_worker() {
    let (tree, _) = installed("gpu", |_| {});
    insta::assert_snapshot!(text(&tree, "etc/rancher/k3s/config.yaml"));
}

#[test]
fn the_configuration_of_the_demo() {
    let (tree, _) = installed("demo", |_| {});
    insta::assert_snapshot!(text(&tree, "etc/rancher/k3s/config.yaml"));
}

#[test]
fn the_configuration_of_a_server_with_all_that_a_profile_can_say() {
    let (tree, _) = installed("control", |k3s| {
        k3s.labels = BTreeMap::from([("example.org/rack".to_owned(), String::new())]);
        k3s.disable = vec!["servicelb".to_owned(), "traefik".to_owned()];
        k3s.kubelet_args = vec!["max-pods=50".to_owned()];
        k3s.embedded_registry = true;
    });
    insta::assert_snapshot!(text(&tree, "etc/rancher/k3s/config.yaml"));
}

#[test]
fn the_unit_of_a_server() {
    let (tree, _) = installed("control", |_| {});
    insta::assert_snapshot!(text(&tree, "usr/lib/systemd/system/k3s.service"));
    assert!(!tree.contains("usr/lib/systemd/system/k3s-agent.service"));
}

#[test]
fn the_unit_of_an_agent() {
    let (tree, _) = installed("storage", |_| {});
    insta::assert_snapshot!(text(&tree, "usr/lib/systemd/system/k3s-agent.service"));
    assert!(!tree.contains("usr/lib/systemd/system/k3s.service"));
}

#[test]
fn a_server_with_its_datastore_elsewhere_keeps_what_it_restores_in_memory() {
    let mount = "usr/lib/systemd/system/var-lib-rancher-k3s-server.mount";
    let (tree, _) = installed("control", |_| {});
    let unit = text(&tree, mount);
    assert!(unit.contains("Where=/var/lib/rancher/k3s/server\n") && unit.contains("Type=tmpfs\n"), "{unit}");
    assert!(unit.contains("ConditionPathExists=/etc/imgbuild/external-datastore\n"), "{unit}");
    for (profile, why) in [("demo", "its datastore is there"), ("storage", "it is no server")] {
        assert!(!installed(profile, |_| {}).0.contains(mount), "{profile}: {why}");
    }
}

#[test]
fn the_program_has_its_other_names_and_only_the_gate_starts_it() {
    let (tree, profile) = installed("gpu", |_| {});
    assert_eq!(tree.get("usr/local/bin/k3s").unwrap().mode, 0o755);
    for link in LINKS {
        assert_eq!(tree.resolve(link, true).unwrap(), "usr/local/bin/k3s");
    }
    assert!(!profile.enable.contains(&"k3s-agent.service".to_owned()));
    assert!(!text(&tree, "usr/lib/systemd/system/k3s-agent.service").contains("[Install]"));
}

#[test]
fn manifests_go_to_servers_and_only_a_cluster_of_its_own_needs_no_seed() {
    let manifest = "usr/share/imgbuild/manifests/a.yaml";
    let standalone = "usr/lib/imgbuild/standalone";
    for (profile, server, alone) in [("demo", true, true), ("control", true, false), ("storage", false, false)] {
        let (tree, _) = installed(profile, |_| {});
        assert_eq!((tree.contains(manifest), tree.contains(standalone)), (server, alone), "{profile}");
    }
}

#[test]
fn a_bundle_of_images_is_named_by_release_and_content() {
    let (tree, _) = installed("demo", |k3s| k3s.air_gap = true);
    let names: Vec<&str> = tree.below(IMAGES).map(|(path, _)| path).collect();
    let digest = Content::from("images").digest().to_string();
    assert_eq!(names, [format!("{IMAGES}/k3s-airgap-images-v1.36.5+k3s1-amd64-{}.tar.zst", &digest[..12])]);
}

#[test]
fn without_a_role_nothing_comes() {
    let mut profile = profile::load(&Workspace::embedded(), "demo").unwrap();
    profile.k3s = None;
    let mut tree = Tree::new();
    install(&mut tree, &profile, &BTreeMap::new()).unwrap();
    assert_eq!(tree.len(), 1);
}

/// Runs the script that comes before K3s, as if `root` were the root directory.
fn prepare(root: &Path, role: &str) {
    let mut script = include_str!("files/k3s-prepare").to_owned();
    for place in ["/var/lib/rancher", "/usr/share/imgbuild", "/etc/imgbuild"] {
        script = script.replace(place, &format!("{}{place}", root.display()));
    }
    let status = Command::new("bash").args(["-c", &script, "k3s-prepare", role]).status().unwrap();
    assert!(status.success(), "{status}");
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn manifests_are_linked_where_there_are_some_and_unlinked_when_they_are_gone() {
    let root = tempfile::tempdir().unwrap();
    let path = |path: &str| root.path().join(path);
    fs::create_dir_all(path("usr/share/imgbuild/manifests")).unwrap();
    fs::create_dir_all(path("etc/imgbuild/manifests")).unwrap();
    fs::write(path("etc/imgbuild/manifests/argo.yaml"), "{}").unwrap();
    let manifests = path("var/lib/rancher/k3s/server/manifests");
    prepare(root.path(), "server");
    // A link to an empty directory would do no harm; one that leads nowhere makes K3s fail all.
    assert_eq!(names(&manifests), ["seed"]);
    assert_eq!(names(&manifests.join("seed")), ["argo.yaml"]);
    fs::remove_dir_all(path("etc/imgbuild")).unwrap();
    fs::write(path("usr/share/imgbuild/manifests/a.yaml"), "{}").unwrap();
    prepare(root.path(), "server");
    prepare(root.path(), "server");
    assert_eq!(names(&manifests), ["imgbuild"]);

    let agent = tempfile::tempdir().unwrap();
    prepare(agent.path(), "agent");
    assert!(!agent.path().join("var/lib/rancher/k3s/server").exists());
}

#[test]
fn charts_are_copied_to_where_a_server_gives_them_from_and_go_with_their_image() {
    let root = tempfile::tempdir().unwrap();
    let path = |path: &str| root.path().join(path);
    let (charts, given) = (path("usr/share/imgbuild/charts"), path("var/lib/rancher/k3s/server/static/imgbuild"));
    fs::create_dir_all(&charts).unwrap();
    fs::write(charts.join("app-1.tgz"), "chart").unwrap();
    prepare(root.path(), "server");
    assert_eq!(names(&given), ["app-1.tgz"]);
    assert!(fs::symlink_metadata(given.join("app-1.tgz")).unwrap().is_file(), "K3s follows no link out of there");
    fs::rename(charts.join("app-1.tgz"), charts.join("app-2.tgz")).unwrap();
    prepare(root.path(), "server");
    assert_eq!(names(&given), ["app-2.tgz"]);
    fs::remove_dir_all(&charts).unwrap();
    prepare(root.path(), "server");
    assert!(!given.exists());
}

#[test]
fn container_images_of_an_older_image_make_way_and_the_list_goes_with_its_store() {
    let root = tempfile::tempdir().unwrap();
    let path = |path: &str| root.path().join(path);
    let (bundles, images) = (path("usr/share/imgbuild/airgap"), path("var/lib/rancher/k3s/agent/images"));
    fs::create_dir_all(&bundles).unwrap();
    fs::write(bundles.join("one.tar.zst"), "").unwrap();
    prepare(root.path(), "agent");
    fs::write(images.join("mine.tar"), "").unwrap();
    fs::create_dir_all(path("var/lib/rancher/k3s/agent/containerd")).unwrap();
    fs::write(images.join(".cache.json"), "filled by K3s").unwrap();
    fs::rename(bundles.join("one.tar.zst"), bundles.join("two.tar.zst")).unwrap();
    prepare(root.path(), "agent");
    assert_eq!(names(&images), [".cache.json", "mine.tar", "two.tar.zst"]);
    assert!(images.join("two.tar.zst").exists(), "the link leads nowhere");
    assert_eq!(fs::read_to_string(images.join(".cache.json")).unwrap(), "filled by K3s");
    // Whatever was imported is gone with containerd's store.
    fs::remove_dir(path("var/lib/rancher/k3s/agent/containerd")).unwrap();
    prepare(root.path(), "agent");
    assert_eq!(fs::read_to_string(images.join(".cache.json")).unwrap(), "");
}
