//! `check --online` against real servers: `PostgreSQL` with TLS and a private authority, and `PgBouncer` before it.

#[path = "../support/pgbouncer.rs"]
mod pgbouncer;
#[path = "../support/postgres.rs"]
#[expect(dead_code, reason = "other tests stop it")]
mod postgres;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::Value;
use tempfile::TempDir;

use pgbouncer::{Pooler, Shows};
use postgres::Postgres;

const CLUSTER: &str = include_str!("../fixtures/lints/C052-datastore-ca-unusable/good/cluster.toml");
const FOREIGN_CA: &str = include_str!("../fixtures/lints/C052-datastore-ca-unusable/good/datastore-ca.pem");
const TOKEN: &str = "server-token-of-the-test";

/// The server of all tests that run at a time; it ends with the last of them.
fn postgres() -> Arc<Postgres> {
    static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let started = Arc::new(start());
        *shared = Arc::downgrade(&started);
        started
    })
}

/// A server with roles and databases that K3s cannot work with, beside the sound `k3s`.
fn start() -> Postgres {
    let role =
        |name: &str, more: &str| format!("CREATE ROLE \"{name}\" LOGIN PASSWORD '{}'{more};\n", Postgres::PASSWORD);
    let database = |name: &str, more: &str| format!("CREATE DATABASE {name} OWNER {name}{more};\n");
    let commands = [
        role("poor", ""),
        role("few", " CONNECTION LIMIT 7") + &database("few", ""),
        role("reader", "") + &database("reader", "") + "ALTER ROLE reader SET default_transaction_read_only = on;\n",
        role("latin", "") + &database("latin", " ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'"),
        role("old", "") + &database("old", ""),
        // As a language sorts that ignores what is no letter, which en_US.UTF-8 of older systems does too.
        role("past", "")
            + &database("past", " TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US-u-ka-shifted' LOCALE 'C'"),
        role("english", "")
            + &database("english", " TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'"),
        role("home-lab", ""),
        role("heavy", "") + &database("heavy", ""),
        "CREATE ROLE anon;\n".to_owned(),
    ];
    Postgres::start_with(&commands.concat())
}

/// A URL with another role, whose database has its name unless it is given.
fn url_of(postgres: &Postgres, role: &str, database: &str) -> String {
    let url = postgres.url("localhost").replace("//k3s:", &format!("//{role}:"));
    format!("{}/{database}", url.trim_end_matches("/k3s"))
}

/// The one finding that every datastore on this machine must give rise to; it is set aside here.
const HERE: &str = "C104-datastore-here";

/// Changes a role's own database.
fn sql(postgres: &Postgres, role: &str, query: &str) {
    let ca = postgres.ca();
    let url = format!("{}?sslmode=verify-full&sslrootcert={}", url_of(postgres, role, role), ca.display());
    support::ok(Path::new("/"), "psql", &["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--command", query, &url]);
}

/// K3s's table as kine makes it (`pkg/drivers/pgsql`, `schema`), its keys and revisions of these types. kine 0.13 and later
/// have `text COLLATE "C"` and `bigserial`; 0.12 has `varchar(630)`, and versions before 0.11.5 have `serial`.
fn schema(key: &str, revision: &str) -> String {
    let number = if revision == "serial" { "integer" } else { "bigint" };
    let indexes = [
        "INDEX kine_name_index ON kine (name)",
        "INDEX kine_name_id_index ON kine (name, id)",
        "INDEX kine_id_deleted_index ON kine (id, deleted)",
        "INDEX kine_prev_revision_index ON kine (prev_revision)",
        "UNIQUE INDEX kine_name_prev_revision_uindex ON kine (name, prev_revision)",
        "INDEX kine_list_query_index ON kine (name, id DESC, deleted)",
    ];
    let indexes = indexes.map(|index| format!("CREATE {index};\n")).concat();
    format!(
        "CREATE TABLE kine (id {revision} PRIMARY KEY, name {key}, created integer, deleted integer, create_revision \
         {number}, prev_revision {number}, lease integer, value bytea, old_value bytea);\n{indexes}"
    )
}

/// What a run said.
struct Checked {
    /// Whether one of the findings is an error.
    fails: bool,
    code: Option<i32>,
    findings: Vec<Value>,
    /// Everything on both streams.
    all: String,
}

impl Checked {
    fn codes(&self) -> Vec<&str> {
        self.findings.iter().map(|finding| finding["code"].as_str().unwrap_or_default()).collect()
    }

    /// Message and cure of the one finding, which must have this code.
    fn only(&self, code: &str) -> String {
        assert_eq!(self.codes(), [code], "{}", self.all);
        let finding = &self.findings[0];
        for key in ["message", "why", "hint", "line"] {
            assert!(!finding[key].is_null(), "{key}: {finding}");
        }
        format!("{} {}", finding["message"], finding["hint"])
    }
}

/// Runs `check` with the datastore at `url`, believing the authority in the file `ca`.
fn check(url: &str, ca: &Path, options: &[&str]) -> Checked {
    let dir = TempDir::new().expect("a temporary directory");
    fs::write(dir.path().join("cluster.toml"), CLUSTER).expect("a writable file");
    fs::copy(ca, dir.path().join("datastore-ca.pem")).expect("a writable file");
    let seed = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    let output = Command::new(env!("CARGO_BIN_EXE_imgbuild"))
        .arg("--cache-dir")
        .arg(dir.path().join("cache"))
        .arg("check")
        .args(options)
        .current_dir(dir.path())
        .env("IMGBUILD_SECRET_DATASTORE_URL", url)
        .env("IMGBUILD_SECRET_SERVER_TOKEN", TOKEN)
        .env("IMGBUILD_SECRET_AGENT_TOKEN", "agent-token-of-the-test")
        .env("IMGBUILD_SECRET_IDENTITY_SEED", seed)
        .output()
        .expect("the program");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, all) = (text(&output.stdout), text(&output.stdout) + &text(&output.stderr));
    assert!(!all.contains(Postgres::PASSWORD) && !all.contains(TOKEN), "a secret was shown: {all}");
    let results = stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let findings = results.filter_map(|line| line["result"]["findings"].as_array().cloned()).flatten();
    let findings: Vec<Value> = findings.filter(|finding| finding["code"] != HERE).collect();
    let fails = findings.iter().any(|finding| finding["severity"] == "error");
    Checked { fails, code: output.status.code(), findings, all }
}

fn online(postgres: &Postgres, url: &str) -> Checked {
    check(url, &postgres.ca(), &["--online", "--json"])
}

#[test]
fn a_sound_datastore_is_told_by_its_version_and_is_no_finding() {
    let postgres = postgres();
    let checked = check(&postgres.url("localhost"), &postgres.ca(), &["--online"]);
    assert!(
        checked.all.contains("datastore    PostgreSQL ") && checked.all.contains("at localhost:"),
        "{}",
        checked.all
    );
    assert_eq!(online(&postgres, &postgres.url("127.0.0.1")).codes(), [""; 0]);
    // Nobody is asked without being told to.
    let checked = check("postgres://k3s:x@nowhere.invalid/k3s", &postgres.ca(), &["--json"]);
    assert_eq!((checked.code, checked.codes()), (Some(0), vec![]), "{}", checked.all);
}

#[test]
fn a_datastore_that_is_not_there_is_told_by_what_is_missing() {
    let postgres = postgres();
    let nowhere = online(&postgres, "postgres://k3s:correct-horse@nowhere.invalid:5432/k3s");
    assert_eq!(nowhere.code, Some(1), "{}", nowhere.all);
    assert!(nowhere.only("D001-datastore-name").contains("nowhere.invalid"));
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
    let closed = online(&postgres, &format!("postgres://k3s:correct-horse@localhost:{port}/k3s"));
    assert!(closed.only("D002-datastore-unreachable").contains(&format!("localhost:{port}")));
    // A machine that takes the connection and says nothing.
    let mute = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = mute.local_addr().expect("its address").port();
    let silent = online(&postgres, &format!("postgres://k3s:correct-horse@localhost:{port}/k3s"));
    assert!(silent.only("D014-silent").contains("5 seconds"));
}

#[test]
fn only_the_right_authority_and_the_right_name_are_believed() {
    let postgres = postgres();
    let dir = TempDir::new().expect("a temporary directory");
    let foreign = dir.path().join("ca.pem");
    fs::write(&foreign, FOREIGN_CA).expect("a writable file");
    let checked = check(&postgres.url("localhost"), &foreign, &["--online", "--json"]);
    assert!(checked.only("D004-other-authority").contains("localhost:"));

    // The one certificate that a small server signed itself is its own authority, but only for its own name.
    let own = Pooler::start(&postgres, Shows::Own("localhost"), "pool_mode = session\ndefault_pool_size = 30");
    let checked = check(&own.url(), &own.certificate(), &["--online", "--json"]);
    assert_eq!(checked.codes(), [""; 0], "{}", checked.all);
    let other = Pooler::start(&postgres, Shows::Own("elsewhere.test"), "");
    let checked = check(&other.url(), &other.certificate(), &["--online", "--json"]);
    let said = checked.only("D005-other-name");
    assert!(said.contains("not for `localhost`"), "{said}");

    let open = Pooler::start(&postgres, Shows::Nothing, "");
    online(&postgres, &open.url()).only("D003-datastore-without-tls");
}

#[test]
fn who_may_not_in_or_finds_no_database_is_told_so() {
    let postgres = postgres();
    let wrong = online(&postgres, &postgres.url("localhost").replace("correct-horse", "battery-staple"));
    assert!(wrong.fails);
    assert!(wrong.only("D010-login").contains("`k3s`"));
    assert!(!wrong.all.contains("battery-staple"), "{}", wrong.all);
    let missing = online(&postgres, &url_of(&postgres, "k3s", "other"));
    assert!(missing.only("D011-no-database").contains("`other`"));
}

#[test]
fn rights_room_and_form_that_k3s_needs_are_looked_at() {
    let postgres = postgres();
    let said = online(&postgres, &url_of(&postgres, "poor", "k3s")).only("D016-no-create");
    assert!(said.contains("GRANT CREATE ON SCHEMA public"), "{said}");
    online(&postgres, &url_of(&postgres, "reader", "reader")).only("D015-read-only");
    let few = online(&postgres, &url_of(&postgres, "few", "few"));
    assert!(!few.fails, "{}", few.all);
    let said = few.only("D020-few-connections");
    assert!(said.contains("7 connections") && said.contains("the role's limit"), "{said}");
    assert!(online(&postgres, &url_of(&postgres, "latin", "latin")).only("D022-encoding").contains("LATIN1"));
}

#[test]
fn a_pooler_is_found_by_what_it_does() {
    let postgres = postgres();
    let transaction = Pooler::start(&postgres, Shows::Servers, "pool_mode = transaction\ndefault_pool_size = 30");
    let checked = online(&postgres, &transaction.url());
    assert!(checked.fails, "{}", checked.all);
    assert!(checked.only("D018-prepared-statements").contains("pool_mode = session"));

    let session = Pooler::start(&postgres, Shows::Servers, "pool_mode = session\ndefault_pool_size = 30");
    let checked = online(&postgres, &session.url());
    assert_eq!(checked.codes(), [""; 0], "{}", checked.all);
    let small = Pooler::start(&postgres, Shows::Servers, "pool_mode = session\ndefault_pool_size = 3");
    let said = online(&postgres, &small.url()).only("D020-few-connections");
    assert!(said.contains("3 connections") && said.contains("pool size"), "{said}");
    let single = Pooler::start(&postgres, Shows::Servers, "pool_mode = session\ndefault_pool_size = 1");
    online(&postgres, &single.url()).only("D012-no-connection-left");
}

#[test]
fn a_datastore_that_holds_a_cluster_says_whose() {
    let postgres = postgres();
    let sql = |query: &str| sql(&postgres, "old", query);
    sql(&schema("text COLLATE \"C\"", "bigserial"));
    let held = online(&postgres, &url_of(&postgres, "old", "old"));
    assert!(!held.fails, "{}", held.all);
    assert!(held.only("D024-holds-cluster").contains("public.kine"));
    assert_eq!(held.findings[0]["severity"], "info");

    // The SHA-256 of the token begins so.
    let digest = imgbuild::tree::Digest::of(TOKEN.as_bytes()).to_string();
    sql(&format!("INSERT INTO kine (name) VALUES ('/bootstrap/{}')", &digest[..12]));
    let ours = online(&postgres, &url_of(&postgres, "old", "old"));
    assert!(ours.only("D024-holds-cluster").contains("this workspace's server token"));
    sql("UPDATE kine SET name = '/bootstrap/0123456789ab'");
    let other = online(&postgres, &url_of(&postgres, "old", "old"));
    assert!(other.fails, "{}", other.all);
    other.only("D023-other-token");

    // The table of a role is no other role's.
    sql("GRANT ALL ON SCHEMA public TO poor; GRANT ALL ON kine TO poor");
    let foreign = online(&postgres, &url_of(&postgres, "poor", "old"));
    assert_eq!(foreign.codes()[0], "D017-foreign-table", "{}", foreign.all);
}

#[test]
fn what_cannot_be_asked_is_refused_or_said() {
    let postgres = postgres();
    let both = check(&postgres.url("localhost"), &postgres.ca(), &["--online", "--offline"]);
    assert!(both.code == Some(1) && both.all.contains("`--offline` opens no connection"), "{}", both.all);
    // A URL that is no good is a finding of its own.
    let unset = check("nonsense", &postgres.ca(), &["--online", "--json"]);
    assert_eq!(unset.codes(), ["C071-unfit-secret"]);
}

#[test]
fn a_table_in_the_order_of_a_language_is_told_before_k3s_fails_on_it() {
    let postgres = postgres();
    let of = |role| online(&postgres, &url_of(&postgres, role, role));
    // As kine 0.12 made it, in a database whose language ignores all but letters.
    sql(&postgres, "past", &schema("varchar(630)", "bigserial").replace("CREATE INDEX kine_list_query_index", "--"));
    let past = of("past");
    assert_eq!(past.codes(), ["D024-holds-cluster", "D025-key-order", "D027-missing-index"], "{}", past.all);
    assert!(past.fails);
    let said = past.findings[1].to_string();
    assert!(said.contains("COLLATE") && said.contains("KINE_SCHEMA_MIGRATION=2"), "{said}");
    assert!(past.findings[2].to_string().contains("kine_list_query_index"), "{}", past.all);
    // The cure that it names is one.
    let cure = past.findings[1]["hint"].as_str().unwrap_or_default().split('`').nth(1).unwrap_or_default();
    sql(&postgres, "past", cure);
    let mended = of("past");
    assert_eq!(mended.codes(), ["D024-holds-cluster", "D027-missing-index"], "{}", mended.all);

    // A language in which K3s finds its keys all the same.
    sql(&postgres, "english", &schema("varchar(630)", "serial"));
    let english = of("english");
    assert_eq!(english.codes(), ["D024-holds-cluster", "D026-collation", "D029-narrow-ids"], "{}", english.all);
    assert!(!english.fails && english.all.contains("en-US"), "{}", english.all);
    let cure = english.findings[2]["hint"].as_str().unwrap_or_default().split('`').nth(1).unwrap_or_default();
    sql(&postgres, "english", cure);
    assert!(!of("english").codes().contains(&"D029-narrow-ids"));
}

#[test]
fn what_is_left_of_the_past_in_a_table_is_counted() {
    let postgres = postgres();
    let of = || online(&postgres, &url_of(&postgres, "heavy", "heavy"));
    sql(&postgres, "heavy", &schema("text COLLATE \"C\"", "bigserial"));
    sql(
        &postgres,
        "heavy",
        "ALTER TABLE kine SET (autovacuum_enabled = false);
         INSERT INTO kine (name, prev_revision) SELECT '/registry/events/' || number, 0 FROM generate_series(1, 12000) AS number;
         DELETE FROM kine; INSERT INTO kine (id, name, prev_revision) VALUES (200000, '/registry/pods/a', 0), (200001, \
         'compact_rev_key', 1000); DROP INDEX kine_id_deleted_index; GRANT SELECT ON kine TO anon",
    );
    let full = of();
    let codes = ["D024-holds-cluster", "D027-missing-index", "D031-dead-rows", "D032-not-compacted", "D034-data-api"];
    assert_eq!(full.codes(), codes, "{}", full.all);
    assert!(full.findings[0].to_string().contains("12000 deleted"), "{}", full.all);
    assert!(full.findings[3].to_string().contains("199001 revisions"), "{}", full.all);
    for cure in [
        "REVOKE ALL ON kine FROM anon",
        "VACUUM kine",
        "CREATE INDEX kine_id_deleted_index ON kine (id, deleted)",
        "UPDATE kine SET prev_revision = 200000 WHERE name = 'compact_rev_key'",
    ] {
        sql(&postgres, "heavy", cure);
    }
    assert_eq!(of().codes(), ["D024-holds-cluster"]);
}

#[test]
fn the_server_is_sent_what_k3s_would_send_it() {
    let postgres = postgres();
    let with = |query: &str| online(&postgres, &format!("{}?{query}", postgres.url("localhost")));
    for (query, setting) in [("zeal=1", "zeal"), ("ssl_min_protocol_version=TLSv1.3", "ssl_min_protocol_version")] {
        // What it is not known to be is told without asking too.
        let mut refused = with(query);
        refused.findings.retain(|finding| finding["code"] != "C111-unknown-parameter");
        assert!(refused.only("D033-parameter").contains(setting), "{}", refused.all);
    }
    assert!(with("work_mem=much").only("D033-parameter").contains("work_mem"));
    // What the client keeps, and what the server takes, is no finding.
    let taken = with("sslmode=verify-full&connect_timeout=3&application_name=k3s&statement_timeout=20000&my.own=1");
    assert_eq!(taken.codes(), [""; 0], "{}", taken.all);
    // A setting that leads elsewhere is followed there.
    assert!(with("search_path=nowhere").only("D016-no-create").contains("search path"));
    // A pooler refuses more than the server behind it.
    let pooler = Pooler::start(&postgres, Shows::Servers, "pool_mode = session\ndefault_pool_size = 30");
    let refused = online(&postgres, &format!("{}?statement_timeout=20000", pooler.url()));
    assert!(refused.only("D033-parameter").contains("statement_timeout"), "{}", refused.all);
}

#[test]
fn names_with_a_dash_are_as_good_as_others() {
    let postgres = postgres();
    let url = |database: &str| url_of(&postgres, "home-lab", database);
    assert!(online(&postgres, &url("home-lab")).only("D011-no-database").contains("`home-lab`"));
    let lower = online(&postgres, &url("K3S")).only("D016-no-create");
    assert!(!lower.contains("K3S"), "K3s looks for `k3s`: {lower}");
}
