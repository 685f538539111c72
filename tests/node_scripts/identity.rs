//! Whether the cluster in the datastore knows a server as another machine: asked of a real `PostgreSQL`.

use imgbuild::tree::Digest;

use crate::gate::{gate, node, started};
use crate::postgres::Postgres;
use crate::sandbox::{Sandbox, said};

const TOKEN: &str = "server-secret";
const OWN: &str = "9ed67d17c6d44e4bb4b1a5b2c274e376";
const OTHER: &str = "0123456789abcdef0123456789abcdef";

/// kine's table (v0.16.4, pkg/drivers/pgsql), as far as a question goes.
const TABLE: &str = "CREATE TABLE kine (id BIGSERIAL PRIMARY KEY, name text COLLATE \"C\", created INTEGER, deleted INTEGER, \
                     create_revision BIGINT, prev_revision BIGINT, lease INTEGER, value bytea, old_value bytea)";

/// A server's seed with this URL as datastore.
fn server(postgres: &Postgres, url: &str) -> Sandbox {
    let node = node("k3s");
    let facts = "SCHEMA='1'\nNODE='control'\nROLE='server'\nDATASTORE_HOST='localhost'\nDATASTORE_CA='/run/ca.pem'\n";
    node.seed(&format!("{facts}DATASTORE_PORT='{}'\n", postgres.port));
    let secrets = serde_json::json!({ "agent-token": "a", "datastore-endpoint": url, "token": TOKEN });
    node.write("etc/rancher/k3s/config.yaml.d/90-secrets.yaml", &format!("{secrets:#}\n"));
    node.write("etc/machine-id", &format!("{OWN}\n"));
    node.write("run/ca.pem", &std::fs::read_to_string(postgres.ca()).expect("a certificate"));
    node
}

fn asked(node: &Sandbox, postgres: &Postgres) -> String {
    let ask = format!("/usr/lib/imgbuild/known-server control localhost {} verify-full /run/ca.pem", postgres.port);
    let answer = said(&node.run("", &ask)).trim().to_owned();
    // A server ends a session soon after its client is gone; one whose client stays is there for ever.
    let others = "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename LIKE 'k3s%'";
    assert!((0..50).any(|_| postgres.sql(others) == "0"), "a session is left after {answer:?}");
    answer
}

fn put(postgres: &Postgres, name: &str, deleted: bool, value: &str) {
    let deleted = u8::from(deleted);
    postgres.sql(&format!(
        "INSERT INTO kine (name, deleted, value) VALUES ('{name}', {deleted}, decode('{value}', 'hex'))"
    ));
}

/// A Node as Kubernetes stores it: the end of its status, with the fields of `NodeSystemInfo` in their order.
fn node_with(machine_id: &str) -> String {
    let field = |number: u8, text: &str| {
        let hex = text.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        format!("{:02x}{:02x}{hex}", number << 3 | 2, text.len())
    };
    let uuid = "02b0161c-0000-4000-8000-00000000000a";
    let info =
        [machine_id, uuid, uuid, "6.12.118", "Debian GNU/Linux 13 (trixie)", "containerd://2.3.1", "v1.36.5+k3s1"];
    let info: String = (1..).zip(info).map(|(number, text)| field(number, text)).collect();
    let start = format!("6b387300{}{}", field(1, "v1"), field(2, "Node"));
    format!("{start}3a{:02x}01{info}", info.len() / 2 % 128 + 128)
}

#[test]
fn a_server_that_the_cluster_knows_as_another_machine_is_held_back_until_somebody_wants_it_so() {
    let postgres = Postgres::start();
    let node = server(&postgres, &postgres.url("localhost"));
    let key = format!("/bootstrap/{}", &Digest::of(TOKEN.as_bytes()).to_string()[..12]);
    let registered = "/registry/minions/control";

    // Several times: whether a client that was left alone went by itself was a matter of luck.
    for _ in 0..6 {
        assert_eq!(asked(&node, &postgres), "new", "there is no table yet");
    }
    postgres.sql(TABLE);
    assert_eq!(asked(&node, &postgres), "new", "the table is empty");
    put(&postgres, "/bootstrap/0123456789ab", false, "00");
    put(&postgres, registered, false, &node_with(OTHER));
    assert_eq!(asked(&node, &postgres), "new", "a cluster of another token is K3s's to refuse");
    put(&postgres, &key, false, "00");
    assert_eq!(asked(&node, &postgres), "other");

    let waits = gate(&node, &["touch /run/imgbuild/take-over"]);
    assert_eq!(waits.len(), 1, "{waits:?}");
    let (what, reason, cure) = &waits[0];
    assert_eq!(what, "identity");
    assert!(reason.starts_with("the cluster knows another machine by the name control"), "{reason}");
    assert!(cure.contains("identity-seed") && cure.contains("`touch /run/imgbuild/take-over`"), "{cure}");
    assert_eq!(started(&node).as_deref(), Some("start --no-block k3s.service"));

    put(&postgres, registered, false, &node_with(OWN));
    assert_eq!(asked(&node, &postgres), "same", "the newest revision counts");
    put(&postgres, registered, true, &node_with(OTHER));
    assert_eq!(asked(&node, &postgres), "new", "the Node was deleted");
    put(&postgres, registered, false, &format!("6b387300{}", "0a024f4b"));
    assert_eq!(asked(&node, &postgres), "new", "a Node that has not reported yet");
}

#[test]
fn what_cannot_be_asked_holds_nobody_back_and_passwords_are_taken_as_urls_write_them() {
    let postgres = Postgres::start_with("CREATE ROLE \"k3s.ref\" LOGIN PASSWORD 'a/b@c%d \"e';\n");
    let url = |user: &str| postgres.url("localhost").replace("k3s:correct-horse", user);
    let wrong = server(&postgres, &url("k3s:wrong"));
    assert!(asked(&wrong, &postgres).contains("SQLSTATE 28P01"), "{}", asked(&wrong, &postgres));
    assert_eq!(gate(&wrong, &[]), []);
    assert!(started(&wrong).is_some(), "K3s says it too, and its message is known");

    let special = server(&postgres, &url("k3s.ref:a%2fb%40c%25d%20%22e"));
    assert_eq!(asked(&special, &postgres), "new");
    special.write("run/ca.pem", "");
    assert_ne!(asked(&special, &postgres), "new", "a server that it cannot trust gets no answer");
}
