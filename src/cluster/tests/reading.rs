//! Reading `cluster.toml`.

use super::*;
use crate::profile::Board;

#[test]
fn the_example_is_the_cluster_of_the_readme() {
    let cluster = cluster(include_str!("../../../workspace/cluster.toml"));
    assert_eq!(cluster.server, ServerUrl { host: "192.168.1.10".to_owned(), port: 6443 });
    assert_eq!(cluster.certificate_names(), ["192.168.1.10", "control", "control.lan"]);
    let boards: Vec<_> = cluster.nodes.values().map(|node| (node.name.as_str(), node.board)).collect();
    let expected = [
        ("control", Board::Rpi4),
        ("gpu", Board::UefiAmd64),
        ("pi1", Board::Rpi4),
        ("pi2", Board::Rpi4),
        ("pi3", Board::Rpi4),
    ];
    assert_eq!(boards, expected.map(|(name, board)| (name, Some(board))));
    let disk = Disk {
        label: "longhorn-pi2".to_owned(),
        mount: "/var/lib/longhorn".to_owned(),
        filesystem: Filesystem::Ext4,
        format: Format::IfBlank,
    };
    assert_eq!(cluster.node("pi2").unwrap().disks, [disk]);
    assert_eq!(cluster.critical_values()["disable"], "servicelb");
}

#[test]
fn what_is_left_out_is_as_k3s_has_it_but_secrets_are_encrypted() {
    let spelled_out = r#"
[k3s]
cluster_cidr = "10.42.0.0/16"
service_cidr = "10.43.0.0/16"
cluster_dns = "10.43.0.10"
cluster_domain = "cluster.local"
flannel_backend = "vxlan"
disable = []
secrets_encryption = true
"#;
    let sound = cluster(SOUND);
    assert_eq!(sound.k3s, cluster(&format!("{SOUND}{spelled_out}")).k3s);
    assert_eq!(sound.datastore, None);
    assert_eq!(sound.domain, "home.home.arpa");
    assert!(sound.nodes["control"].disks.is_empty());
}

#[test]
fn an_ipv6_server_is_read_and_written_in_brackets() {
    let server = cluster(&SOUND.replace("192.168.1.10:6443", "[fd00::10]:6443")).server;
    assert_eq!((server.host.as_str(), server.to_string().as_str()), ("fd00::10", "https://[fd00::10]:6443"));
}

#[test]
fn a_value_that_cannot_be_is_refused_with_its_cure() {
    let with = |from: &str, to: &str| {
        assert!(SOUND.contains(from), "{from}");
        SOUND.replace(from, to)
    };
    for (text, message, hint) in [
        (with("https://192.168.1.10:6443", "http://192.168.1.10:6443"), "`https://`", "K3s joins over TLS"),
        (with("https://192.168.1.10:6443", "https://192.168.1.10"), "names no port", "6443"),
        (with("https://192.168.1.10:6443", "https://192.168.1.10:6443/"), "more than host and port", "leave out"),
        (with("https://192.168.1.10:6443", "https://:6443"), "no usable host", "lower-case name"),
        (with("[node.control]", "[node.Control]"), "`Control` is not a host name", "lower-case"),
        (with("[node.control]", "[node.control_1]"), "is not a host name", "63"),
        (with("name = \"home\"", "name = \"my home\""), "is not a host name", "63"),
        (with("192.168.1.10/24", "192.168.1.10"), "prefix length", "192.168.1.10/24"),
        (with("AAAAC3", "BAAAC3"), "public SSH key", ".pub"),
        (with("profile = \"control\"", "profil = \"control\""), "unknown key `profil`", "`profile`"),
        (with("name = \"home\"", "name = \"home\"\ndomain = \"Home.arpa\""), "is not a domain", "lower-case labels"),
        (with("name = \"home\"", "name = \"home\"\ndomain = \"lan\""), "keeps no login for all names", "`home.lan`"),
        (with("schema = 1\n", ""), "missing key `schema`", "schema = 1"),
        (format!("{SOUND}labels = {{ \"a b\" = \"c\" }}\n"), "label's key", "63 letters"),
        (format!("{SOUND}labels = {{ a = \"b c\" }}\n"), "label's value", "63 letters"),
        (format!("{SOUND}labels = {{ a = true }}\n"), "expected a string", "quotes"),
        (format!("{SOUND}\n[k3s]\ncluster_cidr = \"10.42.0.1/16\"\n"), "not the range", "`10.42.0.0/16`"),
        (format!("{SOUND}\n[k3s]\nflannel_backend = \"vxlans\"\n"), "unknown value", "did you mean `vxlan`"),
        (format!("{SOUND}\n[k3s]\ndisable = [\"treafik\"]\n"), "unknown value", "did you mean `traefik`"),
        (format!("{SOUND}\n[datastore]\nca = \"/etc/ca.pem\"\n"), "inside the workspace", "relative"),
        (format!("{SOUND}\n[[registry]]\nhost = \"https://x\"\n"), "a registry's host", "docker.io"),
        (
            format!("{SOUND}\n[[registry]]\nhost = \"x\"\nendpoints = [\"x:5000\"]\n"),
            "`x:5000` has no `https://` in front",
            "`https://x:5000`",
        ),
        (
            format!("{SOUND}\n[[registry]]\nhost = \"x\"\nendpoints = [\"https://me:pw@x\"]\n"),
            "holds a user or a password",
            "before `@`",
        ),
        (
            format!("{SOUND}\n[[node.control.disk]]\nlabel = \"a\"\nmount = \"/var/a b\"\n"),
            "a usable mount point",
            "`/var/lib/longhorn`",
        ),
        (
            format!("{SOUND}\n[[node.control.disk]]\nlabel = \"a\"\nmount = \"/var/a'b\"\n"),
            "a usable mount point",
            "`/var/lib/longhorn`",
        ),
        (
            format!("{SOUND}\n[[node.control.disk]]\nlabel = \"a\"\nmount = \"/var/%n\"\n"),
            "a usable mount point",
            "`/var/lib/longhorn`",
        ),
        (
            format!("{SOUND}\n[[registry]]\nhost = \"x\"\nauth = {{ username = \"u\", password = \"S3cr3t!\" }}\n"),
            "not the name of a secret",
            "imgbuild secrets set",
        ),
        (format!("{SOUND}\n[values]\ngit-repository = \"x\"\n"), "a value's name", "cluster.values"),
        (format!("{SOUND}\n[[node.control.disk]]\nlabel = \"a/b\"\nmount = \"/var/x\"\n"), "label", "longhorn-pi1"),
        (format!("{SOUND}\n[[node.control.disk]]\nlabel = \"a\"\nmount = \"var/x\"\n"), "absolute path", "begin with"),
        (
            format!("{SOUND}\n[[node.control.disk]]\nlabel = \"state\"\nmount = \"/var/x\"\n"),
            "`state` is the name of a partition of the node's own stick",
            "longhorn-pi1",
        ),
        (
            format!("{SOUND}\n[[node.control.disk]]\nlabel = \"BOOT-A\"\nmount = \"/var/x\"\n"),
            "`BOOT-A` is the name of a partition of the node's own stick",
            "longhorn-pi1",
        ),
        (SOUND.replace("[node.control]", "[node.localhost]"), "`localhost` is no machine's name", "a name of its own"),
    ] {
        let (what, cure) = refused(&text);
        assert!(what.contains(message), "{what}\ninstead of: {message}");
        assert!(cure.contains(hint), "{what}: {cure}\ninstead of: {hint}");
    }
}

#[test]
fn a_workspace_without_the_file_has_no_cluster() {
    let dir = TempDir::new().unwrap();
    assert_eq!(load(&Workspace::open(dir.path()).unwrap()).unwrap(), None);
    assert_eq!(load(&Workspace::embedded()).unwrap(), None);
}

#[test]
fn the_examples_of_the_documentation_are_valid() {
    let text = fs::read_to_string(format!("{}/docs/cluster.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
    // What stands before the first fence is prose.
    let examples: Vec<&str> = text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(examples.len(), 4);
    for example in examples {
        let whole = if example.contains("schema = 1") { example.to_owned() } else { format!("{SOUND}\n{example}") };
        cluster(&whole);
    }
}

#[test]
fn a_new_workspace_is_made_where_there_is_none_and_touches_nothing() {
    let dir = TempDir::new().unwrap();
    let new = dir.path().join("new");
    let written = init(&new).unwrap().files;
    assert_eq!(written.last().unwrap(), &new.join(FILE));
    assert!(fs::read_to_string(new.join(FILE)).unwrap().starts_with("#:schema ./cluster.schema.json\n"));
    let again = init(&new).unwrap_err();
    assert!(again.to_string().contains("already has a cluster.toml"), "{again}");

    // A file of somebody else's is as good a reason.
    let other = TempDir::new().unwrap();
    fs::write(other.path().join("imgbuild.toml"), "mine").unwrap();
    assert!(matches!(init(other.path()), Err(InitError::Taken { name: "imgbuild.toml", .. })));
    assert_eq!(fs::read_dir(other.path()).unwrap().count(), 1);
    assert!(matches!(init(&other.path().join("imgbuild.toml")), Err(InitError::NoDirectory { .. })));
}

#[test]
fn a_fresh_repository_becomes_a_workspace_and_keeps_what_it_has() {
    let dir = TempDir::new().unwrap();
    let file = |name: &str| dir.path().join(name);
    fs::write(file("README.md"), "mine").unwrap();
    fs::write(file(".gitignore"), "/own\n!*.age").unwrap();
    let written = init(dir.path()).unwrap();
    assert_eq!(written.kept, [file("README.md")]);
    assert!(written.files.contains(&file(".gitignore")) && written.files.contains(&file(FILE)));
    assert_eq!(fs::read_to_string(file("README.md")).unwrap(), "mine");
    let ignored = fs::read_to_string(file(".gitignore")).unwrap();
    assert!(ignored.starts_with("/own\n!*.age\n\n#") && ignored.contains("\n/secrets.toml\n"), "{ignored}");
    // One of several rules that are there already is enough, but for an exception, which counts only behind its rule.
    let rules = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
    };
    let again = TempDir::new().unwrap();
    fs::write(again.path().join(".gitignore"), "!/secrets.toml.age\n/build/\n/secrets.toml\n*.agekey\n").unwrap();
    init(again.path()).unwrap();
    let own = fs::read_to_string(again.path().join(".gitignore")).unwrap();
    assert_eq!(rules(&own)[4..], ["*.age", "!/secrets.toml.age"], "{own}");
    // One that has all of it stays.
    fs::remove_file(file(FILE)).unwrap();
    fs::remove_file(file("imgbuild.toml")).unwrap();
    fs::remove_file(file("cluster.schema.json")).unwrap();
    fs::remove_file(file("renovate.json5")).unwrap();
    fs::remove_file(file("profiles/server.toml")).unwrap();
    assert_eq!(init(dir.path()).unwrap().kept.len(), 2);
    assert_eq!(fs::read_to_string(file(".gitignore")).unwrap(), ignored);
    // git reads no rules through a link, which would leave secrets.toml to be committed.
    let linked = TempDir::new().unwrap();
    std::os::unix::fs::symlink("rules", linked.path().join(".gitignore")).unwrap();
    assert!(matches!(init(linked.path()), Err(InitError::Link { .. })));
    assert_eq!(fs::read_dir(linked.path()).unwrap().count(), 1);
    // What goes wrong half-way leaves nothing: this .gitignore cannot be read.
    let half = TempDir::new().unwrap();
    fs::create_dir(half.path().join(".gitignore")).unwrap();
    assert!(matches!(init(half.path()), Err(InitError::Io { .. })));
    assert_eq!(fs::read_dir(half.path()).unwrap().count(), 1);
}

#[test]
fn version_control_takes_the_encrypted_secrets_and_nothing_that_opens_them() {
    let dir = TempDir::new().unwrap();
    init(dir.path()).unwrap();
    let git = |args: &[&str]| std::process::Command::new("git").current_dir(dir.path()).args(args).output().unwrap();
    assert!(git(&["init", "--quiet"]).status.success());
    let ignored = |path: &str| git(&["check-ignore", "--quiet", "--no-index", path]).status.success();
    for path in ["secrets.toml", "backup.age", "me.agekey", "build/control/image.img"] {
        assert!(ignored(path), "{path}");
    }
    for path in ["secrets.toml.age", "cluster.toml", "imgbuild.lock", "profiles/mine.toml"] {
        assert!(!ignored(path), "{path}");
    }
}

#[test]
fn what_the_cluster_sets_of_overlays_is_held_against_their_parameters() {
    const OVERLAY: &str = "schema = 1\n\
        [params.pool]\ndescription = \"Addresses for services\"\nset_by = \"cluster\"\n\
        [params.replicas]\ndescription = \"How many there are\"\nset_by = \"cluster\"\ndefault = 1\nmin = 1\nmax = 5\n\
        [params.flavour]\ndescription = \"Which one\"\ndefault = \"plain\"\n";
    let load = |table: &str| {
        let dir = workspace(&format!("{SOUND}\n{table}\n"));
        fs::create_dir_all(dir.path().join("overlays/metallb")).unwrap();
        fs::write(dir.path().join("overlays/metallb/overlay.toml"), OVERLAY).unwrap();
        load(&Workspace::open(dir.path()).unwrap()).map(|cluster| cluster.unwrap().overlays).map_err(
            |error| match error {
                ClusterError::Invalid(diagnostic) => {
                    diagnostic.render(false).replace(&format!("{}/", dir.path().display()), "")
                }
                other => panic!("{other}"),
            },
        )
    };
    let set = load("[overlay.metallb]\npool = \"192.168.1.200/29\"\nreplicas = 3").unwrap();
    assert_eq!(set["metallb"]["pool"].text(), Some("192.168.1.200/29"));
    insta::assert_snapshot!(
        [
            "[overlay.metalb]\npool = \"x\"",
            "[overlay.metallb]\npoll = \"x\"",
            "[overlay.metallb]\nflavour = \"rich\"",
            "[overlay.metallb]\npool = 3",
            "[overlay.metallb]\nreplicas = 6",
            "[overlay.metallb]\npool = [\"x\"]",
        ]
        .map(|table| load(table).unwrap_err())
        .join("\n\n")
    );
}

#[test]
fn the_checked_in_json_schema_is_the_generated_one() {
    let checked_in = include_str!("../../../workspace/cluster.schema.json");
    assert!(
        checked_in == json_schema(&Workspace::embedded()).unwrap(),
        "workspace/cluster.schema.json is not up to date: run `just generate`"
    );
}
