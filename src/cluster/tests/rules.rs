//! Every lint against its fixtures and its part of the documentation.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::*;
use crate::output::{Diagnostic, Severity};
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
    let bad = in_repository("tests/fixtures/lints").join(fixture).join("bad");
    let read = |name: &str| fs::read_to_string(bad.join(name)).unwrap();
    let dir = workspace(&(read("cluster.toml") + more));
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
    assert_eq!(codes("?sslrootcert=/seed/ca.pem"), ["C074-weak-tls"]);
    for sound in ["", "?sslmode=verify-full", "?sslrootcert=/seed/ca.pem&sslmode=verify-full"] {
        assert!(codes(sound).is_empty(), "{sound}");
    }
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
       = note: both answer for it, so that connections reach now one and now the other
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
