//! What K3s says is explained: every pattern by a message that K3s really writes.

use std::collections::BTreeSet;
use std::net::TcpListener;

use crate::sandbox::{Sandbox, image, said};
use crate::standin::Machine;

/// A message, as K3s's journal has it, and how the reason that it must give begins.
const SAMPLES: &[(&str, &str)] = &[
    (
        r#"time="2026-11-20T08:00:20Z" level=info msg="Waiting to retrieve agent configuration; server is not ready: Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match server node-passwd entry, try enabling a unique node name with the --with-node-id flag""#,
        "the cluster knows another password for the name pi1",
    ),
    (
        r#"level=fatal msg="ETCD join failed: duplicate node name found, please use a unique name for this node""#,
        "another machine of the cluster is called pi1",
    ),
    (
        r#"level=error msg="Waiting to retrieve agent configuration; server is not ready: failed to retrieve configuration from server: https://127.0.0.1:6444/v1-k3s/config: 401 Unauthorized""#,
        "the server does not accept this node's token",
    ),
    (
        r#"level=error msg="failed to retrieve configuration from server: not authorized""#,
        "the server does not accept this node's token",
    ),
    (
        r#"level=fatal msg="Error: token CA hash does not match the Cluster CA certificate hash: 0a1b != 2c3d""#,
        "the server at the cluster's address has another CA",
    ),
    (
        r#"level=fatal msg="Error: preparing server: failed to bootstrap cluster data: failed to reconcile with local datastore: bootstrap data already found and encrypted with different token""#,
        "the datastore holds a cluster that was made with another server token",
    ),
    (
        r#"level=fatal msg="/var/lib/rancher/k3s/server/cred/passwd newer than datastore and could cause a cluster outage. Remove the file(s) from disk and restart to be recreated from datastore.""#,
        "this node holds keys of a cluster that are newer",
    ),
    (
        r#"level=error msg="failed to connect to `user=k3s database=k3s`: failed SASL auth: FATAL: password authentication failed for user \"k3s\" (SQLSTATE 28P01)""#,
        "PostgreSQL refuses user name or password",
    ),
    (
        r#"level=error msg="server error: FATAL: no pg_hba.conf entry for host \"192.168.1.10\", user \"k3s\", database \"k3s\", SSL on (SQLSTATE 28000)""#,
        "PostgreSQL does not let this node's address",
    ),
    (
        r#"level=error msg="server error: FATAL: database \"k3s\" does not exist""#,
        "the database that the secret datastore-url names does not exist",
    ),
    (r#"level=error msg="ERROR: permission denied for schema public (SQLSTATE 42501)""#, "K3s may not make its table"),
    (
        r#"level=error msg="server error: FATAL: sorry, too many clients already (SQLSTATE 53300)""#,
        "PostgreSQL takes no more connections",
    ),
    (
        r#"level=error msg="FATAL: MaxClientsInSessionMode: max clients reached - in Session mode max clients are limited to pool_size""#,
        "PostgreSQL takes no more connections",
    ),
    (
        r#"level=error msg="error while range on /registry/endpointslices/ /registry/endpointslices/: ERROR: prepared statement \"stmtcache_56\" does not exist (SQLSTATE 26000)""#,
        "the datastore is a pooler in transaction mode",
    ),
    (
        r#"level=error msg="tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 1970-01-01T00:01:20Z is before 2026-11-20T08:00:00Z""#,
        "a certificate is not valid at this node's time",
    ),
    (
        r#"level=fatal msg="failed to get CA certs: Get \"https://192.168.1.10:6443/cacerts\": tls: failed to verify certificate: x509: certificate signed by unknown authority""#,
        "a certificate was signed by a CA that this node does not know",
    ),
    (
        r#"level=error msg="tls: failed to verify certificate: x509: certificate is valid for db.home, not 192.168.1.5""#,
        "a certificate does not name the host",
    ),
    (r#"level=fatal msg="failed to find memory cgroup (v2)""#, "the kernel gives no memory"),
    (
        r#"E1120 run.go:74] "command failed" err="failed to validate kubelet flags: unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: [node-role.kubernetes.io/worker]""#,
        "a node may not give itself labels",
    ),
    (
        r#"E1129 16:41:12.000000     812 controllermanager.go:342] "leaderelection lost" logger="kube-controller-manager""#,
        "K3s could not renew its leadership in time",
    ),
    ("F1129 16:41:12.000000     812 server.go:205] leaderelection lost", "K3s could not renew its leadership in time"),
    (r#"level=fatal msg="leaderelection lost for k3s""#, "K3s could not renew its leadership in time"),
    ("k3s.service: A process of this unit has been killed by the OOM killer.", "this node's memory ran out"),
    ("k3s.service: Failed with result 'oom-kill'.", "this node's memory ran out"),
    (
        r#"level=error msg="Failed to ping database connection: failed to connect to `user=k3s database=k3s`: 10.0.2.2:5432 (10.0.2.2): dial error: dial tcp 10.0.2.2:5432: connect: connection refused""#,
        "the datastore does not answer",
    ),
    (
        r#"level=fatal msg="starting kubernetes: preparing server: creating storage endpoint: building kine: dial tcp 10.0.2.2:5432: connect: connection refused""#,
        "the datastore does not answer",
    ),
    (
        r#"level=fatal msg="Error: preparing server: creating storage endpoint: failed to create driver for postgres: failed to connect to `user=k3s database=k3s`: 10.0.2.2:5432 (10.0.2.2): dial error: dial tcp 10.0.2.2:5432: connect: connection refused""#,
        "the datastore does not answer",
    ),
    (
        r#"level=error msg="Failed to list latest changes: failed to connect to `user=k3s database=k3s`: 10.0.2.2:5432 (10.0.2.2): dial error: dial tcp 10.0.2.2:5432: i/o timeout""#,
        "the datastore does not answer",
    ),
    (
        r#"level=error msg="Failed to ping database connection: failed to connect to `user=k3s database=k3s`: hostname resolving error: lookup db.home on 127.0.0.53:53: no such host""#,
        "the datastore does not answer",
    ),
    (
        r#"level=error msg="Failed to ping database connection: server error: FATAL: the database system is starting up (SQLSTATE 57P03)""#,
        "the datastore does not answer",
    ),
    (
        r#"level=error msg="Failed to list latest changes: FATAL: terminating connection due to administrator command (SQLSTATE 57P01)""#,
        "the datastore does not answer",
    ),
    (
        r#"level=error msg="failed to get CA certs: Get \"https://127.0.0.1:6444/cacerts\": net/http: TLS handshake timeout""#,
        "the K3s server does not answer",
    ),
    (
        r#"level=error msg="failed to get CA certs: Get \"https://192.168.1.10:6443/cacerts\": dial tcp 192.168.1.10:6443: connect: network is unreachable""#,
        "the K3s server does not answer",
    ),
    (
        r#"level=error msg="fail to list latest changes: dial tcp 10.0.2.2:5432: connect: connection refused""#,
        "the datastore does not answer",
    ),
    (
        r#"level=error msg="Failed to validate connection to cluster at https://10.0.2.10:6443: failed to get CA certs: Get \"https://127.0.0.1:6444/cacerts\": EOF""#,
        "the K3s server does not answer",
    ),
    (
        r#"level=error msg="failed to get CA certs: Get \"https://127.0.0.1:6444/cacerts\": read tcp 127.0.0.1:41712->127.0.0.1:6444: read: connection reset by peer""#,
        "the K3s server does not answer",
    ),
    (
        r#"level=info msg="Waiting to retrieve agent configuration; server is not ready: /var/lib/rancher/k3s/agent/serving-kubelet.crt: https://127.0.0.1:6444/v1-k3s/serving-kubelet.crt: 503 Service Unavailable""#,
        "the K3s server answers, but is still starting",
    ),
];

/// What K3s says of others than itself: kine of the database `postgres`, which it can do without (pkg/drivers/pgsql), and
/// the kubelet of pods.
const NOT_OF_K3S: &[&str] = &[
    r#"time="2026-11-20T08:00:20Z" level=warning msg="failed to ensure existence of database postgres: unable to connect to default postgres database: failed to connect to `user=k3s database=postgres`: 10.0.2.2:5432 (10.0.2.2): server error: FATAL: no pg_hba.conf entry for host \"192.168.1.10\", user \"k3s\", database \"postgres\", SSL encryption (SQLSTATE 28000)""#,
    r#"level=warning msg="failed to ensure existence of database k3s: ERROR: permission denied to create database (SQLSTATE 42501)""#,
    r#"level=warning msg="failed to ensure existence of database postgres: FATAL: database \"postgres\" does not exist (SQLSTATE 3D000)""#,
    r#"E1129 16:41:12.000000     812 pod_workers.go:1324] "Error syncing pod, skipping" err="failed to \"StartContainer\" for \"app\" with ErrImagePull: \"failed to pull and unpack image: failed to do request: Head \\\"https://registry.home/v2/app/manifests/1\\\": tls: failed to verify certificate: x509: certificate signed by unknown authority\"" pod="default/app""#,
    r#"E1129 16:41:12.000000     812 pod_workers.go:1324] "Error syncing pod, skipping" err="ErrImagePull: x509: certificate has expired or is not yet valid" pod="default/app""#,
    r#"E1129 16:41:12.000000     812 pod_workers.go:1324] "Error syncing pod, skipping" err="ErrImagePull: x509: certificate is valid for nas.home, not registry.home" pod="default/app""#,
    r#"I1129 16:41:12.000000     812 prober.go:120] "Probe failed" probeType="Readiness" pod="default/app" probeResult="failure" output="time=\"2026-11-29T16:41:11Z\" level=error msg=\"FATAL: password authentication failed for user app (SQLSTATE 28P01)\"""#,
    r#"I1129 16:41:12.000000     812 prober.go:120] "Probe failed" probeType="Readiness" pod="default/app" probeResult="failure" output="psql: error: FATAL:  sorry, too many clients already""#,
    r#"I1129 16:41:12.000000     812 prober.go:120] "Probe failed" probeType="Liveness" pod="longhorn-system/csi-attacher" probeResult="failure" output="leaderelection lost""#,
    r#"I1129 16:41:12.000000     812 prober.go:120] "Probe failed" probeType="Liveness" pod="default/app" probeResult="failure" output="time=\"2026-11-29T16:41:11Z\" level=fatal msg=\"cannot log in with token s3cr3t\"""#,
    r#"I1129 16:41:12.000000     812 prober.go:120] "Probe failed" probeType="Liveness" pod="default/app" probeResult="failure" output="[    1.5] k3s[1]: level=fatal msg=\"Error: token CA hash does not match the Cluster CA certificate hash\"""#,
    // A password that could not be looked at is no other one.
    r#"I1129 18:00:00.000000     812 event.go:389] "Event occurred" object="pi1" fieldPath="" kind="Node" apiVersion="" type="Warning" reason="NodePasswordValidationFailed" message="Deferred node password secret validation failed: unable to verify password for node pi1: Get \"https://127.0.0.1:6444/api/v1/namespaces/kube-system/secrets/pi1.node-password.k3s\": context deadline exceeded""#,
];

/// What K3s says of its own node's password, and only says: 1.36 (an event that client-go logs) and 1.21.
const ONLY_SAID: [&str; 2] = [
    r#"I1129 18:00:00.000000     812 event.go:389] "Event occurred" object="pi1" fieldPath="" kind="Node" apiVersion="" type="Warning" reason="NodePasswordValidationFailed" message="Deferred node password secret validation failed: unable to verify password for node pi1: hash does not match""#,
    r#"level=warning msg="error ensuring node password secret for pre-validated node 'pi1': unable to verify hash for node 'pi1': hash does not match""#,
];
const ANOTHER_PASSWORD: &str = "the cluster knows another password for the name pi1: this server was made with";

/// Seconds after power-on when all that a test's journal holds was said; the sandbox's clock is at 100.
const THEN: u64 = 95;

/// A node that runs `unit`, with nothing amiss around it.
fn node_of(unit: &str) -> Sandbox {
    let node = Sandbox::new();
    node.seed("NODE='pi1'\nCLUSTER='home'\n");
    node.write(&format!("usr/lib/systemd/system/{unit}.service"), "");
    node.standin("ip", "[ \"$1\" != -4 ] || echo default");
    node.standin("journalctl", "echo \"$*\" >/run/journalctl; cat /run/journal");
    // API server and kubelet, as far as they can be asked.
    node.standin(
        "curl",
        "echo \"$*\" >>/run/curl\n\
         case $* in *readyz) [ -e /run/healthy ] ;; */api/v1/nodes/pi1\\?pretty=false) cat /run/node.json ;; *) exit 7 ;; esac",
    );
    node.write("var/lib/rancher/k3s/agent/kubelet.kubeconfig", KUBECONFIG);
    node
}

fn node() -> Sandbox {
    node_of("k3s")
}

/// As K3s writes it (pkg/daemons/control/deps).
const KUBECONFIG: &str = "apiVersion: v1\nclusters:\n- cluster:\n    server: https://127.0.0.1:6444\n    \
                          certificate-authority: /var/lib/rancher/k3s/agent/server-ca.crt\n  name: local\n";

/// As the API server answers, with the part that counts.
fn node_object(node: &Sandbox, ready: &str) {
    let json = format!(
        r#"{{"kind":"Node","apiVersion":"v1","metadata":{{"name":"pi1","managedFields":[{{"fieldsV1":{{"f:status":{{"f:conditions":{{"k:{{\"type\":\"Ready\"}}":{{}}}}}}}}}}]}},"status":{{"conditions":[{{"type":"MemoryPressure","status":"False","reason":"KubeletHasSufficientMemory"}},{{"type":"Ready","status":"{ready}","reason":"KubeletReady"}}]}}}}"#
    );
    node.write("run/node.json", &json);
}

/// A line as `journalctl --output=short-monotonic --no-hostname` prints it: of systemd's, or of K3s.
fn line(second: u64, text: &str) -> String {
    let systemd = ["k3s.service: ", "Starting k3s", "Stopping k3s", "Started k3s"];
    let who = if systemd.iter().any(|start| text.starts_with(start)) {
        "systemd[1]"
    } else if text.contains("/k3s-prepare: ") {
        "k3s-prepare[811]"
    } else {
        "k3s[812]"
    };
    format!("[{second:>5}.000001] {who}: {text}\n")
}

/// Has the node follow a journal of these lines to its end.
fn follow(node: &Sandbox, lines: &[(u64, &str)]) -> serde_json::Value {
    node.write("run/journal", &lines.iter().map(|(second, text)| line(*second, text)).collect::<String>());
    let output = node.run("", "/usr/lib/imgbuild/watch");
    assert_eq!(output.status.code(), Some(1), "systemd restarts it when the journal ends: {}", said(&output));
    assert!(node.read("run/journalctl").contains("--output=short-monotonic --no-hostname"));
    node.status()
}

fn text(status: &serde_json::Value, key: &str) -> String {
    status[key].as_str().unwrap_or_default().to_owned()
}

const STARTING: &str = "Starting k3s.service - Lightweight Kubernetes (server)...";
const REFUSED: &str =
    r#"level=error msg="failed SASL auth: FATAL: password authentication failed for user \"k3s\" (SQLSTATE 28P01)""#;

#[test]
fn every_pattern_explains_a_message_of_k3s_with_its_reason_and_a_cure() {
    let node = node();
    let mut explained = BTreeSet::new();
    for (message, reason) in SAMPLES {
        let status = follow(&node, &[(THEN, STARTING), (THEN, message), (THEN, "level=info msg=\"Stopping\"")]);
        assert!(text(&status, "reason").starts_with(reason), "{message}: {status}");
        assert!(matches!(&*text(&status, "state"), "failed" | "waiting"), "{status}");
        assert!(!text(&status, "cure").is_empty() && !text(&status, "cure").contains('@'), "{status}");
        explained.insert(text(&status, "reason").split(" (").next().unwrap_or_default().to_owned());
    }
    let table = image().file("usr/lib/imgbuild/k3s-messages").expect("it is installed").text().expect("text");
    for row in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let cells: Vec<&str> = row.split('\t').collect();
        assert_eq!(cells.len(), 4, "{row}");
        let reason = cells[2].replace("@NODE@", "pi1").split(" (").next().unwrap_or_default().to_owned();
        let only_said = cells[1] == "ready" && reason.starts_with(ANOTHER_PASSWORD);
        assert!(only_said || explained.contains(&reason), "no sample for: {row}");
    }
}

#[test]
fn what_k3s_says_of_pods_or_of_the_database_postgres_is_no_reason_why_it_is_not_ready() {
    let node = node();
    for message in NOT_OF_K3S {
        let status = follow(&node, &[(THEN, STARTING), (THEN, message)]);
        assert_eq!((&status["state"], &status["reason"]), (&"starting".into(), &serde_json::Value::Null), "{message}");
        // Nor are they its last words.
        let end = "k3s.service: Main process exited, code=killed, status=9/KILL";
        let again = "k3s.service: Scheduled restart job, restart counter is at 1.";
        let status = follow(&node, &[(THEN, STARTING), (THEN, message), (THEN, end), (THEN, again)]);
        assert!(
            text(&status, "reason").ends_with("its last words were: Main process exited, code=killed, status=9/KILL"),
            "{status}"
        );
    }
}

#[test]
fn what_k3s_lacks_for_a_minute_is_told_in_the_words_of_the_gate_whatever_it_says_itself() {
    let node = node();
    node.seed("NODE='pi1'\nCLUSTER='home'\nDATASTORE_HOST='db.invalid'\n");
    let message = r#"level=info msg="Applying CRD addons.k3s.cattle.io""#;
    let status = follow(&node, &[(THEN, STARTING), (THEN, message)]);
    assert_eq!(
        (&status["state"], &status["reason"]),
        (&"starting".into(), &serde_json::Value::Null),
        "it has begun just now"
    );
    let status = follow(&node, &[(40, STARTING), (THEN, message)]);
    assert_eq!((&status["state"], &status["waiting_for"]), (&"waiting".into(), &"datastore".into()), "{status}");
    assert!(text(&status, "reason").contains("db.invalid"), "{status}");
}

#[test]
fn a_rejected_node_password_is_cured_by_deleting_the_secret_and_not_the_node() {
    let node = node();
    let cure = text(&follow(&node, &[(THEN, SAMPLES[0].0)]), "cure");
    assert!(cure.contains("delete secret pi1.node-password.k3s"), "{cure}");
    assert!(cure.contains("Do not delete the Node"), "{cure}");
    assert!(node.read("run/issue.d/90-imgbuild.issue").contains(&cure));
}

#[test]
fn a_server_is_ready_when_its_api_and_its_node_are_whatever_its_journal_holds() {
    let node = node();
    node.write("run/active-k3s.service", "");
    let journal = [(THEN, SAMPLES[15].0)];
    assert_eq!(follow(&node, &journal)["state"], "failed", "the unit is up, but the API does not answer");
    node.write("run/healthy", "");
    node_object(&node, "False");
    assert_eq!(follow(&node, &journal)["state"], "failed", "the API answers, but the Node is not Ready");
    node_object(&node, "True");
    let status = follow(&node, &journal);
    assert_eq!((&status["state"], &status["reason"]), (&"ready".into(), &serde_json::Value::Null), "{status}");
    assert!(node.read("run/curl").contains("https://127.0.0.1:6443/readyz"));
    assert!(node.read("run/journal-lines").ends_with("ready 100 s after power-on\n"));
}

#[test]
fn an_agent_is_ready_when_its_node_is_as_its_kubelet_may_ask() {
    let node = node_of("k3s-agent");
    node_object(&node, "True");
    let journal = [(THEN, "level=info msg=\"Starting k3s agent\"")];
    let status = follow(&node, &journal);
    assert_eq!((&status["state"], &status["reason"]), (&"starting".into(), &serde_json::Value::Null), "{status}");
    node.write("run/active-k3s-agent.service", "");
    for (ready, state) in [("Unknown", "starting"), ("False", "starting"), ("True", "ready")] {
        node_object(&node, ready);
        assert_eq!(follow(&node, &journal)["state"], state, "its Node is Ready: {ready}");
    }
    let asked = node.read("run/curl");
    let as_kubelet = "--cert /var/lib/rancher/k3s/agent/client-kubelet.crt --key /var/lib/rancher/k3s/agent/client-kubelet.key https://127.0.0.1:6444/api/v1/nodes/pi1";
    assert!(asked.contains(as_kubelet) && asked.contains("--cacert"), "{asked}");
}

#[test]
fn a_reason_is_forgotten_when_k3s_starts_anew_and_when_it_is_not_repeated() {
    let node = node();
    let status = follow(&node, &[(90, STARTING), (91, REFUSED)]);
    assert_eq!(status["state"], "failed", "{status}");
    let by_hand = [
        (90, STARTING),
        (91, REFUSED),
        (92, "Stopping k3s.service - Lightweight Kubernetes (server)..."),
        (93, STARTING),
    ];
    let status = follow(&node, &by_hand[..3]);
    assert_eq!(
        (&status["state"], &status["reason"]),
        (&"failed".into(), &"K3s was stopped by hand.".into()),
        "{status}"
    );
    assert_eq!(status["cure"], "start it: `systemctl start k3s`.");
    let status = follow(&node, &by_hand);
    assert_eq!((&status["state"], &status["reason"]), (&"starting".into(), &serde_json::Value::Null), "{status}");
    // K3s asks every second, so what it said more than a minute ago holds no more.
    let status = follow(&node, &[(10, STARTING), (11, REFUSED), (12, "level=info msg=\"Kine available\"")]);
    assert_eq!((&status["state"], &status["reason"]), (&"starting".into(), &serde_json::Value::Null), "{status}");
}

/// A run that ends `seconds` after its start.
fn run(start: u64, seconds: u64, last: &'static [&'static str]) -> Vec<(u64, &'static str)> {
    let end = start + seconds;
    let mut lines = vec![(start, STARTING)];
    lines.extend(last.iter().map(|text| (end, *text)));
    lines.push((end, "k3s.service: Main process exited, code=exited, status=2/INVALIDARGUMENT"));
    lines.push((end, "k3s.service: Failed with result 'exit-code'."));
    lines.push((end, "k3s.service: Scheduled restart job, restart counter is at 1."));
    lines
}

/// What ends a run, in K3s's own words.
const URL: &[&str] =
    &[r#"time="2026-11-29T18:00:00Z" level=fatal msg="parse postgres://k3s:hor/se@db:5432/k3s: invalid port""#];
const AWAY: &[&str] = &[
    r#"level=fatal msg="starting kubernetes: preparing server: creating storage endpoint: building kine: dial tcp 127.0.0.1:5432: connect: connection refused""#,
];

const PANIC: &[&str] = &[
    "panic: runtime error: invalid memory address or nil pointer dereference",
    "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x47]",
    "goroutine 1 [running]:",
    "reflect.mapiternext(0xc000123456)",
];

#[test]
fn a_crash_loop_is_told_with_its_number_its_last_words_and_a_cure() {
    let node = node();
    let twice = [run(10, 20, PANIC), run(35, 20, PANIC), vec![(60, STARTING)]].concat();
    let status = follow(&node, &twice);
    assert_eq!(status["state"], "starting", "{status}");
    assert!(
        text(&status, "reason")
            .starts_with("K3s ended and was started again 2 times: its last words were: panic: runtime"),
        "{status}"
    );

    let again = [&twice[..], &run(60, 20, PANIC)[1..], &[(85, STARTING)]].concat();
    let status = follow(&node, &again);
    assert_eq!(status["state"], "failed", "{status}");
    assert_eq!(
        text(&status, "reason"),
        "K3s ended and was started again 3 times: its last words were: panic: runtime error: invalid memory address or nil pointer dereference"
    );
    assert!(text(&status, "cure").contains("journalctl -b -u k3s"), "{status}");
    assert!(text(&status, "cure").contains("take another release of K3s"), "{status}");
    // It has overcome what ended the run before.
    node.write("uptime", "300.00 0.00\n");
    let status = follow(&node, &again);
    assert_eq!((&status["state"], &status["reason"]), (&"starting".into(), &serde_json::Value::Null), "{status}");
}

#[test]
fn a_crash_loop_with_a_known_reason_keeps_it_and_no_password_is_told() {
    let node = node();
    let known: &[&str] = &[REFUSED];
    let known = [run(50, 5, known), run(60, 5, known), run(70, 5, known), vec![(80, STARTING)]].concat();
    let status = follow(&node, &known);
    assert_eq!(status["state"], "failed", "{status}");
    assert!(
        text(&status, "reason").starts_with("K3s ended and was started again 3 times: PostgreSQL refuses"),
        "{status}"
    );
    assert!(text(&status, "cure").contains("correct the secret datastore-url"), "{status}");

    let status = follow(&node, &[run(80, 5, URL), vec![(90, STARTING)]].concat());
    let reason = text(&status, "reason");
    assert!(reason.ends_with(r#"level=fatal msg="parse postgres://k3s:…@db:5432/k3s: invalid port""#), "{reason}");
    assert!(!node.read("run/journal-lines").contains("hor/se"), "not even in passing");

    let status = follow(&node, &[run(80, 5, &[]), vec![(90, STARTING)]].concat());
    assert!(
        text(&status, "reason").ends_with("Main process exited, code=exited, status=2/INVALIDARGUMENT"),
        "{status}"
    );
}

const RESTART: &str = "k3s.service: Scheduled restart job, restart counter is at 1.";

#[test]
fn a_preparation_that_fails_is_told_with_what_it_said_and_no_release_is_blamed() {
    let node = node();
    let refused = "/usr/lib/imgbuild/k3s-prepare: line 38: /var/lib/rancher/k3s/agent/images/.cache.json: No space left on device";
    let exited = "k3s.service: Control process exited, code=exited, status=1/FAILURE";
    let status = follow(&node, &[(90, STARTING), (90, refused), (90, exited), (90, RESTART)]);
    assert_eq!(text(&status, "reason"), format!("K3s ended and was started again: its last words were: {refused}"));
    assert_eq!(text(&status, "cure"), "see `journalctl -b -u k3s -u k3s-agent`.");
    let status = follow(&node, &[(90, STARTING), (90, exited), (90, RESTART)]);
    assert!(text(&status, "reason").ends_with("Control process exited, code=exited, status=1/FAILURE"), "{status}");
}

#[test]
fn last_words_are_cut_between_characters_and_no_part_of_a_password_is_in_them() {
    let node = node();
    let last_words = |words: &str| text(&follow(&node, &[(80, STARTING), (85, words), (85, RESTART)]), "reason");
    // In one of them, byte 300 is in the midst of a character.
    for start in ["", "a"] {
        let reason = last_words(&format!("level=fatal msg=\"{start}{}", "é".repeat(400)));
        assert!(reason.ends_with("ééé…"), "{reason}");
    }
    for password in ["p@ss", "hor/se", "a/b@c", "a@b/c@d"] {
        let reason =
            last_words(&format!(r#"level=fatal msg="parse \"postgres://k3s:{password}@db:5432/k3s\": invalid""#));
        assert!(reason.contains("postgres://k3s:…@db:5432/k3s"), "{password}: {reason}");
    }
}

#[test]
fn what_goes_away_after_the_gate_is_told_in_the_words_of_the_gate() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let open = TcpListener::bind("127.0.0.1:0").expect("a port");
    let eof = r#"level=error msg="Failed to validate connection to cluster at https://10.0.2.10:6443: failed to get CA certs: Get \"https://127.0.0.1:6444/cacerts\": EOF""#;
    let worker = node_of("k3s-agent");
    let server = |port: u16| format!("NODE='pi1'\nSERVER_HOST='127.0.0.1'\nSERVER_PORT='{port}'\n");
    worker.seed(&server(closed));
    let status = follow(&worker, &[(THEN, eof)]);
    assert_eq!((&status["state"], &status["waiting_for"]), (&"waiting".into(), &"server".into()), "{status}");
    assert_eq!(
        text(&status, "reason"),
        format!("the K3s server cannot be reached: 127.0.0.1 port {closed} refuses the connection.")
    );
    assert!(text(&status, "cure").starts_with("start the control node"), "{status}");
    worker.seed(&server(open.local_addr().expect("an address").port()));
    let status = follow(&worker, &[(THEN, eof)]);
    assert_eq!(text(&status, "reason"), "the K3s server does not answer.", "TCP is all that the gate tries");
    worker.standin("ip", "");
    assert_eq!(follow(&worker, &[(THEN, eof)])["waiting_for"], "network", "somebody pulled the cable");

    let control = node();
    control.seed(&format!("NODE='pi1'\nDATASTORE_HOST='127.0.0.1'\nDATASTORE_PORT='{closed}'\n"));
    let status = follow(&control, &[run(80, 5, AWAY), vec![(90, STARTING)]].concat());
    assert_eq!((&status["state"], &status["waiting_for"]), (&"waiting".into(), &"datastore".into()), "{status}");
    assert!(text(&status, "reason").starts_with("the datastore cannot be used: 127.0.0.1 port"), "{status}");
}

#[test]
fn lost_leadership_is_blamed_on_the_cpu_where_it_was_short_and_else_on_the_datastore() {
    let node = node();
    let lost = [(THEN, "F1129 16:41:12.000000     812 server.go:205] leaderelection lost")];
    for (percent, likely) in [
        (83, "83 % of the last five minutes processes had to wait for the CPU, so it is more likely the CPU)"),
        (2, "more likely the datastore)"),
    ] {
        node.write("pressure", &format!("some avg10=9.00 avg60=9.00 avg300={percent}.51 total=7\n"));
        let reason = text(&follow(&node, &lost), "reason");
        assert!(
            reason.contains("the datastore answers too slowly or this node's CPU is short") && reason.contains(likely),
            "{reason}"
        );
    }
    node.write("pressure", "");
    let reason = text(&follow(&node, &lost), "reason");
    assert!(reason.contains("the load average is "), "a kernel that does not say: {reason}");
}

#[test]
fn a_server_that_was_let_in_with_another_password_is_ready_and_says_so() {
    let node = node();
    node.write("run/active-k3s.service", "");
    node.write("run/healthy", "");
    node_object(&node, "True");
    for message in ONLY_SAID {
        let status = follow(&node, &[(90, STARTING), (91, message)]);
        assert_eq!(status["state"], "ready");
        assert!(text(&status, "reason").starts_with(ANOTHER_PASSWORD), "{status}");
        assert!(text(&status, "cure").contains("delete secret pi1.node-password.k3s"), "{status}");
        assert!(node.read("console").contains("imgbuild: ready, but the cluster knows another password"));
        let status = follow(&node, &[(90, STARTING), (91, message), (92, STARTING)]);
        assert_eq!(status["reason"], serde_json::Value::Null, "{status}");
        let of_another = message.replace("pi1", "pi2");
        assert_eq!(follow(&node, &[(90, STARTING), (91, &of_another)])["reason"], serde_json::Value::Null);
    }
}

#[test]
fn a_worker_asks_the_stand_in_for_k3s_whether_its_node_is_ready_with_the_real_curl() {
    let control = Machine::new("token: server-secret\nagent-token: agent-secret\nnode-name: control\n");
    let mut server = control.start("server", &[]);
    let url = server.word("Listening on ");
    let pi1 = Machine::new(&format!("server: {url}\ntoken: agent-secret\nnode-name: pi1\n"));
    let mut agent = pi1.start("agent", &[]);
    agent.line("Successfully registered node pi1");
    let node = node_of("k3s-agent");
    std::fs::remove_file(node.path("bin/curl")).expect("it was made");
    node.write("run/active-k3s-agent.service", "");
    let journal = [(THEN, "level=info msg=\"Starting k3s agent\"")];
    assert_eq!(follow(&node, &journal)["state"], "starting", "nobody listens where that kubeconfig points to");
    for name in ["kubelet.kubeconfig", "server-ca.crt", "client-kubelet.crt", "client-kubelet.key"] {
        let text = std::fs::read_to_string(pi1.path("data/agent").join(name)).expect(name);
        node.write(&format!("var/lib/rancher/k3s/agent/{name}"), &text);
    }
    assert_eq!(follow(&node, &journal)["state"], "ready");
    drop(server);
    assert_eq!(follow(&node, &journal)["state"], "starting", "the API does not answer");
}
