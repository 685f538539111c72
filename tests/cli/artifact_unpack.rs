//! `unpack` of `[[artifact]]`: one file out of an archive that somebody publishes.

use std::fs;

use imgbuild::tree::Digest;
use serde_json::json;
use tar::EntryType;

use crate::archive::Online;
use crate::artifact::{listed, place};
use crate::debs::{CONTROL, Tar, ar, control_tar, gzip, xz};
use crate::http::{Answer, Server};
use crate::place::{Place, files, json as json_of};
use crate::tiny;

const TOOL: &str = "a tool of nobody's package\n";
const PAGE: &str = "a page of its manual\n";

/// What people publish: a folder of its own, with the tool under two more names, and a page.
fn release() -> Tar {
    Tar::default()
        .dir("./tool-1.2/")
        .file("./tool-1.2/bin/tool", TOOL)
        .entry(EntryType::Link, "./tool-1.2/bin/alias", "./tool-1.2/bin/tool", b"")
        .symlink("./tool-1.2/tool", "bin/tool")
        .file("./tool-1.2/man/tool.1", PAGE)
}

/// A server of these files, by path.
fn serve(published: Vec<(&'static str, Vec<u8>)>) -> Server {
    Server::start(move |request| match published.iter().find(|(path, _)| *path == request.path) {
        Some((_, bytes)) => Answer::honest(request, bytes),
        None => Answer::not_found(),
    })
}

/// An entry that takes `member` out of what is published as `name` with these `bytes`.
fn entry(server: &Server, name: &str, bytes: &[u8], member: &str, path: &str) -> String {
    let (url, sha256) = (server.url(name), Digest::of(bytes));
    format!("[[artifact]]\npath = \"{path}\"\nurl = \"{url}\"\nsha256 = \"{sha256}\"\nunpack = \"{member}\"\n")
}

/// A workspace whose profile takes `member` out of `bytes`, and its server.
fn taking(online: &Online, bytes: &[u8], member: &str) -> (Place, Server) {
    let server = serve(vec![("/dl/tool.tgz", bytes.to_vec())]);
    (place(online, &entry(&server, "/dl/tool.tgz", bytes, member, "/usr/local/bin/tool")), server)
}

#[test]
fn a_file_is_taken_out_of_an_archive_however_that_is_compressed_and_of_a_package_without_its_scripts() {
    let online = tiny::archive(0).online();
    let tar = release().finish();
    let mut control = Tar(control_tar(CONTROL));
    control.0.truncate(control.0.len() - 1024);
    let control = control.file("./postinst", "#!/bin/sh\nrm -rf /\n").finish();
    let deb = ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &gzip(&control)), ("data.tar.xz", &xz(&tar))]);
    // `git archive` notes the commit for all members in front of them.
    let of_git = Tar::default().entry(EntryType::XGlobalHeader, "pax_global_header", "", b"52 comment=0123\n");
    let of_git = [of_git.0, tar.clone()].concat();
    let archives = [
        ("/plain", tar.clone()),
        ("/gzip", gzip(&tar)),
        ("/xz", xz(&tar)),
        ("/zstd", zstd::encode_all(&tar[..], 3).unwrap()),
        ("/deb", deb),
        ("/git", of_git),
    ];
    let server = serve(archives.to_vec());
    let mut entries = String::new();
    // A leading slash, and `./`, are as good as none.
    for ((name, bytes), front) in archives.iter().zip(["", "/", "./", "", "/", ""]) {
        entries += &entry(&server, name, bytes, &format!("{front}tool-1.2/bin/tool"), &format!("/usr/local/bin{name}"));
    }
    entries += &entry(&server, "/gzip", &archives[1].1, "tool-1.2/man/tool.1", "/usr/local/share/man/man1/tool.1");
    entries += &entry(&server, "/gzip", &archives[1].1, "tool-1.2/bin/alias", "/usr/local/bin/alias");
    let place = place(&online, &entries.replacen("unpack", "mode = \"0755\"\nunpack", 1));
    place.run(&["build", "--profile", "node"]).ok();

    let row = |path: &str, mode: &str, text: &str| {
        let (size, digest) = (text.len().to_string(), Digest::of(text.as_bytes()).to_string());
        [path, "f", mode, "0", "0", &size, &digest, "-", "overlay:mine"].map(str::to_owned)
    };
    assert_eq!(listed(&place, "/usr/local/bin/plain").unwrap(), row("/usr/local/bin/plain", "0755", TOOL));
    for name in ["gzip", "xz", "zstd", "deb", "git", "alias"] {
        let path = format!("/usr/local/bin/{name}");
        assert_eq!(listed(&place, &path).unwrap(), row(&path, "0644", TOOL));
    }
    let page = "/usr/local/share/man/man1/tool.1";
    assert_eq!(listed(&place, page).unwrap(), row(page, "0644", PAGE));
    assert!(!place.read("build/node/node.files").contains("tool-1.2"), "more of an archive went in");

    // What is named is the download, which is what its author publishes a digest of.
    let manifest = json_of(&place.path("build/node/manifest.json"));
    let artifacts = manifest["artifacts"].as_array().unwrap();
    let of_gzip: Vec<_> =
        artifacts.iter().filter(|found| found["sha256"] == json!(Digest::of(&archives[1].1))).collect();
    assert_eq!(of_gzip.len(), 3, "{artifacts:?}");
    assert!(!manifest["packages"].to_string().contains("sample"), "it is no package of the image");
    let asked = server.requests().into_iter().filter(|request| request.path == "/gzip").count();
    assert_eq!(asked, 1, "one download is enough for three files");
}

#[test]
fn it_is_unpacked_once_and_its_download_needed_no_more() {
    let online = tiny::archive(0).online();
    let (place, server) = taking(&online, &gzip(&release().finish()), "tool-1.2/bin/tool");
    let states = || {
        let plan = place.run(&["--json", "build", "--profile", "node", "--plan"]).result();
        plan["steps"][1]["items"][0]["state"].clone()
    };
    place.run(&["lock", "--profile", "node"]).ok();
    assert_eq!(states(), "absent");
    place.run(&["build", "--profile", "node"]).ok();
    let built = json_of(&place.path("build/node/manifest.json"))["image_sha256"].clone();
    drop(server);
    fs::remove_dir_all(place.cache().join("downloads")).unwrap();
    fs::remove_dir_all(place.path("build")).unwrap();
    assert_eq!(states(), "unpacked");
    place.run(&["--offline", "build", "--profile", "node"]).ok();
    assert_eq!(json_of(&place.path("build/node/manifest.json"))["image_sha256"], built);
}

#[test]
fn an_unpacked_archive_that_is_damaged_in_the_cache_is_unpacked_anew() {
    let online = tiny::archive(0).online();
    let bytes = gzip(&release().finish());
    let (place, _server) = taking(&online, &bytes, "tool-1.2/bin/tool");
    place.run(&["build", "--profile", "node"]).ok();
    let built = json_of(&place.path("build/node/manifest.json"))["image_sha256"].clone();
    let pack = place.cache().join(format!("packs/{}.tar", Digest::of(&bytes)));
    let text = String::from_utf8(fs::read(&pack).unwrap()).unwrap();
    fs::write(&pack, text.replace("nobody's", "somebody")).unwrap();
    fs::remove_dir_all(place.cache().join("derived")).unwrap();
    let ran = place.run(&["build", "--profile", "node", "--output", "again"]);
    assert!(
        ran.stderr.contains("damaged in the cache, unpacked anew: `/usr/local/bin/tool` of overlay:mine"),
        "{}",
        ran.stderr
    );
    ran.ok();
    assert_eq!(json_of(&place.path("again/manifest.json"))["image_sha256"], built);
}

#[test]
fn what_is_no_regular_file_of_the_archive_is_told_where_the_overlay_names_it() {
    let online = tiny::archive(0).online();
    let bytes = gzip(&release().finish());
    for (member, message, hint) in [
        ("bin/tool", "has no file `bin/tool`", "did you mean `tool-1.2/bin/tool`?"),
        (
            "tool-1.2/tool",
            "symbolic link `tool-1.2/tool`, which leads to `bin/tool`",
            "`unpack = \"tool-1.2/bin/tool\"`",
        ),
        ("tool-1.2", "no regular file `tool-1.2`, but a directory", "`tool-1.2/man/tool.1`"),
    ] {
        let (place, _server) = taking(&online, &bytes, member);
        let error = place.run(&["build", "--profile", "node"]).fails(1);
        for part in
            [message, hint, "overlays/mine/overlay.toml", "/dl/tool.tgz", "`/usr/local/bin/tool` of overlay:mine"]
        {
            assert!(error.replace('\n', " ").contains(part), "{part} is missing in: {error}");
        }
        assert!(!place.path("build").exists());
    }
}

#[test]
fn what_is_no_archive_and_what_is_damaged_or_does_harm_is_refused_by_name() {
    let online = tiny::archive(0).online();
    let good = gzip(&release().finish());
    let hostile = |tar: Tar| gzip(&tar.file("./tool", TOOL).finish());
    for (bytes, message) in [
        (b"PK\x03\x04 and so on".to_vec(), "it is a ZIP archive, and neither a tar archive"),
        (b"BZh9 and so on".to_vec(), "it is compressed with bzip2, and neither"),
        (b"\x7fELF and so on".to_vec(), "it is a program, and neither"),
        (b"#!/bin/sh\n".to_vec(), "it is a plain file, and neither"),
        (Vec::new(), "it is a plain file, and neither"),
        (gzip(b"a single program"), "it is a single compressed file, and neither"),
        (good[..good.len() / 2].to_vec(), "cannot be unpacked"),
        (gzip(&release().0), "`tool.tgz` ends too early"),
        (b"!<arch>\nobject files".to_vec(), "`ar` ends too early"),
        (hostile(Tar::default().file("../../etc/passwd", "")), "climbs out"),
        (hostile(Tar::default().file("/etc/passwd", "")), "is absolute"),
        (hostile(Tar::default().file("a", "1").file("a", "2")), "`a` appears twice, with different contents"),
        (hostile(Tar::default().symlink("a", "/etc").file("a/passwd", "")), "lies below `a`, which is a symbolic link"),
    ] {
        let (place, _server) = taking(&online, &bytes, "tool");
        let error = place.run(&["build", "--profile", "node"]).fails(1);
        for part in [message, "overlays/mine/overlay.toml", "/dl/tool.tgz"] {
            assert!(error.replace('\n', " ").contains(part), "{part} is missing in: {error}");
        }
        assert!(!error.contains(place.cache().to_str().unwrap()), "a name of the cache says nobody anything: {error}");
        assert!(files(&place.cache().join("packs")).iter().all(|name| !name.contains(&Digest::of(&bytes).to_string())));
    }
}

#[test]
fn a_member_that_can_be_none_is_shown_at_its_place() {
    let online = tiny::archive(0).online();
    for (member, message) in [
        ("", "is not a file's path in an archive"),
        ("./", "is not a file's path in an archive"),
        ("../tool", "is not a file's path in an archive"),
        ("bin/", "is a directory of an archive"),
    ] {
        let (place, server) = taking(&online, b"", member);
        let error = place.run(&["build", "--profile", "node"]).fails(1);
        assert!(error.contains(message) && error.contains("overlays/mine/overlay.toml"), "{error}");
        assert_eq!(server.requests().len(), 0);
    }
}
