//! Container images in a node's image: `[k3s] preload`, from the registry to the archive that K3s imports.

use std::fs;
use std::io::Read as _;

use imgbuild::tree::Digest;
use serde_json::Value;

use crate::archive::Online;
use crate::http::{Answer, Request, Server};
use crate::images_of_registries::Multi;
use crate::k3s::VERSION;
use crate::modules::in_image;
use crate::place::{Place, json};
use crate::tiny;

const NAME: &str = "team/app";

/// A registry with `image`, each part as `answer` says.
fn registry(image: &Multi, answer: impl Fn(&Request, &[u8]) -> Answer + Send + Sync + 'static) -> Server {
    let parts = image.parts.clone();
    Server::start(move |request| {
        let part = request.path.strip_prefix(&format!("/v2/{NAME}/")).and_then(|path| parts.get(path));
        part.map_or_else(Answer::not_found, |(_, part)| answer(request, part))
    })
}

/// What `image` is called at `registry`, with its digest.
fn name(registry: &Server, image: &Multi) -> String {
    format!("{}/{NAME}:1.0@sha256:{}", registry.url("").replace("http://", ""), image.index)
}

/// A small machine with K3s that carries `images`.
fn place(online: &Online, images: &[&str]) -> Place {
    let place = tiny::place(online, &[]);
    let profile = place.read("profiles/node.toml");
    let k3s = format!("[k3s]\nversion = \"{VERSION}\"\nrole = \"agent\"\npreload = {images:?}\n");
    place.write("profiles/node.toml", profile + &k3s);
    place
}

/// The path of the only archive of container images in the image of `node`.
fn archive(place: &Place) -> String {
    let listing = place.read("build/node/node.files");
    let paths: Vec<&str> =
        listing.split_whitespace().filter(|word| word.starts_with("/usr/share/imgbuild/airgap/")).collect();
    assert_eq!(paths.len(), 1, "{paths:?}");
    paths[0].to_owned()
}

/// The files of a tar archive by their paths.
fn unpacked(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(bytes);
    let files = archive.entries().unwrap().map(Result::unwrap).filter(|entry| entry.header().entry_type().is_file());
    let read = |mut entry: tar::Entry<'_, _>| {
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().display().to_string(), bytes)
    };
    files.map(read).collect()
}

#[test]
fn an_image_is_locked_by_digest_fetched_once_and_lies_where_k3s_imports_it() {
    let online = tiny::archive(0).online();
    let image = Multi::new("app");
    let registry = registry(&image, Answer::honest);
    let name = name(&registry, &image);
    let place = place(&online, &[&name]);
    let said = place.run(&["lock", "--profile", "node"]).ok();
    assert!(said.contains(&format!("+ {}", name.split('@').next().unwrap())), "{said}");
    let lock: toml::Table = place.read("imgbuild.lock").parse().unwrap();
    let locked = &lock["image"].as_array().unwrap()[0];
    assert_eq!(locked["name"].as_str(), Some(name.as_str()));
    assert_eq!(locked["document"].as_array().unwrap().len(), 2, "index and manifest");
    assert_eq!(locked["blob"].as_array().unwrap().len(), 3, "configuration and layers");
    let layer = Digest::of(&image.layers["amd64"][0]).to_string();
    let asked_for_layers = |registry: &Server| registry.requests().iter().any(|request| request.path.contains(&layer));
    assert!(!asked_for_layers(&registry), "a layer was fetched when locking");

    let plan = place.run(&["--json", "build", "--plan", "--profile", "node"]).result();
    let step = plan["steps"].as_array().unwrap().iter().find(|step| step["step"] == "images").unwrap();
    assert_eq!(step["items"][0]["name"], name);
    assert_eq!(step["items"][0]["state"], "absent");

    place.run(&["build", "--profile", "node"]).ok();
    assert!(asked_for_layers(&registry));
    let path = archive(&place);
    assert!(
        path.starts_with("/usr/share/imgbuild/airgap/app-1.0-") && path.rsplit('.').next() == Some("tar"),
        "{path}"
    );
    let files = unpacked(&in_image(&place, path.trim_start_matches('/')));
    let get = |wanted: &str| &files.iter().find(|(path, _)| path == wanted).unwrap_or_else(|| panic!("{wanted}")).1;
    assert_eq!(get("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#);
    let index: Value = serde_json::from_slice(get("index.json")).unwrap();
    let entry = &index["manifests"][0];
    assert_eq!(entry["digest"], format!("sha256:{}", image.index), "what pods name is what containerd finds");
    assert_eq!(entry["annotations"]["io.containerd.image.name"], name.split('@').next().unwrap());
    for layer in &image.layers["amd64"] {
        assert_eq!(get(&format!("blobs/sha256/{}", Digest::of(layer))), layer);
    }
    let of_arm = Digest::of(&image.layers["arm64"][1]).to_string();
    assert!(files.iter().all(|(path, _)| !path.contains(&of_arm)), "a layer of another machine");

    // Manifest and SBOM name it.
    let manifest = json(&place.path("build/node/manifest.json"));
    let artifacts = manifest["artifacts"].as_array().unwrap();
    let told = artifacts.iter().find(|artifact| artifact["sha256"] == image.index.to_string()).unwrap();
    assert_eq!(told["version"], "1.0");
    let sbom = json(&place.path("build/node/sbom.spdx.json"));
    let element = sbom["packages"].as_array().unwrap().iter().find(|found| found["name"] == told["name"]).unwrap();
    let purl = element["externalRefs"][0]["referenceLocator"].as_str().unwrap();
    assert!(purl.starts_with(&format!("pkg:oci/app@sha256%3A{}?arch=amd64&repository_url=", image.index)), "{purl}");

    // From now on nobody is asked, and the bytes stay.
    drop(registry);
    let built = manifest["image_sha256"].clone();
    place.run(&["--offline", "build", "--profile", "node", "--output", "again"]).ok();
    assert_eq!(json(&place.path("again/manifest.json"))["image_sha256"], built);
    place.run(&["--offline", "lock", "--check"]).ok();
}

#[test]
fn another_list_makes_the_lock_stale_and_what_is_locked_is_not_asked_for_again() {
    let online = tiny::archive(0).online();
    let (first, second) = (Multi::new("first"), Multi::new("second"));
    let (one, two) = (registry(&first, Answer::honest), registry(&second, Answer::honest));
    let place = place(&online, &[&name(&one, &first)]);
    place.run(&["lock", "--profile", "node"]).ok();
    let asked = one.requests().len();
    let profile = place.read("profiles/node.toml");
    let both = format!("{:?}, {:?}]", name(&one, &first), name(&two, &second));
    place.write("profiles/node.toml", profile.replace(&format!("{:?}]", name(&one, &first)), &both));
    let error = place.run(&["lock", "--check"]).fails(3);
    assert!(error.contains("container images") && error.contains("imgbuild lock"), "{error}");
    place.run(&["lock", "--profile", "node"]).ok();
    assert_eq!(one.requests().len(), asked);
    place.write("profiles/node.toml", profile);
    let said = place.run(&["lock", "--profile", "node"]).ok();
    assert!(said.contains("- 127.0.0.1"), "{said}");
}

#[test]
fn a_layer_that_breaks_off_is_resumed_by_the_next_build() {
    let online = tiny::archive(0).online();
    let image = Multi::new("app");
    let layer = Digest::of(&image.layers["amd64"][1]).to_string();
    let fragile = registry(&image, {
        let layer = layer.clone();
        move |request, part| {
            // Cut short as often as one build tries.
            let answer = Answer::honest(request, part);
            if request.path.contains(&layer) && request.earlier < 4 { answer.cut(20_000) } else { answer }
        }
    });
    let place = place(&online, &[&name(&fragile, &image)]);
    place.run(&["lock", "--profile", "node"]).ok();
    let error = place.run(&["build", "--profile", "node"]).fails(5);
    assert!(error.contains("container image") && error.contains("what has come so far is kept"), "{error}");
    assert!(!place.path("build").exists());
    place.run(&["build", "--profile", "node"]).ok();
    let of_layer: Vec<Option<usize>> = fragile
        .requests()
        .into_iter()
        .filter(|request| request.path.contains(&layer))
        .map(|request| request.from)
        .collect();
    assert_eq!(of_layer, [None, Some(20_000), Some(40_000), Some(60_000), Some(80_000)]);
}

#[test]
fn a_tampered_layer_ends_the_build_and_leaves_nothing() {
    let online = tiny::archive(0).online();
    let image = Multi::new("app");
    let layer = Digest::of(&image.layers["amd64"][0]).to_string();
    let wrong = registry(&image, move |request, part| {
        let mut part = part.to_vec();
        if request.path.contains(&layer) {
            part[7] ^= 1;
        }
        Answer::honest(request, &part)
    });
    let place = place(&online, &[&name(&wrong, &image)]);
    place.run(&["lock", "--profile", "node"]).ok();
    let error = place.run(&["build", "--profile", "node"]).fails(5);
    assert!(error.contains("its SHA-256 is") && error.contains("other bytes than the digest"), "{error}");
    assert!(!place.path("build").exists());
    assert!(
        fs::read_dir(place.cache().join("packs"))
            .unwrap()
            .all(|entry| { !entry.unwrap().file_name().to_string_lossy().starts_with(".tmp") })
    );
}

#[test]
fn an_image_that_cannot_be_had_leaves_the_lock_as_it_was() {
    let online = tiny::archive(0).online();
    let image = Multi::new("app");
    let registry = registry(&image, |_, _| Answer::not_found());
    let place = place(&online, &[&name(&registry, &image)]);
    let error = place.run(&["lock", "--profile", "node"]).fails(5);
    assert!(error.contains("404") && error.contains("imgbuild images --digests"), "{error}");
    assert!(!place.path("imgbuild.lock").exists());
}

#[test]
fn an_image_without_a_digest_and_two_of_one_name_are_mistakes_with_their_place() {
    let online = tiny::archive(0).online();
    let without = place(&online, &["docker.io/library/busybox:1.37.0"]);
    let error = without.run(&["lock", "--profile", "node"]).fails(1);
    assert!(error.contains("it has no digest") && error.contains("imgbuild images --digests"), "{error}");
    assert!(error.contains("profiles/node.toml"), "{error}");
    let [one, two] = ["1", "2"].map(|digit| format!("busybox:1.37.0@sha256:{}", digit.repeat(64)));
    let twice = place(&online, &[&one, &two]);
    let error = twice.run(&["lock", "--profile", "node"]).fails(1);
    assert!(error.contains("is in `k3s.preload` twice") && error.contains(&format!("-{one}")), "{error}");
}
