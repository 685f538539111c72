//! Single values: what is refused, with its message and hint.

use super::node_error;

/// Message and hint for a profile with this line after the first ones.
fn refusal(line: &str) -> String {
    let shown = node_error(&format!("schema = 1\nextends = \"demo\"\n{line}\n"));
    let lines = shown.lines().filter_map(|line| line.strip_prefix("error: ").or(line.trim().strip_prefix("= help: ")));
    lines.collect::<Vec<_>>().join(" | ")
}

/// Asserts message and hint of each line.
pub(super) fn refused(cases: &[(&str, &str)]) {
    for (line, expected) in cases {
        assert_eq!(refusal(line), *expected, "for {line}");
    }
}

#[test]
fn names_that_are_not_what_they_stand_for_are_refused() {
    refused(&[
        (
            r#"hostname = "Node_1""#,
            "`Node_1` is not a host name | use at most 63 lower-case letters, digits and `-`, no `-` at either end",
        ),
        (
            r#"packages = ["Curl=8"]"#,
            "`Curl=8` is not a package name | name a Debian package alone, without version or architecture, such as `open-iscsi`",
        ),
        (r#"overlays = ["../x"]"#, "`../x` is not a usable name | use lower-case letters, digits and `-`, at most 64"),
        (
            r#"status = { led = "../ACT" }"#,
            "`../ACT` is not an LED's name | write the name alone, as `ls /sys/class/leds` on the node shows it, such as `ACT`",
        ),
        (
            r#"timezone = "Europe Berlin""#,
            "`Europe Berlin` is not a time zone | write one such as `Europe/Berlin` or `Etc/UTC`",
        ),
        (
            r#"locale = "de DE""#,
            "`de DE` is not a locale | write `C.UTF-8`, or one that a package of the profile brings",
        ),
        (r#"ntp = ["a b"]"#, "`a b` is not a server | write a host name or an address, such as `ntp.example.org`"),
    ]);
}

#[test]
fn paths_outside_what_an_image_can_hold_are_refused() {
    refused(&[
        (
            r#"file = [{ path = "etc/a", content = "" }]"#,
            "`etc/a` is not an absolute path | begin with `/`, the root of the image",
        ),
        (
            r#"file = [{ path = "/etc/../a", content = "" }]"#,
            "`/etc/../a` is not a clean path | leave out `.`, `..`, doubled and trailing slashes",
        ),
        (
            r#"file = [{ path = "/bin/a", content = "" }]"#,
            "`/bin/a` is not where Debian keeps files | `/bin` is a link: write `/usr/bin/a`",
        ),
        (
            r#"file = [{ path = "/run/a", content = "" }]"#,
            "`/run/a` would be hidden: `/run` is mounted at boot | put it below `/usr` or `/etc`; a file in `/usr/lib/tmpfiles.d` can make it at boot",
        ),
        (
            r#"file = [{ path = "/etc/a", source = "../a" }]"#,
            "`../a` is not a path inside the workspace | write it relative to the workspace's root, without `..`",
        ),
        (
            r#"file = [{ path = "/etc/a", content = "", mode = "0888" }]"#,
            r#"`0888` is not a file mode | write octal digits such as "0644""#,
        ),
        (
            r#"file = [{ path = "/etc/a", content = "", user = "Anna" }]"#,
            "`Anna` is not an account name | use at most 32 lower-case letters, digits, `_` and `-`, a letter first",
        ),
        (
            r#"drop = ["usr/share/man"]"#,
            "`usr/share/man` is not an absolute glob | begin with `/`, such as `/usr/share/man`",
        ),
        (r#"drop = ["/usr/[a"]"#, "`/usr/[a` is not a glob: unclosed character class; missing ']'"),
    ]);
}

#[test]
fn kernel_options_that_are_the_images_own_are_refused() {
    refused(&[
        (
            r#"kernel = { cmdline = ["roothash=00"] }"#,
            "`roothash=00` is decided by the image | take it out; the root file system is found and proved by its hash",
        ),
        (
            r#"kernel = { cmdline = ["root=/dev/sda1"] }"#,
            "`root=/dev/sda1` is decided by the image | take it out; the root file system is found and proved by its hash",
        ),
        (
            r#"kernel = { cmdline = ["quiet splash"] }"#,
            "`quiet splash` is not one kernel option | write each option as an entry of its own, without spaces",
        ),
        (
            r#"kernel = { modules = ["nfs.ko"] }"#,
            "`nfs.ko` is not a kernel module's name | write it as `lsmod` shows it, without directory and `.ko`",
        ),
        (
            "sysctl = { vm.swappiness = 1 }",
            r#"`vm` is not a kernel setting | quote the whole name: `"vm.swappiness" = 10`"#,
        ),
        (r#"sysctl = { "vm.swappiness" = true }"#, "expected a string or a whole number, found boolean `true`"),
    ]);
}

#[test]
fn accounts_and_keys_that_cannot_work_are_refused() {
    refused(&[
        (
            r#"user = [{ name = "root" }]"#,
            "`root` is locked in every image | name a person's account and give it `sudo = true`",
        ),
        (
            r#"user = [{ name = "Anna" }]"#,
            "`Anna` is not an account name | use at most 32 lower-case letters, digits, `_` and `-`, a letter first",
        ),
        (
            r#"user = [{ name = "anna", ssh_keys = ["ssh-ed25519 AAAA"] }]"#,
            "`ssh-ed25519 AAAA` is not a public SSH key | give one line of a `.pub` file: `ssh-ed25519 AAAA… name`",
        ),
        (
            r#"user = [{ name = "anna", ssh_keys = ["ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIJ8vWqK0mD1tQ7yRk5cUe0oM3bLhXz2nGfP4sYdTwA9e"] }]"#,
            "this is no key of the type `ssh-rsa` | copy the whole line of the `.pub` file again: sshd ignores such a key",
        ),
        (
            r#"user = [{ name = "anna", ssh_keys = ["-----BEGIN OPENSSH PRIVATE KEY-----"] }]"#,
            "this is a private key | never put it into a profile; give the line of its `.pub` file",
        ),
    ]);
}

#[test]
fn addresses_that_are_none_are_refused() {
    refused(&[
        (
            r#"network = [{ name = "a", match = { name = ["e*"] }, addresses = ["192.0.2.1"] }]"#,
            "`192.0.2.1` is not an address with its prefix length | write one such as `192.168.1.10/24`",
        ),
        (
            r#"network = [{ name = "a", match = { name = ["e*"] }, addresses = ["192.0.2.1/33"] }]"#,
            "`192.0.2.1/33` is not an address with its prefix length | write one such as `192.168.1.10/24`",
        ),
        (
            r#"network = [{ name = "a", match = { mac = ["dc-a6-32-01-02-03"] }, dhcp = true }]"#,
            "`dc-a6-32-01-02-03` is not a MAC address | write six bytes such as `dc:a6:32:01:02:03`",
        ),
        (
            r#"network = [{ name = "a", match = { name = ["e*"] }, dhcp = true, dns = ["one"] }]"#,
            "`one` is not an IP address | write one such as `192.168.1.1` or `fd00::1`",
        ),
        (
            r#"network = [{ name = "a", match = { name = ["e*"] } }]"#,
            r#"network `a` gives no address | add `dhcp = true` or `addresses = ["192.168.1.10/24"]`"#,
        ),
        (
            r#"network = [{ name = "a", match = { name = ["e*"] }, dhcp = true, gateway = "192.0.2.1" }]"#,
            "network `a` has a gateway but no address to reach it from | leave `gateway` to DHCP, or add `addresses`",
        ),
    ]);
}

#[test]
fn sizes_and_levels_out_of_range_are_refused() {
    refused(&[
        (r#"image = { root = "512" }"#, "`512` is not a size | write digits and `K`, `M` or `G`: `512M`"),
        (
            r#"image = { root = "1500K" }"#,
            "`1500K` is not a whole number of MiB | partitions are aligned to 1 MiB: write `512M`",
        ),
        (
            r#"image = { root = "99999999999G" }"#,
            "`99999999999G` is not a size | write digits and `K`, `M` or `G`: `512M`",
        ),
        (r#"image = { block_size = "100K" }"#, "`100K` is not a block size | write a power of two from `4K` to `1M`"),
        (r#"image = { block_size = "2M" }"#, "`2M` is not a block size | write a power of two from `4K` to `1M`"),
        ("image = { level = 23 }", "23 is not a compression level | zstd has levels 1 (fast) to 22 (small)"),
    ]);
}

#[test]
fn units_and_sources_that_cannot_be_named_so_are_refused() {
    refused(&[
        (
            r#"units = { enable = ["ssh"] }"#,
            "`ssh` is not a unit's full name | write it with its type, such as `nftables.service`",
        ),
        (
            r#"source = [{ name = "x", archive = "ftp://a", suite = "s", components = ["main"] }]"#,
            "`ftp://a` is not an archive | write `debian`, `debian-security` or the URL of the directory above `dists/`, `file:///…` on this machine",
        ),
        (
            r#"source = [{ name = "x", archive = "debian", suite = "../s", components = ["main"] }]"#,
            "`../s` is not a suite | write one such as `trixie`, or `/` for a flat repository",
        ),
        (
            r#"source = [{ name = "x", archive = "debian", suite = "s", components = [] }]"#,
            r#"source `x` has no component | name at least one: `components = ["main"]`"#,
        ),
    ]);
}

#[test]
fn what_k3s_would_refuse_on_the_node_is_refused_here() {
    refused(&[
        (r#"k3s = { version = "1.34" }"#, "`1.34` is not a K3s release | write its tag, such as `v1.36.5+k3s1`"),
        (
            r#"k3s = { taints = ["gpu=present"] }"#,
            "`gpu=present` is not a taint | write `key=value:Effect`; the effect is NoSchedule, PreferNoSchedule or NoExecute",
        ),
        (
            r#"k3s = { labels = { "node-role.kubernetes.io/worker" = "true" } }"#,
            "label `node-role.kubernetes.io/worker` is reserved: K3s does not start with it | take a name of your own, such \
             as `example.org/role`; roles are set with `kubectl label node`",
        ),
        (
            r#"k3s = { labels = { "topology.kubernetes.io/zones" = "attic" } }"#,
            "label `topology.kubernetes.io/zones` is reserved: K3s does not start with it | take a name of your own, such as \
             `example.org/role`; roles are set with `kubectl label node`",
        ),
        (
            r#"k3s = { labels = { "kubernetes.io/hostname" = "pi1" } }"#,
            "label `kubernetes.io/hostname` is set by the kubelet itself, for each node | take it out",
        ),
        (
            r#"k3s = { labels = { "failure-domain.beta.kubernetes.io/zone" = "attic" } }"#,
            "label `failure-domain.beta.kubernetes.io/zone` is an old name | write `topology.kubernetes.io/zone`",
        ),
        (
            r#"k3s = { labels = { "a b" = "x" } }"#,
            "`a b` is not a label's name | write it as `name` or `example.org/name`",
        ),
        (
            r#"k3s = { labels = { "a" = "x y" } }"#,
            "`x y` is not a label's value | use at most 63 letters, digits, `-`, `_` and `.`; booleans are text: `\"true\"`",
        ),
        (
            r#"k3s = { disable = ["flannel"] }"#,
            "`flannel` is not a component of K3s | K3s packages coredns, local-storage, metrics-server, runtimes, servicelb \
             and traefik",
        ),
        (
            r#"k3s = { kubelet_args = ["--max-pods=50"] }"#,
            "`-max-pods=50` is not an option of the kubelet | write `name=value` without dashes in front, such as \
             `max-pods=50`",
        ),
    ]);
}

#[test]
fn options_of_the_kernel_that_are_the_images_are_refused_however_they_are_spelt() {
    for option in [
        "root=/dev/sda1",
        "rd.root=/dev/sda1",
        "roothash=00",
        "rd.roothash=00",
        "\\\"roothash=00\\\"",
        "\\\"roothash\\\"=00",
        "systemd.verity=no",
        "rd.systemd.verity=0",
        "systemd.verity_root_data=/dev/sda1",
        "systemd.verity-root-data=/dev/sda1",
        "usrhash=00",
        "imgbuild.image=00",
    ] {
        let expected = format!(
            "`{option}` is decided by the image | take it out; the root file system is found and proved by its hash"
        );
        let text = format!("kernel = {{ cmdline = [\"quiet\", \"{option}\"] }}");
        refused(&[(&text, &expected)]);
        let shown = node_error(&format!("schema = 1\nextends = \"demo\"\n{text}\n"));
        assert!(shown.contains("profiles/node.toml:3:32"), "{shown}");
    }
    let single = node_error("schema = 1\nextends = \"demo\"\nkernel = { cmdline = [\"'roothash=00'\"] }\n");
    assert!(single.contains("is decided by the image"), "{single}");
    refused(&[(
        r#"kernel = { cmdline = ["dyndbg='x"] }"#,
        "`dyndbg='x` has a quote that is not closed | leave quotes out: an option has no spaces",
    )]);
}

#[test]
fn more_options_than_firmware_and_kernel_take_are_refused_at_the_one_that_is_too_much() {
    let options = |count: usize| {
        let options = (100..100 + count).map(|number| format!("a={}{number}", "x".repeat(94)));
        options.map(|option| format!("    {option:?},")).collect::<Vec<_>>().join("\n")
    };
    let shown = |parent: &str, count: usize| {
        node_error(&format!("schema = 1\nextends = \"{parent}\"\n[kernel]\ncmdline = [\n{}\n]\n", options(count)))
    };
    // 100 characters each, with the space before it; the image's own take 256.
    let demo = shown("demo", 18);
    assert!(
        demo.contains("the options of `kernel.cmdline` have 1800 characters together, there is room for 1791"),
        "{demo}"
    );
    assert!(demo.contains("profiles/node.toml:22:5") && demo.contains("Linux takes 2047 of the whole line"), "{demo}");
    let control = shown("control", 9);
    assert!(control.contains("have 900 characters together, there is room for 767"), "{control}");
    assert!(control.contains("profiles/node.toml:12:5"), "{control}");
    assert!(control.contains("the Raspberry Pi's firmware takes 1023 of the whole line"), "{control}");
}

#[test]
fn names_of_300_bytes_are_refused_whatever_they_name() {
    let long = "a".repeat(300);
    for line in [
        format!("extends = \"{long}\""),
        format!("hostname = \"{long}\""),
        format!("overlays = [\"{long}\"]"),
        format!("packages = [\"{long}\"]"),
        format!("timezone = \"{long}\""),
        format!("locale = \"{long}\""),
        format!("ntp = [\"{long}\"]"),
        format!("status = {{ led = \"{long}\" }}"),
        format!("kernel = {{ modules = [\"{long}\"] }}"),
        format!("sysctl = {{ \"a.{long}\" = 1 }}"),
        format!("units = {{ enable = [\"{long}.service\"] }}"),
        format!("k3s = {{ version = \"v1.2.{}+k3s1\" }}", "1".repeat(300)),
        format!("user = [{{ name = \"{long}\" }}]"),
        format!("user = [{{ name = \"anna\", groups = [\"{long}\"] }}]"),
        format!("network = [{{ name = \"{long}\", match = {{ name = [\"e*\"] }}, dhcp = true }}]"),
        format!("source = [{{ name = \"{long}\", archive = \"debian\", suite = \"x\", components = [\"main\"] }}]"),
        format!("source = [{{ name = \"x\", archive = \"debian\", suite = \"{long}\", components = [\"main\"] }}]"),
        format!("file = [{{ path = \"/etc/{long}\", content = \"\" }}]"),
        format!("file = [{{ path = \"/etc/a\", source = \"files/{long}\" }}]"),
        format!("file = [{{ path = \"{}\", content = \"\" }}]", "/abc".repeat(1100)),
    ] {
        let text = if line.starts_with("extends") {
            format!("schema = 1\n{line}\n")
        } else {
            format!("schema = 1\nextends = \"demo\"\n{line}\n")
        };
        let shown = node_error(&text);
        assert!(shown.contains("--> profiles/node.toml:") && shown.contains("= help: "), "{line}\n{shown}");
    }
}

#[test]
fn a_machine_called_localhost_is_refused() {
    refused(&[(
        r#"hostname = "localhost""#,
        "`localhost` is no machine's name | give the machine a name of its own: every machine calls itself `localhost`, and \
         finds itself there",
    )]);
}

#[test]
fn globs_that_climb_or_take_what_no_image_runs_without_are_refused() {
    for glob in ["/../etc", "/usr/../etc/hosts", "/usr/./share", "/usr//share", "/usr/share/man/"] {
        let expected = format!("`{glob}` is not a clean glob | leave out `.`, `..`, doubled and trailing slashes");
        refused(&[(&format!("drop = [\"{glob}\"]"), &expected)]);
    }
    for (glob, what) in [
        ("/boot", "the kernel, `/boot/vmlinuz-6.12.117+deb13-arm64`"),
        ("/boot/**", "the kernel, `/boot/vmlinuz-6.12.117+deb13-arm64`"),
        ("/boot/vmlinuz-*", "the kernel, `/boot/vmlinuz-6.12.117+deb13-arm64`"),
        ("/usr", "the kernel's modules, `/usr/lib/modules/6.12.117+deb13-arm64`"),
        ("/usr/lib/modules/*", "the kernel's modules, `/usr/lib/modules/6.12.117+deb13-arm64`"),
        ("/usr/lib/systemd/*", "the system's first program, `/usr/lib/systemd/systemd`"),
        ("/usr/bin/d*", "the shell of the system's scripts, `/usr/bin/dash`"),
        ("/usr/lib/{imgbuild,x}", "what starts the node, `/usr/lib/imgbuild`"),
        ("/etc", "the accounts, `/etc/passwd`"),
    ] {
        let expected = format!("`{glob}` would leave out {what} | name what is below it, and leave that in");
        refused(&[(&format!("drop = [\"{glob}\"]"), &expected)]);
    }
}
