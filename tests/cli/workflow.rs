//! The CI workflow that makes a release: its own steps, run here one after the other, with stand-ins for what is GitHub's.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::http::{Answer, Server};
use crate::minisign::{Pair, keys};
use crate::place::{Place, files, forget_settings};
use crate::sticks::Sticks;
use crate::support;
use crate::tiny;

/// Notes what it is told and takes files for a release, those that are there already only if they may go; `view` finds no
/// release the first time, `create` makes it.
const GH: &str = r#"#!/bin/sh -e
echo "$@" >> "$RELEASES/log"
release=$RELEASES/$3
case "$1 $2" in
"release view") test -d "$release" ;;
"release create") mkdir "$release" ;;
"release upload")
    shift 3
    keep=yes
    for file; do case $file in
    --clobber) keep= ;;
    release/*) test ! "$keep" -o ! -e "$release/${file#release/}"; cp "$file" "$release/" ;;
    esac; done ;;
*) exit 2 ;;
esac
"#;

const SUDO: &str = "#!/bin/sh\ntest \"$1 $2\" = 'apt-get install'\n";
const CARGO: &str = "#!/bin/sh -e\nmkdir -p target/release\ncp \"$(dirname \"$0\")/imgbuild\" target/release/\n";
/// Makes another image whenever it is told another cache.
const FICKLE: &str = "#!/bin/sh -e\n\"$IMGBUILD\" \"$@\"\n\
    case \"$*\" in *--cache-dir*) echo other >> ../other-release/SHA256SUMS ;; esac\n";

/// The workflow, and the machine that it runs on.
struct Runner {
    workflow: Value,
    dir: tempfile::TempDir,
}

impl Runner {
    fn new() -> Self {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/workflows/images.yml"));
        let workflow = serde_saphyr::from_str(&text.unwrap()).unwrap();
        let runner = Self { workflow, dir: tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap() };
        let tools = runner.path("tools");
        fs::create_dir_all(runner.path("releases")).unwrap();
        fs::create_dir(&tools).unwrap();
        // What sudo would install is there already, and compiled is the program that is tested.
        for (name, script) in [("gh", GH), ("sudo", SUDO), ("cargo", CARGO)] {
            runner.tool(name, script);
        }
        fs::copy(env!("CARGO_BIN_EXE_imgbuild"), tools.join("imgbuild")).unwrap();
        runner
    }

    fn tool(&self, name: &str, script: &str) {
        let tool = self.path("tools").join(name);
        fs::write(&tool, script).unwrap();
        fs::set_permissions(tool, Permissions::from_mode(0o755)).unwrap();
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn job(&self, job: &str) -> &Value {
        &self.workflow["jobs"][job]
    }

    fn profiles(&self) -> Vec<&str> {
        let profiles = self.job("image")["strategy"]["matrix"]["profile"].as_array().unwrap();
        profiles.iter().map(|profile| profile.as_str().unwrap()).collect()
    }

    /// Runs the commands of a job in `dir` as GitHub does, `values` in the place of expressions; gives how the last that
    /// was run ended.
    fn run(&self, job: &str, dir: &Path, values: &[(&str, &str)]) -> Output {
        let fill = |text: &str| {
            let filled = values
                .iter()
                .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{{ {name} }}}}"), value));
            assert!(!filled.contains("${{"), "an expression that is not known here: {filled}");
            filled
        };
        let path = format!("{}:{}", self.path("tools").display(), std::env::var("PATH").unwrap());
        let mut last = None;
        for step in self.job(job)["steps"].as_array().unwrap() {
            let Some(script) = step["run"].as_str() else { continue };
            let mut command = Command::new("bash");
            command.args(["-e", "-c", &fill(script)]).current_dir(dir).env("PATH", &path);
            command.env("XDG_CACHE_HOME", self.path("cache")).env("RELEASES", self.path("releases"));
            command.env("GITHUB_REPOSITORY", "you/cluster").env("IMGBUILD", env!("CARGO_BIN_EXE_imgbuild"));
            forget_settings(&mut command);
            // What is a variable to a step here, is one of the runner to all steps.
            command.envs(values.iter().filter(|(name, _)| name.starts_with("GITHUB_")).copied());
            for (name, value) in step["env"].as_object().into_iter().flatten() {
                command.env(name, fill(value.as_str().unwrap()));
            }
            let output = command.output().unwrap();
            let ended = output.status.success();
            last = Some(output);
            if !ended {
                break;
            }
        }
        last.unwrap()
    }

    /// Runs a job that must succeed.
    fn ok(&self, job: &str, dir: &Path, values: &[(&str, &str)]) {
        let output = self.run(job, dir, values);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Compiles the program, and puts it into a checkout as it comes out of an artifact: as a file that may not be run.
    fn compile(&self, checkout: &Path) {
        let dir = self.path("compiled");
        if !dir.exists() {
            fs::create_dir(&dir).unwrap();
            self.ok("compile", &dir, &[]);
        }
        let program = checkout.join("target/release/imgbuild");
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::copy(dir.join("target/release/imgbuild"), &program).unwrap();
        fs::set_permissions(program, Permissions::from_mode(0o644)).unwrap();
    }

    /// Builds all profiles' sets from the repository, each on a runner of its own.
    fn sets(&self, repository: &Path) {
        for profile in self.profiles() {
            let dir = self.path(&format!("{profile}/checkout"));
            support::ok(self.dir.path(), "git", &["clone", "-q", repository.to_str().unwrap(), dir.to_str().unwrap()]);
            self.compile(&dir);
            self.ok("image", &dir, &[("matrix.profile", profile)]);
            let set = self.path("sets").join(format!("set-{profile}"));
            fs::create_dir_all(&set).unwrap();
            for file in files(&dir.join("release")) {
                fs::copy(dir.join("release").join(&file), set.join(&file)).unwrap();
            }
        }
    }

    /// Makes a release of the sets.
    fn release(&self, tag: &str, key: &str, password: &str) -> Output {
        let dir = self.path(&format!("release-{tag}"));
        fs::create_dir(&dir).unwrap();
        support::ok(&dir, "cp", &["-r", "../sets", "."]);
        let secrets = [("secrets.MINISIGN_KEY", key), ("secrets.MINISIGN_PASSWORD", password)];
        let rest = [("github.token", "token"), ("GITHUB_REF_NAME", tag)];
        self.run("release", &dir, &[secrets, rest].concat())
    }
}

/// A repository with small profiles under the names that the workflow builds, and their lock.
fn repository(runner: &Runner, online: &crate::archive::Online) -> Place {
    let place = tiny::place(online, &["freight"]);
    for profile in runner.profiles() {
        place.write(&format!("profiles/{profile}.toml"), place.read("profiles/node.toml"));
        place.run(&["lock", "--profile", profile]).ok();
    }
    fs::remove_file(place.path("profiles/node.toml")).unwrap();
    let dir = place.path("");
    support::ok(&dir, "git", &["init", "-q"]);
    support::ok(&dir, "git", &["add", "."]);
    let who = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
    support::ok(&dir, "git", &[&who[..], &["commit", "-q", "-m", "a workspace"]].concat());
    place
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_tag_becomes_a_release_that_flash_takes() {
    let runner = Runner::new();
    let online = tiny::archive(1 << 20).online();
    let repository = repository(&runner, &online);
    runner.sets(&repository.path(""));

    for (tag, password) in [("v1", "pass"), ("v2", "")] {
        let Pair { secret, public } = keys(runner.dir.path(), "key", password);
        let output = runner.release(tag, &secret, password);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let release = runner.path("releases").join(tag);
        support::ok(&release, "sha256sum", &["--check", "--strict", "SHA256SUMS"]);
        let sums = fs::read_to_string(release.join("SHA256SUMS")).unwrap();
        assert_eq!(sums.lines().count(), 4 * runner.profiles().len());
        let said = support::ok(&release, "minisign", &["-V", "-Q", "-P", &public, "-m", "SHA256SUMS"]);
        assert_eq!(said.trim(), format!("imgbuild {tag}"));
        let left = files(&runner.path(&format!("release-{tag}")));
        assert!(!left.iter().any(|file| file.contains("minisign.key")), "{left:?}");
        flash(&runner, tag, &public);
    }
    // A tag that is built again gives the release that is there new files.
    let Pair { secret, public } = keys(runner.dir.path(), "key", "");
    fs::remove_dir_all(runner.path("release-v2")).unwrap();
    assert!(runner.release("v2", &secret, "").status.success());
    support::ok(&runner.path("releases/v2"), "minisign", &["-V", "-q", "-P", &public, "-m", "SHA256SUMS"]);
    let log = fs::read_to_string(runner.path("releases/log")).unwrap();
    assert_eq!(log.lines().filter(|line| line.starts_with("release create")).count(), 2, "{log}");
}

/// Writes a stick from the release.
fn flash(runner: &Runner, tag: &str, key: &str) {
    let releases = runner.path("releases");
    let server = Server::start(move |request| match fs::read(releases.join(request.path.trim_start_matches('/'))) {
        Ok(bytes) => Answer::honest(request, &bytes),
        Err(_) => Answer::not_found(),
    });
    let place = Place::new();
    place.write("imgbuild.toml", format!("schema = 1\nreleases = {:?}\nrelease_key = {key:?}\n", server.url("")));
    let sticks = Sticks::new(1);
    let profile = runner.profiles()[0];
    let flash =
        ["flash", "--release", tag, "--profile", profile, "--device", sticks.device(0), "--allow-loop", "--yes"];
    place.run(&flash).ok();
    let manifest = runner.path("releases").join(tag).join(format!("{profile}.manifest.json"));
    place.run(&["verify", sticks.device(0), "--manifest", manifest.to_str().unwrap()]).ok();
}

#[test]
fn without_a_key_nothing_is_released() {
    let runner = Runner::new();
    let set = runner.path("sets/demo");
    fs::create_dir_all(&set).unwrap();
    fs::write(set.join("demo.img.zst"), "image").unwrap();
    let sums = support::ok(&set, "sha256sum", &["demo.img.zst"]);
    fs::write(set.join("SHA256SUMS"), sums).unwrap();
    assert!(!runner.release("v1", "", "").status.success());
    assert_eq!(files(&runner.path("release-v1/release")), ["SHA256SUMS", "demo.img.zst"]);
    assert!(!runner.path("release-v1/minisign.key").exists());
    // Nor is a file that was damaged on its way.
    let Pair { secret, .. } = keys(runner.dir.path(), "key", "");
    fs::write(set.join("demo.img.zst"), "other").unwrap();
    let output = runner.release("v2", &secret, "");
    assert!(String::from_utf8_lossy(&output.stdout).contains("demo.img.zst: FAILED"), "{output:?}");
    assert!(!output.status.success());
    assert!(files(&runner.path("releases")).is_empty());
}

#[test]
fn a_lock_that_does_not_fit_is_not_built() {
    let runner = Runner::new();
    let online = tiny::archive(1000).online();
    let repository = repository(&runner, &online);
    let profile = runner.profiles()[0];
    let text = repository.read(&format!("profiles/{profile}.toml"));
    repository.write(&format!("profiles/{profile}.toml"), text.replace("\"freight\"", "\"freight\", \"parcel\""));
    runner.compile(&repository.path(""));
    let output = runner.run("image", &repository.path(""), &[("matrix.profile", profile)]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("imgbuild.lock does not fit"), "{error}");
    assert!(!repository.path("release").exists());
}

#[test]
fn an_image_that_cannot_be_built_again_is_not_released() {
    let runner = Runner::new();
    let online = tiny::archive(1000).online();
    let repository = repository(&runner, &online);
    // The second build goes beside the checkout.
    let checkout = runner.path("one/checkout");
    support::ok(runner.dir.path(), "git", &["clone", "-q", repository.path("").to_str().unwrap(), "one/checkout"]);
    runner.tool("imgbuild", FICKLE);
    runner.compile(&checkout);
    let output = runner.run("image", &checkout, &[("matrix.profile", runner.profiles()[0])]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("SHA256SUMS"), "{said}");
}

/// A tag can be moved to other code; credentials that a checkout leaves behind can be read by all that runs after it.
#[test]
fn actions_are_pinned_by_commit_and_no_checkout_keeps_credentials() {
    let runner = Runner::new();
    let steps = runner.workflow["jobs"].as_object().unwrap().values().flat_map(|job| job["steps"].as_array().unwrap());
    let mut uses = 0;
    for step in steps.filter(|step| step["uses"].is_string()) {
        uses += 1;
        let (action, commit) = step["uses"].as_str().unwrap().split_once('@').unwrap();
        assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{action}@{commit}");
        assert!(action != "actions/checkout" || step["with"]["persist-credentials"] == false, "{step}");
    }
    assert_eq!(uses, 7);
}

#[test]
fn every_profile_is_released() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
    let is_node = |file: &String| fs::read_to_string(dir.join(file)).unwrap().contains("\nboard = ");
    let nodes: Vec<String> = files(&dir).into_iter().filter(is_node).collect();
    let runner = Runner::new();
    let mut released: Vec<String> = runner.profiles().into_iter().map(|profile| format!("{profile}.toml")).collect();
    released.sort();
    assert_eq!(released, nodes);
}
