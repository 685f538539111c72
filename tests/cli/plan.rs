//! `imgbuild build --plan`: what would be fetched and made, and why; and that nothing is.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use imgbuild::output::bytes;
use serde_json::{Value, json};

use crate::archive::{Archive, Online, pool};
use crate::k3s::VERSION;
use crate::place::{Place, files};
use crate::tiny;

/// A locked workspace whose profile has an overlay with a file, and nothing in its cache.
fn locked(online: &Online) -> Place {
    let place = tiny::place(online, &["parcel"])
        .file("overlays/mine/overlay.toml", "schema = 1\ndescription = \"mine\"\n")
        .file("overlays/mine/files/etc/mine.conf", "one\n");
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", profile.replace("schema = 1\n", "schema = 1\noverlays = [\"mine\"]\n"));
    place.run(&["lock", "--profile", "node"]).ok();
    fs::remove_dir_all(place.cache()).unwrap();
    place
}

fn plan(place: &Place) -> Value {
    place.run(&["--json", "build", "--profile", "node", "--plan"]).result()
}

/// The items of a step, by name and state.
fn states(plan: &Value, step: &str) -> Vec<(String, String)> {
    let steps = plan["steps"].as_array().unwrap();
    let step = steps.iter().find(|found| found["step"] == step).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    step["items"].as_array().unwrap().iter().map(|item| (text(&item["name"]), text(&item["state"]))).collect()
}

#[test]
fn with_a_cold_cache_it_tells_what_the_build_then_fetches_and_from_where() {
    let online = tiny::archive(0).online();
    let place = locked(&online);
    let (before, asked) = (place.files(), online.paths().len());
    let plan = plan(&place);
    assert_eq!(plan["up_to_date"], false);
    assert_eq!(plan["image"], place.path("build/node/node.img").to_str().unwrap());
    let steps = plan["steps"].as_array().unwrap();
    let order: Vec<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(order, ["packages", "artifacts", "tree", "image"]);
    let packages = steps[0]["items"].as_array().unwrap();
    assert!(packages.iter().all(|package| package["state"] == "absent"), "{packages:?}");
    let size: u64 = packages.iter().map(|package| package["size"].as_u64().unwrap()).sum();
    assert_eq!(plan["download"], size);
    let why = plan["why"].as_array().unwrap();
    assert!(why.len() == 1 && why[0].as_str().unwrap().starts_with("no build into "), "{why:?}");

    // The sizes follow from what a machine must have.
    let mut told = place.transcript(&["build", "node", "--plan"]).replace(&format!("({})", bytes(size)), "(SIZE)");
    for package in packages {
        told = told.replace(&format!(", {} ", bytes(package["size"].as_u64().unwrap())), ", SIZE ");
    }
    insta::assert_snapshot!(told);

    assert_eq!(online.paths().len(), asked, "something was asked for");
    assert_eq!(place.files(), before, "something was written");
    assert!(!place.cache().exists(), "something was put into the cache");
    place.run(&["build", "--profile", "node"]).ok();
    let mut fetched = online.paths().split_off(asked);
    let mut planned: Vec<String> =
        packages.iter().map(|package| package["from"][0].as_str().unwrap().replace(&online.url(), "/debian")).collect();
    fetched.sort();
    planned.sort();
    assert_eq!(fetched, planned);
    assert!(fetched.contains(&pool("parcel")));
}

#[test]
fn with_a_warm_cache_nothing_is_to_be_fetched_and_a_download_without_its_pack_is_told() {
    let online = tiny::archive(0).online();
    let place = locked(&online);
    place.run(&["build", "--profile", "node"]).ok();
    let elsewhere = place.run(&["--json", "build", "--profile", "node", "--output", "other", "--plan"]).result();
    assert_eq!((&elsewhere["up_to_date"], &elsewhere["download"]), (&json!(false), &json!(0)));
    assert!(states(&elsewhere, "packages").iter().all(|(_, state)| state == "unpacked"));

    fs::remove_dir_all(place.path("build")).unwrap();
    fs::remove_dir_all(place.cache().join("packs")).unwrap();
    let gone = plan(&place);
    assert!(states(&gone, "packages").iter().all(|(_, state)| state == "downloaded"));
    assert_eq!(gone["why"][0], "the output `SHA256SUMS` is missing");
}

#[test]
fn a_file_of_the_cache_that_everybody_may_write_to_counts_as_absent() {
    let online = tiny::archive(0).online();
    let place = locked(&online);
    place.run(&["build", "--profile", "node"]).ok();
    // Others may enter, so that the modes inside matter.
    fs::set_permissions(place.cache(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(plan(&place)["up_to_date"], true);
    let open = |dir: &str, is_meant: fn(&str) -> bool| {
        let dir = place.cache().join(dir);
        for file in files(&dir).iter().filter(|file| is_meant(file)) {
            fs::set_permissions(dir.join(file), fs::Permissions::from_mode(0o666)).unwrap();
        }
    };
    open("derived", |_| true);
    let why = plan(&place)["why"].clone();
    assert!(why[0].as_str().unwrap().starts_with("no build into "), "{why}");
    open("packs", |file| !file.contains(".idx"));
    assert!(states(&plan(&place), "packages").iter().all(|(_, state)| state == "downloaded"));
    // All of it is made anew, and nobody else may write to that.
    assert!(place.run(&["build", "--profile", "node"]).ok().contains("is built"));
    assert_eq!(plan(&place)["up_to_date"], true);
}

#[test]
fn what_is_up_to_date_has_no_steps() {
    let online = tiny::archive(0).online();
    let place = locked(&online);
    place.run(&["build", "--profile", "node"]).ok();
    let plan = plan(&place);
    assert_eq!((&plan["up_to_date"], &plan["steps"], &plan["why"]), (&json!(true), &json!([]), &json!([])));
    let text = place.run(&["build", "node", "--plan"]).ok();
    assert!(text.ends_with("build/node/node.img is up to date: nothing would be done\n"), "{text}");
}

#[test]
fn the_reasons_name_the_file_the_key_and_the_output_that_changed() {
    let online = tiny::archive(0).online();
    let place = locked(&online);
    place.run(&["build", "--profile", "node"]).ok();
    let why = || plan(&place)["why"].clone();

    place.write("overlays/mine/files/etc/mine.conf", "two\n");
    assert_eq!(why(), json!(["file `/etc/mine.conf` of overlay:mine changed"]));
    place.write("overlays/mine/files/etc/mine.conf", "one\n");
    assert_eq!(why(), json!([]));
    place.write("overlays/mine/files/etc/more.conf", "more\n");
    assert_eq!(why(), json!(["file `/etc/more.conf` of overlay:mine is new"]));
    fs::remove_file(place.path("overlays/mine/files/etc/more.conf")).unwrap();

    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", format!("hostname = \"other\"\n{profile}"));
    assert_eq!(why(), json!(["`hostname` of the profile changed"]));
    place.write("profiles/node.toml", profile);

    place.write("ledger.toml", "# nothing reviewed\n");
    assert_eq!(why(), json!(["ledger.toml is new"]));
    fs::remove_file(place.path("ledger.toml")).unwrap();

    let image = fs::OpenOptions::new().append(true).open(place.path("build/node/node.img")).unwrap();
    (&image).write_all(b"\n").unwrap();
    assert_eq!(why(), json!(["the output `node.img` was changed since it was written"]));
    // The reason is true: the next build makes it anew, and then there is none.
    assert!(place.run(&["build", "--profile", "node"]).ok().contains("is built"));
    assert_eq!(why(), json!([]));
}

#[test]
fn secrets_in_the_environment_are_a_reason_by_themselves() {
    let online = tiny::archive(0).online();
    let place = locked(&online);
    place.run(&["build", "--profile", "node"]).ok();
    let mut command = place.command(&["--json", "build", "--profile", "node", "--plan"]);
    let plan =
        crate::place::Ran::of(command.env("IMGBUILD_SECRET_SERVER_TOKEN", "a-token-of-the-environment")).result();
    assert!(plan["why"][0].as_str().unwrap().starts_with("secrets come from the environment"), "{plan}");
}

#[test]
fn a_profile_that_is_not_locked_is_not_locked_by_asking() {
    let online = tiny::archive(0).online();
    let place = tiny::place(&online, &[]);
    let plan = plan(&place);
    assert_eq!(plan["steps"][0]["step"], "lock");
    assert_eq!(plan["why"], json!(["profile `node` is not in imgbuild.lock"]));
    assert!(place.run(&["build", "node", "--plan"]).ok().contains("`imgbuild lock --profile node`"));
    assert!(!place.path("imgbuild.lock").exists() && online.paths().is_empty());

    // A lock that does not fit is refused as by a build.
    place.run(&["lock", "--profile", "node"]).ok();
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", profile.replace("\"machine\"", "\"machine\", \"parcel\""));
    let error = place.run(&["build", "node", "--plan"]).fails(3);
    assert!(error.contains("`imgbuild lock --profile node`"), "{error}");
}

#[test]
fn k3s_comes_from_the_mirror_or_from_the_directory_that_is_named() {
    let online = Archive::new().online();
    let place = online.place(&[]);
    let profile = place.read("profiles/node.toml");
    let k3s = format!("[k3s]\nversion = \"{VERSION}\"\nrole = \"server\"\n");
    place.write("profiles/node.toml", format!("{profile}{k3s}"));
    crate::k3s::release(&place.path("k3s"));
    let plan =
        |args: &[&str]| place.run_without_k3s(&[&["--json", "build", "--profile", "node", "--plan"], args].concat());
    place.run_without_k3s(&["lock", "--profile", "node", "--k3s-dir", "k3s"]).ok();
    let warm = plan(&[]).result();
    assert_eq!(states(&warm, "artifacts"), [("k3s".to_owned(), "downloaded".to_owned())]);
    fs::remove_dir_all(place.cache()).unwrap();

    let mirror = plan(&["--k3s-mirror", "http://127.0.0.1:9/k3s/"]).result();
    assert_eq!(states(&mirror, "artifacts"), [("k3s".to_owned(), "absent".to_owned())]);
    assert_eq!(mirror["steps"][1]["items"][0]["from"], json!(["http://127.0.0.1:9/k3s/v1.36.5%2Bk3s1/k3s"]));
    let dir = plan(&["--k3s-dir", "k3s"]).result();
    assert_eq!(dir["steps"][1]["items"][0]["from"], json!(["k3s/k3s"]));
    assert!(!place.cache().exists(), "the directory's files were taken");

    // What a build refuses before all else.
    let both = |args: &[&str], code: i32| {
        let build = [&["build", "--profile", "node"][..], args].concat();
        let planned = place.run_without_k3s(&[&build[..], &["--plan"]].concat()).fails(code);
        assert_eq!(planned, place.run_without_k3s(&build).fails(code));
    };
    both(&["--k3s-dir", "nowhere"], 1);
    fs::write(place.path("k3s/k3s"), "another").unwrap();
    both(&["--k3s-dir", "k3s"], 5);
    let lock = place.read("imgbuild.lock");
    fs::remove_file(place.path("imgbuild.lock")).unwrap();
    both(&["--k3s-dir", "k3s"], 5);
    both(&["--offline"], 5);
    // All packages are there, but not K3s.
    place.write("imgbuild.lock", &lock);
    place.run_without_k3s(&["why", "--profile", "node", "base-passwd"]).ok();
    let _ = fs::remove_dir_all(place.cache().join("downloads"));
    both(&["--offline"], 5);
}

/// Runs `build` with `args`, then the same with `--plan`: the two must fail in the same words, without a file being written.
fn fail_alike(place: &Place, args: &[&str], code: i32) -> String {
    let before = place.files();
    let build = [&["build", "--profile", "node"][..], args].concat();
    let planned = place.run(&[&build[..], &["--plan"]].concat()).fails(code);
    assert_eq!(place.files(), before);
    assert_eq!(planned, place.run(&build).fails(code), "{args:?}");
    planned
}

#[test]
fn what_a_build_refuses_before_it_fetches_anything_the_plan_refuses_too() {
    let online = tiny::archive(0).online();
    let place = locked(&online);
    let error = fail_alike(&place, &["--offline"], 5);
    assert!(error.contains("offline, and not in the cache: base-passwd"), "{error}");
    let lock = place.read("imgbuild.lock");
    fs::remove_file(place.path("imgbuild.lock")).unwrap();
    let error = fail_alike(&place, &["--offline"], 5);
    assert!(error.contains("Release file of source `tiny`"), "{error}");
    place.write("imgbuild.lock", lock);

    place.run(&["secrets", "init"]).ok();
    let secrets = place.path("secrets.toml");
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(fail_alike(&place, &[], 1).contains("(mode 0644)"));
    place.write("secrets.toml", "garbage");
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(fail_alike(&place, &[], 1).contains("line 1"));
    fs::remove_file(&secrets).unwrap();

    place.write("ledger.toml", "garbage");
    assert!(fail_alike(&place, &[], 1).contains("ledger"));
    fs::remove_file(place.path("ledger.toml")).unwrap();
    place.run(&["build", "node", "--plan"]).ok();
}

#[test]
fn a_node_s_image_is_made_anew_each_time_and_its_plan_does_not_enter_the_lock() {
    let online = tiny::archive(0).online();
    let place = crate::node_image::place(&online);
    place.run(&["lock", "--profile", "node"]).ok();
    let lock = place.read("imgbuild.lock");
    let plan = place.run(&["--json", "build", "--node", "control", "--plan"]).result();
    assert_eq!((&plan["node"], &plan["up_to_date"], &plan["download"]), (&json!("control"), &json!(false), &json!(0)));
    assert!(plan["why"][0].as_str().unwrap().starts_with("a node's image is made anew each time"), "{plan}");
    assert!(plan["steps"][3]["does"].as_str().unwrap().contains("the seed of node `control`"), "{plan}");
    assert_eq!(place.read("imgbuild.lock"), lock);
    assert!(!place.path("build").exists());
}
