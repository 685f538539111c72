//! Images from elsewhere: compressed ones, and servers of every kind of bad. What is not proved never touches a disk.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write as _};

use minisign::KeyPair;

use crate::bench::{Bench, Loop, Ran};
use crate::http::{Answer, Request, Server};
use crate::support;

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
#[ignore = "needs root: loop devices"]
fn compressed_images_are_known_by_their_content() {
    let bench = Bench::new(5 << 20);
    let disk = Loop::new(128 << 20);
    let halves = bench.image.bytes.split_at(bench.image.bytes.len() / 2);
    let joined = |pack: fn(&[u8]) -> Vec<u8>| [pack(halves.0), pack(halves.1)].concat();
    // Several packed files in a row are one, as `cat` makes them. The name of the last one lies.
    for (name, bytes) in [
        ("node.img.zst", joined(zstd)),
        ("node.img.gz", joined(gzip)),
        ("node.img.xz", joined(xz)),
        ("node.img.zst", zstd(&bench.image.bytes)),
        ("node.img.gz", gzip(&bench.image.bytes)),
        ("node.img.xz", xz(&bench.image.bytes)),
        ("node.img.zst", gzip(&bench.image.bytes)),
    ] {
        bench.write(name, &bytes);
        bench.write_sidecars(&[name]);
        disk.write(bench.image.manifest.partitions[1].offset, &[0; 4096]);
        bench.flash(name, &disk).ok();
        bench.assert_on(&disk);
    }
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_file_that_its_sidecar_files_do_not_verify_is_not_written() {
    let bench = Bench::new(5 << 20);
    let disk = Loop::new(128 << 20);
    let before = disk.digest();
    let refused = |name: &str, code: i32, word: &str| {
        let error = bench.flash(name, &disk).fails(code);
        assert!(error.contains(word), "no {word} in: {error}");
        assert_eq!(disk.digest(), before);
    };
    let mut damaged = bench.image.bytes.clone();
    damaged[(2 << 20) + 5000] ^= 1;
    bench.write("node.img", &damaged);
    refused("node.img", 3, "`root-a`");
    // Compressed, its own digest tells first; without it, the ranges do.
    bench.write("node.img.zst", &zstd(&bench.image.bytes));
    bench.write_sidecars(&["node.img.zst"]);
    bench.write("node.img.zst", &zstd(&damaged));
    refused("node.img.zst", 5, "SHA256SUMS");
    fs::remove_file(bench.path("SHA256SUMS")).unwrap();
    refused("node.img.zst", 3, "`root-a`");
    bench.write("node.img.zst", &zstd(&bench.image.bytes[..3 << 20]));
    refused("node.img.zst", 3, "cannot read the image");
    // Cut after the first of two, where nothing of the packing itself is amiss.
    let half = bench.image.bytes.len() / 2;
    for (name, bytes) in [
        ("node.img.zst", zstd(&bench.image.bytes[..half])),
        ("node.img.gz", gzip(&bench.image.bytes[..half])),
        ("node.img.xz", xz(&bench.image.bytes[..half])),
    ] {
        bench.write(name, &bytes);
        refused(name, 3, "cannot read the image");
    }
    bench.write_sidecars(&["node.img.zst"]);
    let manifest = fs::read_to_string(bench.path("manifest.json")).unwrap();
    bench.write("manifest.json", manifest.replace("\"node\"", "\"mode\"").as_bytes());
    refused("node.img.zst", 5, "manifest.json does not have");
    fs::remove_file(bench.path("manifest.json")).unwrap();
    refused("node.img.zst", 5, "no manifest");
    refused("none.img", 1, "is not a file");
}

/// A release set on a server that answers as `answer` says.
fn serve(bench: &Bench, answer: impl Fn(&Request, &[u8]) -> Answer + Send + Sync + 'static) -> Server {
    let mut files = BTreeMap::new();
    for name in ["node.img.zst", "node.manifest.json", "SHA256SUMS", "SHA256SUMS.minisig"] {
        if let Ok(bytes) = fs::read(bench.path(name)) {
            files.insert(format!("/v1/{name}"), bytes);
        }
    }
    Server::start(move |request| files.get(&request.path).map_or_else(Answer::not_found, |file| answer(request, file)))
}

/// The files of a release.
fn release(data: usize) -> Bench {
    let bench = Bench::new(data);
    bench.write("node.img.zst", &zstd(&bench.image.bytes));
    bench.write_sidecars(&["node.img.zst"]);
    fs::rename(bench.path("manifest.json"), bench.path("node.manifest.json")).unwrap();
    let sums = fs::read_to_string(bench.path("SHA256SUMS")).unwrap();
    bench.write("SHA256SUMS", sums.replace("manifest.json", "node.manifest.json").as_bytes());
    bench
}

/// An image by its URL, with a cache that knows nothing.
fn flash_from(bench: &Bench, server: &Server, disk: &Loop) -> Ran {
    let _ = fs::remove_dir_all(bench.path("cache"));
    bench.flash(&server.url("/v1/node.img.zst"), disk)
}

/// What a server answers.
type Script = fn(&Request, &[u8]) -> Answer;

fn is_image(request: &Request) -> bool {
    request.path.ends_with("img.zst")
}

#[test]
#[ignore = "needs root: loop devices"]
fn servers_that_cut_or_ignore_ranges_are_borne_with() {
    let bench = release(5 << 20);
    let disk = Loop::new(128 << 20);
    let scripts: [Script; 3] = [
        Answer::honest,
        |request, file| match request.earlier {
            0 if is_image(request) => Answer::whole(file).cut(1 << 20),
            _ => Answer::honest(request, file),
        },
        |request, file| match request.earlier {
            0 if is_image(request) => Answer::whole(file).cut(1 << 20),
            _ => Answer::whole(file),
        },
    ];
    for script in scripts {
        disk.write(0, &[0; 4096]);
        let server = serve(&bench, script);
        flash_from(&bench, &server, &disk).ok();
        bench.assert_on(&disk);
    }
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_server_that_falls_silent_is_asked_for_the_rest_after_a_while() {
    let bench = release(5 << 20);
    let disk = Loop::new(128 << 20);
    let had = 1 << 20;
    let server = serve(&bench, move |request, file| match request.earlier {
        0 if is_image(request) => Answer::whole(file).stalled(had),
        _ => Answer::honest(request, file),
    });
    flash_from(&bench, &server, &disk).ok();
    bench.assert_on(&disk);
    let asked: Vec<_> = server.requests().into_iter().filter(is_image).map(|request| request.from).collect();
    assert_eq!(asked, [None, Some(had)]);
}

#[test]
#[ignore = "needs root: loop devices"]
fn servers_that_give_other_bytes_or_too_few_change_nothing_on_the_disk() {
    let bench = release(5 << 20);
    let disk = Loop::new(128 << 20);
    let before = disk.digest();
    let tampered = |request: &Request, file: &[u8], name: &str| {
        let mut bytes = file.to_vec();
        if request.path.ends_with(name) {
            bytes[20] ^= 1;
        }
        Answer::honest(request, &bytes)
    };
    let scripts: [Script; 6] = [
        // Cut, and at the same byte for ever.
        |request, file| if is_image(request) { Answer::whole(file).cut(1000) } else { Answer::honest(request, file) },
        // It says that there is more than it gives, or gives more than it says.
        |request, file| {
            let mut answer = Answer::honest(request, file);
            if is_image(request) {
                answer.headers = vec![format!("Content-Length: {}", file.len() * 2)];
            }
            answer
        },
        |request, file| Answer::honest(request, if is_image(request) { &file[..file.len() - 1] } else { file }),
        |request, file| if is_image(request) { Answer::status(500, b"") } else { Answer::honest(request, file) },
        |request, file| {
            if request.path.ends_with("SHA256SUMS") { Answer::not_found() } else { Answer::honest(request, file) }
        },
        |request, file| {
            if request.path.ends_with("manifest.json") { Answer::not_found() } else { Answer::honest(request, file) }
        },
    ];
    for script in scripts {
        let server = serve(&bench, script);
        flash_from(&bench, &server, &disk).fails(5);
        assert_eq!(disk.digest(), before);
    }
    for name in [".zst", ".json", "SHA256SUMS"] {
        let server = serve(&bench, move |request, file| tampered(request, file, name));
        flash_from(&bench, &server, &disk).fails(5);
        assert_eq!(disk.digest(), before);
    }
}

#[test]
fn a_length_that_no_image_has_is_refused_and_not_added_to_what_is_there() {
    let bench = release(1 << 20);
    let server = serve(&bench, |request, file| {
        let mut answer = Answer::honest(request, file);
        if is_image(request) && request.earlier == 0 {
            return answer.cut(1000);
        }
        if is_image(request) {
            let length = |header: &String| header.starts_with("Content-Length");
            answer.headers.retain(|header| !length(header));
            answer.headers.push(format!("Content-Length: {}", u64::MAX - 3));
        }
        answer
    });
    let error = bench.run(&["flash", "--image", &server.url("/v1/node.img.zst"), "--dry-run"]).fails(5);
    assert!(error.contains("larger than 8589934592 bytes"), "{error}");
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_workspace_s_key_must_have_signed_what_comes_from_elsewhere() {
    let bench = release(1 << 20);
    let disk = Loop::new(128 << 20);
    let before = disk.digest();
    let [ours, other] = [(), ()].map(|()| KeyPair::generate_unencrypted_keypair().unwrap());
    let sign = |key: &KeyPair, text: &[u8]| sign(&bench, key, text, "anything");
    let sums = fs::read(bench.path("SHA256SUMS")).unwrap();
    configure(&bench, "https://releases.example", Some(&ours));
    let refused = |word: &str| {
        let server = serve(&bench, Answer::honest);
        let error = flash_from(&bench, &server, &disk).fails(5);
        assert!(error.contains(word), "no {word} in: {error}");
        assert_eq!(disk.digest(), before);
    };
    refused("is not signed");
    sign(&other, &sums);
    refused("not by the workspace's");
    sign(&ours, b"other sums");
    refused("not by the workspace's");
    bench.write("SHA256SUMS.minisig", b"nonsense");
    refused("not by the workspace's");

    sign(&ours, &sums);
    let server = serve(&bench, Answer::honest);
    flash_from(&bench, &server, &disk).ok();
    bench.assert_on(&disk);
}

/// Signs the bench's sums, with a comment that the signature covers.
fn sign(bench: &Bench, key: &KeyPair, text: &[u8], comment: &str) {
    let signature = minisign::sign(Some(&key.pk), &key.sk, Cursor::new(text), Some(comment), None).unwrap();
    bench.write("SHA256SUMS.minisig", signature.into_string().as_bytes());
}

/// Makes the bench a workspace whose releases are there, signed by `key`.
fn configure(bench: &Bench, releases: &str, key: Option<&KeyPair>) {
    let key = key.map_or_else(String::new, |key| format!("release_key = {:?}\n", key.pk.to_base64()));
    bench.write("imgbuild.toml", format!("schema = 1\nreleases = {releases:?}\n{key}").as_bytes());
}

fn flash_release(bench: &Bench, tag: &str, profile: &str, disk: &Loop) -> Ran {
    let args = ["flash", "--release", tag, "--profile", profile, "--device", disk.path(), "--allow-loop", "--yes"];
    bench.run(&args)
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_release_is_the_one_of_its_tag_and_profile() {
    let bench = release(1 << 20);
    let disk = Loop::new(128 << 20);
    let before = disk.digest();
    let key = KeyPair::generate_unencrypted_keypair().unwrap();
    // All that is of profile `node` is there as `gpu` too, and listed.
    for end in ["img.zst", "manifest.json"] {
        fs::copy(bench.path(&format!("node.{end}")), bench.path(&format!("gpu.{end}"))).unwrap();
    }
    let sums = fs::read_to_string(bench.path("SHA256SUMS")).unwrap();
    let sums = sums.clone() + &sums.replace("  node.", "  gpu.");
    bench.write("SHA256SUMS", sums.as_bytes());
    // Whatever tag is asked for, this server gives the one that it has.
    let serve = || {
        let names = ["node.img.zst", "node.manifest.json", "gpu.img.zst", "gpu.manifest.json", "SHA256SUMS"];
        let files: BTreeMap<String, Vec<u8>> = names
            .into_iter()
            .chain(["SHA256SUMS.minisig"])
            .filter_map(|name| Some((name.to_owned(), fs::read(bench.path(name)).ok()?)))
            .collect();
        Server::start(move |request| {
            let name = request.path.rsplit('/').next().unwrap();
            files.get(name).map_or_else(Answer::not_found, |file| Answer::honest(request, file))
        })
    };
    sign(&bench, &key, sums.as_bytes(), "imgbuild v1");
    let server = serve();
    configure(&bench, &server.url(""), Some(&key));

    let error = flash_release(&bench, "v2", "node", &disk).fails(5);
    assert!(error.contains("not as release `v2`") && error.contains("says `imgbuild v1`"), "{error}");
    let error = flash_release(&bench, "v1", "gpu", &disk).fails(5);
    assert!(error.contains("/v1/gpu.img.zst") && error.contains("is of `node`"), "{error}");
    assert!(server.requests().iter().all(|request| !is_image(request)), "what is refused was downloaded");
    for tag in ["..", ".", "", "v1/../v1", "v 1", "%2e%2e"] {
        let asked = server.requests().len();
        let error = flash_release(&bench, tag, "node", &disk).fails(1);
        assert!(error.contains("is not the tag of a release"), "{error}");
        assert_eq!(server.requests().len(), asked, "{tag}");
    }
    assert_eq!(disk.digest(), before);
    flash_release(&bench, "v1", "node", &disk).ok();
    bench.assert_on(&disk);

    // Signed, but as no release; and one whose comment was changed by somebody else.
    disk.write(0, &[0; 4096]);
    sign(&bench, &key, sums.as_bytes(), "imgbuild node 0123456789abcdef");
    let server = serve();
    configure(&bench, &server.url(""), Some(&key));
    let error = flash_release(&bench, "v1", "node", &disk).fails(5);
    assert!(error.contains("export --sign KEY --tag TAG"), "{error}");
    let signature = fs::read_to_string(bench.path("SHA256SUMS.minisig")).unwrap();
    bench.write("SHA256SUMS.minisig", signature.replace("imgbuild node 0123456789abcdef", "imgbuild v1").as_bytes());
    let server = serve();
    configure(&bench, &server.url(""), Some(&key));
    assert!(flash_release(&bench, "v1", "node", &disk).fails(5).contains("not by the workspace's"));

    // Without a key, a tag is a part of the address and nothing more; a profile is what it is.
    configure(&bench, &server.url(""), None);
    assert!(flash_release(&bench, "v1", "gpu", &disk).fails(5).contains("is of `node`"));
    flash_release(&bench, "v2", "node", &disk).ok();
}

#[test]
#[ignore = "needs root: loop devices"]
fn what_is_not_there_is_named_by_its_address() {
    let bench = release(1 << 20);
    let disk = Loop::new(128 << 20);
    let server = serve(&bench, Answer::honest);
    configure(&bench, &server.url(""), None);
    let error = flash_release(&bench, "v7", "node", &disk).fails(5);
    assert!(error.contains(&server.url("/v7/SHA256SUMS")) && error.contains("the release's tag"), "{error}");
    let error = bench.flash(&server.url("/v1/other.img.zst"), &disk).fails(5);
    assert!(error.contains(&server.url("/v1/other.img.zst")), "{error}");
    let gone = serve(
        &bench,
        |request, file| {
            if is_image(request) { Answer::not_found() } else { Answer::honest(request, file) }
        },
    );
    let url = gone.url("/v1/node.img.zst").replace("http://", "http://me:secret@");
    let error = bench.flash(&url, &disk).fails(5);
    assert!(error.contains("/v1/node.img.zst") && !error.contains("--mirror"), "{error}");
    let error = bench.flash(&url.replace("node.img", "none.img"), &disk).fails(5);
    assert!(error.contains("/v1/none.img.zst") && !error.contains("secret"), "{error}");
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_url_is_known_by_its_scheme_in_any_case() {
    let bench = release(1 << 20);
    let disk = Loop::new(128 << 20);
    let server = serve(&bench, Answer::honest);
    bench.flash(&server.url("/v1/node.img.zst").replace("http://", "HTTP://"), &disk).ok();
    bench.assert_on(&disk);
    let path = bench.path("node.img.zst");
    let error = bench.flash(&format!("file://{}", path.display()), &disk).fails(1);
    assert!(error.contains(&format!("`--image {}`", path.display())), "{error}");
    let error = bench.flash("ftp://host/node.img", &disk).fails(1);
    assert!(error.contains("`ftp` is neither `https` nor `http`"), "{error}");
}

#[test]
#[ignore = "needs root: loop devices"]
fn an_image_that_was_fetched_once_needs_no_network_again() {
    let bench = release(1 << 20);
    let disk = Loop::new(128 << 20);
    let key = KeyPair::generate_unencrypted_keypair().unwrap();
    sign(&bench, &key, &fs::read(bench.path("SHA256SUMS")).unwrap(), "imgbuild v1");
    let server = serve(&bench, Answer::honest);
    configure(&bench, &server.url(""), Some(&key));
    let offline = |tag: &str| {
        let args = ["--offline", "flash", "--release", tag, "--profile", "node", "--device", disk.path()];
        bench.run(&[&args[..], &["--allow-loop", "--yes"]].concat())
    };
    assert!(offline("v1").fails(5).contains("without `--offline`"));
    flash_release(&bench, "v1", "node", &disk).ok();
    disk.write(0, &[0; 4096]);
    let asked = server.requests().len();
    offline("v1").ok();
    bench.assert_on(&disk);
    offline("v2").fails(5);
    assert_eq!(server.requests().len(), asked);
    // What was kept is proved by the key that is named now.
    let other = KeyPair::generate_unencrypted_keypair().unwrap();
    configure(&bench, &server.url(""), Some(&other));
    assert!(offline("v1").fails(5).contains("not by the workspace's"));
}

#[test]
#[ignore = "needs root: loop devices"]
fn pipes_in_the_place_of_files_are_refused_and_not_waited_for() {
    let bench = Bench::new(1 << 20);
    let disk = Loop::new(128 << 20);
    for name in ["SHA256SUMS", "manifest.json", "node.img"] {
        let kept = fs::read(bench.path(name)).unwrap();
        fs::remove_file(bench.path(name)).unwrap();
        support::ok(bench.dir.path(), "mkfifo", &[name]);
        let error = bench.flash("node.img", &disk).fails(1);
        assert!(error.contains(name) && error.contains("file"), "{error}");
        fs::remove_file(bench.path(name)).unwrap();
        bench.write(name, &kept);
    }
    bench.flash("node.img", &disk).ok();
}

#[test]
#[ignore = "needs root: loop devices"]
fn an_image_that_cannot_be_unpacked_says_what_is_the_matter_with_it() {
    let bench = Bench::new(1 << 20);
    let disk = Loop::new(128 << 20);
    fs::remove_file(bench.path("SHA256SUMS")).unwrap();
    // From a pipe, whose length nobody knows, the whole window is asked for.
    support::ok(bench.dir.path(), "sh", &["-c", "cat node.img | zstd -q --ultra -20 --long=31 > node.img.zst"]);
    let error = bench.flash("node.img.zst", &disk).fails(1);
    assert!(error.contains("window") && error.contains("without `--long`") && !error.contains("failing"), "{error}");
    let mut packed = zstd(&bench.image.bytes);
    let middle = packed.len() / 2;
    packed[middle..middle + 64].fill(0xff);
    bench.write("node.img.zst", &packed);
    let error = bench.flash("node.img.zst", &disk).fails(3);
    assert!(error.contains("damaged") && !error.contains("disk under it"), "{error}");
}
