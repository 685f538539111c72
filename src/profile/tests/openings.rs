//! Files over those that decide who comes in.

use super::*;

/// The last line of each: what is found in it, in a file that an overlay puts at the path.
const OPENINGS: &[(&str, &str, &str)] = &[
    ("etc/shadow", "root:*:20000::::::\neve::20000::::::", "opens the account `eve` without a password"),
    ("etc/shadow", "root:$y$j9T$abc$def:20000::::::", "opens the account `root` with a password"),
    ("etc/shadow-", "root:ab1cdefghijkl:1:", "opens the account `root` with a password"),
    ("etc/passwd", "root:x:0:0:root:/root:/bin/bash\neve:x:0:0::/:/bin/sh", "makes `eve` a second root (number 0)"),
    ("etc/passwd", "root::0:0:root:/root:/bin/bash", "opens the account `root` without a password"),
    ("etc/group", "sudo:$6$x$y:27:", "opens the group `sudo` to whoever knows its password"),
    ("etc/gshadow", "sudo:$6$x$y::", "opens the group `sudo` to whoever knows its password"),
    ("etc/sudoers", "Defaults env_reset, !authenticate", "lets everybody use sudo without a password"),
    ("etc/sudoers.d/eve", "Defaults:eve !authenticate", "lets `eve` use sudo without a password"),
    (
        "etc/sudoers.d/eve",
        "eve ALL=(ALL) NOPASSWD: /bin/df, PASSWD: /bin/ls, NOPASSWD: ALL",
        "makes `eve` root without a password",
    ),
    ("etc/sudoers.d/eve", "eve ALL=(ALL) NOPASSWD: ALL", "makes `eve` root without a password"),
    ("etc/sudoers.d/eve", "eve ALL = \\\n  NOPASSWD:ALL", "makes `eve` root without a password"),
    ("etc/sudoers.d/all", "ALL ALL=(ALL:ALL) NOPASSWD:SETENV: ALL", "makes `ALL` root without a password"),
    (
        "root/.ssh/authorized_keys",
        "ssh-ed25519 AAAA",
        "lets a key in (`ssh-ed25519 AAAA…`) from a home, which outlives the image",
    ),
    ("home/anna/.ssh/authorized_keys2", "ssh-ed25519 AAAA", "from a home, which outlives the image"),
    (
        "etc/ssh/authorized_keys.d/root",
        "ssh-ed25519 AAAA",
        "lets a key in as `root`, who is no [[user]] of the profile",
    ),
    ("etc/ssh/sshd_config", "PermitRootLogin prohibit-password", "lets root log in"),
    ("etc/ssh/sshd_config.d/05-x.conf", "# x\npermitrootlogin=\"yes\"", "lets root log in"),
    ("etc/ssh/sshd_config.d/05-x.conf", "PasswordAuthentication yes", "lets people in by password"),
    (
        "etc/ssh/sshd_config.d/05-x.conf",
        "Match User eve\n\tPermitEmptyPasswords yes",
        "lets accounts without a password in",
    ),
    ("etc/ssh/sshd_config.d/05-x.conf", "KbdInteractiveAuthentication yes", "lets people in by another way than a key"),
    ("etc/ssh/sshd_config.d/05-x.conf", "AuthenticationMethods none", "lets people in without a key"),
    (
        "etc/ssh/sshd_config.d/05-x.conf",
        "AuthorizedKeysCommand /usr/bin/keys",
        "lets in keys that neither profile nor seed names",
    ),
    (
        "etc/ssh/sshd_config.d/05-x.conf",
        "TrustedUserCAKeys /etc/ssh/ca.pub",
        "lets in keys that neither profile nor seed names",
    ),
    ("etc/ssh/sshd_config.d/05-x.conf", "AuthorizedKeysFile .ssh/authorized_keys", "looks for keys elsewhere"),
    ("etc/ssh/sshd_config.d/05-x.conf", "HostbasedAuthentication yes", "lets in whom another machine vouches for"),
    ("etc/hosts.equiv", "+ +", "lets in whom another machine vouches for"),
    ("etc/ld.so.preload", "/usr/lib/libgood.so\n/var/lib/x.so", "loads `/var/lib/x.so` into every program"),
    ("etc/ld.so.preload", "libgood.so:/usr/../home/x.so", "loads `/usr/../home/x.so` into every program"),
    (
        "etc/polkit-1/rules.d/50-all.rules",
        "polkit.addRule(function(action, subject) {\n// polkit.Result.YES\n\treturn polkit.Result.YES;",
        "lets programs be run as root without a password",
    ),
    (
        "usr/share/polkit-1/rules.d/50-exec.rules",
        "if (action.id == 'org.freedesktop.policykit.exec')\nreturn 'yes';",
        "lets programs be run as root without a password",
    ),
    (
        "etc/pam.d/sshd",
        "@include common-account\nauth sufficient pam_permit.so",
        "lets everybody in without a password",
    ),
    ("etc/pam.d/su", "auth sufficient pam_wheel.so trust", "lets members of a group become root without a password"),
    ("etc/passwd", "toor:x:00:0::/root:/bin/sh", "makes `toor` a second root (number 0)"),
    (
        "etc/sudoers.d/eve",
        "Cmnd_Alias EVERY = ALL\neve ALL=(ALL) NOPASSWD: EVERY",
        "makes `eve` root without a password",
    ),
    ("etc/sudoers.d/eve", "eve ALL=(root) NOPASSWD: /bin/sh", "makes `eve` root without a password"),
    (
        "etc/sudoers.d/eve",
        "eve ALL=(root) NOPASSWD:SETENV: /bin/df, /usr/bin/env *",
        "makes `eve` root without a password",
    ),
    ("etc/doas.conf", "permit nopass keepenv eve", "makes `eve` root without a password"),
    ("etc/doas.conf", "permit nopass eve as root cmd /bin/bash", "makes `eve` root without a password"),
    ("etc/pam.d/sshd", "auth required pam_env.so\nauth required pam_permit.so", "lets everybody in without a password"),
    (
        "etc/tmpfiles.d/eve.conf",
        "d /root/.ssh 0700 root root\nf+ /root/.ssh/authorized_keys 0600 root root - ssh-ed25519 AAAA",
        "writes `/root/.ssh/authorized_keys` when the node starts, which decides who comes in",
    ),
    ("usr/lib/tmpfiles.d/eve.conf", "L+ /etc/sudoers.d/eve - - - - /var/lib/eve", "decides who comes in"),
    ("etc/sysusers.d/eve.conf", "u eve 0 \"Eve\" / /bin/sh", "makes `eve` a second root (number 0)"),
];

/// The same files as people have them for good reasons.
const SOUND: &[(&str, &str)] = &[
    ("etc/shadow", "root:*:20000:0:99999:7:::\nanna:!:20000:0:99999:7:::\n_ssh:!*:20000::::::"),
    ("etc/passwd", "root:x:0:0:root:/root:/bin/bash\nanna:x:1000:1000::/home/anna:/bin/bash"),
    ("etc/group", "root:x:0:\nsudo:x:27:anna\nusers::100:"),
    ("etc/gshadow", "root:*::\nsudo:!::anna\nusers:::"),
    ("etc/sudoers", "Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d"),
    ("etc/sudoers.d/admin", "admin ALL=(ALL:ALL) NOPASSWD: ALL"),
    ("etc/sudoers.d/metrics", "metrics ALL=(root) NOPASSWD: /usr/sbin/smartctl"),
    ("etc/sudoers.d/alice", "alice ALL=(ALL) NOPASSWD: /usr/bin/kubectl, PASSWD: ALL"),
    ("etc/ssh/authorized_keys.d/admin", "ssh-ed25519 AAAA"),
    ("etc/ssh/sshd_config.d/05-keys.conf", "AuthorizedKeysFile /etc/ssh/authorized_keys.d/%u"),
    (
        "etc/ssh/sshd_config.d/05-x.conf",
        "PasswordAuthentication no\nPermitRootLogin no\n#PermitEmptyPasswords yes\nMaxAuthTries 3",
    ),
    (
        "etc/pam.d/common-auth",
        "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\nauth required pam_permit.so",
    ),
    ("etc/pam.d/su", "auth sufficient pam_rootok.so\n#auth sufficient pam_wheel.so trust"),
    ("etc/sysusers.d/app.conf", "u app - \"App\"\ng app 0"),
    ("etc/passwd", "games:x:5:60::/usr/games:/usr/sbin/nologin"),
    (
        "etc/sudoers.d/ops",
        "Cmnd_Alias OPS = /usr/bin/systemctl restart k3s, /usr/bin/journalctl\nops ALL=(root) NOPASSWD: OPS",
    ),
    ("etc/sudoers.d/backup", "backup ALL=(root) NOPASSWD: /bin/sh /usr/lib/backup.sh"),
    ("etc/doas.conf", "permit persist :wheel\npermit nopass admin\npermit nopass backup cmd /usr/bin/rsync\ndeny eve"),
    ("etc/pam.d/app", "auth required pam_permit.so\n@include common-auth\naccount required pam_permit.so"),
    ("etc/pam.d/cron", "account required pam_permit.so\nsession required pam_limits.so"),
    (
        "etc/tmpfiles.d/app.conf",
        "d /var/lib/app 0750 app app\nL /etc/app.conf - - - - /usr/lib/app.conf\nz /etc/shadow 0640 root shadow",
    ),
    ("usr/share/doc/sudoers", "eve ALL=(ALL) NOPASSWD: ALL"),
    ("etc/ld.so.preload", "# a careful malloc\n/usr/lib/libmalloc.so /usr/$LIB/libx.so\nliby.so"),
    (
        "etc/polkit-1/rules.d/50-reboot.rules",
        "if (action.id == 'org.freedesktop.login1.reboot')\nreturn polkit.Result.YES;",
    ),
];

const PROFILE: &str = "schema = 1\nextends = \"demo\"\noverlays = [\"mine\"]\n";

fn overlay<'a>(path: &'a str, text: &'a str) -> [(&'a str, &'a str); 3] {
    [("profiles/node.toml", PROFILE), ("overlays/mine/overlay.toml", "schema = 1\n"), (path, text)]
}

#[test]
fn a_file_of_an_overlay_that_lets_somebody_in_is_refused_at_the_very_line() {
    for (path, text, what) in OPENINGS {
        let file = format!("overlays/mine/files/{path}");
        let shown = error(&overlay(&file, &format!("{text}\n")), "node");
        assert!(shown.contains(what) && shown.contains(&format!("of `/{path}`")), "{shown}");
        let line = text.lines().count() - usize::from(text.contains('\\'));
        assert!(shown.contains(&format!("--> {file}:{line}:1")) && shown.contains("= help: "), "{shown}");
    }
}

#[test]
fn an_alias_that_another_file_of_sudo_s_defines_makes_root_too() {
    let line = "ops ALL=(root) NOPASSWD: OPS\n";
    let with = |alias: &str| {
        let files = [
            ("profiles/node.toml", PROFILE),
            ("overlays/mine/overlay.toml", "schema = 1\n"),
            ("overlays/mine/files/etc/sudoers.d/ops", line),
            ("overlays/mine/files/etc/sudoers.d/zz-aliases", alias),
        ];
        error(&files, "node")
    };
    for alias in [
        "Cmnd_Alias OPS = ALL\n",
        "Cmnd_Alias OPS = /usr/bin/df, \\\n  SHELLS\nCmnd_Alias SHELLS = /bin/bash\n",
        "Cmd_Alias DF = /usr/bin/df : OPS = /bin/sh\n",
    ] {
        let shown = with(alias);
        assert!(shown.contains("line 1 of `/etc/sudoers.d/ops` makes `ops` root without a password"), "{shown}");
    }
}

#[test]
fn files_that_let_in_only_whom_the_profile_lets_in_are_taken() {
    for (path, text) in SOUND {
        let file = format!("overlays/mine/files/{path}");
        assert!(node(&overlay(&file, text)).files.contains_key(*path), "{path}");
    }
}

#[test]
fn a_file_of_a_profile_is_refused_where_it_is_named_and_so_is_a_link() {
    let text = |more: &str| format!("schema = 1\nextends = \"demo\"\n[[file]]\npath = \"/etc/shadow\"\n{more}\n");
    let shown = node_error(&text("content = \"root:*:1::\\neve::1::\\n\""));
    insta::assert_snapshot!(shown, @r#"
    error: line 2 of `/etc/shadow` opens the account `eve` without a password
     --> profiles/node.toml:4:8
      |
    4 | path = "/etc/shadow"
      |        ^^^^^^^^^^^^^
      |
      = help: write `!` or `*` there; people come in with a key: [[user]] with `ssh_keys`
    "#);
    let shown = node_error(&text("symlink = \"/var/lib/shadow\""));
    assert!(
        shown.contains("`/etc/shadow` decides who comes in or becomes root, and would be a link to `/var/lib/shadow`"),
        "{shown}"
    );
    let from_workspace = text("source = \"files/shadow\"");
    let files = [("profiles/node.toml", from_workspace.as_str()), ("files/shadow", "root::1::\n")];
    assert!(error(&files, "node").contains("line 1 of `/etc/shadow` opens the account `root` without a password"));
}

#[test]
fn who_may_become_root_is_said_by_the_profile_alone() {
    let user = "[[user]]\nname = \"eve\"\nsudo = true\n";
    let file = "[[file]]\npath = \"/etc/sudoers.d/eve\"\ncontent = \"eve ALL=(ALL) NOPASSWD: ALL\"\n";
    let demo = "schema = 1\nextends = \"demo\"\n";
    node(&[("profiles/node.toml", &format!("{demo}{user}{file}"))]);
    let shown = node_error(&format!("{demo}{}{file}", user.replace("true", "false")));
    assert!(shown.contains("makes `eve` root without a password") && shown.contains("`sudo = true`"), "{shown}");
}

#[test]
fn an_open_console_is_told_and_not_refused() {
    let unit = "overlays/mine/files/etc/systemd/system/serial-getty@.service.d/autologin.conf";
    let told = |text: &str| crate::profile::at_the_console(&node(&overlay(unit, text)));
    let found = told("[Service]\nExecStart=\nExecStart=-agetty --autologin root --keep-baud 115200 - $TERM\n");
    assert!(matches!(&found[..], [mistake] if mistake.position().is_some_and(|(line, _)| line == 3)), "{found:?}");
    assert_eq!(told("[Service]\nExecStart=\nExecStart=-agetty --keep-baud 115200 - $TERM\n"), []);
    let with = |option: &str| {
        let text = format!("schema = 1\nextends = \"demo\"\n[kernel]\ncmdline = [\"{option}\"]\n");
        crate::profile::at_the_console(&node(&[("profiles/node.toml", &text)])).len()
    };
    for option in ["systemd.debug_shell=1", "systemd.debug-shell", "rd.systemd.debug_shell", "init=/bin/sh"] {
        assert_eq!(with(option), 1, "{option}");
    }
    for option in ["systemd.debug_shell=0", "quiet", "init=/usr/lib/systemd/systemd"] {
        assert_eq!(with(option), 0, "{option}");
    }
}
