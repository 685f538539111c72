//! The stand-in for K3s behaves as K3s where a re-flash is decided: ordinary processes against a real `PostgreSQL`.

#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/standin.rs"]
mod standin;
mod support;

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, SystemTime};

use imgbuild::tree::Digest;
use postgres::Postgres;
use serde_json::Value;
use standin::{Machine, Process};
use support::ok;

/// A server on the embedded store.
const CONTROL: &str = "token: server-secret\nagent-token: agent-secret\nnode-name: control\n";

fn state(server: &str) -> Value {
    serde_json::from_str(&standin::get(&format!("{server}/standin/state"))).expect("JSON")
}

/// A server that is up, and its address.
fn server(machine: &Machine) -> (Process, String) {
    let mut process = machine.start("server", &[]);
    let url = process.word("Listening on ");
    process.line("Successfully registered node");
    (process, url)
}

fn on_postgres(postgres: &Postgres, token: &str) -> String {
    format!(
        "token: {token}\nnode-name: control\ndatastore-endpoint: {}\ndatastore-cafile: {}\n",
        postgres.url("localhost"),
        postgres.ca().display()
    )
}

fn agent(server: &str, token: &str, more: &str) -> Machine {
    Machine::new(&format!("server: {server}\ntoken: {token}\nnode-name: pi1\n{more}"))
}

#[test]
fn a_wiped_server_comes_back_with_its_ca_by_its_token_alone() {
    let postgres = Postgres::start();
    let machine = Machine::new(&on_postgres(&postgres, "first"));
    let (process, url) = server(&machine);
    let founded = state(&url);
    drop(process);

    let key = &Digest::of(b"first").to_string()[..12];
    assert_eq!(postgres.sql("SELECT name FROM kine WHERE name LIKE '/bootstrap/%'"), format!("/bootstrap/{key}"));
    let record = postgres.sql("SELECT encode(value, 'escape') FROM kine WHERE name LIKE '/bootstrap/%'");
    assert!(record.len() > 4000 && !record.contains("PRIVATE"), "{record}");

    machine.wipe();
    let (process, url) = server(&machine);
    let restored = state(&url);
    assert_eq!(restored["ca"], founded["ca"]);
    assert_eq!(restored["nodes"]["control"]["registrations"], 2);
    drop(process);
    let (_process, url) = server(&machine);
    assert_eq!(state(&url)["ca"], founded["ca"], "from its own disk");
}

#[test]
fn another_token_or_none_does_not_open_the_cluster() {
    const REFUSED: &str = "bootstrap data already found and encrypted with different token";
    let postgres = Postgres::start();
    let machine = Machine::new(&on_postgres(&postgres, "first"));
    let (process, url) = server(&machine);
    let founded = state(&url);
    drop(process);

    machine.wipe();
    machine.write("etc/rancher/k3s/config.yaml", &on_postgres(&postgres, "second"));
    let last = machine.start("server", &[]).last_words();
    assert!(last.contains("level=fatal") && last.contains(REFUSED), "{last}");

    // With no token the new CA is on the disk before the datastore is asked, and then the right token is too late.
    machine.write("etc/rancher/k3s/config.yaml", &on_postgres(&postgres, "''"));
    let last = machine.start("server", &[]).last_words();
    assert!(last.contains("level=fatal") && last.contains(REFUSED), "{last}");
    let later = SystemTime::now() + Duration::from_secs(60);
    File::options()
        .write(true)
        .open(machine.path("data/server/tls/server-ca.crt"))
        .expect("a CA")
        .set_modified(later)
        .expect("a time");
    machine.write("etc/rancher/k3s/config.yaml", &on_postgres(&postgres, "first"));
    let last = machine.start("server", &[]).last_words();
    assert!(
        last.contains("tls/server-ca.crt newer than datastore and could cause a cluster outage. Remove the file(s)"),
        "{last}"
    );

    machine.wipe();
    let (_process, url) = server(&machine);
    assert_eq!(state(&url)["ca"], founded["ca"]);
}

#[test]
fn the_datastore_is_verified_and_waited_for() {
    let [postgres, other] = [Postgres::start(), Postgres::start()];
    let refused = |machine: &Machine, cause: &str| {
        let line = machine.start("server", &[]).line("Failed to ping database connection");
        assert!(line.contains("level=error") && line.contains(cause), "{line}");
    };
    let config = on_postgres(&postgres, "first");
    let ca = |postgres: &Postgres| postgres.ca().to_str().expect("a plain name").to_owned();

    refused(
        &Machine::new(&config.replace(&ca(&postgres), &ca(&other))),
        "x509: certificate signed by unknown authority",
    );
    refused(&Machine::new(&config.replace("correct-horse", "wrong-horse")), "password authentication failed for user");
    refused(&Machine::new(&config.replace("/k3s\n", "/k3s?sslmode=disable\n")), "no encryption");
    let encoded = Machine::new(&config.replace("correct-horse", "correct/horse")).start("server", &[]).last_words();
    assert!(encoded.contains("ensure that parameters containing special characters use percent-encoding"), "{encoded}");
    assert!(!encoded.contains("horse"), "{encoded}");

    postgres.stop();
    let machine = Machine::new(&config);
    let mut process = machine.start("server", &[]);
    process.line("Failed to ping database connection");
    postgres.resume();
    process.line("k3s is up and running");
}

#[test]
fn a_node_comes_back_with_its_password_and_not_with_another() {
    let control = Machine::new(CONTROL);
    let (mut process, url) = server(&control);
    let pi1 = agent(&url, "agent-secret", "");

    let mut node = pi1.start("agent", &[]);
    let healthz = node.word("Kubelet is healthy at ");
    assert_eq!(standin::get(&healthz), "ok");
    let password = fs::read_to_string(pi1.path("etc/rancher/node/password")).expect("a password that the node made");
    assert_eq!(password.trim_end().len(), 32);
    let hash = state(&url)["secrets"]["kube-system/pi1.node-password.k3s"]["data"]["hash"].to_string();
    assert!(hash.starts_with("\"$1:"), "{hash}");
    drop(node);

    pi1.start("agent", &[]).line("Successfully registered node pi1");
    assert_eq!(state(&url)["nodes"]["pi1"]["registrations"], 2);

    pi1.write("etc/rancher/node/password", "0123456789abcdef0123456789abcdef\n");
    let line = pi1.start("agent", &[]).line("Node password rejected");
    assert!(
        line.contains("Waiting to retrieve agent configuration; server is not ready: ")
            && line.contains("/agent/serving-kubelet.crt: Node password rejected, duplicate hostname or contents of '")
            && line.contains("/etc/rancher/node/password' may not match server node-passwd entry, try enabling a unique node name with the --with-node-id flag"),
        "{line}"
    );
    let line = process.line("unable to verify password for node pi1: hash does not match");
    assert!(line.contains("Sending HTTP/1.1 403 response to "), "{line}");
}

#[test]
fn a_server_lets_its_own_node_in_with_another_password_and_only_says_so() {
    let control = Machine::new(CONTROL);
    let (process, url) = server(&control);
    assert_eq!(state(&url)["nodes"]["control"]["registrations"], 1);
    drop(process);
    let mut process = control.start("server", &[]);
    process.line("reason=\"NodePasswordValidationComplete\"");
    process.line("Successfully registered node control");
    drop(process);
    control.write("etc/rancher/node/password", "0123456789abcdef0123456789abcdef\n");
    let mut process = control.start("server", &[]);
    let url = process.word("Listening on ");
    process.line("Password verified locally for node control");
    let line = process.line("reason=\"NodePasswordValidationFailed\"");
    assert!(
        line.contains("\"Event occurred\" object=\"control\"")
            && line.contains("unable to verify password for node control: hash does not match"),
        "{line}"
    );
    process.line("Successfully registered node control");
    assert_eq!(state(&url)["nodes"]["control"]["registrations"], 3);
}

#[test]
fn an_agent_speaks_through_its_load_balancer_and_a_server_that_is_away_is_no_refused_connection() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let line = agent(&format!("https://{closed}"), "agent-secret", "")
        .start("agent", &[])
        .line("Failed to validate connection to cluster");
    assert!(line.contains(&format!("at https://{closed}: failed to get CA certs: Get ")), "{line}");
    assert!(line.contains("EOF") || line.contains("connection reset by peer"), "{line}");
    assert!(!line.contains("connection refused"), "{line}");
}

#[test]
fn a_server_whose_core_is_not_up_answers_503_and_has_not_told_systemd() {
    let control = Machine::new(CONTROL);
    control.write("run/k3s-standin-hold", "");
    let socket = UnixDatagram::bind(control.path("notify")).expect("a socket");
    socket.set_nonblocking(true).expect("a socket");
    let path = control.path("notify");
    let mut process = control.start("server", &[("NOTIFY_SOCKET", path.to_str().expect("a plain name"))]);
    let url = process.word("Listening on ");
    process.line("Password verified locally for node control");
    let pi1 = agent(&url, "agent-secret", "");
    let mut node = pi1.start("agent", &[]);
    let line = node.line("server is not ready");
    assert!(
        line.contains("/v1-k3s/serving-kubelet.crt: 503 Service Unavailable") && line.contains("https://127.0.0.1:"),
        "{line}"
    );
    process.line("503 response to");
    assert!(socket.recv(&mut [0; 64]).is_err(), "the unit is still activating");
    fs::remove_file(control.path("run/k3s-standin-hold")).expect("it was made");
    node.line("Successfully registered node pi1");
}

#[test]
fn a_kubelet_reads_its_own_node_with_its_certificate_and_no_other() {
    let control = Machine::new(CONTROL);
    let (_process, url) = server(&control);
    let pi1 = agent(&url, "agent-secret", "");
    let mut node = pi1.start("agent", &[]);
    let through = node.word("Running load balancer k3s-agent-load-balancer ");
    node.line("Successfully registered");
    let curl = |machine: &Machine, with: bool, what: &str| {
        let file = |name: &str| machine.path("data/agent").join(name).to_str().expect("a plain name").to_owned();
        let mut curl = std::process::Command::new("curl");
        curl.args(["--silent", "--write-out", "%{http_code}", "--cacert", &file("server-ca.crt")]);
        if with {
            curl.args(["--cert", &file("client-kubelet.crt"), "--key", &file("client-kubelet.key")]);
        }
        let output = curl.arg(format!("https://{through}/{what}")).output().expect("curl, which this test needs");
        String::from_utf8(output.stdout).expect("text")
    };
    let text = curl(&pi1, true, "api/v1/nodes/pi1?pretty=false");
    assert!(text.contains(r#"{"type":"Ready","status":"True""#) && text.ends_with("200"), "{text}");
    assert!(curl(&pi1, true, "api/v1/nodes/pi1").contains("\n  \"kind\": \"Node\""), "for people");
    assert!(curl(&pi1, true, "api/v1/nodes/control").ends_with("403"));
    assert!(curl(&pi1, false, "api/v1/nodes/pi1").ends_with("401"));
    let kubeconfig = fs::read_to_string(pi1.path("data/agent/kubelet.kubeconfig")).expect("a kubeconfig");
    assert!(kubeconfig.contains(&format!("    server: https://{through}\n")), "{kubeconfig}");
}

#[test]
fn a_node_needs_the_cluster_s_token_and_a_long_token_knows_the_ca() {
    let control = Machine::new(CONTROL);
    let (_process, url) = server(&control);
    assert_eq!(standin::get(&format!("{url}/ping")), "pong");

    let refused = agent(&url, "wrong", "").start("agent", &[]).line("Waiting to retrieve agent configuration");
    assert!(
        refused.contains("failed to retrieve configuration from server: ") && refused.contains("401 Unauthorized"),
        "{refused}"
    );

    let long = fs::read_to_string(control.path("data/server/agent-token")).expect("the agents' token");
    agent(&url, long.trim_end(), "").start("agent", &[]).line("Successfully registered node pi1");

    let of_another = format!("K10{}::node:agent-secret", "0".repeat(64));
    agent(&url, &of_another, "")
        .start("agent", &[])
        .line("token CA hash does not match the Cluster CA certificate hash");
}

#[test]
fn taints_come_with_the_first_registration_alone_and_labels_with_every_start() {
    let control = Machine::new(CONTROL);
    let (_process, url) = server(&control);
    let pi1 = agent(&url, "agent-secret", "node-label: [disk=ssd, old=yes]\nnode-taint: ['a=b:NoSchedule']\n");
    pi1.start("agent", &[]).line("Successfully registered");
    let config = format!(
        "server: {url}\ntoken: agent-secret\nnode-name: pi1\nnode-label: [disk=nvme]\nnode-taint: ['c=d:NoExecute']\n"
    );
    pi1.write("etc/rancher/k3s/config.yaml", &config);
    pi1.start("agent", &[]).line("Successfully registered");
    let node = state(&url)["nodes"]["pi1"].take();
    assert_eq!(node["taints"], serde_json::json!(["a=b:NoSchedule"]));
    assert_eq!(node["labels"], serde_json::json!({"disk": "nvme", "old": "yes", "kubernetes.io/hostname": "pi1"}));

    let reserved =
        agent(&url, "agent-secret", "node-label: [node-role.kubernetes.io/worker=true, node.longhorn.io/a=b]\n");
    let last = reserved.start("agent", &[]).last_words();
    assert!(
        last.contains("level=fatal") && last.contains("unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: [node-role.kubernetes.io/worker]"),
        "{last}"
    );
}

#[test]
fn later_files_win_a_plus_appends_and_unknown_keys_are_refused() {
    let machine =
        Machine::new(r#"{"token": "t", "node-name": "one", "node-label": ["a=1", "b=1"], "tls-san": ["control.lan"]}"#);
    machine.write("etc/rancher/k3s/config.yaml.d/50-node.yaml", "node-name: three\nnode-label+: [c=3]\n");
    machine.write("etc/rancher/k3s/config.yaml.d/20-cluster.yaml", "node-name: two\nnode-label: [d=2]\n");
    machine.write("etc/rancher/k3s/config.yaml.d/60-note.txt", "not read");
    let mut process = machine.start("server", &[("K3S_NODE_NAME", "environment"), ("K3S_TOKEN", "environment")]);
    let url = process.word("Listening on ");
    process.line("Successfully registered node three");
    let labels = state(&url)["nodes"]["three"]["labels"].take();
    let mut names: Vec<_> = labels.as_object().expect("labels").keys().map(String::as_str).collect();
    names.retain(|name| !name.contains('/'));
    assert_eq!(names, ["c", "d"]);
    assert!(fs::read_to_string(machine.path("data/server/token")).expect("a token").ends_with("::server:t\n"));

    machine.write("etc/rancher/k3s/config.yaml.d/70-typo.yaml", "node-lable: [a=1]\n");
    let last = machine.start("server", &[]).last_words();
    assert!(last.contains("70-typo.yaml: flag provided but not defined: -node-lable"), "{last}");
    let last = agent("https://127.0.0.1:1", "t", "datastore-endpoint: x\n").start("agent", &[]).last_words();
    assert!(last.contains("flag provided but not defined: -datastore-endpoint"), "{last}");
}

#[test]
fn manifests_become_addons_by_the_rules_of_k3s() {
    let object = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n");
    let machine = Machine::new(&format!("{CONTROL}disable: [traefik, own]\n"));
    let linked = tempfile::tempdir().expect("a temporary directory");
    fs::write(linked.path().join("seed.yaml"), format!("{}---\n# nothing\n---\n{}", object("a"), object("b")))
        .expect("a file");
    let manifest = |name: &str, text: &str| machine.write(&format!("data/server/manifests/{name}"), text);
    for name in [
        "below/deep.yml",
        "json.json",
        ".hidden.yaml",
        "text.txt",
        "left.yaml",
        "own.yaml",
        "pool.crds.yaml",
        "pool.main.yaml",
    ] {
        manifest(name, &object("x"));
    }
    manifest("left.yaml.skip", "");
    manifest("under_score.yaml", &object("x"));
    manifest("broken.yaml", "kind: [");
    symlink(linked.path(), machine.path("data/server/manifests/linked")).expect("a link");

    let mut process = machine.start("server", &[]);
    let url = process.word("Listening on ");
    let failed = process.line("Failed to process config");
    assert!(
        failed.contains("broken.yaml: yaml: ") && failed.contains("a lowercase RFC 1123 subdomain must consist of"),
        "{failed}"
    );
    let addons = state(&url)["addons"].take();
    let names: Vec<_> = addons.as_object().expect("AddOns").keys().map(String::as_str).collect();
    assert_eq!(names, ["ccm", "coredns", "deep", "json", "local-storage", "pool", "rolebindings", "seed"]);
    assert_eq!(addons["seed"]["objects"], serde_json::json!(["ConfigMap/a", "ConfigMap/b"]));
    assert!(addons["pool"]["source"].as_str().is_some_and(|path| path.ends_with("/pool.main.yaml")), "{addons}");
    assert!(!machine.path("data/server/manifests/own.yaml").exists());

    // As long as one file fails, all of them are applied with every pass.
    process.line("AddOn pool comes from both");
    process.line("Failed to process config");
    let applied = |url: &str| state(url)["addons"]["seed"]["applied"].as_u64().expect("a number");
    let before = applied(&url);
    assert!(before >= 2, "{before}");
    drop(process);

    for name in ["broken.yaml", "under_score.yaml"] {
        fs::remove_file(machine.path("data/server/manifests").join(name)).expect("a file");
    }
    let mut process = machine.start("server", &[]);
    let url = process.word("Listening on ");
    process.line("rolebindings.yaml");
    assert!(applied(&url) > before, "a start applies what did not change");
}

#[test]
fn systemd_hears_when_the_server_is_ready() {
    let machine = Machine::new(CONTROL);
    let socket = UnixDatagram::bind(machine.path("notify")).expect("a socket");
    let path = machine.path("notify");
    let _process = machine.start("server", &[("NOTIFY_SOCKET", path.to_str().expect("a plain name"))]);
    let mut message = [0; 64];
    let length = socket.recv(&mut message).expect("a message");
    assert_eq!(&message[..length], b"READY=1\n");
}

#[test]
fn the_release_has_a_program_for_each_architecture_with_its_sum() {
    let release = standin::release();
    for arch in ["amd64", "arm64"] {
        ok(&release, "sha256sum", &["--check", "--strict", &format!("sha256sum-{arch}.txt")]);
    }
    let machine = |name: &str| fs::read(release.join(name)).expect("a program")[18];
    assert_eq!([machine("k3s"), machine("k3s-arm64")], [62, 183], "x86-64 and AArch64 by ELF's numbers");
    let version = ok(&release, standin::program(standin::HOST).to_str().expect("a plain name"), &["--version"]);
    assert_eq!(version, "k3s stand-in for tests, not K3s\n");
}
