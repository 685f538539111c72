//! What valid files resolve to.

use std::collections::BTreeSet;

use super::*;

const DEMO: &str = "schema = 1\nextends = \"demo\"\n";

#[test]
fn every_embedded_profile_is_valid_and_all_but_base_can_be_built() {
    let listed = list(&Workspace::embedded()).unwrap();
    let boards: Vec<_> = listed.iter().map(|profile| (profile.name.as_str(), profile.board)).collect();
    let expected = [
        ("base", None),
        ("control", Some(Board::Rpi4)),
        ("demo", Some(Board::UefiAmd64)),
        ("gpu", Some(Board::UefiAmd64)),
        ("storage", Some(Board::Rpi4)),
    ];
    assert_eq!(boards, expected);
    for (name, _) in &expected[1..] {
        load(&Workspace::embedded(), name).unwrap();
    }
}

#[test]
fn the_checked_in_json_schemas_are_the_generated_ones() {
    let checked_in = |path: &str| fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    assert_eq!(checked_in("profiles/schema.json"), json_schema(&Workspace::embedded()).unwrap());
    assert_eq!(checked_in("overlays/schema.json"), overlay_json_schema());
}

#[test]
fn the_examples_of_the_documentation_are_valid() {
    let examples = |path: &str| -> Vec<String> {
        let text = fs::read_to_string(format!("{}/docs/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
    };
    for example in examples("profiles.md").into_iter().chain(examples("pi.md")) {
        if example.contains("mirror") {
            Workspace::open(workspace(&[("imgbuild.toml", &example)]).path()).unwrap();
        } else {
            let schema = if example.contains("schema = 1") { "" } else { "schema = 1\n" };
            parse_str(&format!("{schema}{example}"), "profiles.md").unwrap();
        }
    }
    for example in examples("overlays.md") {
        if example.contains("[overlay.") {
            parse_str(&format!("schema = 1\n{example}"), "overlays.md").unwrap();
            continue;
        }
        let files = [
            ("profiles/node.toml", "schema = 1\nextends = \"demo\"\noverlays = [\"app\"]\n"),
            ("overlays/app/overlay.toml", &example),
            ("overlays/app/files/usr/lib/app/run", ""),
            ("overlays/app/manifests/app-20-settings.yaml", "kind: {{ .Values.kind }}\n"),
        ];
        let profile = node(&files);
        if example.contains("[[artifact]]") {
            // Of two architectures, the board's.
            let tool = &profile.artifacts["usr/local/bin/tool"];
            assert!(tool.url.ends_with("amd64") && tool.for_architecture && tool.mode == 0o755);
            continue;
        }
        if example.contains("set_by = ") {
            assert!(profile.manifests["app-20-settings.yaml"].of_cluster.contains("pool"));
            continue;
        }
        if example.contains("secret = true") {
            let overlay = profile.overlays.iter().find(|overlay| overlay.name == "app").unwrap();
            assert_eq!(overlay.params["password"].secret(), Some("portal-admin"));
            continue;
        }
        if example.contains("[params.") {
            assert_eq!(profile.sources.last().unwrap().versions.as_deref(), Some("580"));
            continue;
        }
        if example.contains("provides = [") {
            let overlay = profile.overlays.iter().find(|overlay| overlay.name == "app").unwrap();
            assert!(overlay.provides.contains("registry") && overlay.needs.contains("node"));
            continue;
        }
        if example.contains("ports = [") {
            assert_eq!(profile.overlays.iter().flat_map(|overlay| &overlay.ports).count(), 1);
            continue;
        }
        if example.contains("[kernel-module.") {
            assert!(profile.kernel_modules.contains_key("tool") && profile.sources.last().unwrap().name == "vendor");
            continue;
        }
        assert!(profile.files.contains_key("usr/bin/app"));
        assert!(profile.manifests["app-20-settings.yaml"].verbatim && profile.expects.contains("app/secret/app-tls"));
    }
}

#[test]
fn a_workspaces_profile_wins_over_the_embedded_one_of_its_name() {
    let dir = workspace(&[("profiles/base.toml", "schema = 1\ndescription = \"mine\"\n")]);
    let listed = list(&Workspace::open(dir.path()).unwrap()).unwrap();
    let (names, descriptions): (Vec<_>, Vec<_>) =
        listed.iter().map(|profile| (profile.name.as_str(), profile.description.as_str())).unzip();
    assert_eq!(descriptions[0], "mine");
    // The embedded `gpu` takes away what this `base` does not have.
    assert_eq!(names, ["base", "control", "demo", "storage"]);
}

#[test]
fn a_broken_profile_of_the_workspace_is_not_left_out_of_the_list_silently() {
    let dir = workspace(&[("profiles/node.toml", "no TOML")]);
    assert!(matches!(list(&Workspace::open(dir.path()).unwrap()), Err(ProfileError::Invalid(_))));
}

#[test]
fn single_values_of_the_later_file_win_and_lists_add_up_without_doubles() {
    let text = format!("{DEMO}hostname = \"a\"\npackages = [\"vim-tiny\", \"curl\"]\nntp = [\"192.0.2.1\"]\n");
    let profile = node(&[("profiles/node.toml", &text)]);
    let demo = load(&Workspace::embedded(), "demo").unwrap();
    assert_eq!(profile.hostname.as_deref(), Some("a"));
    assert_eq!(profile.board, demo.board);
    assert_eq!(profile.ntp, ["192.0.2.1"]);
    let added: Vec<_> = profile.packages.iter().filter(|name| !demo.packages.contains(name)).collect();
    assert_eq!(added, ["vim-tiny"]);
    assert_eq!(profile.packages.len(), demo.packages.len() + 1);
    assert!(profile.packages.is_sorted());
}

#[test]
fn an_entry_with_a_minus_takes_an_inherited_one_away() {
    let text = format!("{DEMO}packages = [\"-socat\"]\n[kernel]\nmodules = [\"-vxlan\", \"wireguard\"]\n");
    let profile = node(&[("profiles/node.toml", &text)]);
    assert!(!profile.packages.contains(&"socat".to_owned()));
    assert_eq!(profile.kernel.modules, ["overlay", "br_netfilter", "nf_conntrack", "ip_set", "wireguard"]);
}

#[test]
fn a_named_entry_replaces_the_inherited_one_and_keeps_its_place() {
    let text = format!(
        "{DEMO}[[network]]\nname = \"lan\"\nmatch = {{ mac = [\"dc:a6:32:01:02:03\"] }}\n\
         addresses = [\"192.0.2.10/24\"]\ngateway = \"192.0.2.1\"\n\
         [[source]]\nname = \"debian\"\narchive = \"https://deb.example.org/debian\"\nsuite = \"trixie\"\n\
         components = [\"main\"]\nkey = \"keys/mine.asc\"\n"
    );
    let profile = node(&[("profiles/node.toml", &text), ("keys/mine.asc", "a key")]);
    assert_eq!(profile.networks.len(), 1);
    assert!(!profile.networks[0].dhcp);
    assert_eq!(profile.networks[0].addresses, ["192.0.2.10/24"]);
    let sources: Vec<_> = profile.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(sources, ["debian", "updates", "security"]);
    assert_eq!(profile.sources[0].key, SourceKey::Certificates(b"a key".to_vec()));
}

#[test]
fn a_later_file_can_disable_an_inherited_unit() {
    let text = format!("{DEMO}[units]\ndisable = [\"systemd-networkd.service\"]\n");
    let profile = node(&[("profiles/node.toml", &text)]);
    assert!(profile.disable.contains(&"systemd-networkd.service".to_owned()), "{:?}", profile.disable);
    assert_eq!(profile.enable, Vec::<String>::new());
}

#[test]
fn sizes_are_powers_of_1024_and_have_defaults() {
    let text = format!("{DEMO}[image]\nroot = \"2G\"\nblock_size = \"256K\"\n");
    let image = node(&[("profiles/node.toml", &text)]).image;
    assert_eq!((image.root_size, image.block_size, image.boot_size), (2 << 30, 256 << 10, 96 << 20));
}

#[test]
fn a_board_brings_its_kernel_and_boot_files() {
    let packages = |name| load(&Workspace::embedded(), name).unwrap().packages.into_iter().collect::<BTreeSet<_>>();
    let has = |name, package: &str| packages(name).contains(package);
    assert!(has("control", "linux-image-arm64") && has("control", "raspi-firmware"));
    assert!(has("demo", "linux-image-amd64") && has("demo", "systemd-boot-efi"));
    assert!(!has("demo", "raspi-firmware"));
}

#[test]
fn files_of_a_profile_come_from_text_from_the_workspace_or_are_links() {
    let text = format!(
        "{DEMO}[[file]]\npath = \"/etc/a\"\ncontent = \"one\"\nmode = \"0600\"\nuser = \"anna\"\n\
         [[file]]\npath = \"/etc/b\"\nsource = \"files/b\"\n\
         [[file]]\npath = \"/etc/c\"\nsymlink = \"a\"\n"
    );
    let files = node(&[("profiles/node.toml", &text), ("files/b", "two")]).files;
    let (a, b, c) = (&files["etc/a"], &files["etc/b"], &files["etc/c"]);
    assert_eq!((a.mode, a.user.as_str(), a.group.as_str()), (0o600, "anna", "root"));
    assert_eq!(a.content.text().unwrap(), "one");
    assert_eq!((b.content.text().unwrap().as_str(), b.mode), ("two", 0o644));
    assert_eq!(c.symlink.as_deref(), Some("a"));
    assert_eq!(a.origin, Origin::Profile("node".to_owned()));
}

#[test]
fn an_overlay_brings_files_with_declared_modes_and_what_they_need() {
    let overlay = "schema = 1\npackages = [\"jq\"]\nmodules = [\"dummy\"]\n\
                   [sysctl]\n\"vm.swappiness\" = 1\n\
                   [units]\nenable = [\"app.service\"]\n\
                   [[file]]\npath = \"/usr/lib/app/run\"\nmode = \"0755\"\n\
                   [[file]]\npath = \"/usr/bin/app\"\nsymlink = \"../lib/app/run\"\n\
                   [[directory]]\npath = \"/etc/app\"\nmode = \"0700\"\n";
    let profile = node(&[
        ("profiles/node.toml", &format!("{DEMO}overlays = [\"app\"]\n")),
        ("overlays/app/overlay.toml", overlay),
        ("overlays/app/files/usr/lib/app/run", "#!/bin/sh\n"),
        ("overlays/app/files/usr/lib/systemd/system/app.service", "[Service]\n"),
    ]);
    assert!(profile.packages.contains(&"jq".to_owned()));
    assert!(profile.kernel.modules.contains(&"dummy".to_owned()));
    assert_eq!(profile.sysctl["vm.swappiness"], "1");
    assert!(profile.enable.contains(&"app.service".to_owned()));
    assert_eq!(profile.files["usr/lib/app/run"].mode, 0o755);
    assert_eq!(profile.files["usr/lib/systemd/system/app.service"].mode, 0o644);
    assert_eq!(profile.files["usr/bin/app"].symlink.as_deref(), Some("../lib/app/run"));
    assert!(profile.files["etc/app"].directory && profile.files["etc/app"].mode == 0o700);
    let origin = &profile.files["usr/lib/app/run"].origin;
    assert_eq!(*origin, Origin::Overlay("app".to_owned()));
    // Digests of profiles and listings of images have it so.
    assert_eq!(serde_json::to_value(origin).unwrap(), "overlay:app");
}

#[test]
fn a_profile_decides_where_its_overlays_disagree() {
    let text = format!(
        "{DEMO}overlays = [\"one\", \"two\"]\n[sysctl]\n\"vm.swappiness\" = 3\n\
         [[file]]\npath = \"/etc/issue\"\ncontent = \"mine\"\n"
    );
    let overlay = |value: u8| format!("schema = 1\n[sysctl]\n\"vm.swappiness\" = {value}\n");
    let profile = node(&[
        ("profiles/node.toml", &text),
        ("overlays/one/overlay.toml", &overlay(1)),
        ("overlays/one/files/etc/issue", "1"),
        ("overlays/two/overlay.toml", &overlay(2)),
        ("overlays/two/files/etc/issue", "2"),
    ]);
    assert_eq!(profile.sysctl["vm.swappiness"], "3");
    assert_eq!(profile.files["etc/issue"].content.text().unwrap(), "mine");
}

#[test]
fn a_workspaces_overlay_replaces_the_whole_embedded_one() {
    let profile = node(&[("profiles/node.toml", DEMO), ("overlays/node/overlay.toml", "schema = 1\n")]);
    assert!(profile.files.is_empty(), "{:?}", profile.files.keys());
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_in_an_overlays_folder_is_refused() {
    let dir = workspace(&[
        ("profiles/node.toml", &format!("{DEMO}overlays = [\"one\"]\n")),
        ("overlays/one/overlay.toml", "schema = 1\n"),
        ("overlays/one/files/etc/a", ""),
    ]);
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("overlays/one/files/etc/b")).unwrap();
    let error = load(&Workspace::open(dir.path()).unwrap(), "node").unwrap_err();
    assert!(matches!(&error, ProfileError::OddFile { path, .. } if path.ends_with("files/etc/b")), "{error}");
    assert!(error.hint().unwrap().contains("symlink"));
}

#[test]
fn manifests_of_all_overlays_are_kept_by_name_and_two_of_one_name_are_refused() {
    let both = format!("{DEMO}overlays = [\"one\", \"two\"]\n");
    let files = |second: &'static str| {
        vec![
            ("overlays/one/overlay.toml", "schema = 1\n"),
            ("overlays/one/manifests/a.yaml", "kind: {{ profile.name }}\n"),
            ("overlays/two/overlay.toml", "schema = 1\n"),
            (second, ""),
        ]
    };
    let load_with = |second: &'static str| {
        let mut files = files(second);
        files.push(("profiles/node.toml", &both));
        let dir = workspace(&files);
        load(&Workspace::open(dir.path()).unwrap(), "node")
    };
    let profile = load_with("overlays/two/manifests/b.yaml").unwrap();
    let origins: Vec<_> = profile.manifests.iter().map(|(name, found)| (&**name, found.origin.to_string())).collect();
    assert_eq!(origins, [("a.yaml", "overlay:one".to_owned()), ("b.yaml", "overlay:two".to_owned())]);
    assert_eq!(profile.manifests["a.yaml"].source.text, "kind: {{ profile.name }}\n");
    let error = load_with("overlays/two/manifests/a.yaml").unwrap_err();
    assert_eq!(error.to_string(), "manifest `a.yaml` comes from both overlay `one` and overlay `two`");
    for odd in ["overlays/two/manifests/notes.txt", "overlays/two/manifests/sub/a.yaml"] {
        assert!(matches!(load_with(odd).unwrap_err(), ProfileError::OddManifest { .. }), "{odd}");
    }
}

#[test]
fn a_dropped_directory_takes_what_it_holds_and_copyright_files_stay() {
    let dropped = load(&Workspace::embedded(), "demo").unwrap().dropped();
    for path in [
        "usr/share/man",
        "usr/share/man/man1/ls.1.gz",
        "usr/share/doc/bash/changelog.gz",
        "usr/share/doc/bash/examples/a/b",
        "usr/lib/modules/6.12/kernel/sound/soundcore.ko.xz",
    ] {
        assert!(dropped.is_match(path), "{path}");
    }
    for path in ["usr/share/doc/bash/copyright", "usr/share/doc/bash", "usr/share/manual", "usr/bin/man"] {
        assert!(!dropped.is_match(path), "{path}");
    }
}

#[test]
fn the_digests_follow_what_they_are_about() {
    let of = |more: &str| {
        let profile = node(&[("profiles/node.toml", &format!("{DEMO}{more}"))]);
        (profile.config_digest(), profile.selection_digest())
    };
    let (config, selection) = of("");
    assert_eq!(of("# a comment\n"), (config, selection));
    let (other, same) = of("hostname = \"b\"\n");
    assert!(other != config && same == selection);
    let (_, other) = of("packages = [\"jq\"]\n");
    assert_ne!(other, selection);
    let (_, other) = of("[k3s]\nversion = \"v1.36.6+k3s1\"\n");
    assert_ne!(other, selection);
    let (config_with_label, same) = of("[k3s]\nlabels = { a = \"b\" }\n");
    assert!(config_with_label != config && same == selection);
    let file = |path: &str, text: &str| of(&format!("[[file]]\npath = \"{path}\"\ncontent = \"{text}\"\n"));
    let (one, two) = (file("/etc/a", "1"), file("/etc/a", "2"));
    assert!(one.0 != two.0 && one.1 == selection && two.1 == selection);
    let [one, two] = ["u a", "u b"].map(|text| file("/usr/lib/sysusers.d/a.conf", text).1);
    assert!(one != two && one != selection, "accounts that files declare get their numbers from the lock");
}

#[test]
fn the_k3s_table_adds_up_like_the_rest() {
    let more = "[k3s]\ntaints = [\"-node-role.kubernetes.io/control-plane=true:NoSchedule\", \"a=b:NoExecute\"]\n\
                disable = [\"traefik\"]\nlabels = { \"topology.kubernetes.io/zone\" = \"attic\", \"example.org/x\" = \"\" }\n";
    let k3s = node(&[("profiles/node.toml", &format!("schema = 1\nextends = \"control\"\n{more}"))]).k3s.unwrap();
    assert_eq!((k3s.role, k3s.standalone, k3s.version.as_str()), (Role::Server, false, "v1.36.5+k3s1"));
    assert_eq!((k3s.taints, k3s.disable), (vec!["a=b:NoExecute".to_owned()], vec!["traefik".to_owned()]));
    let labels: Vec<(&str, &str)> = k3s.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(labels, [("example.org/x", ""), ("topology.kubernetes.io/zone", "attic")]);
}

#[test]
fn without_a_role_there_is_no_k3s() {
    assert_eq!(node(&[("profiles/node.toml", "schema = 1\nextends = \"base\"\nboard = \"rpi4\"\n")]).k3s, None);
}

#[test]
fn a_workspace_names_its_mirror() {
    let dir = workspace(&[("imgbuild.toml", "schema = 1\nmirror = \"https://mirrors.kernel.org\"\n")]);
    assert_eq!(Workspace::open(dir.path()).unwrap().mirror(), Some("https://mirrors.kernel.org"));
    let dir = workspace(&[("imgbuild.toml", "schema = 1\nmirror = \"mirrors.kernel.org\"\n")]);
    let shown = Workspace::open(dir.path()).unwrap_err().to_string();
    assert!(
        shown.ends_with("imgbuild.toml:2:10: `mirrors.kernel.org` has no `https://` in front, so it is no URL"),
        "{shown}"
    );
}

#[test]
fn any_text_gives_an_answer_and_its_rendering() {
    use proptest::prelude::*;
    proptest!(|(text in "(schema = 1\n)?[a-z\\[\\]=\"'{}., \n\u{1b}é-]{0,200}")| {
        if let Err(error) = parse_str(&text, "any.toml") {
            prop_assert!(error.render(false).starts_with("error: "));
            prop_assert!(error.render(true).contains("any.toml"));
        }
    });
}
