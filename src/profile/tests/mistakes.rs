//! What a person sees for each kind of mistake.

use super::{error, node_error};

#[test]
fn an_unknown_key_is_refused_with_the_likely_one() {
    let message = node_error(
        r#"schema = 1
extends = "demo"
hostnam = "a"
"#,
    );
    insta::assert_snapshot!(message, @r#"
    error: unknown key `hostnam`
     --> profiles/node.toml:3:1
      |
    3 | hostnam = "a"
      | ^^^^^^^
      |
      = help: did you mean `hostname`? keys here: `schema`, `extends`, `description`, `board`, `hostname`, `overlays`, `overlay`, `packages`, `recommends`, `drop`, `timezone`, `ntp`, `locale`, `serial`, `kernel`, `sysctl`, `debconf`, `units`, `k3s`, `status`, `image`, `file`, `user`, `network`, `source`
    "#);
}

#[test]
fn an_unknown_key_of_a_table_is_refused_with_the_keys_of_that_table() {
    let message = node_error(
        r#"schema = 1
extends = "demo"
[kernel]
firmware = ["a"]
"#,
    );
    insta::assert_snapshot!(message, @r#"
    error: unknown key `firmware`
     --> profiles/node.toml:4:1
      |
    4 | firmware = ["a"]
      | ^^^^^^^^
      |
      = help: keys here: `version`, `modules`, `initrd_modules`, `cmdline`
    "#);
}

#[test]
fn text_that_is_no_toml_is_refused_at_its_place() {
    let message = node_error(
        r#"schema = 1
extends = "demo"
packages = ["curl"
hostname = "a"
"#,
    );
    insta::assert_snapshot!(message, @r#"
    error: there is no comma between two entries of a list
     --> profiles/node.toml:4:1
      |
    4 | hostname = "a"
      | ^
      |
      = help: put a comma between them, or end the list before with `]`
    "#);
}

#[test]
fn a_missing_schema_is_refused() {
    let message = node_error(
        r#"extends = "demo"
"#,
    );
    insta::assert_snapshot!(message, @r#"
    error: missing key `schema`
    --> profiles/node.toml
     = help: begin the file with `schema = 1`
    "#);
}

#[test]
fn a_format_version_of_the_future_is_refused() {
    let message = node_error(
        r#"schema = 2
extends = "demo"
"#,
    );
    insta::assert_snapshot!(message, @r#"
    error: format version 2 is not known
     --> profiles/node.toml:1:10
      |
    1 | schema = 2
      |          ^
      |
      = help: this program reads `schema = 1`
    "#);
}

#[test]
fn a_wrong_type_is_refused_in_the_words_of_toml() {
    let message = node_error(
        r#"schema = 1
extends = "demo"
packages = "curl"
"#,
    );
    insta::assert_snapshot!(message, @r#"
    error: expected a list, found string "curl"
     --> profiles/node.toml:3:12
      |
    3 | packages = "curl"
      |            ^^^^^^
      |
      = help: write it in brackets, a single entry too: `packages = ["curl"]`
    "#);
}

#[test]
fn an_unknown_board_is_refused_with_the_known_ones() {
    let message = node_error(
        r#"schema = 1
extends = "base"
board = "rpi5"
"#,
    );
    insta::assert_snapshot!(message, @r#"
    error: a Raspberry Pi 5 is not supported
     --> profiles/node.toml:3:9
      |
    3 | board = "rpi5"
      |         ^^^^^^
      |
      = help: images are made for the Raspberry Pi 4, 400 and CM4 (`rpi4`) and for machines with UEFI; known: `rpi4`, `uefi-arm64`, `uefi-amd64`
    "#);
}

#[test]
fn a_missing_key_of_an_entry_is_refused() {
    let message = node_error(
        r#"schema = 1
extends = "demo"

[[network]]
name = "lan"
dhcp = true
"#,
    );
    insta::assert_snapshot!(message, @r#"
    error: missing key `match`
     --> profiles/node.toml:4:1
      |
    4 | [[network]]
      | ^^^^^^^^^^^
      |
      = help: add `match` to this table
    "#);
}

#[test]
fn a_list_that_removes_what_was_not_inherited_is_refused() {
    let message = node_error(
        r#"schema = 1
extends = "demo"
packages = ["vim", "-crul"]
"#,
    );
    insta::assert_snapshot!(message, @r#"
    error: `crul` is not inherited, so `-crul` removes nothing
     --> profiles/node.toml:3:20
      |
    3 | packages = ["vim", "-crul"]
      |                    ^^^^^^^
      |
      = help: did you mean `-curl`?
    "#);
}

#[test]
fn an_unknown_parent_is_refused_with_the_likely_one() {
    let message = node_error(
        r#"schema = 1
extends = "bsae"
"#,
    );
    insta::assert_snapshot!(message, @r#"
    error: there is no profile `bsae`
     --> profiles/node.toml:2:11
      |
    2 | extends = "bsae"
      |           ^^^^^^
      |
      = help: did you mean `base`? profiles: `base`, `control`, `demo`, `gpu`, `node`, `storage`
    "#);
}

#[test]
fn profiles_that_extend_each_other_are_refused() {
    let message = error(
        &[
            (
                "profiles/node.toml",
                r#"schema = 1
extends = "other"
"#,
            ),
            (
                "profiles/other.toml",
                r#"schema = 1
extends = "node"
"#,
            ),
        ],
        "node",
    );
    insta::assert_snapshot!(message, @r#"
    error: profile `node` ends up extending itself
     --> profiles/other.toml:2:11
      |
    2 | extends = "node"
      |           ^^^^^^
      |
      = help: a chain of `extends` must end in a profile without it
    "#);
}

#[test]
fn an_unknown_profile_is_refused_with_the_likely_one() {
    let message = error(&[], "dmeo");
    insta::assert_snapshot!(message, @r#"
    error: there is no profile `dmeo`
     |
     = help: did you mean `demo`? profiles: `base`, `control`, `demo`, `gpu`, `storage`
    "#);
}

#[test]
fn a_profile_without_a_board_cannot_be_built() {
    let message = node_error(
        r#"schema = 1
extends = "base"
"#,
    );
    insta::assert_snapshot!(message, @r#"
    error: profile `node` names no board
    --> profiles/node.toml
     = help: it can be extended; to build it, add `board = "uefi-amd64"`, `"uefi-arm64"` or `"rpi4"`
    "#);
}

#[test]
fn a_profile_without_a_package_source_cannot_be_built() {
    let message = node_error(
        r#"schema = 1
board = "rpi4"
"#,
    );
    insta::assert_snapshot!(message, @r#"
    error: profile `node` has no package source
    --> profiles/node.toml
     = help: write `extends = "base"`, which names Debian's archives, or add a [[source]]
    "#);
}

#[test]
fn an_unknown_overlay_is_refused_with_the_known_ones() {
    let message = node_error(
        r#"schema = 1
extends = "demo"
overlays = ["consol"]
"#,
    );
    insta::assert_snapshot!(message, @r#"
    error: there is no overlay `consol`
     --> profiles/node.toml:3:13
      |
    3 | overlays = ["consol"]
      |             ^^^^^^^^
      |
      = help: overlays: `argocd`, `cert-manager`, `forward-auth`, `kubeseal-webgui`, `longhorn`, `longhorn-node`, `metallb`, `monitoring`, `node`, `nvidia`, `nvidia-device-plugin`, `portainer`, `postgres`, `registry`, `renovate`, `sealed-secrets`; an overlay is a folder `overlays/NAME/` with an `overlay.toml`
    "#);
}

#[test]
fn one_path_given_twice_in_a_file_is_refused() {
    let message = node_error(
        r#"schema = 1
extends = "demo"
[[file]]
path = "/etc/a"
content = ""

[[file]]
path = "/etc/a"
symlink = "b"
"#,
    );
    insta::assert_snapshot!(message, @r#"
    error: `/etc/a` is given twice in this file
     --> profiles/node.toml:8:8
      |
    8 | path = "/etc/a"
      |        ^^^^^^^^
      |
      = help: keep one of the two entries
    "#);
}

#[test]
fn a_file_with_two_contents_is_refused() {
    let message = node_error(
        r#"schema = 1
extends = "demo"
[[file]]
path = "/etc/a"
content = ""
symlink = "b"
"#,
    );
    insta::assert_snapshot!(message, @r#"
    error: `/etc/a` needs exactly one of `content`, `source` and `symlink`
     --> profiles/node.toml:4:8
      |
    4 | path = "/etc/a"
      |        ^^^^^^^^
      |
      = help: `content` is the text itself, `source` a file of the workspace, `symlink` a link's target
    "#);
}

#[test]
fn a_file_taken_from_a_missing_source_is_refused() {
    let message = node_error(
        r#"schema = 1
extends = "demo"
[[file]]
path = "/etc/a"
source = "files/a"
"#,
    );
    insta::assert_snapshot!(message, @r#"
    error: there is no file `files/a` in the workspace
     --> profiles/node.toml:5:10
      |
    5 | source = "files/a"
      |          ^^^^^^^^^
      |
      = help: paths begin at the workspace's root
    "#);
}

#[test]
fn a_unit_both_enabled_and_disabled_is_refused() {
    let message = node_error(
        r#"schema = 1
extends = "demo"
[units]
enable = ["ssh.service"]
disable = ["ssh.service"]
"#,
    );
    insta::assert_snapshot!(message, @r#"
    error: `ssh.service` is both enabled and disabled in this file
     --> profiles/node.toml:5:12
      |
    5 | disable = ["ssh.service"]
      |            ^^^^^^^^^^^^^
      |
      = help: keep one of the two entries
    "#);
}

#[test]
fn a_network_that_matches_nothing_is_refused() {
    let message = node_error(
        r#"schema = 1
extends = "demo"
[[network]]
name = "lan"
match = {}
dhcp = true
"#,
    );
    insta::assert_snapshot!(message, @r#"
    error: network `lan` matches no interface
     --> profiles/node.toml:4:8
      |
    4 | name = "lan"
      |        ^^^^^
      |
      = help: name some: `match = { name = ["en*"] }`
    "#);
}

#[test]
fn two_overlays_with_one_path_are_refused() {
    let message = error(
        &[
            (
                "profiles/node.toml",
                r#"schema = 1
extends = "demo"
overlays = ["one", "two"]
"#,
            ),
            ("overlays/one/overlay.toml", "schema = 1\n"),
            ("overlays/one/files/etc/issue", "1"),
            ("overlays/two/overlay.toml", "schema = 1\n"),
            ("overlays/two/files/etc/issue", "2"),
        ],
        "node",
    );
    insta::assert_snapshot!(message, @r#"
    error: `/etc/issue` comes from both overlay `one` and overlay `two`
     |
     = help: use only one of the two overlays, or decide it in the profile, which wins over both
    "#);
}

#[test]
fn two_overlays_with_one_setting_of_two_values_are_refused() {
    let message = error(
        &[
            (
                "profiles/node.toml",
                r#"schema = 1
extends = "demo"
overlays = ["one", "two"]
"#,
            ),
            (
                "overlays/one/overlay.toml",
                r#"schema = 1
[sysctl]
"vm.swappiness" = 1
"#,
            ),
            (
                "overlays/two/overlay.toml",
                r#"schema = 1
[sysctl]
"vm.swappiness" = 2
"#,
            ),
        ],
        "node",
    );
    insta::assert_snapshot!(message, @r#"
    error: `vm.swappiness` comes from both overlay `one` and overlay `two`
     |
     = help: use only one of the two overlays, or decide it in the profile, which wins over both
    "#);
}

#[test]
fn a_file_where_another_overlay_has_a_directory_is_refused() {
    let message = error(
        &[
            (
                "profiles/node.toml",
                r#"schema = 1
extends = "demo"
overlays = ["one", "two"]
"#,
            ),
            ("overlays/one/overlay.toml", "schema = 1\n"),
            ("overlays/one/files/etc/app", "1"),
            ("overlays/two/overlay.toml", "schema = 1\n"),
            ("overlays/two/files/etc/app/conf", "2"),
        ],
        "node",
    );
    insta::assert_snapshot!(message, @r#"
    error: overlay `one` has no directory at `/etc/app`, yet overlay `two` puts `/etc/app/conf` below it
     |
     = help: rename `/etc/app`, or leave one of the two out
    "#);
}

#[test]
fn an_overlay_that_describes_a_missing_file_is_refused() {
    let message = error(
        &[
            (
                "profiles/node.toml",
                r#"schema = 1
extends = "demo"
overlays = ["one"]
"#,
            ),
            (
                "overlays/one/overlay.toml",
                r#"schema = 1
[[file]]
path = "/etc/issue"
mode = "0600"
"#,
            ),
            ("overlays/one/files/etc/isue", ""),
        ],
        "node",
    );
    insta::assert_snapshot!(message, @r#"
    error: overlay `one` has no file for `/etc/issue`
     --> overlays/one/overlay.toml:3:8
      |
    3 | path = "/etc/issue"
      |        ^^^^^^^^^^^^
      |
      = help: add `overlays/one/files/etc/issue`, or `symlink` if it is a link
    "#);
}

#[test]
fn an_overlay_folder_without_its_toml_is_no_overlay() {
    let message = error(
        &[
            (
                "profiles/node.toml",
                r#"schema = 1
extends = "demo"
overlays = ["one"]
"#,
            ),
            ("overlays/one/files/etc/issue", ""),
        ],
        "node",
    );
    insta::assert_snapshot!(message, @r#"
    error: there is no overlay `one`
     --> profiles/node.toml:3:13
      |
    3 | overlays = ["one"]
      |             ^^^^^
      |
      = help: did you mean `node`? overlays: `argocd`, `cert-manager`, `forward-auth`, `kubeseal-webgui`, `longhorn`, `longhorn-node`, `metallb`, `monitoring`, `node`, `nvidia`, `nvidia-device-plugin`, `portainer`, `postgres`, `registry`, `renovate`, `sealed-secrets`; an overlay is a folder `overlays/NAME/` with an `overlay.toml`
    "#);
}

#[test]
fn a_mistake_in_an_overlay_is_shown_in_its_file() {
    let message = error(
        &[
            (
                "profiles/node.toml",
                r#"schema = 1
extends = "demo"
overlays = ["one"]
"#,
            ),
            (
                "overlays/one/overlay.toml",
                r#"schema = 1
package = ["curl"]
"#,
            ),
        ],
        "node",
    );
    insta::assert_snapshot!(message, @r#"
    error: unknown key `package`
     --> overlays/one/overlay.toml:2:1
      |
    2 | package = ["curl"]
      | ^^^^^^^
      |
      = help: did you mean `packages`? keys here: `schema`, `description`, `params`, `when`, `provides`, `needs`, `conflicts`, `architectures`, `ports`, `packages`, `source`, `drop`, `modules`, `board`, `sysctl`, `debconf`, `units`, `file`, `directory`, `artifact`, `kernel-module`, `via`, `verbatim`, `expects`
    "#);
}

#[test]
fn what_a_server_does_is_refused_on_an_agent_at_its_place() {
    let shown = node_error("schema = 1\nextends = \"storage\"\n[k3s]\nstandalone = true\n");
    insta::assert_snapshot!(shown, @r#"
    error: `k3s.standalone` is a server's, not an agent's
     --> profiles/node.toml:4:14
      |
    4 | standalone = true
      |              ^^^^
      |
      = help: take it out, or make the node a server: `role = "server"`
    "#);
}

#[test]
fn a_role_without_a_version_is_refused() {
    let text = "schema = 1\nboard = \"rpi4\"\n[k3s]\nrole = \"agent\"\n\
                [[source]]\nname = \"a\"\narchive = \"debian\"\nsuite = \"trixie\"\ncomponents = [\"main\"]\n";
    let shown = node_error(text);
    assert!(shown.contains("`k3s.role` is given, but no `k3s.version`") && shown.contains("help"), "{shown}");
}

#[test]
fn a_profiles_file_with_a_name_that_is_none_is_told_as_such() {
    let message = error(&[("profiles/My_Node.toml", "schema = 1\nextends = \"demo\"\n")], "My_Node");
    insta::assert_snapshot!(message, @r"
    error: `profiles/My_Node.toml` is no usable name for a profile
     |
     = help: rename the file: use lower-case letters, digits and `-`, at most 64
    ");
}
