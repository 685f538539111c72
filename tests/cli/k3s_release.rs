//! K3s's release: from a mirror, from a directory, locked, and refused where it is not what it must be.

use std::fs;
use std::process::Command;

use crate::archive::{Archive, Online};
use crate::http::{Answer, Request, Server};
use crate::k3s::{self, VERSION};
use crate::place::{Place, Ran};
use crate::shared::{control, demo};

/// A workspace whose profile `node` is small and has K3s, as `table` says.
fn place(archive: &Online, table: &str) -> Place {
    let place = archive.place(&[]);
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", format!("{profile}[k3s]\nversion = \"{VERSION}\"\n{table}\n"));
    place
}

/// A mirror with the stand-in release, each file as `answer` says.
fn mirror(answer: impl Fn(&Request, &[u8]) -> Answer + Send + Sync + 'static) -> Server {
    let files = k3s::files();
    let folder = format!("/k3s/{}/", VERSION.replace('+', "%2B"));
    Server::start(move |request| {
        let file = request.path.strip_prefix(&folder).and_then(|name| files.get(name));
        file.map_or_else(Answer::not_found, |file| answer(request, file))
    })
}

/// A mirror that is honest but for the program.
fn mirror_with(program: impl Fn(&Request, &[u8]) -> Answer + Send + Sync + 'static) -> Server {
    mirror(
        move |request, file| {
            if request.path.ends_with("/k3s") { program(request, file) } else { Answer::honest(request, file) }
        },
    )
}

/// A mirror that has the stand-in under any tag, and K3s's release channels as the real ones answer, `latest` being the
/// newest release of the shipped line.
fn project(latest: &str) -> Server {
    let latest = latest.to_owned();
    let files = k3s::files();
    Server::start(move |request| {
        if request.path == "/v1-release/channels" {
            return Answer::whole(channels(&latest).as_bytes());
        }
        let file = request.path.strip_prefix("/k3s/").and_then(|path| path.split_once('/'));
        let file = file.and_then(|(_, name)| files.get(name));
        file.map_or_else(Answer::not_found, |file| Answer::honest(request, file))
    })
}

/// The document of <https://update.k3s.io/v1-release/channels>, with fewer channels.
fn channels(latest: &str) -> String {
    let channel = |name: &str, latest: &str| {
        format!(
            "{{\"id\":\"{name}\",\"type\":\"channel\",\"links\":{{\"self\":\"https://update.k3s.io/v1-release/channels/{name}\"}},\
             \"name\":\"{name}\",\"latest\":\"{latest}\",\"latestRegexp\":\".*\",\"excludeRegexp\":\"^[^+]+-\"}}"
        )
    };
    let all = [channel("stable", VERSION), channel("v1.36", latest), channel("v1.37", "v1.37.1+k3s1")].join(",");
    format!("{{\"type\":\"collection\",\"actions\":{{}},\"resourceType\":\"channels\",\"data\":[{all}]}}")
}

/// Runs `lock` with that project's servers.
fn lock_with(place: &Place, project: &Server, args: &[&str]) -> Ran {
    let (mirror, channels) = (project.url("/k3s"), project.url("/v1-release/channels"));
    let places = ["lock", "--k3s-mirror", &mirror, "--k3s-channels", &channels];
    place.run_without_k3s(&[&places[..], args].concat())
}

/// The releases of K3s in the lock, each with the profiles that have it.
fn locked(place: &Place) -> Vec<(String, Vec<String>)> {
    let lock: toml::Table = place.read("imgbuild.lock").parse().unwrap();
    let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
    let artifacts = lock["artifact"].as_array().unwrap().iter();
    artifacts
        .map(|one| (text(&one["version"]), one["profiles"].as_array().unwrap().iter().map(text).collect()))
        .collect()
}

/// Locks `node` from a mirror of releases.
fn lock_from(place: &Place, mirror: &Server) -> Ran {
    place.run_without_k3s(&["lock", "--profile", "node", "--k3s-mirror", &mirror.url("/k3s/")])
}

#[test]
fn the_stand_in_runs_and_says_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let program = if cfg!(target_arch = "aarch64") { k3s::program_arm64() } else { k3s::program_amd64() };
    fs::write(dir.path().join("k3s"), program).unwrap();
    let run = "chmod +x k3s && ./k3s";
    let ran = Ran::of(Command::new("sh").args(["-c", run]).current_dir(dir.path()));
    assert_eq!(ran.ok(), "stand-in for K3s, made for tests\n");
}

#[test]
fn a_release_is_locked_from_a_mirror_and_asked_for_once() {
    let archive = Archive::new().online();
    let place = place(&archive, "role = \"server\"\nair_gap = true");
    let mirror = mirror(Answer::honest);
    let text = lock_from(&place, &mirror).ok();
    assert!(text.contains(&format!("+ k3s {VERSION} (node)\n")), "{text}");
    assert!(text.contains(&format!("+ k3s-airgap-images {VERSION} (node)")), "{text}");
    let lock = place.read("imgbuild.lock");
    for line in
        ["[[artifact]]", "path = \"v1.36.5+k3s1/k3s\"", "path = \"v1.36.5+k3s1/k3s-airgap-images-amd64.tar.zst\""]
    {
        assert!(lock.contains(line), "{line} is not in {lock}");
    }
    let asked: Vec<String> = mirror.requests().into_iter().map(|request| request.path).collect();
    let name = |file: &str| format!("/k3s/v1.36.5%2Bk3s1/{file}");
    assert_eq!(asked, [name("sha256sum-amd64.txt"), name("k3s"), name("k3s-airgap-images-amd64.tar.zst")]);

    // What is locked stays, also for another profile.
    let other = place.read("profiles/node.toml");
    place.write("profiles/other.toml", other);
    place.run_without_k3s(&["lock", "--k3s-mirror", "http://127.0.0.1:9/"]).ok();
    assert!(place.read("imgbuild.lock").contains("profiles = [\"node\", \"other\"]"));
    assert_eq!(mirror.requests().len(), 3);
}

#[test]
fn a_release_that_is_not_there_is_told_with_the_ways_out() {
    let archive = Archive::new().online();
    let place = place(&archive, "role = \"agent\"");
    let error = lock_from(&place, &mirror(|_, _| Answer::not_found())).fails(5);
    assert!(error.contains(VERSION) && error.contains("404"), "{error}");
    assert!(error.contains("--k3s-dir DIR") && error.contains("--k3s-mirror URL"), "{error}");
    assert!(!place.path("imgbuild.lock").exists());
    // Nor does `build` make up for it.
    let error = place.run_without_k3s(&["--offline", "build", "--profile", "node"]).fails(5);
    assert!(error.contains(VERSION) && error.contains("--k3s-dir DIR"), "{error}");
    assert!(!place.path("imgbuild.lock").exists() && !place.path("build").exists());
}

#[test]
fn other_bytes_than_the_checksum_files_are_refused() {
    let archive = Archive::new().online();
    let place = place(&archive, "role = \"server\"\nstandalone = true");
    let changed = mirror_with(|request, file| Answer::honest(request, &[file, b"!"].concat()));
    // Not even a standalone profile does without a release that is wrong.
    let error = lock_from(&place, &changed).fails(5);
    assert!(error.contains("SHA-256") && error.contains("damaged"), "{error}");
    assert!(!place.path("imgbuild.lock").exists());
}

#[test]
fn a_file_that_ends_early_is_not_taken() {
    let archive = Archive::new().online();
    let place = place(&archive, "role = \"server\"");
    let cut = mirror_with(|_, file| Answer::whole(file).cut(100));
    let error = lock_from(&place, &cut).fails(5);
    assert!(error.contains("/k3s: ") && error.contains("end of file"), "{error}");
    assert!(!place.path("imgbuild.lock").exists());
    // As a server that has only half of it would give it.
    let half = mirror_with(|request, file| Answer::honest(request, &file[..100]));
    let error = lock_from(&place, &half).fails(5);
    assert!(error.contains("its SHA-256 is"), "{error}");
    assert!(!place.path("imgbuild.lock").exists());
}

#[test]
fn a_program_for_another_machine_is_refused_with_both_named() {
    let archive = Archive::new().online();
    let place = place(&archive, "role = \"server\"");
    let dir = place.path("k3s");
    k3s::release(&dir);
    let (arm, sums) = (k3s::program_arm64(), place.read("k3s/sha256sum-arm64.txt"));
    place.write("k3s/k3s", arm);
    place.write("k3s/sha256sum-amd64.txt", sums.replace("k3s-arm64", "k3s"));
    let error = place.run(&["lock", "--profile", "node", "--k3s-dir", "k3s"]).fails(3);
    assert!(error.contains("arm64") && error.contains("amd64"), "{error}");

    place.write("k3s/k3s", "#!/bin/sh\n");
    let sum = imgbuild::tree::Digest::of(b"#!/bin/sh\n");
    place.write("k3s/sha256sum-amd64.txt", format!("{sum}  k3s\n"));
    let error = place.run(&["lock", "--profile", "node", "--k3s-dir", "k3s"]).fails(3);
    assert!(error.contains("no 64-bit ELF program"), "{error}");
}

#[test]
fn a_directory_must_be_whole_and_agree_with_itself_and_the_lock() {
    let archive = Archive::new().online();
    let place = place(&archive, "role = \"server\"");
    let lock = ["lock", "--profile", "node", "--k3s-dir", "k3s"];
    place.write("k3s/notes.txt", "");
    let error = place.run(&lock).fails(1);
    assert!(error.contains("`k3s` has no file `sha256sum-amd64.txt`"), "{error}");
    k3s::release(&place.path("k3s"));
    place.write("k3s/k3s", "changed");
    let error = place.run(&lock).fails(5);
    assert!(error.contains("k3s/k3s") && error.contains("sha256sum-amd64.txt"), "{error}");

    k3s::release(&place.path("k3s"));
    place.run(&lock).ok();
    let locked = place.read("imgbuild.lock");
    // Another release under the same name.
    let other = [k3s::program_amd64(), b"other".to_vec()].concat();
    place.write("k3s/sha256sum-amd64.txt", format!("{}  k3s\n", imgbuild::tree::Digest::of(&other)));
    place.write("k3s/k3s", other);
    let build = place.run(&["build", "--profile", "node", "--k3s-dir", "k3s"]).fails(3);
    assert!(build.contains("is not the locked file") && build.contains("lock --update k3s"), "{build}");
    assert_eq!(place.read("imgbuild.lock"), locked);
    let changes = place.run(&["lock", "--profile", "node", "--update", "k3s", "--k3s-dir", "k3s"]).ok();
    assert_eq!(changes, format!("  k3s {VERSION} has other content (node)\n"));
}

#[test]
fn a_standalone_profile_is_locked_without_k3s_where_nobody_has_it_until_told_otherwise() {
    let archive = Archive::new().online();
    let place = place(&archive, "role = \"server\"\nstandalone = true");
    let nowhere = mirror(|_, _| Answer::not_found());
    let locked = lock_from(&place, &nowhere);
    assert!(locked.stderr.contains("WITHOUT K3s") && locked.stderr.contains("lock --update k3s"), "{}", locked.stderr);
    locked.ok();
    let lock = place.read("imgbuild.lock");
    assert!(!lock.contains("[[artifact]]"), "{lock}");
    assert_eq!(lock_from(&place, &mirror(Answer::honest)).ok(), "nothing changed\n");

    // A directory that would be left unused is not passed over in silence.
    k3s::release(&place.path("k3s"));
    let error = place.run(&["build", "--profile", "node", "--k3s-dir", "k3s"]).fails(3);
    assert!(error.contains("no K3s") && error.contains("imgbuild lock --profile node --k3s-dir"), "{error}");
    let changes = place.run(&["lock", "--profile", "node", "--k3s-dir", "k3s"]).ok();
    assert_eq!(changes, format!("+ k3s {VERSION} (node)\n"));

    // What is locked is not lost where nobody has it.
    assert_eq!(place.run_without_k3s(&["lock", "--profile", "node", "--update"]).ok(), "nothing changed\n");
    let update = ["lock", "--profile", "node", "--update", "k3s", "--k3s-mirror"];
    place.run_without_k3s(&[&update[..], &[&nowhere.url("/k3s")]].concat()).fails(5);
    assert!(place.read("imgbuild.lock").contains("[[artifact]]"));
}

#[test]
fn a_lock_without_k3s_serves_no_profile_that_joins_a_cluster() {
    let archive = Archive::new().online();
    let place = place(&archive, "role = \"server\"\nstandalone = true");
    lock_from(&place, &mirror(|_, _| Answer::not_found())).ok();
    place.write("profiles/node.toml", place.read("profiles/node.toml").replace("standalone = true\n", ""));
    for verb in [&["build", "--profile", "node"][..], &["build", "--profile", "node", "--k3s-dir", "k3s"]] {
        let error = place.run_without_k3s(verb).fails(3);
        assert!(error.contains("the lock of `node` has no K3s"), "{error}");
        assert!(error.contains("imgbuild lock --profile node") && error.contains("--k3s-dir DIR"), "{error}");
    }
    assert!(place.run_without_k3s(&["lock", "--check"]).fails(3).contains("does not fit node"));
    // Locking again is what mends it, and takes nothing less than K3s.
    lock_from(&place, &mirror(|_, _| Answer::not_found())).fails(5);
    assert_eq!(lock_from(&place, &mirror(Answer::honest)).ok(), format!("+ k3s {VERSION} (node)\n"));
}

#[test]
fn an_update_takes_the_newest_patch_of_the_line_for_every_profile_of_the_same_release() {
    let archive = Archive::new().online();
    let place = place(&archive, "role = \"server\"");
    let node = place.read("profiles/node.toml");
    place.write("profiles/other.toml", &node);
    place.write("profiles/apart.toml", node.replace(VERSION, "v1.36.4+k3s1"));
    let now = project(VERSION);
    lock_with(&place, &now, &[]).ok();
    let apart = ("v1.36.4+k3s1".to_owned(), vec!["apart".to_owned()]);
    let both = || vec!["node".to_owned(), "other".to_owned()];
    assert_eq!(locked(&place), [apart.clone(), (VERSION.to_owned(), both())]);

    // Nothing is newer.
    let text = lock_with(&place, &now, &["--update", "k3s", "--profile", "node"]).ok();
    assert!(text.starts_with("nothing changed\n") && text.contains("v1.36 is mended until 2027-06-28"), "{text}");
    // Something is; the profile that was asked for takes the others of its release along.
    let later = project("v1.36.10+k3s1");
    let text = lock_with(&place, &later, &["--update", "k3s", "--profile", "node"]).ok();
    assert!(text.contains(&format!("  k3s {VERSION} → v1.36.10+k3s1 (node, other)\n")), "{text}");
    assert!(text.contains("K3s v1.36.10+k3s1: Kubernetes v1.36 is mended until 2027-06-28"), "{text}");
    let moved = ("v1.36.10+k3s1".to_owned(), both());
    assert_eq!(locked(&place), [moved.clone(), apart.clone()]);
    assert!(place.read("imgbuild.lock").contains(&format!("k3s = \"{VERSION}\"")));

    // It fits, and stays: also where packages are locked anew, and where the channels lag behind.
    place.run_without_k3s(&["lock", "--check"]).ok();
    lock_with(&place, &now, &["--update"]).ok();
    let text = lock_with(&place, &now, &["--update", "k3s", "--profile", "node"]).ok();
    assert!(text.starts_with("nothing changed\n"), "{text}");
    assert_eq!(locked(&place), [moved, apart.clone()]);

    // A profile that is locked later goes with those that name the same release.
    place.write("profiles/third.toml", &node);
    lock_with(&place, &now, &["--profile", "third"]).ok();
    assert_eq!(locked(&place)[0].1, ["node", "other", "third"]);
    // What a profile names anew is heeded, older or not.
    place.write("profiles/node.toml", node.replace(VERSION, "v1.36.4+k3s1"));
    assert!(place.run_without_k3s(&["lock", "--check"]).fails(3).contains("does not fit node"));
    lock_with(&place, &now, &["--profile", "node"]).ok();
    assert_eq!(locked(&place)[1], (apart.0, vec!["apart".to_owned(), "node".to_owned()]));
}

#[test]
fn an_update_tells_programs_when_the_line_ends() {
    let archive = Archive::new().online();
    let place = place(&archive, "role = \"server\"");
    let project = project("v1.36.7+k3s1");
    lock_with(&place, &project, &[]).ok();
    let json = lock_with(&place, &project, &["--update", "k3s", "--json"]).ok();
    let result = json.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let result = result.filter_map(|line| line.get("result").cloned()).next_back().unwrap();
    let expected = serde_json::json!([{"release": "v1.36.7+k3s1", "line": "v1.36", "end_of_life": "2027-06-28"}]);
    assert_eq!(result["k3s"], expected);
}

#[test]
fn channels_that_are_away_or_none_leave_the_lock_as_it_is() {
    let archive = Archive::new().online();
    let place = place(&archive, "role = \"server\"");
    let project = project(VERSION);
    lock_with(&place, &project, &[]).ok();
    let before = place.read("imgbuild.lock");
    let mirror = project.url("/k3s");
    for (answer, said) in [
        ("<html>moved</html>".to_owned(), "is not a list of K3s's release channels"),
        (channels("v1.37.0+k3s1"), "is not of that line"),
        (channels("v1.36.6-rc1+k3s1"), "is not of that line"),
        (channels("../../etc"), "is not of that line"),
        (channels(VERSION).replace("\"v1.36\"", "\"v1.33\""), "has no channel v1.36"),
    ] {
        let server = Server::start(move |_| Answer::whole(answer.as_bytes()));
        let channels = server.url("/v1-release/channels");
        let update = ["lock", "--update", "k3s", "--k3s-mirror", &mirror, "--k3s-channels", &channels];
        let error = place.run_without_k3s(&update).fails(5);
        assert!(error.contains(said) && error.contains("hint: "), "{error}");
    }
    let away = Server::start(|_| Answer::not_found());
    place.write("imgbuild.toml", format!("schema = 1\nk3s_channels = \"{}\"\n", away.url("/channels")));
    let mut update = place.command(&["lock", "--update", "k3s", "--k3s-mirror", &mirror]);
    let error = Ran::of(update.env_remove("IMGBUILD_K3S_DIR").env_remove("IMGBUILD_K3S_CHANNELS")).fails(5);
    assert!(error.contains("404") && error.contains("--k3s-channels URL") && error.contains("version = "), "{error}");
    assert_eq!(place.read("imgbuild.lock"), before);
    let error = place.run_without_k3s(&["lock", "--k3s-channels", "update.k3s.io"]).fails(1);
    assert!(error.contains("https://update.k3s.io/v1-release/channels"), "{error}");
}

#[test]
fn a_channel_that_answers_elsewhere_is_followed() {
    let archive = Archive::new().online();
    let place = place(&archive, "role = \"server\"");
    let project = project("v1.36.7+k3s1");
    lock_with(&place, &project, &[]).ok();
    let goal = project.url("/v1-release/channels");
    let moved = Server::start(move |_| {
        let mut answer = Answer::status(302, b"");
        answer.headers.push(format!("Location: {goal}"));
        answer
    });
    let (mirror, channels) = (project.url("/k3s"), moved.url("/"));
    let update = ["lock", "--update", "k3s", "--k3s-mirror", &mirror, "--k3s-channels", &channels];
    place.run_without_k3s(&update).ok();
    assert_eq!(locked(&place)[0].0, "v1.36.7+k3s1");
}

#[test]
fn the_mirror_is_an_option_or_a_setting_of_the_workspace() {
    let archive = Archive::new().online();
    let place = place(&archive, "role = \"server\"");
    let mirror = mirror(Answer::honest);
    place.write("imgbuild.toml", format!("schema = 1\nk3s_mirror = \"{}\"\n", mirror.url("/k3s")));
    let error = place.run_without_k3s(&["lock", "--k3s-mirror", "ftp://x/"]).fails(1);
    assert!(error.contains("ftp://x/"), "{error}");
    place.run_without_k3s(&["lock"]).ok();
    assert!(place.read("imgbuild.lock").contains("[[artifact]]"));
}

/// A listing's line of a path, without its origin.
fn line<'a>(listing: &'a str, path: &str) -> &'a str {
    let found = listing.lines().find(|line| line.split('\t').next() == Some(path));
    found.unwrap_or_else(|| panic!("{path} is not in the image"))
}

#[test]
fn an_image_has_k3s_behind_its_gate_and_its_kernels_configuration() {
    let server = demo().read("build/demo/demo.files");
    let agent_only = ["/usr/lib/systemd/system/k3s-agent.service"];
    for path in [
        "/usr/local/bin/kubectl",
        "/usr/local/bin/crictl",
        "/usr/local/bin/ctr",
        "/etc/rancher/k3s/config.yaml",
        "/usr/lib/systemd/system/k3s.service",
        "/usr/lib/systemd/system/multi-user.target.wants/imgbuild-gate.service",
        "/usr/lib/imgbuild/k3s-killall",
        "/usr/lib/tmpfiles.d/imgbuild-k3s.conf",
        "/usr/share/imgbuild/manifests",
    ] {
        line(&server, path);
    }
    let program = imgbuild::tree::Digest::of(&k3s::program_amd64()).to_string();
    assert!(line(&server, "/usr/local/bin/k3s").contains(&program));
    assert!(!server.lines().any(|line| line.split('\t').next() == Some(agent_only[0])));
    assert!(server.lines().any(|line| line.starts_with("/boot/config-")), "the kernel's configuration is missing");

    let control = fs::read_to_string(control().join("control.files")).unwrap();
    let program = imgbuild::tree::Digest::of(&k3s::program_arm64()).to_string();
    assert!(line(&control, "/usr/local/bin/k3s").contains(&program));
    line(&control, "/usr/lib/systemd/system/var-lib-rancher-k3s-server.mount");
}

#[test]
fn demo_is_built_without_k3s_and_says_so() {
    let place = Place::beside(demo());
    place.run_without_k3s(&["--k3s-mirror", "http://127.0.0.1:9", "lock", "--profile", "demo"]).ok();
    assert!(!place.read("imgbuild.lock").contains("[[artifact]]"));
    let built = place.run_without_k3s(&["--quiet", "--offline", "build", "--profile", "demo"]);
    assert!(built.stderr.contains("WITHOUT K3s"), "{}", built.stderr);
    built.ok();
    let listing = place.read("build/demo/demo.files");
    assert!(!listing.contains("/k3s.service\t") && !listing.contains("/usr/local/bin/k3s"), "{listing}");
}
