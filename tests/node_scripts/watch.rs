//! What K3s says is explained: every pattern by a message that K3s really writes.

use std::collections::BTreeSet;

use crate::sandbox::{Sandbox, image, said};

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
    (r#"level=fatal msg="leaderelection lost for k3s""#, "the datastore answers too slowly"),
];

fn node() -> Sandbox {
    let node = Sandbox::new();
    node.seed("NODE='pi1'\nCLUSTER='home'\n");
    node.standin("journalctl", "cat /run/journal");
    // The API server or the kubelet, as far as they can be asked.
    node.standin("curl", "echo \"$*\" >>/run/curl; [ -e /run/healthy ]");
    node
}

#[test]
fn every_pattern_explains_a_message_of_k3s_with_its_reason_and_a_cure() {
    let node = node();
    let mut explained = BTreeSet::new();
    for (message, reason) in SAMPLES {
        node.write(
            "run/journal",
            &format!("Starting Lightweight Kubernetes...\n{message}\nlevel=info msg=\"Stopping\"\n"),
        );
        let output = node.run("", "/usr/lib/imgbuild/watch");
        assert_eq!(output.status.code(), Some(1), "systemd restarts it when the journal ends: {}", said(&output));
        let status = node.status();
        let text = |key: &str| status[key].as_str().unwrap_or_default().to_owned();
        assert!(text("reason").starts_with(reason), "{message}: {status}");
        assert!(matches!(&*text("state"), "failed" | "waiting"), "{status}");
        assert!(!text("cure").is_empty() && !text("cure").contains("@NODE@"), "{status}");
        explained.insert(text("reason"));
    }
    let table = image().file("usr/lib/imgbuild/k3s-messages").expect("it is installed").text().expect("text");
    for row in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let cells: Vec<&str> = row.split('\t').collect();
        assert_eq!(cells.len(), 4, "{row}");
        assert!(explained.contains(&cells[2].replace("@NODE@", "pi1")), "no sample for: {row}");
    }
}

#[test]
fn a_rejected_node_password_is_cured_by_deleting_the_secret_and_not_the_node() {
    let node = node();
    node.write("run/journal", SAMPLES[0].0);
    node.write("run/journal", &format!("{}\n", SAMPLES[0].0));
    node.run("", "/usr/lib/imgbuild/watch");
    let cure = node.status()["cure"].as_str().unwrap_or_default().to_owned();
    assert!(cure.contains("delete secret pi1.node-password.k3s"), "{cure}");
    assert!(cure.contains("Do not delete the Node"), "{cure}");
    assert!(node.read("run/issue.d/90-imgbuild.issue").contains(&cure));
}

#[test]
fn a_server_is_ready_when_its_api_says_so_whatever_its_journal_holds() {
    let node = node();
    node.write("run/journal", &format!("{}\n", SAMPLES[15].0));
    node.write("run/active-k3s.service", "");
    node.run("", "/usr/lib/imgbuild/watch");
    assert_eq!(node.status()["state"], "failed", "the unit is up, but the API does not answer");
    node.write("run/healthy", "");
    node.run("", "/usr/lib/imgbuild/watch");
    let status = node.status();
    assert_eq!((&status["state"], &status["reason"]), (&"ready".into(), &serde_json::Value::Null), "{status}");
    assert!(node.read("run/curl").contains("https://127.0.0.1:6443/readyz"));
    assert!(node.read("run/journal-lines").ends_with("ready 100 s after power-on\n"));
}

#[test]
fn an_agent_is_ready_when_its_kubelet_says_so() {
    let node = node();
    node.write("run/journal", "level=info msg=\"Starting k3s agent\"\n");
    node.run("", "/usr/lib/imgbuild/watch");
    let status = node.status();
    assert_eq!((&status["state"], &status["reason"]), (&"starting".into(), &serde_json::Value::Null), "{status}");
    node.write("run/active-k3s-agent.service", "");
    node.write("run/healthy", "");
    node.run("", "/usr/lib/imgbuild/watch");
    assert_eq!(node.status()["state"], "ready");
    assert!(node.read("run/curl").contains("http://127.0.0.1:10248/healthz"));
}
