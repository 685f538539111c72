//! Every lint against its fixtures and its part of the documentation.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::*;
use crate::diagnostic::{Diagnostic, Severity};
use lints::{Lint, handbook, themes};

fn all() -> impl Iterator<Item = &'static Lint> {
    themes().into_iter().flat_map(|theme| theme.lints)
}

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn every_lint_finds_its_bad_fixture_and_nothing_in_its_good_one() {
    let mut wrong = Vec::new();
    for Lint { code, severity, .. } in all() {
        let fixture = in_repository("tests/fixtures/lints").join(code);
        let bad = findings(&fixture.join("bad"));
        if bad.is_empty() {
            wrong.push(format!("{code} finds nothing in its bad fixture"));
        }
        for finding in bad {
            let Diagnostic { hint, span, .. } = &finding.diagnostic;
            if (finding.code, finding.severity) != (code, *severity) || hint.is_none() || span.is_none() {
                wrong.push(format!("{code}, bad: {}", finding.render(false)));
            }
        }
        for finding in findings(&fixture.join("good")) {
            wrong.push(format!("{code}, good: {}", finding.render(false)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The codes of the findings in a bad fixture with another datastore's URL and more in its cluster file.
fn with_url(fixture: &str, url: &str, more: &str) -> Vec<&'static str> {
    with_cluster(fixture, url, |text| text + more)
}

/// The codes of the findings in a bad fixture with another datastore's URL and its cluster file as `edit` makes it.
fn with_cluster(fixture: &str, url: &str, edit: impl Fn(String) -> String) -> Vec<&'static str> {
    let bad = in_repository("tests/fixtures/lints").join(fixture).join("bad");
    let read = |name: &str| fs::read_to_string(bad.join(name)).unwrap();
    let dir = workspace(&edit(read("cluster.toml")));
    fs::write(dir.path().join("datastore-ca.pem"), read("datastore-ca.pem")).unwrap();
    let others: Vec<_> =
        read("secrets.list").lines().filter(|line| !line.starts_with("datastore-url")).map(str::to_owned).collect();
    fs::write(dir.path().join("secrets.list"), format!("{}\ndatastore-url {url}\n", others.join("\n"))).unwrap();
    findings(dir.path()).iter().map(|finding| finding.code).collect()
}

#[test]
fn a_ca_in_the_url_verifies_nothing_without_a_mode() {
    let codes = |query: &str| {
        let url = format!("postgres://k3s:fixture-password@db.example.org/k3s{query}");
        with_url("C074-weak-tls", &url, "")
    };
    assert_eq!(codes("?sslrootcert=/etc/rancher/k3s/datastore-ca.pem"), ["C074-weak-tls"]);
    for sound in ["", "?sslmode=verify-full", "?sslrootcert=/etc/rancher/k3s/datastore-ca.pem&sslmode=verify-full"] {
        assert!(codes(sound).is_empty(), "{sound}");
    }
}

/// The codes for a datastore at this place, with `more` in the cluster file.
fn at(place: &str, more: &str) -> Vec<&'static str> {
    with_url("C074-weak-tls", &format!("postgres://k3s.abc:fixture-password@{place}"), more)
}

#[test]
fn no_spelling_of_a_host_that_cannot_work_passes() {
    for host in ["LocalHost.", "db.localhost", "127.8.9.1:5433", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"] {
        assert_eq!(at(&format!("{host}/k3s"), ""), ["C104-datastore-here"], "{host}");
    }
    let domain = "\n[k3s]\ncluster_domain = \"kube.lan\"\n";
    for host in [
        "10.42.7.9",
        "10.43.0.77",
        "[::ffff:10.43.0.77]",
        "pg.home.svc",
        "PG.home.SVC.kube.lan.",
        "pg.home.svc.cluster.local",
    ] {
        assert_eq!(at(&format!("{host}:5432/k3s"), domain), ["C105-datastore-in-cluster"], "{host}");
    }
    let names = "\n[node.pi1]\nprofile = \"storage\"\nboard = \"rpi4\"\naddress = \"192.168.1.11/24\"\n\n[[node.pi1.disk]]\n\
                 label = \"longhorn-pi1\"\nmount = \"/var/lib/longhorn\"\nformat = \"if-blank\"\n";
    for host in ["192.168.1.10", "[::ffff:192.168.1.10]", "control", "CONTROL."] {
        assert_eq!(at(&format!("{host}/k3s"), names), ["C106-datastore-on-server"], "{host}");
    }
    for host in ["192.168.1.11", "pi1"] {
        assert_eq!(at(&format!("{host}/k3s"), names), ["C107-datastore-on-agent"], "{host}");
    }
    for host in ["db.example.org", "192.168.1.12", "svc.example.org", "[fd00::5]"] {
        assert_eq!(at(&format!("{host}/k3s"), names), [""; 0], "{host}");
    }
    assert_eq!(at("db.cluster.local/k3s", ""), [""; 0]);
    for host in ["224.0.0.1", "255.255.255.255", "0.1.2.3"] {
        assert_eq!(at(&format!("{host}/k3s"), ""), ["C112-datastore-no-machine"], "{host}");
    }
    // The ends of a network that a node is in; which others there are nobody knows here.
    for host in ["192.168.1.255", "192.168.1.0"] {
        assert_eq!(at(&format!("{host}/k3s"), names), ["C112-datastore-no-machine"], "{host}");
    }
    assert_eq!(at("192.168.2.255/k3s", names), [""; 0]);
    for host in ["pg-rw.database", "control.home", "pg.monitoring", "pg.postgres-operator"] {
        assert_eq!(at(&format!("{host}/k3s"), ""), ["C113-datastore-odd-host"], "{host}");
    }
    // The home's own domain may be the cluster's too.
    assert_eq!(at("nas.kube.lan/k3s", domain), [""; 0]);
}

/// A load balancer on the NAS, or one dynamic name for the whole home: it may well be right.
#[test]
fn a_name_that_the_datastore_has_in_common_with_the_api_is_a_warning() {
    let api = "server = \"https://192.168.1.10:6443\"";
    for head in ["server = \"https://nas.lan:6443\"", &format!("{api}\ntls_names = [\"nas.lan\"]")] {
        let url = |host| format!("postgres://k3s:fixture-password@{host}/k3s");
        let codes = |host| with_cluster("C074-weak-tls", &url(host), |text| text.replace(api, head));
        assert_eq!(codes("NAS.lan."), ["C107-datastore-on-agent"], "{head}");
        assert_eq!(codes("192.168.1.10"), ["C106-datastore-on-server"], "{head}");
    }
}

#[test]
fn the_api_s_address_is_the_only_server_s_where_that_asks_dhcp() {
    let url = "postgres://k3s:fixture-password@192.168.1.10/k3s";
    let codes = with_cluster("C074-weak-tls", url, |text| text.replace("address = \"192.168.1.10/24\"\n", ""));
    assert!(codes.contains(&"C106-datastore-on-server") && !codes.contains(&"C107-datastore-on-agent"), "{codes:?}");
}

#[test]
fn supabases_dedicated_pooler_and_its_own_database_are_told() {
    assert_eq!(at("db.abc.supabase.co:6543/k3s", ""), ["C072-transaction-pooler"]);
    assert_eq!(at("DB.abc.supabase.co.:6543/k3s", ""), ["C072-transaction-pooler"]);
    assert_eq!(at("db.abc.supabase.co:5432/k3s", ""), ["C073-ipv6-only"]);
    assert_eq!(at("db.abc.supabase.co/postgres", ""), ["C073-ipv6-only", "C110-data-api"]);
    assert_eq!(at("aws-1-eu-west-1.pooler.supabase.com:5432/Postgres", ""), ["C110-data-api"]);
    assert_eq!(at("aws-1-eu-west-1.pooler.supabase.com:5432/postgres?search_path=k3s", ""), [""; 0]);
    let neon = "ep-cool-darkness-123456";
    assert_eq!(at(&format!("{neon}-pooler.us-east-2.aws.neon.tech/k3s"), ""), ["C072-transaction-pooler"]);
    assert_eq!(at(&format!("{neon}.us-east-2.aws.neon.tech/k3s"), ""), [""; 0]);
    // Elsewhere the name is as good as another.
    assert_eq!(at("db.example.org/postgres", ""), [""; 0]);
}

#[test]
fn parameters_of_other_clients_and_files_that_no_node_has_are_told() {
    for query in [
        "connection_limit=5",
        "pool_timeout=0",
        "schema=k3s",
        "options=-c%20search_path%3Dk3s",
        "host=db2",
        "service=k3s",
    ] {
        assert_eq!(at(&format!("db.example.org/k3s?{query}"), ""), ["C108-datastore-parameter"], "{query}");
    }
    for query in ["PGBouncer=true", "binary_parameters=yes", "sslMode=require", "charset=utf8"] {
        assert_eq!(at(&format!("db.example.org/k3s?{query}"), ""), ["C108-datastore-parameter"], "{query}");
    }
    assert_eq!(at("db.example.org/k3s?foobar=1", ""), ["C111-unknown-parameter"]);
    assert_eq!(at("db.example.org/k3s?tcp_user_timeout=5000&replication=false&myapp.key=1", ""), [""; 0]);
    for query in ["sslcert=/home/me/client.pem&sslkey=/home/me/client.key", "passfile=.pgpass", "sslcert=/etc/hostname"]
    {
        let codes = at(&format!("db.example.org/k3s?{query}"), "");
        assert!(!codes.is_empty() && codes.iter().all(|code| *code == "C109-datastore-file"), "{query}: {codes:?}");
    }
}

/// The small cluster without its worker.
fn alone() -> String {
    let worker = SOUND.find("[node.worker]").unwrap()..SOUND.find("[node.control]").unwrap();
    SOUND.replace(&SOUND[worker], "")
}

/// The codes in a cluster file with a manifest of its server's.
fn with_manifest(cluster: &str, manifest: &str) -> Vec<&'static str> {
    let dir = workspace(&cluster.replace("profile = \"control\"", "profile = \"own\""));
    let put = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("profiles/own.toml", "schema = 1\nextends = \"control\"\noverlays = [\"app\"]\n");
    put("overlays/app/overlay.toml", "schema = 1\n");
    put("overlays/app/manifests/app.yaml", manifest);
    findings(dir.path()).iter().map(|finding| finding.code).collect()
}

#[test]
fn manifests_are_held_against_what_the_cluster_file_leaves_out() {
    let chart = "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: traefik, namespace: kube-system}\nspec: \
                 {failurePolicy: abort, chart: traefik, repo: \"https://traefik.github.io/charts\"}\n";
    assert_eq!(with_manifest(SOUND, chart), ["C128-chart-config"]);
    let without = format!("{SOUND}\n[k3s]\ndisable = [\"servicelb\", \"traefik\"]\n");
    assert_eq!(with_manifest(&without, chart), [""; 0]);
}

#[test]
fn a_server_that_takes_nothing_alone_is_told() {
    let alone = alone();
    assert_eq!(codes(&alone), ["C150-server-taint"]);
    // The GPU's node takes only what asks for a GPU.
    assert_eq!(codes(&format!("{alone}\n[node.gpu]\nprofile = \"gpu\"\n")), ["C150-server-taint"]);
    assert_eq!(codes(SOUND), [""; 0]);
}

#[test]
fn a_server_that_takes_nothing_is_told_of_what_there_is_and_with_one_cure() {
    let said = |taint: &str, more: &str| {
        let dir = workspace(&format!("{}{more}", alone().replace("profile = \"control\"", "profile = \"mine\"")));
        let profile = format!("schema = 1\nextends = \"control\"\n[k3s]\ntaints = [{taint}]\n");
        fs::create_dir(dir.path().join("profiles")).unwrap();
        fs::write(dir.path().join("profiles/mine.toml"), profile).unwrap();
        findings(dir.path()).iter().map(|finding| finding.render(false)).collect::<Vec<_>>().join("\n")
    };
    let without = "\n[k3s]\ndisable = [\"traefik\"]\n";
    let own = "\"node-role.kubernetes.io/control-plane=true:NoSchedule\"";
    assert!(said(own, "").contains("keeps Traefik's job off"));
    assert!(!said(own, without).contains("Traefik"));
    let foreign = "\"-node-role.kubernetes.io/control-plane=true:NoSchedule\", \"db=only:NoSchedule\"";
    let alone = said(foreign, without);
    assert!(alone.contains("(CoreDNS, local-path, metrics-server)") && alone.contains("take it out; or"), "{alone}");
    let open = said(foreign, "\n[node.pi1]\nprofile = \"storage\"\n");
    assert!(open.contains("Traefik) off the only server") && !open.contains("take it out"), "{open}");
}

#[test]
fn pgbouncers_port_is_told_with_the_releases_that_end_behind_it() {
    assert_eq!(at("db.example.org:6432/k3s", ""), ["C103-known-bad"]);
    assert_eq!(at("db.example.org:5432/k3s", ""), [""; 0]);
}

#[test]
fn what_depends_on_the_day_is_told_by_the_day_and_never_without_one() {
    let root = in_repository("tests/fixtures/lints/C100-dead-line/bad");
    let workspace = Workspace::open(&root).unwrap();
    let (cluster, places) = load_with_places(&workspace).unwrap().unwrap();
    let on = |today| {
        let mut inputs = Inputs::gather(&workspace, &cluster, &places, None, None).unwrap();
        inputs.today = today;
        lints::run(&inputs).len()
    };
    let date = |month, day| Some(jiff::civil::date(2026, month, day));
    assert_eq!([on(date(10, 27)), on(date(10, 28)), on(None)], [0, 1, 0]);
}

#[test]
fn the_note_of_a_dead_line_says_where_the_facts_about_manifests_begin() {
    let first = *crate::cluster::manifests::kubernetes::KNOWN.start();
    let note = all().find(|lint| lint.code == "C100-dead-line").unwrap().why;
    assert!(note.contains(&format!("no line before 1.{first}")), "{note}");
}

#[test]
fn servers_and_agents_may_be_as_far_apart_as_kubernetes_says() {
    let codes = |server: &str, agent: &str| {
        let text = alone().replace("profile = \"control\"", "profile = \"own\"")
            + "\n[node.pi1]\nprofile = \"worker\"\nboard = \"rpi4\"\naddress = \"192.168.1.11/24\"\n";
        let dir = workspace(&text);
        fs::create_dir(dir.path().join("profiles")).unwrap();
        let put = |name: &str, text: String| fs::write(dir.path().join("profiles").join(name), text).unwrap();
        put("own.toml", format!("schema = 1\nextends = \"control\"\n[k3s]\nversion = \"{server}\"\n"));
        let agent = format!("role = \"agent\"\nversion = \"{agent}\"\n");
        put("worker.toml", format!("schema = 1\nextends = \"base\"\nboard = \"rpi4\"\n[k3s]\n{agent}"));
        let found = findings(dir.path());
        let hints: Vec<String> =
            found.iter().filter(|it| it.code.starts_with("C102")).filter_map(|it| it.diagnostic.hint.clone()).collect();
        // The place shown is the node's `profile = …`, where no release is written.
        assert!(hints.iter().all(|hint| hint.contains("profile") && !hint.contains("here")), "{hints:?}");
        hints.len()
    };
    assert_eq!(codes("v1.36.5+k3s1", "v1.36.9+k3s1"), 0);
    assert_eq!(codes("v1.37.1+k3s1", "v1.34.1+k3s1"), 0);
    assert_eq!(codes("v1.37.1+k3s1", "v1.33.1+k3s1"), 1);
    assert_eq!(codes("v1.36.5+k3s1", "v1.37.0+k3s1"), 1);
    assert_eq!(codes("v1.27.5+k3s1", "v1.24.0+k3s1"), 1);
}

#[test]
fn the_datastores_password_alone_is_a_secret_in_the_cluster_file_too() {
    let url = "postgres://k3s:corr%40ect%2Fhorse@db.example.org/k3s";
    for text in ["corr@ect/horse", "corr%40ect%2Fhorse"] {
        let codes = with_url("C074-weak-tls", url, &format!("\n[values]\npassword = \"{text}\"\n"));
        assert_eq!(codes, ["C077-secret-in-cluster-file"]);
    }
}

#[test]
fn a_secret_in_the_cluster_file_is_found_in_any_encoding_and_not_shown() {
    const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    for (text, form) in [
        (TOKEN.to_owned(), ""),
        (TOKEN.to_uppercase(), ""),
        (
            "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==".to_owned(),
            ", in base64",
        ),
        ("ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8=".to_owned(), ", in base64"),
        (hex::encode(TOKEN.as_bytes()).to_string(), ", in hexadecimal digits"),
    ] {
        let dir = workspace(&SOUND.replacen("\n[node", &format!("\n[values]\njoin = \"{text}\"\n\n[node"), 1));
        fs::write(dir.path().join("secrets.list"), format!("spare {TOKEN}\n")).unwrap();
        let found = findings(dir.path());
        let found: Vec<&Finding> = found.iter().filter(|finding| finding.code.starts_with("C077")).collect();
        let [finding] = &found[..] else { panic!("{text}: {found:?}") };
        assert_eq!(finding.diagnostic.message, format!("line 9 of the file holds the secret `spare`{form}"));
        assert!(!finding.render(false).contains(&text), "{finding:?}");
    }
}

#[test]
fn a_servers_words_are_shown_without_the_datastores_password_in_any_encoding() {
    let dir = workspace(SOUND);
    let text = "datastore-url postgres://k3s:corr%40ect%20horse@db.example.org/k3s\n";
    fs::write(dir.path().join("secrets.list"), text).unwrap();
    let opened = Workspace::open(dir.path()).unwrap();
    let (cluster, places) = load_with_places(&opened).unwrap().unwrap();
    let secrets = secrets(dir.path());
    let inputs = Inputs::gather(&opened, &cluster, &places, None, secrets.as_ref()).unwrap();
    for spelled in [
        "corr@ect horse",
        "corr%40ect%20horse",
        "Y29yckBlY3QgaG9yc2U=",
        "636f7272406563742068 6f727365".replace(' ', "").as_str(),
    ] {
        let reason = format!("no role with password {spelled}");
        let error = crate::datastore::ConnectError::Refused { at: "db.example.org:5432".to_owned(), reason };
        let found = lints::online::findings(&inputs, &Err(error));
        let [finding] = &found[..] else { panic!("{found:?}") };
        let message = &finding.diagnostic.message;
        assert!(message.contains("no role with password [secret datastore-url (its password)]"), "{message}");
    }
}

#[test]
fn every_fixture_is_of_a_lint_and_codes_are_unique() {
    let codes: BTreeSet<&str> = all().map(|lint| lint.code).collect();
    assert_eq!(codes.len(), all().count());
    for entry in fs::read_dir(in_repository("tests/fixtures/lints")).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(codes.contains(name.to_str().unwrap()), "no lint has the fixture {}", name.display());
    }
}

#[test]
fn the_handbook_of_lints_is_the_generated_one() {
    let path = in_repository("docs/lints.md");
    if std::env::var_os("IMGBUILD_GENERATE").is_some() {
        fs::write(&path, handbook()).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap() == handbook(), "docs/lints.md is not up to date: run `just generate`");
}

#[test]
fn a_finding_is_shown_with_code_place_reason_and_cure() {
    let root = in_repository("tests/fixtures/lints/C012-duplicate-address/bad");
    let shown = findings(&root)[0].render(false).replace(&format!("{}/", root.display()), "");
    insta::assert_snapshot!(shown, @r#"
    error[C012-duplicate-address]: `gpu` has 192.168.1.10, and so has `control`
      --> cluster.toml:14:11
       |
    14 | address = "192.168.1.10/24"
       |           ^^^^^^^^^^^^^^^^^
       |
       = note: both answer for it, so that connections reach sometimes one and sometimes the other
       = help: give each node an address of its own
    "#);
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let text = SOUND.replace("gateway = \"192.168.1.1\"\n", "")
        + "labels = { \"kubernetes.io/role\" = \"x\" }\n\n[node.gpu]\nprofile = \"gpus\"\n";
    assert_eq!(codes(&text), ["C020-no-gateway", "C030-reserved-label", "C002-unknown-profile"]);
}

#[test]
fn addresses_that_no_machine_has_are_found_for_nodes_and_router() {
    let with = |old: &str, new: &str| codes(&SOUND.replace(old, new));
    // The server's address is not the node's then, which is told too.
    for address in ["127.0.0.10/8", "224.0.0.10/24", "0.0.0.0/0"] {
        let codes = with("192.168.1.10/24", address);
        assert!(codes.contains(&"C027-no-hosts-address"), "{address}: {codes:?}");
    }
    for router in ["127.0.0.1", "224.0.0.1", "0.0.0.0", "192.168.1.255", "192.168.1.0", "192.168.1.10", "192.168.2.1"] {
        assert_eq!(
            with("gateway = \"192.168.1.1\"", &format!("gateway = \"{router}\"")),
            ["C021-gateway-outside-net"],
            "{router}"
        );
    }
}

#[test]
fn the_example_workspace_lacks_only_what_its_owner_knows() {
    let dir = TempDir::new().unwrap();
    init(dir.path()).unwrap();
    let found = findings(dir.path());
    let codes: Vec<_> = found.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["C050-no-ssh-key", "C051-datastore-ca-missing"]);
    assert!(found.iter().all(|finding| finding.severity == Severity::Error));
}
