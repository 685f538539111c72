//! `imgbuild gitops`: the repository that Argo CD applies, made of the shipped overlays, and what people do to it meanwhile.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use insta::assert_snapshot;

use crate::place::{self, Place, SECRETS};
use crate::{ALL_ON, SYSTEMS};

/// Some of the systems, and settings of theirs.
const SOME: [&str; 5] = ["argocd", "longhorn", "metallb", "nvidia-device-plugin", "sealed-secrets"];
const SETTINGS: &str = "[overlay.argocd]\ningress = false\n[overlay.longhorn]\ngpu = true\n";

/// A workspace whose server has some systems, and its repository in `git`.
fn rendered() -> Place {
    let place = Place::new(&SOME, SETTINGS);
    let (told, code) = place.run(&["gitops", "init", "git"]);
    assert_eq!(code, Some(0), "{told}");
    place
}

/// The files below `git`, by path.
fn files(place: &Place) -> BTreeMap<String, String> {
    place::files(&place.path("git"))
}

fn render(place: &Place, more: &[&str]) -> (String, Option<i32>) {
    place.run(&[&["gitops", "render", "git"], more].concat())
}

const LONGHORN: &str = "git/apps/enabled/longhorn.yaml";

#[test]
fn each_system_of_git_has_an_application_its_values_and_its_objects() {
    let all = files(&rendered());
    let names: Vec<&str> = all.keys().map(String::as_str).collect();
    assert_snapshot!("gitops_files", names.join("\n"));
    assert_snapshot!("gitops_longhorn", all["apps/enabled/longhorn.yaml"]);
    assert_snapshot!("gitops_readme", all["README.md"]);
    assert!(
        all["values/longhorn.yaml"].contains("preUpgradeChecker:\n  jobEnabled: false\n"),
        "{}",
        all["values/longhorn.yaml"]
    );
    assert!(all["modules/longhorn/longhorn-10-chart.yaml"].contains("pod-security.kubernetes.io/enforce: privileged"));
    // What is in a Namespace outlives its file.
    assert!(all["modules/longhorn/longhorn-10-chart.yaml"].contains("sync-options: Prune=false"));
    assert!(all["report.html"].contains("<td>longhorn</td>") && !all["report.html"].contains("<script"));
}

#[test]
fn no_secret_and_no_manifest_with_one_gets_into_git() {
    let place = Place::new(&["argocd", "sealed-secrets"], "[overlay.sealed-secrets]\nvia = \"gitops\"\n");
    let (told, code) = place.run(&["gitops", "init", "git"]);
    assert_eq!(code, Some(0), "{told}");
    let all = files(&place);
    assert!(all.contains_key("apps/enabled/sealed-secrets.yaml"));
    assert!(!all.keys().any(|path| path.contains("sealed-secrets-10-key")), "{:?}", all.keys());
    for (path, text) in &all {
        for (name, value) in SECRETS {
            assert!(!text.contains(value), "{name} is in {path}");
        }
    }
    let (check, _) = place.run(&["check", "--json"]);
    assert!(check.contains("\"sealed-secrets-10-key.yaml\":\"seed\""), "{check}");
    assert!(check.contains("\"sealed-secrets-20-chart.yaml\":\"git\""), "{check}");
}

#[test]
fn all_systems_together_make_a_repository_without_secrets_and_twice_the_same() {
    for settings in ["", ALL_ON] {
        let place = Place::new(&SYSTEMS, settings);
        let (told, code) = place.run(&["gitops", "init", "git"]);
        assert_eq!(code, Some(0), "{told}");
        let all = files(&place);
        for (path, text) in &all {
            for (name, value) in SECRETS {
                assert!(!text.contains(value), "{name} is in {path}");
            }
        }
        assert_eq!(render(&place, &[]).1, Some(0));
        assert_eq!(files(&place), all);
    }
}

#[test]
fn a_second_run_gives_the_same_bytes_and_check_has_nothing_to_say() {
    let place = rendered();
    let before = files(&place);
    let (told, code) = render(&place, &["--check"]);
    assert!(code == Some(0) && told.contains("up to date"), "{told}");
    assert_eq!(render(&place, &[]).1, Some(0));
    assert_eq!(files(&place), before);
    // A clone that was made of nothing else gives them too.
    let other = rendered();
    assert_eq!(files(&other), before);
}

#[test]
fn what_was_changed_by_hand_stays_until_it_is_given_back() {
    let place = rendered();
    place.edit(LONGHORN, "targetRevision: 1.12.1", "targetRevision: 1.12.2");
    let changed = place.read(LONGHORN);
    let (told, code) = render(&place, &["--check"]);
    assert!(code == Some(0) && told.contains("yours     apps/enabled/longhorn.yaml: changed by hand"), "{told}");
    // A newer version of ours is told, and written nowhere.
    place.edit("profiles/server.toml", "[overlay.argocd]", "[overlay.argocd]\nrevision = \"main\"");
    let (told, code) = render(&place, &["--check"]);
    assert_eq!(code, Some(1), "{told}");
    assert_snapshot!("gitops_check", told);
    let (told, code) = render(&place, &[]);
    assert!(code == Some(0) && told.contains("imgbuild has another version for it since"), "{told}");
    assert_eq!(place.read(LONGHORN), changed);
    assert!(place.read("git/apps/enabled/nvidia-device-plugin.yaml").contains("targetRevision: main"));
    assert_eq!(render(&place, &["--check"]).1, Some(0));
    // Given back.
    let (told, code) = render(&place, &["--ours", "./apps/enabled/longhorn.yaml"]);
    assert_eq!(code, Some(0), "{told}");
    let ours = place.read(LONGHORN);
    assert!(ours.contains("targetRevision: 1.12.1") && ours.contains("targetRevision: main"), "{ours}");
    let (told, code) = render(&place, &["--ours", "apps/enabled/other.yaml"]);
    assert!(code == Some(1) && told.contains("no file that `gitops render` writes"), "{told}");
}

#[test]
fn an_application_that_was_moved_to_disabled_stays_there_and_is_kept_up_to_date() {
    let place = rendered();
    fs::rename(place.path(LONGHORN), place.path("git/apps/disabled/longhorn.yaml")).unwrap();
    assert_eq!(render(&place, &["--check"]).1, Some(0));
    place.edit("profiles/server.toml", "[overlay.argocd]", "[overlay.argocd]\nrevision = \"main\"");
    assert_eq!(render(&place, &[]).1, Some(0));
    assert!(!place.path(LONGHORN).exists());
    assert!(place.read("git/apps/disabled/longhorn.yaml").contains("targetRevision: main"));
    place.write(LONGHORN, "mine");
    let (told, code) = render(&place, &[]);
    assert!(code == Some(1) && told.contains("are both there"), "{told}");
}

#[test]
fn what_is_no_longer_made_goes_unless_it_was_changed() {
    let place = rendered();
    place.edit("git/values/longhorn.yaml", "replicas: 1", "replicas: 2");
    place.write("git/modules/longhorn/sealed/backup.yaml", "kind: SealedSecret\n");
    place.edit("profiles/server.toml", "\"longhorn\", ", "");
    place.edit("profiles/server.toml", "[overlay.longhorn]\ngpu = true\n", "");
    let (told, code) = render(&place, &[]);
    assert!(code == Some(0) && told.contains("imgbuild makes nothing for it any more"), "{told}");
    let all = files(&place);
    let left: Vec<&str> = all.keys().filter(|path| path.contains("longhorn")).map(String::as_str).collect();
    assert_eq!(left, ["modules/longhorn/sealed/backup.yaml", "values/longhorn.yaml"]);
}

#[test]
fn files_of_a_fresh_clone_stay_and_one_that_was_removed_stays_away() {
    let place = Place::new(&SOME, "");
    place.write("git/README.md", "mine\n");
    place.write("git/other/file.yaml", "mine\n");
    let (told, code) = place.run(&["gitops", "init", "git"]);
    assert!(code == Some(0) && told.contains("README.md: not from imgbuild, and left as it is"), "{told}");
    assert_eq!((place.read("git/README.md"), place.read("git/other/file.yaml")), ("mine\n".into(), "mine\n".into()));
    fs::remove_file(place.path("git/renovate.json5")).unwrap();
    let (told, code) = render(&place, &[]);
    assert!(code == Some(0) && told.contains("renovate.json5: removed by hand, and left out"), "{told}");
    assert!(!place.path("git/renovate.json5").exists());
}

#[test]
fn nothing_is_written_where_something_is_in_the_way() {
    let place = rendered();
    place.edit("profiles/server.toml", "[overlay.argocd]", "[overlay.argocd]\nrevision = \"main\"");
    let before = files(&place);
    let refused = |told: &str| {
        let (text, code) = render(&place, &[]);
        assert!(code == Some(1) && text.contains(told), "{text}");
    };
    // A link, to a file and to a directory.
    place.write("elsewhere/longhorn.yaml", "theirs");
    fs::remove_file(place.path(LONGHORN)).unwrap();
    symlink(place.path("elsewhere/longhorn.yaml"), place.path(LONGHORN)).unwrap();
    refused("is a link, and nothing is written through one");
    fs::remove_file(place.path(LONGHORN)).unwrap();
    fs::create_dir(place.path(LONGHORN)).unwrap();
    refused("in the place of a file");
    fs::remove_dir(place.path(LONGHORN)).unwrap();
    place.write(LONGHORN, &before["apps/enabled/longhorn.yaml"]);
    fs::rename(place.path("git/values"), place.path("elsewhere/values")).unwrap();
    symlink(place.path("elsewhere/values"), place.path("git/values")).unwrap();
    refused("is a link, and nothing is written through one");
    fs::remove_file(place.path("git/values")).unwrap();
    fs::rename(place.path("elsewhere/values"), place.path("git/values")).unwrap();
    place.write("git/.imgbuild.json", "{\"schema\": 1, \"files\": {\"../a\": \"00\"}}");
    refused(".imgbuild.json");
    place.write("git/.imgbuild.json", &before[".imgbuild.json"]);
    assert_eq!(files(&place), before);
    assert_eq!(place.read("elsewhere/longhorn.yaml"), "theirs");
}

#[test]
fn a_directory_that_cannot_be_written_is_told_and_nothing_is_half_written() {
    let place = rendered();
    // Where nobody makes files.
    let (told, code) = place.run(&["gitops", "init", "/proc/cluster"]);
    assert!(code == Some(1) && told.contains("cannot make /proc/cluster"), "{told}");
    if may_write_anywhere() {
        return;
    }
    place.edit("profiles/server.toml", "[overlay.argocd]", "[overlay.argocd]\nrevision = \"main\"");
    let before = files(&place);
    fs::set_permissions(place.path("git/modules/longhorn"), Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(place.path("git/apps/enabled"), Permissions::from_mode(0o555)).unwrap();
    let (told, code) = render(&place, &[]);
    fs::set_permissions(place.path("git/modules/longhorn"), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(place.path("git/apps/enabled"), Permissions::from_mode(0o755)).unwrap();
    assert!(code == Some(1) && told.contains("cannot write"), "{told}");
    assert_eq!(files(&place), before);
}

/// Whether this user may write anywhere.
fn may_write_anywhere() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

#[test]
fn what_is_missing_is_told_with_its_cure() {
    let place = Place::new(&SOME, "");
    let (not_ours, _) = render(&place, &[]);
    place.run(&["gitops", "init", "git"]);
    let (taken, _) = place.run(&["gitops", "init", "git"]);
    place.edit("cluster.toml", "repository = ", "# repository = ");
    let (unknown, _) = render(&place, &[]);
    let nothing = Place::new(&["metallb"], "");
    let (controller, _) = nothing.run(&["gitops", "init", "git"]);
    assert!(!nothing.path("git").exists());
    let elsewhere = Place::new(&SOME, "[overlay.argocd]\npath = \"modules\"\n");
    let (path, _) = elsewhere.run(&["gitops", "init", "git"]);
    assert_snapshot!([not_ours, taken, unknown, controller, path].join("\n"));
}

/// A chart of the workspace's own overlay `app`.
const CHART: &str = "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata:\n  name: app\n  namespace: kube-system\nspec:\n  \
                     repo: https://charts.example.org\n  chart: app\n  version: 1.2.3\n  targetNamespace: kube-system\n  \
                     failurePolicy: abort\n  valuesContent: |-\n    replicas: 1\n";
const CHART_FILE: &str = "overlays/app/manifests/app-10-chart.yaml";

/// A workspace with that chart.
fn with_chart(chart: &str) -> Place {
    let place = Place::new(&["argocd", "app"], "");
    place.write("overlays/app/overlay.toml", "schema = 1\ndescription = \"An app\"\nvia = \"gitops\"\n");
    place.write(CHART_FILE, chart);
    place
}

/// Refused by `init`, with this among the words, and nothing written.
fn is_refused(place: &Place, words: &[&str]) {
    let (told, code) = place.run(&["gitops", "init", "git"]);
    assert!(code == Some(1) && words.iter().all(|word| told.contains(word)), "{words:?}: {told}");
    assert!(!place.path("git").exists(), "{words:?}: something was written");
}

#[test]
fn a_chart_whose_name_is_a_path_writes_nothing_anywhere() {
    for name in ["../../evil", "../evil", "/tmp/evil", "a/b", ".."] {
        let place = with_chart(&CHART.replace("name: app", &format!("name: {name}")));
        is_refused(
            &place,
            &["C124-bad-name", &format!("no HelmChart can be called `{name}`"), "use lower-case letters"],
        );
        assert!(!place.path("evil.yaml").exists() && !place.path("git/evil.yaml").exists());
    }
}

#[test]
fn a_login_in_a_url_gets_neither_into_git_nor_onto_the_screen() {
    let is_found = |place: &Place, code: &str| {
        is_refused(place, &[code, "has a user name or a password in", "take it out, up to and with the `@`"]);
        for args in
            [&["check"][..], &["check", "--json"], &["gitops", "init", "git"], &["gitops", "init", "git", "--json"]]
        {
            let (told, exit) = place.run(args);
            assert!(exit == Some(1) && told.contains(code) && !told.contains("hunter2"), "{args:?}: {told}");
        }
    };
    let repository = "git@git.example.org:you/cluster.git";
    for url in [
        "https://me:hunter2@git.example.org/you/cluster.git",
        "https://hunter2@git.example.org/you/cluster.git",
        "ssh://git:hunter2@git.example.org/you/cluster.git",
    ] {
        for auth in ["ssh", "token"] {
            let place = Place::new(&SOME, &format!("[overlay.argocd]\nauth = \"{auth}\"\n"));
            place.edit("cluster.toml", repository, url);
            is_found(&place, "C176-git-repository");
        }
    }
    let repo = "repo: https://charts.example.org";
    is_found(&with_chart(&CHART.replace(repo, "repo: https://me:hunter2@charts.example.org")), "C136-url-login");
    is_found(&with_chart(&CHART.replace(repo, "repo: https://hunter2@charts.example.org")), "C136-url-login");
    let oci = CHART.replace(&format!("{repo}\n  chart: app"), "chart: oci://me:hunter2@charts.example.org/app");
    is_found(&with_chart(&oci), "C136-url-login");
}

#[test]
fn the_url_of_the_repository_fits_the_way_to_log_in() {
    let place = |auth: &str, url: &str| {
        let place = Place::new(&SOME, &format!("[overlay.argocd]\nauth = \"{auth}\"\n"));
        let more = format!("{url}\"\napp = \"12\"\ninstallation = \"34");
        place.edit("cluster.toml", "git@git.example.org:you/cluster.git", &more);
        place
    };
    let https = "https://git.example.org/you/cluster.git";
    for (auth, url) in [
        ("ssh", "git@git.example.org:you/cluster.git"),
        ("ssh", "ssh://git@git.example.org:22/you/cluster.git"),
        ("token", https),
        ("github-app", https),
    ] {
        let (told, code) = place(auth, url).run(&["gitops", "init", "git"]);
        assert_eq!(code, Some(0), "{auth} {url}: {told}");
    }
    for (auth, url, cure) in [
        ("ssh", https, "write `git@HOST:OWNER/NAME.git`"),
        ("ssh", "git.example.org/you/cluster.git", "write `git@HOST:OWNER/NAME.git`"),
        ("token", "git@git.example.org:you/cluster.git", "write `https://HOST/OWNER/NAME.git`"),
        ("token", "http://git.example.org/you/cluster.git", "write `https://HOST/OWNER/NAME.git`"),
        ("github-app", "ssh://git@git.example.org/you/cluster.git", "write `https://HOST/OWNER/NAME.git`"),
    ] {
        let way = format!("with `auth = \"{auth}\"` Argo CD cannot log in");
        is_refused(&place(auth, url), &["C176-git-repository", "cluster.toml:", &way, cure]);
    }
}

#[test]
fn what_check_calls_an_error_is_not_written() {
    let place = with_chart(CHART);
    assert_eq!(place.run(&["gitops", "init", "git"]).1, Some(0));
    assert!(place.read("git/values/app.yaml").contains("replicas: 1"));
    let before = files(&place);
    place.edit(CHART_FILE, "  failurePolicy: abort\n", "");
    place.edit(CHART_FILE, "replicas: 1", "replicas: 2");
    let (checked, _) = place.check();
    for more in [&[][..], &["--check"]] {
        let (told, code) = render(&place, more);
        assert!(code == Some(1) && told.contains("the repository cannot be written: 1 mistake"), "{told}");
        let finding = checked.split("\n\n").next().unwrap();
        assert!(finding.starts_with("error[C086-failure-policy]") && told.contains(finding), "{told}");
    }
    assert_eq!(files(&place), before);
    is_refused(&with_chart(&CHART.replace("  failurePolicy: abort\n", "")), &["C086-failure-policy"]);
}

#[test]
fn a_folder_of_applications_that_is_no_folder_of_the_repository_is_refused_before_the_first_file() {
    for path in [
        ".imgbuild.json",
        ".imgbuild.json/apps",
        "README.md",
        "report.html/apps",
        "values",
        "modules/apps",
        "../apps",
        "/apps",
        "apps//on",
        "apps/./on",
        ".git/apps",
        "apps/.GIT",
        "disabled",
        "-apps",
    ] {
        let place = Place::new(&SOME, &format!("[overlay.argocd]\npath = \"{path}\"\n"));
        is_refused(&place, &[&format!("`{path}` cannot be the folder of the Applications"), "such as `apps/enabled`"]);
    }
}

#[test]
fn what_a_run_left_that_was_killed_goes_with_the_next_and_is_nobodys() {
    let place = rendered();
    let before = files(&place);
    place.write("git/apps/enabled/.imgbuild-Ab12cd.tmp", "kind: Appl");
    place.write("git/.imgbuild-x.tmp", "{");
    place.write("git/values/mine.tmp", "mine");
    let (told, code) = render(&place, &["--check"]);
    assert!(code == Some(0) && told.contains("up to date") && !told.contains(".tmp"), "{told}");
    assert_eq!(render(&place, &[]).1, Some(0));
    assert_eq!(place.read("git/values/mine.tmp"), "mine");
    fs::remove_file(place.path("git/values/mine.tmp")).unwrap();
    assert_eq!(files(&place), before);
}

#[test]
fn programs_are_told_what_was_done() {
    let place = Place::new(&SOME, "");
    let (told, code) = place.run(&["gitops", "init", "git", "--json"]);
    let result: serde_json::Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    let result = &result["result"];
    assert_eq!(code, Some(0));
    assert_eq!(result["systems"]["longhorn"]["via"], "gitops");
    assert_eq!(result["systems"]["longhorn"]["charts"][0]["version"], "1.12.1");
    assert_eq!(result["systems"]["argocd"]["secrets"], serde_json::json!(["deploy-key"]));
    assert!(result["steps"].as_array().unwrap().iter().any(|step| step["path"] == "apps/enabled/longhorn.yaml"));
    assert!(result["next"].as_array().unwrap().iter().any(|next| next == "git -C git push"));
}
