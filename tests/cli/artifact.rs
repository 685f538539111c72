//! `[[artifact]]` of an overlay: a file that no Debian package has, by URL and digest.

use imgbuild::tree::Digest;
use serde_json::{Value, json};

use crate::archive::Online;
use crate::http::{Answer, Server};
use crate::place::{Place, json};
use crate::tiny;

const TOOL: &[u8] = b"#!/bin/sh\necho a tool of nobody's package\n";

/// A server that has the file as `/tool`, and nothing else.
fn server() -> Server {
    Server::start(|request| if request.path == "/tool" { Answer::honest(request, TOOL) } else { Answer::not_found() })
}

/// An entry for that file.
fn entry(server: &Server, more: &str) -> String {
    let (url, sha256) = (server.url("/tool"), Digest::of(TOOL));
    format!("[[artifact]]\npath = \"/usr/local/bin/tool\"\nurl = \"{url}\"\nsha256 = \"{sha256}\"\n{more}")
}

/// A workspace whose profile `node` is a small machine with an overlay `mine` of these entries.
pub fn place(online: &Online, entries: &str) -> Place {
    let place = tiny::place(online, &[]).file("overlays/mine/overlay.toml", format!("schema = 1\n{entries}"));
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", profile.replace("schema = 1\n", "schema = 1\noverlays = [\"mine\"]\n"));
    place
}

/// The line of the listing for this path, in its columns.
pub fn listed(place: &Place, path: &str) -> Option<Vec<String>> {
    let listing = place.read("build/node/node.files");
    let line = listing.lines().find(|line| line.split('\t').next() == Some(path))?;
    Some(line.split('\t').map(str::to_owned).collect())
}

#[test]
fn it_is_in_the_image_with_its_mode_and_told_in_manifest_and_sbom() {
    let (online, server) = (tiny::archive(0).online(), server());
    let place = place(&online, &entry(&server, "mode = \"0755\"\n"));
    place.run(&["lock", "--profile", "node"]).ok();
    assert_eq!(server.requests().len(), 0, "its digest is known, so there is nothing to choose");
    place.run(&["build", "--profile", "node"]).ok();
    let digest = Digest::of(TOOL).to_string();
    let size = TOOL.len().to_string();
    let line = ["/usr/local/bin/tool", "f", "0755", "0", "0", &size, &digest, "-", "overlay:mine"];
    assert_eq!(listed(&place, line[0]).unwrap(), line);

    let entry = json!({
        "name": "usr/local/bin/tool",
        "version": digest[..12],
        "arch": "all",
        "sha256": digest,
        "wanted_by": ["overlay:mine"],
    });
    assert_eq!(json(&place.path("build/node/manifest.json"))["artifacts"], json!([entry]));
    let sbom = json(&place.path("build/node/sbom.spdx.json"));
    let element = sbom["packages"].as_array().unwrap().iter().find(|found| found["name"] == entry["name"]).unwrap();
    assert_eq!(element["downloadLocation"], server.url("/tool"));
    assert_eq!(element["comment"], "wanted by overlay:mine");
    assert_eq!(sbom["files"], json!([]), "it is no file of the overlay's folder");
    assert_eq!(element["checksums"][0]["checksumValue"], digest);
    let purl = element["externalRefs"][0]["referenceLocator"].as_str().unwrap();
    assert!(purl.starts_with(&format!("pkg:generic/tool@{}?", &digest[..12])), "{purl}");

    // From now on it is in the cache.
    let built = json(&place.path("build/node/manifest.json"))["image_sha256"].clone();
    drop(server);
    place.run(&["--offline", "build", "--profile", "node", "--output", "again"]).ok();
    assert_eq!(json(&place.path("again/manifest.json"))["image_sha256"], built);
}

#[test]
fn a_url_with_a_query_leads_to_a_file_and_one_of_a_directory_does_not() {
    let online = tiny::archive(0).online();
    let server = Server::start(|request| {
        if request.path == "/dl?file=tool&v=1" { Answer::honest(request, TOOL) } else { Answer::not_found() }
    });
    let with_query = entry(&server, "").replace("/tool\"\nsha256", "/dl?file=tool&v=1\"\nsha256");
    let with_query = place(&online, &with_query);
    with_query.run(&["lock", "--profile", "node"]).ok();
    with_query.run(&["build", "--profile", "node"]).ok();
    assert!(listed(&with_query, "/usr/local/bin/tool").is_some());
    let directory = place(&online, &entry(&server, "").replace("/tool\"\nsha256", "/\"\nsha256"));
    assert!(directory.run(&["lock", "--profile", "node"]).fails(1).contains("is not the URL of a file"));
}

#[test]
fn other_bytes_than_its_digests_are_refused_with_its_path_and_url() {
    let online = tiny::archive(0).online();
    let server = Server::start(|_| Answer::whole(b"something else"));
    let place = place(&online, &entry(&server, ""));
    let online = place.transcript(&["build", "--profile", "node"]);
    // Nor is it there without network.
    insta::assert_snapshot!(online + "\n" + &place.transcript(&["--offline", "build", "--profile", "node"]));
    assert!(!place.path("build").exists());
}

#[test]
fn a_url_that_leads_nowhere_is_told_without_talk_of_mirrors() {
    let (online, server) = (tiny::archive(0).online(), server());
    let place = place(&online, &entry(&server, "").replace("/tool\"\nsha256", "/gone\"\nsha256"));
    insta::assert_snapshot!(place.transcript(&["build", "--profile", "node"]));
}

#[test]
fn each_architecture_may_have_its_own_and_a_board_takes_what_is_for_it() {
    let (online, server) = (tiny::archive(0).online(), server());
    let other = entry(&server, "architecture = \"arm64\"\n").replace("/tool\"\nsha256", "/of-arm64\"\nsha256");
    let place = place(&online, &(other + &entry(&server, "architecture = \"amd64\"\n")));
    place.run(&["build", "--profile", "node"]).ok();
    let asked: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(asked, ["/tool"]);
    assert_eq!(json(&place.path("build/node/manifest.json"))["artifacts"][0]["arch"], "amd64");

    place.write("overlays/mine/overlay.toml", format!("schema = 1\n{0}{0}", entry(&server, "")));
    let error = place.run(&["build", "--profile", "node"]).fails(1);
    assert!(error.contains("`/usr/local/bin/tool` is given twice") && error.contains("`architecture`"), "{error}");
}

#[test]
fn it_does_not_share_its_path_and_the_profile_s_own_file_wins() {
    let (online, server) = (tiny::archive(0).online(), server());
    let place = place(&online, &entry(&server, ""));
    place.write("overlays/mine/files/usr/local/bin/tool", "mine\n");
    let error = place.run(&["build", "--profile", "node"]).fails(1);
    assert!(error.contains("overlay `mine` has a file for `/usr/local/bin/tool` too"), "{error}");
    assert!(error.contains("remove `overlays/mine/files/usr/local/bin/tool`, or this entry"), "{error}");
    std::fs::remove_file(place.path("overlays/mine/files/usr/local/bin/tool")).unwrap();

    place.write("overlays/mine/files/usr/local/bin/tool/below", "mine\n");
    let error = place.run(&["build", "--profile", "node"]).fails(1);
    assert!(error.contains("/usr/local/bin/tool"), "{error}");
    std::fs::remove_dir_all(place.path("overlays/mine/files/usr")).unwrap();

    let profile = place.read("profiles/node.toml");
    let own = "[[file]]\npath = \"/usr/local/bin/tool\"\ncontent = \"the profile's\"\n";
    place.write("profiles/node.toml", format!("{profile}{own}"));
    place.run(&["build", "--profile", "node"]).ok();
    assert_eq!(listed(&place, "/usr/local/bin/tool").unwrap()[8], "profile:node");
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_changed_entry_needs_no_new_lock_and_the_plan_names_it() {
    let (online, server) = (tiny::archive(0).online(), server());
    let place = place(&online, &entry(&server, ""));
    let plan = || -> Value { place.run(&["--json", "build", "--profile", "node", "--plan"]).result() };
    place.run(&["lock", "--profile", "node"]).ok();
    let cold = plan();
    let item = &cold["steps"][1]["items"][0];
    assert_eq!((&item["state"], &item["size"]), (&json!("absent"), &Value::Null));
    assert_eq!(item["from"], json!([server.url("/tool")]));
    assert_eq!(cold["steps"][1]["does"], "1 artifact: 1 to be fetched (size unknown)");
    let text = place.run(&["build", "node", "--plan"]).ok();
    assert!(text.contains(&format!(" all, size unknown from {}", server.url("/tool"))), "{text}");

    place.run(&["build", "--profile", "node"]).ok();
    place.write("overlays/mine/overlay.toml", format!("schema = 1\n{}", entry(&server, "mode = \"0700\"\n")));
    let warm = plan();
    assert_eq!(warm["why"], json!(["file `/usr/local/bin/tool` of overlay:mine changed"]));
    assert_eq!(warm["steps"][1]["items"][0]["size"], TOOL.len());
    place.run(&["lock", "--check", "--profile", "node"]).ok();
    place.run(&["build", "--profile", "node"]).ok();
    assert_eq!(listed(&place, "/usr/local/bin/tool").unwrap()[2], "0700");
}

#[test]
fn what_is_no_digest_no_url_or_no_path_is_shown_at_its_place() {
    let (online, server) = (tiny::archive(0).online(), server());
    for (from, to, what) in [
        ("sha256 = \"", "sha256 = \"x", "is not a SHA-256 digest"),
        ("url = \"http://", "url = \"ftp://", "is not the URL of a file"),
        ("path = \"/usr", "path = \"usr", "is not an absolute path"),
        ("path = \"/usr/local/bin/tool", "path = \"/etc/passwd", "decides who comes in"),
        ("path = \"/usr/local/bin/tool", "path = \"/etc/ld.so.preload", "decides who comes in or becomes root"),
        (
            "path = \"/usr/local/bin/tool",
            "path = \"/etc/polkit-1/rules.d/1.rules",
            "decides who comes in or becomes root",
        ),
        ("sha256 = ", "mode = \"4755\"\nsha256 = ", "write `mode = \"0755\"`"),
        ("sha256 = ", "mode = \"2711\"\nsha256 = ", "write `mode = \"0711\"`"),
        ("url = \"http://", "url = \"http://me:password@", "holds a user or a password"),
    ] {
        let place = place(&online, &entry(&server, "").replace(from, to));
        let error = place.run(&["build", "--profile", "node"]).fails(1);
        assert!(error.contains(what) && error.contains("overlays/mine/overlay.toml"), "{error}");
    }
}

#[test]
fn another_entry_for_its_place_is_told_by_what_that_entry_is() {
    let (online, server) = (tiny::archive(0).online(), server());
    for (more, hint) in [
        ("[[file]]\npath = \"/usr/local/bin/tool\"\nmode = \"0755\"\n", "its `mode` is a key of [[artifact]]"),
        ("[[file]]\npath = \"/usr/local/bin/tool\"\nsymlink = \"x\"\n", "keep one of the two entries"),
        ("[[directory]]\npath = \"/usr/local/bin/tool\"\n", "a `path` below the directory"),
    ] {
        let place = place(&online, &(entry(&server, "") + more));
        let error = place.run(&["build", "--profile", "node"]).fails(1);
        assert!(error.contains("`/usr/local/bin/tool` is an [[artifact]] of this file too"), "{error}");
        assert!(error.contains(hint) && error.contains("overlays/mine/overlay.toml:7:8"), "{error}");
    }
}

#[test]
fn a_place_that_a_package_has_otherwise_is_told_where_the_overlay_names_it() {
    let (online, server) = (tiny::archive(0).online(), server());
    for (path, message) in [
        ("/usr/lib/systemd", "is a regular file: the image has a directory there (machine)"),
        ("/usr/lib/os-release/x", "needs the directory `/usr/lib/os-release`"),
    ] {
        let place = place(&online, &entry(&server, "").replace("/usr/local/bin/tool", path));
        let error = place.run(&["build", "--profile", "node"]).fails(1).replace('\n', " ");
        assert!(error.contains(message) && error.contains("overlays/mine/overlay.toml:3:8"), "{error}");
    }
}

#[test]
fn what_the_profile_drops_is_neither_fetched_nor_told() {
    let (online, server) = (tiny::archive(0).online(), server());
    let place = place(&online, &entry(&server, ""));
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", profile.replace("schema = 1\n", "schema = 1\ndrop = [\"/usr/local/bin/t*\"]\n"));
    place.run(&["lock", "--profile", "node"]).ok();
    place.run(&["build", "--profile", "node"]).ok();
    assert_eq!(listed(&place, "/usr/local/bin/tool"), None);
    assert_eq!(json(&place.path("build/node/manifest.json"))["artifacts"], json!([]));
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn inspect_and_diff_name_it_beside_the_packages() {
    let (online, server) = (tiny::archive(0).online(), server());
    let place = place(&online, &entry(&server, ""));
    place.run(&["build", "--profile", "node"]).ok();
    let version = &Digest::of(TOOL).to_string()[..12];
    let text = place.run(&["inspect", "build/node"]).ok();
    assert!(text.contains(&format!("\nartifacts  usr/local/bin/tool {version}\n")), "{text}");

    let other = entry(&server, "").replace("bin/tool\"", "bin/other\"");
    place.write("overlays/mine/overlay.toml", format!("schema = 1\n{other}"));
    place.run(&["build", "--profile", "node", "--output", "other"]).ok();
    let difference = place.run(&["--json", "diff", "build/node", "other"]).result();
    assert_eq!(difference["packages"], json!([]));
    assert_eq!(difference["artifacts"], json!(["+ usr/local/bin/other", "- usr/local/bin/tool"]));
    let text = place.run(&["diff", "build/node", "other"]).ok();
    assert!(
        text.contains("artifacts, by the manifests:\n  + usr/local/bin/other, wanted by overlay `mine`\n"),
        "{text}"
    );
}
