//! Container images from registries that are honest, busy, damaged and lying, and from a real one.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use imgbuild::fetch::registry::{FoundImage, RegistryError};
use imgbuild::fetch::{Fetcher, Patience};
use imgbuild::lock::LockedImage;
use imgbuild::output::Silent;
use imgbuild::profile::{Arch, PinnedImage};
use imgbuild::tree::Digest;
use tempfile::TempDir;

use crate::http::{Answer, Request, Server};
use crate::images::Multi;

const NAME: &str = "team/app";

fn fetcher(cache: &TempDir) -> Fetcher {
    let patience =
        Patience { connect: Duration::from_secs(5), stall: Duration::from_secs(5), pause: Duration::from_millis(1) };
    Fetcher::with_patience(cache.path(), Some(patience))
}

/// A server that has `image`, each part as `answer` says.
fn server(image: Multi, answer: impl Fn(&Request, &[u8]) -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |request| {
        image.part(NAME, &request.path).map_or_else(Answer::not_found, |part| answer(request, part))
    })
}

/// What an image is called at a server.
fn pinned(server: &Server, digest: &Digest) -> PinnedImage {
    let host = server.url("").replace("http://", "");
    PinnedImage::parse(&format!("{host}/{NAME}:1.0@sha256:{digest}")).unwrap()
}

fn find(image: &PinnedImage, arch: Arch) -> Result<FoundImage, RegistryError> {
    fetcher(&tempfile::tempdir().unwrap()).image(image, arch)
}

/// The whole story of why an image was not found, and its cure.
fn told(error: &RegistryError) -> String {
    let hint = error.hint();
    assert!(!hint.is_empty());
    match error {
        RegistryError::Unavailable { source, .. } => format!("{error}: {source}\n{hint}"),
        RegistryError::Wrong { .. } => format!("{error}\n{hint}"),
    }
}

fn refused(image: Multi, answer: impl Fn(&Request, &[u8]) -> Answer + Send + Sync + 'static) -> String {
    let digest = image.index;
    let server = server(image, answer);
    told(&find(&pinned(&server, &digest), Arch::Amd64).unwrap_err())
}

#[test]
fn each_board_gets_its_own_manifest_of_an_index() {
    let image = Multi::new("a");
    let (index, manifests, layers) = (image.index, image.manifests.clone(), image.layers.clone());
    let server = server(image, Answer::honest);
    for (arch, name) in [(Arch::Amd64, "amd64"), (Arch::Arm64, "arm64")] {
        let found = find(&pinned(&server, &index), arch).unwrap();
        let documents: Vec<Digest> = found.documents.iter().map(|document| document.sha256).collect();
        assert_eq!(documents, [index, manifests[name]]);
        let told: Vec<(Digest, u64)> = found.blobs[1..].iter().map(|layer| (layer.sha256, layer.size)).collect();
        let real: Vec<(Digest, u64)> =
            layers[name].iter().map(|layer| (Digest::of(layer), layer.len() as u64)).collect();
        assert_eq!(told, real);
    }
    // No layer is fetched for that.
    assert!(server.requests().iter().all(|request| {
        layers.values().flatten().all(|layer| !request.path.contains(&Digest::of(layer).to_string()))
    }));
}

#[test]
fn a_manifest_alone_is_taken_if_it_is_for_the_board() {
    let image = Multi::new("a");
    let manifest = image.manifests["arm64"];
    let server = server(image, Answer::honest);
    assert_eq!(find(&pinned(&server, &manifest), Arch::Arm64).unwrap().documents.len(), 1);
    let error = told(&find(&pinned(&server, &manifest), Arch::Amd64).unwrap_err());
    assert!(error.contains("it is for linux/arm64, and the board needs linux/amd64"), "{error}");
}

#[test]
fn an_index_without_the_platform_says_which_it_has() {
    let image = Multi::new("a").with_index(|index| {
        index["manifests"].as_array_mut().unwrap().remove(0);
    });
    let error = refused(image, Answer::honest);
    assert!(error.contains("no manifest for linux/amd64; it has linux/arm64/v8"), "{error}");
    assert!(error.contains("preload"), "{error}");
}

#[test]
fn other_bytes_than_a_digest_stands_for_are_refused_and_not_kept() {
    for kind in ["/manifests/", "/blobs/"] {
        let error = refused(Multi::new("a"), move |request, part| {
            let tampered = request.path.contains(kind);
            Answer::honest(request, &if tampered { [&part[..part.len() - 1], b" "].concat() } else { part.to_vec() })
        });
        assert!(error.contains("its SHA-256 is") && error.contains("other bytes than the digest"), "{error}");
    }
}

#[test]
fn a_size_that_is_not_that_of_the_part_is_refused() {
    for (told, fault) in [(-1_i64, "larger than"), (1, "the document that names it says")] {
        let image = Multi::new("a").with_index(|index| {
            let size = index["manifests"][0]["size"].as_i64().unwrap();
            index["manifests"][0]["size"] = (size + told).into();
        });
        let error = refused(image, Answer::honest);
        assert!(error.contains(fault), "{error}");
    }
    let image = Multi::new("a").with_index(|index| index["manifests"][0]["size"] = u64::MAX.into());
    let error = refused(image, Answer::honest);
    assert!(error.contains("at most 4194304 are taken"), "{error}");
}

#[test]
fn what_is_no_image_is_told_from_one() {
    type Change = fn(&mut serde_json::Value);
    let changes: [(Change, &str); 5] = [
        (|index| index["schemaVersion"] = 1.into(), "Docker's first form"),
        (|index| index["mediaType"] = "application/vnd.cncf.helm.config.v1+json".into(), "is no kind of an image"),
        (|index| index["manifests"] = "none".into(), "no index and no manifest"),
        (|index| index["manifests"][0]["digest"] = "sha512:00".into(), "no digest by SHA-256"),
        (|index| drop(index.as_object_mut().unwrap().remove("manifests")), "neither an index nor a manifest"),
    ];
    for (change, fault) in changes {
        let error = refused(Multi::new("a").with_index(change), Answer::honest);
        assert!(error.contains(fault), "{error}");
    }
}

#[test]
fn a_busy_registry_is_asked_again_when_it_says() {
    let image = Multi::new("a");
    let digest = image.index;
    let server = server(image, |request, part| {
        if request.earlier > 0 {
            return Answer::honest(request, part);
        }
        let mut busy = Answer::status(429, b"slow down");
        busy.headers.push("Retry-After: 0".to_owned());
        busy
    });
    assert!(find(&pinned(&server, &digest), Arch::Amd64).is_ok());
    assert_eq!(server.requests().len(), 6, "each of three parts twice");
}

#[test]
fn a_registry_that_is_busy_for_hours_is_not_waited_for() {
    let asked = Instant::now();
    let error = refused(Multi::new("a"), |_, _| {
        let mut busy = Answer::status(429, b"slow down");
        busy.headers.push("Retry-After: 21600".to_owned());
        busy
    });
    assert!(error.contains("HTTP status 429; it asks to come again in 21600 s"), "{error}");
    assert!(error.contains("so much an hour"), "{error}");
    assert!(asked.elapsed() < Duration::from_secs(60));
}

/// A registry that gives nothing without a token of those that `realm` gives.
fn guarded(image: Multi, realm: &str) -> Server {
    let challenge =
        format!("WWW-Authenticate: Bearer realm=\"{realm}\",service=\"tests\",scope=\"repository:team/app:pull\"");
    Server::start(move |request| {
        // The first token is no longer good when it comes to blobs.
        let needed = if request.path.contains("/manifests/") { "Bearer number-0" } else { "Bearer number-1" };
        if request.authorization.as_deref() != Some(needed) {
            let mut denied = Answer::status(401, b"{}");
            denied.headers.push(challenge.clone());
            return denied;
        }
        image.part(NAME, &request.path).map_or_else(Answer::not_found, |part| Answer::honest(request, part))
    })
}

#[test]
fn a_token_is_fetched_and_fetched_anew_when_it_is_no_longer_good() {
    let image = Multi::new("a");
    let digest = image.index;
    // Who gives tokens is another host than the registry, as with Docker Hub.
    let tokens = Server::start(|request| {
        assert_eq!(request.path, "/token?service=tests&scope=repository%3Ateam%2Fapp%3Apull");
        assert_eq!(request.authorization, None);
        Answer::whole(format!("{{\"token\":\"number-{}\",\"expires_in\":60}}", request.earlier).as_bytes())
    });
    let server = guarded(image, &tokens.url("/token"));
    assert!(find(&pinned(&server, &digest), Arch::Amd64).is_ok());
    assert_eq!(tokens.requests().len(), 2);
}

#[test]
fn a_token_stays_with_the_registry_that_wants_it() {
    let image = Multi::new("a");
    let digest = image.index;
    let store = {
        let image = Multi::new("a");
        server(image, Answer::honest)
    };
    let to = store.url("");
    let tokens = Server::start(|_| Answer::whole(b"{\"token\":\"secret\"}"));
    let realm = tokens.url("/token");
    let registry = Server::start(move |request| {
        if request.authorization.as_deref() != Some("Bearer secret") {
            let mut denied = Answer::status(401, b"");
            denied.headers.push(format!("WWW-Authenticate: Bearer realm=\"{realm}\""));
            return denied;
        }
        match image.part(NAME, &request.path) {
            Some(_) if request.path.contains("/blobs/") => {
                let mut elsewhere = Answer::status(307, b"");
                elsewhere.headers.push(format!("Location: {to}{}", request.path));
                elsewhere
            }
            Some(part) => Answer::honest(request, part),
            None => Answer::not_found(),
        }
    });
    assert!(find(&pinned(&registry, &digest), Arch::Arm64).is_ok());
    let led: Vec<Request> = store.requests();
    assert_eq!(led.len(), 1, "the configuration");
    assert!(led.iter().all(|request| request.authorization.is_none()), "{led:?}");
}

#[test]
fn a_registry_that_wants_a_login_is_told_from_one_that_is_away() {
    let error = refused(Multi::new("a"), |_, _| {
        let mut denied = Answer::status(401, b"");
        denied.headers.push("WWW-Authenticate: Basic realm=\"mine\"".to_owned());
        denied
    });
    assert!(error.contains("401") && error.contains("without a login"), "{error}");
    let error = refused(Multi::new("a"), |_, _| Answer::not_found());
    assert!(error.contains("404") && error.contains("imgbuild images --digests"), "{error}");
}

/// Debian's docker-registry, which is the reference implementation of the protocol.
struct Real {
    process: Child,
    host: String,
}

impl Real {
    fn start(dir: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host = format!("127.0.0.1:{port}");
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '{host}'}}\n",
            dir.display()
        );
        let file = dir.join("config.yml");
        std::fs::write(&file, config).unwrap();
        let process = Command::new("docker-registry")
            .args(["serve", file.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry is installed");
        let real = Self { process, host };
        let started = Instant::now();
        while real.curl(&["http://HOST/v2/"]).is_none() {
            assert!(started.elapsed() < Duration::from_secs(30), "the registry does not start");
            std::thread::yield_now();
        }
        real
    }

    /// What curl prints; `HOST` in an argument is the registry.
    fn curl(&self, args: &[&str]) -> Option<String> {
        let args = args.iter().map(|arg| arg.replace("HOST", &self.host));
        let output = Command::new("curl").args(["-sf", "--noproxy", "*"]).args(args).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Pushes an image, blobs first, the index last.
    fn push(&self, image: &Multi, dir: &Path) {
        let order = |path: &&String| (path.starts_with("manifests/"), path.ends_with(&image.index.to_string()));
        let mut paths: Vec<&String> = image.parts.keys().collect();
        paths.sort_by_key(order);
        for path in paths {
            let (media_type, bytes) = &image.parts[path];
            let file = dir.join("part");
            std::fs::write(&file, bytes).unwrap();
            let data = format!("@{}", file.display());
            let digest = path.rsplit('/').next().unwrap();
            let to = if path.starts_with("blobs/") {
                let head = ["-X", "POST", "-D", "-", "-o", "/dev/null", "http://HOST/v2/team/app/blobs/uploads/"];
                let head = self.curl(&head).unwrap();
                let location = head.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap().trim().to_owned();
                format!("{location}{}digest={digest}", if location.contains('?') { '&' } else { '?' })
            } else {
                format!("http://HOST/v2/team/app/{path}")
            };
            let kind = if path.starts_with("blobs/") { "application/octet-stream" } else { media_type };
            let pushed = self.curl(&["-X", "PUT", "-H", &format!("Content-Type: {kind}"), "--data-binary", &data, &to]);
            assert!(pushed.is_some(), "{path} is not taken");
        }
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_real_registry_gives_an_image_for_both_processors_to_its_last_layer() {
    let (dir, store, cache) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let real = Real::start(store.path());
    // A real registry wants all that an index names.
    let image = Multi::new("real").with_index(|index| {
        index["manifests"].as_array_mut().unwrap().truncate(2);
    });
    real.push(&image, dir.path());
    let name = format!("{}/{NAME}:1.0@sha256:{}", real.host, image.index);
    let pinned = PinnedImage::parse(&name).unwrap();
    let fetcher = fetcher(&cache);
    for (arch, name) in [(Arch::Amd64, "amd64"), (Arch::Arm64, "arm64")] {
        let locked = LockedImage::new(&pinned, arch, fetcher.image(&pinned, arch).unwrap());
        let paths = fetcher.fetch_all(&locked.downloads(), &Silent).unwrap();
        let layers: Vec<Vec<u8>> = paths[3..].iter().map(|path| std::fs::read(path).unwrap()).collect();
        assert_eq!(layers, image.layers[name]);
    }
    // What nobody pushed.
    let other = format!("{}/{NAME}:1.0@sha256:{}", real.host, Digest::of(b"other"));
    let error = told(&fetcher.image(&PinnedImage::parse(&other).unwrap(), Arch::Amd64).unwrap_err());
    assert!(error.contains("404"), "{error}");
}
