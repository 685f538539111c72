//! `secrets`: from nothing to a cluster's secrets, through the program; no value is ever shown.

use std::fs::{self, File, Permissions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use serde_json::Value;

use crate::place::{Place, Ran};

const URL: &str = "postgres://k3s:correct-horse%40battery@db.lan:5432/k3s";

/// A cluster of two nodes.
pub const CLUSTER: &str = r#"
schema = 1
name = "home"
server = "https://192.168.1.10:6443"
ssh_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f you@laptop"]

[node.control]
profile = "control"
address = "192.168.1.10/24"

[node.pi1]
profile = "storage"
"#;

fn with_input(mut command: Command, input: &str) -> Ran {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(input.as_bytes()).unwrap();
    file.rewind().unwrap();
    Ran::of(command.stdin(file))
}

/// All values in a workspace's secrets file.
fn values(place: &Place) -> Vec<String> {
    let file: toml::Table = place.read("secrets.toml").parse().unwrap();
    file["secrets"].as_table().unwrap().values().map(|value| value.as_str().unwrap().to_owned()).collect()
}

fn result(stdout: &str) -> Value {
    let events = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.into_iter().find(|event| event["event"] == "result").unwrap()["result"].take()
}

#[test]
fn a_new_user_makes_secrets_is_warned_and_sets_the_datastores_url() {
    let place = Place::new().file("cluster.toml", CLUSTER);
    let checked = place.run(&["secrets", "check"]);
    assert_eq!(checked.code, Some(1));
    assert!(checked.stdout.lines().any(|line| line.starts_with("identity-seed ") && line.contains("MISSING")));

    let made = place.run(&["secrets", "init"]);
    assert_eq!(made.code, Some(0));
    assert!(
        made.stderr.contains("loses the cluster") && made.stderr.contains("secrets export --age"),
        "{}",
        made.stderr
    );
    assert!(place.run(&["secrets", "init"]).fails(1).contains("secrets.toml"));

    with_input(place.command(&["secrets", "set", "datastore-url"]), &format!("{URL}\n")).ok();
    // What was typed may be a value, so only what was meant is shown.
    let error = with_input(place.command(&["secrets", "set", "datastore_url"]), URL).fails(1);
    assert!(error.contains("did you mean `datastore-url`?") && !error.contains("datastore_url"), "{error}");
    assert!(values(&place).contains(&URL.to_owned()));
    let checked = place.run(&["secrets", "check"]).ok();
    for name in ["server-token", "agent-token", "identity-seed", "datastore-url"] {
        assert!(checked.lines().any(|line| line.starts_with(name) && line.contains("set (secrets.toml)")), "{checked}");
    }
    assert!(
        checked.lines().any(|line| line.starts_with("identity-seed") && line.contains("control, pi1")),
        "{checked}"
    );
    let mut from_elsewhere = place.command(&["--json", "secrets", "check"]);
    let rows = result(&Ran::of(from_elsewhere.env("IMGBUILD_SECRET_DATASTORE_URL", URL)).ok());
    let row = rows.as_array().unwrap().iter().find(|row| row["name"] == "datastore-url").unwrap();
    assert_eq!((&row["state"], &row["source"]), (&"set".into(), &"IMGBUILD_SECRET_DATASTORE_URL".into()));
}

#[test]
fn a_terminal_is_asked_without_echo() {
    let place = Place::new();
    place.run(&["secrets", "init"]).ok();
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let terminal = || File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let program = place.command(&["secrets", "set", "datastore-url"]);
    let mut child = Command::new("setsid")
        .args(["--ctty", "--wait"])
        .arg(program.get_program())
        .args(program.get_args())
        .current_dir(place.path(""))
        .stdin(terminal())
        .stdout(Stdio::from(terminal()))
        .stderr(Stdio::from(terminal()))
        .spawn()
        .unwrap();
    let mut master = File::from(master);
    let deadline = Instant::now() + Duration::from_secs(60);
    while tcgetattr(&master).unwrap().local_modes.contains(LocalModes::ECHO) {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none(), "it never asks");
        std::thread::yield_now();
    }
    master.write_all(format!("{URL}\n").as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(values(&place).contains(&URL.to_owned()));
    // Once nobody has the terminal open, reading ends with an error.
    let mut shown = Vec::new();
    let _ = master.read_to_end(&mut shown);
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("datastore-url: ") && !shown.contains("horse"), "{shown}");
}

#[test]
fn nothing_that_is_said_repeats_a_value() {
    let place = Place::new().file("cluster.toml", CLUSTER);
    place.run(&["secrets", "init"]).ok();
    with_input(place.command(&["secrets", "set", "datastore-url"]), URL).ok();
    let values = values(&place);
    let silent = |ran: &Ran, what: &str| {
        for value in values.iter().map(String::as_str).chain(["hunter2"]) {
            assert!(!ran.stdout.contains(value) && !ran.stderr.contains(value), "{what}: {ran:?}");
        }
    };
    let damaged = place.read("secrets.toml").replace("agent-token = ", "agent-token = hunter2 ");
    for look in ["--json", "--verbose", "--quiet"] {
        for args in [
            &["secrets", "check"][..],
            &["secrets", "set", "server-token"],
            &["secrets", "set", "datastore-url", "hunter2"],
            &["secrets", "set", "datastore-url", "--hunter2"],
            &["secrets", "set", "datastore-url=hunter2"],
            &["secrets", "init", "--age", "AGE-SECRET-KEY-hunter2"],
            &["secrets", "export", "--age", "AGE-SECRET-KEY-hunter2"],
            &["node", "show", "pi1"],
            &["node", "ssh-known-hosts"],
        ] {
            let args = [&[look], args].concat();
            silent(&with_input(place.command(&args), "hunter2 hunter2"), &format!("{args:?}"));
        }
        let whole = place.read("secrets.toml");
        place.write("secrets.toml", &damaged);
        silent(&place.run(&[look, "secrets", "check"]), "a damaged file");
        place.write("secrets.toml", &whole);
        let mut overridden = place.command(&[look, "secrets", "check"]);
        overridden.env("IMGBUILD_SECRET_DATASTORE_URL", "mysql://hunter2").env("IMGBUILD_SECRET_X_FILE", "/hunter2");
        silent(&Ran::of(&mut overridden), "a bad environment");
    }
}

#[test]
fn a_url_whose_password_is_not_encoded_is_refused_and_no_part_of_it_is_taken_for_the_host() {
    let place = Place::new().file("cluster.toml", format!("{CLUSTER}\n[datastore]\nca = \"ca.pem\"\n"));
    place.write("ca.pem", include_str!("../fixtures/lints/C074-weak-tls/bad/datastore-ca.pem"));
    place.run(&["secrets", "init"]).ok();
    with_input(place.command(&["secrets", "set", "datastore-url"]), URL).ok();
    for between in ["/", "?", "#"] {
        let url = format!("postgres://k3s:p@db.sshorse.supabase.co{between}word@db.example.org/k3s");
        let refused = with_input(place.command(&["secrets", "set", "datastore-url"]), &url);
        assert!(!refused.stderr.contains("horse"), "{refused:?}");
        assert!(refused.fails(1).contains("percent-encoded"));
        // As an editor may write it.
        let file = place.read("secrets.toml").replace(URL, &url);
        place.write("secrets.toml", file);
        let checked = place.run(&["check", "--online"]);
        assert!(checked.stdout.contains("C071-unfit-secret"), "{checked:?}");
        assert!(!format!("{checked:?}").contains("horse"), "{checked:?}");
        let file = place.read("secrets.toml").replace(&url, URL);
        place.write("secrets.toml", file);
    }
}

#[test]
fn a_secret_that_nobody_knows_is_not_taken_for_one_that_is_needed() {
    let place = Place::new().file("cluster.toml", CLUSTER);
    place.run(&["secrets", "init"]).ok();
    let error = with_input(place.command(&["secrets", "set", "nonsense"]), "").fails(1);
    assert!(error.contains("it is empty") && error.contains("if that is what"), "{error}");
    let error = with_input(place.command(&["secrets", "set", "agent-token"]), "").fails(1);
    assert!(error.contains("it is empty") && !error.contains("if that is what"), "{error}");
}

#[test]
fn a_value_on_the_command_line_is_refused() {
    let place = Place::new();
    place.run(&["secrets", "init"]).ok();
    for value in ["hunter2", "--hunter2"] {
        let error = place.run(&["secrets", "set", "free", value]).fails(1);
        assert!(error.contains("command line") && !error.contains("hunter2"), "{error}");
    }
    assert!(!place.read("secrets.toml").contains("free"));
}

#[test]
fn a_file_that_others_may_read_is_refused() {
    let place = Place::new();
    place.run(&["secrets", "init"]).ok();
    fs::set_permissions(place.path("secrets.toml"), Permissions::from_mode(0o644)).unwrap();
    let error = place.run(&["secrets", "check"]).fails(1);
    assert!(error.contains("mode 0644") && error.contains("chmod 600"), "{error}");
}

#[test]
fn an_encrypted_workspace_and_its_backup_open_with_their_identities() {
    let place = Place::new();
    crate::support::ok(&place.path(""), "ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", "key"]);
    let recipient = place.read("key.pub");
    place.run(&["secrets", "init", "--age", &recipient]).ok();
    assert!(!place.path("secrets.toml").exists());
    assert!(place.run(&["secrets", "check"]).fails(1).contains("IMGBUILD_AGE_IDENTITY"));
    with_input(place.command(&["secrets", "set", "datastore-url", "--identity", "key"]), URL).ok();
    let mut check = place.command(&["secrets", "check"]);
    assert!(Ran::of(check.env("IMGBUILD_AGE_IDENTITY", "key")).ok().contains("datastore-url"));

    let export = ["secrets", "export", "--age", &recipient, "--identity", "key"];
    assert!(place.run(&export).ok().starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));
    let to_file = [&export[..], &["--output", "backup.age"]].concat();
    place.run(&to_file).ok();
    assert!(place.run(&to_file).fails(1).contains("backup.age"));
    fs::rename(place.path("backup.age"), place.path("secrets.toml.age")).unwrap();
    let shown = place.run(&["secrets", "check", "--identity", "key"]).ok();
    assert!(shown.contains("datastore-url    set (secrets.toml.age)"), "{shown}");
}

#[test]
fn whom_secrets_are_encrypted_for_is_shown_and_a_file_that_was_swapped_is_refused() {
    let (place, stranger) = (Place::new().file("cluster.toml", CLUSTER), Place::new());
    for place in [&place, &stranger] {
        crate::support::ok(&place.path(""), "ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", "key"]);
    }
    let key = |place: &Place| place.read("key.pub").split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let (mine, theirs) = (key(&place), key(&stranger));
    let made = place.run(&["secrets", "init", "--age", &place.read("key.pub")]).ok();
    assert!(made.contains(&format!("encrypted for {mine}")), "{made}");
    let set = ["secrets", "set", "datastore-url", "--identity", "key"];
    let done = with_input(place.command(&set), URL).ok();
    assert!(done.contains(&format!("encrypted for {mine}")), "{done}");
    let checked = place.run(&["secrets", "check", "--identity", "key"]);
    assert!(checked.stderr.contains(&format!("the secrets are encrypted for {mine}")), "{checked:?}");

    stranger.run(&["secrets", "init", "--age", &mine, "--age", &theirs]).ok();
    fs::copy(stranger.path("secrets.toml.age"), place.path("secrets.toml.age")).unwrap();
    for refused in [
        with_input(place.command(&set), URL),
        place.run(&["secrets", "check", "--identity", "key"]),
        place.run(&["node", "show", "pi1", "--identity", "key"]),
    ] {
        let error = refused.fails(1);
        assert!(error.contains(&format!("only the file has `{theirs}`")) && error.contains("hint: "), "{error}");
    }
    assert_eq!(place.read("secrets.toml.age"), stranger.read("secrets.toml.age"));
}

#[test]
fn a_run_that_dies_leaves_no_core_dump() {
    let place = Place::new();
    place.run(&["secrets", "init"]).ok();
    let program = place.command(&["secrets", "set", "nonsense"]);
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -c unlimited; exec \"$0\" \"$@\""])
        .arg(program.get_program())
        .args(program.get_args())
        .current_dir(place.path(""))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It warns before it waits for the value.
    let mut warning = [0];
    child.stderr.as_mut().unwrap().read_exact(&mut warning).unwrap();
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    kill_process(Pid::from_child(&child), Signal::ABORT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
    assert_eq!(place.files(), ["secrets.toml"]);
}

#[test]
fn a_name_that_nobody_asks_for_is_warned_of_and_a_place_without_a_cluster_says_so() {
    let place = Place::new();
    let error = place.run(&["secrets", "check"]).fails(1);
    assert!(error.contains("no cluster.toml") && error.contains("imgbuild init"), "{error}");
    place.run(&["secrets", "init"]).ok();
    let ran = place.run(&["secrets", "check"]);
    assert!(ran.stderr.contains("this workspace has no cluster.toml"), "{}", ran.stderr);
    ran.ok();
    place.write("value", "a-value-of-its-own");
    let set = |name: &str| {
        let mut command = place.command(&["secrets", "set", name]);
        Ran::of(command.stdin(File::open(place.path("value")).unwrap()))
    };
    let cluster = include_str!("../fixtures/lints/C057-password-in-clear/good/cluster.toml");
    place.write("cluster.toml", cluster);
    let ran = set("registry-pasword");
    assert!(ran.stderr.contains("no node of cluster.toml needs a secret `registry-pasword`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("did you mean `registry-password`?"), "{}", ran.stderr);
    ran.ok();
    let ran = set("registry-password");
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
    ran.ok();
}
