//! Images from elsewhere: compressed ones, and servers of every kind of bad. What is not proved never touches a disk.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write as _};

use crate::bench::{Bench, Loop, is_root};
use crate::http::{Answer, Request, Server};

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
fn compressed_images_are_known_by_their_content() {
    if !is_root() {
        return;
    }
    let bench = Bench::new(5 << 20);
    let disk = Loop::new(64 << 20);
    // The name of the last one lies.
    for (name, bytes) in [
        ("node.img.zst", zstd(&bench.image.bytes)),
        ("node.img.gz", gzip(&bench.image.bytes)),
        ("node.img.xz", xz(&bench.image.bytes)),
        ("node.img.zst", gzip(&bench.image.bytes)),
    ] {
        bench.write(name, &bytes);
        bench.write_papers(&[name]);
        disk.write(bench.image.manifest.partitions[1].offset, &[0; 4096]);
        bench.flash(name, &disk).ok();
        bench.assert_on(&disk);
    }
}

#[test]
fn a_file_that_its_papers_do_not_prove_is_not_written() {
    if !is_root() {
        return;
    }
    let bench = Bench::new(5 << 20);
    let disk = Loop::new(64 << 20);
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
    bench.write_papers(&["node.img.zst"]);
    bench.write("node.img.zst", &zstd(&damaged));
    refused("node.img.zst", 5, "SHA256SUMS");
    fs::remove_file(bench.path("SHA256SUMS")).unwrap();
    refused("node.img.zst", 3, "`root-a`");
    bench.write("node.img.zst", &zstd(&bench.image.bytes[..3 << 20]));
    refused("node.img.zst", 3, "cannot read the image");
    bench.write_papers(&["node.img.zst"]);
    let manifest = fs::read_to_string(bench.path("manifest.json")).unwrap();
    bench.write("manifest.json", manifest.replace("\"node\"", "\"mode\"").as_bytes());
    refused("node.img.zst", 5, "manifest.json does not have");
    fs::remove_file(bench.path("manifest.json")).unwrap();
    refused("node.img.zst", 5, "no manifest");
    refused("none.img", 1, "is no file");
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
    bench.write_papers(&["node.img.zst"]);
    fs::rename(bench.path("manifest.json"), bench.path("node.manifest.json")).unwrap();
    let sums = fs::read_to_string(bench.path("SHA256SUMS")).unwrap();
    bench.write("SHA256SUMS", sums.replace("manifest.json", "node.manifest.json").as_bytes());
    bench
}

/// An image by its URL, with a cache that knows nothing.
fn flash_from(bench: &Bench, server: &Server, disk: &Loop) -> crate::bench::Ran {
    let _ = fs::remove_dir_all(bench.path("cache"));
    bench.flash(&server.url("/v1/node.img.zst"), disk)
}

/// What a server answers.
type Script = fn(&Request, &[u8]) -> Answer;

fn is_image(request: &Request) -> bool {
    request.path.ends_with("img.zst")
}

#[test]
fn servers_that_cut_or_ignore_ranges_are_borne_with() {
    if !is_root() {
        return;
    }
    let bench = release(5 << 20);
    let disk = Loop::new(64 << 20);
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
fn a_server_that_falls_silent_is_asked_for_the_rest_after_a_while() {
    if !is_root() {
        return;
    }
    let bench = release(5 << 20);
    let disk = Loop::new(64 << 20);
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
fn servers_that_give_other_bytes_or_too_few_change_nothing_on_the_disk() {
    if !is_root() {
        return;
    }
    let bench = release(5 << 20);
    let disk = Loop::new(64 << 20);
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
fn a_workspace_s_key_must_have_signed_what_comes_from_elsewhere() {
    if !is_root() {
        return;
    }
    let bench = release(1 << 20);
    let disk = Loop::new(64 << 20);
    let before = disk.digest();
    let [ours, other] = [(), ()].map(|()| minisign::KeyPair::generate_unencrypted_keypair().unwrap());
    let sign = |key: &minisign::KeyPair, text: &[u8]| {
        let signature = minisign::sign(Some(&key.pk), &key.sk, Cursor::new(text), None, None).unwrap();
        bench.write("SHA256SUMS.minisig", signature.into_string().as_bytes());
    };
    let sums = fs::read(bench.path("SHA256SUMS")).unwrap();
    let config = |releases: &str| {
        let key = ours.pk.to_base64();
        let text = format!("schema = 1\nreleases = {releases:?}\nrelease_key = {key:?}\n");
        bench.write("imgbuild.toml", text.as_bytes());
    };
    config("https://releases.example");
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

    // The same by its tag.
    config(&server.url(""));
    disk.write(0, &[0; 4096]);
    let args = ["--release", "v1", "--profile", "node", "--device", disk.path(), "--allow-loop", "--yes"];
    bench.run(&[&["flash"][..], &args].concat()).ok();
    bench.assert_on(&disk);
    let missing = ["--release", "v2", "--profile", "node", "--device", disk.path(), "--allow-loop", "--yes"];
    bench.run(&[&["flash"][..], &missing].concat()).fails(5);
}
