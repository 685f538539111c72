use std::collections::BTreeMap;

use super::super::sample::{Done, run, run_with, tree};
use crate::lock::IdMap;
use crate::tree::Node;

#[test]
fn a_systems_user_with_a_group_of_its_own_gets_the_first_number_that_is_free_of_both() {
    let done = run(&["adduser --quiet --system --group --home /var/lib/eve --no-create-home --gecos 'Eve E' eve"]);
    assert_eq!(done.status(), 0);
    // 100 is the group `users`.
    assert_eq!(done.line("etc/passwd", "eve:"), "eve:x:101:101:Eve E:/var/lib/eve:/usr/sbin/nologin");
    assert_eq!(done.line("etc/shadow", "eve:"), "eve:!:20000::::::");
    assert_eq!(done.line("etc/group", "eve:"), "eve:x:101:");
    assert_eq!(done.line("etc/gshadow", "eve:"), "eve:!::");
    assert_eq!((done.given.users["eve"], done.given.groups["eve"]), (101, 101));
    assert!(!done.tree.contains("var/lib/eve"));
    assert_eq!(done.out, "");
    assert!(done.requests.enable.is_empty());
    assert_eq!(done.changes, ["added user eve (101:101) with a group of its own, home /var/lib/eve"]);
}

#[test]
fn what_the_base_system_has_stays_byte_for_byte() {
    let before = run(&["whoami"]);
    let after = run(&["adduser --system --group eve", "adduser --system eve", "addgroup --system eve"]);
    for file in ["etc/passwd", "etc/group", "etc/shadow", "etc/gshadow"] {
        let (old, new) = (before.text(file), after.text(file));
        assert!(new.starts_with(&old), "{file}: {new}");
        assert_eq!(new.lines().count(), old.lines().count() + 1, "{file}");
    }
}

#[test]
fn a_systems_user_is_in_nogroup_unless_a_group_is_named() {
    let done = run(&[
        "adduser --system --ingroup audio --shell /bin/false a",
        "adduser --system --gid 29 b",
        "adduser --system c",
    ]);
    assert_eq!(done.line("etc/passwd", "a:"), "a:x:100:29::/nonexistent:/bin/false");
    assert_eq!(done.line("etc/passwd", "b:"), "b:x:101:29::/nonexistent:/usr/sbin/nologin");
    assert_eq!(done.line("etc/passwd", "c:"), "c:x:102:65534::/nonexistent:/usr/sbin/nologin");
    assert_eq!(run(&["adduser --system --ingroup nosuch x"]).status(), 12);
    assert_eq!(run(&["adduser --system --gid 4711 x"]).status(), 12);
    assert_eq!(run(&["adduser --system --group --ingroup audio x"]).status(), 53);
}

#[test]
fn a_group_that_is_there_becomes_the_users_own() {
    let done = run(&["addgroup --system eve", "adduser --system --group eve"]);
    assert_eq!(done.line("etc/passwd", "eve:").split(':').nth(3), done.line("etc/group", "eve:").split(':').nth(2));
}

#[test]
fn accounts_that_are_there_are_no_mistake_if_they_are_systems_ones() {
    assert_eq!(run(&["adduser --system messagebus"]).status(), 0);
    assert_eq!(run(&["addgroup --system messagebus"]).status(), 0);
    assert_eq!(run(&["adduser --system proxy"]).status(), 13);
    assert_eq!(run(&["addgroup --system audio"]).status(), 13);
    assert_eq!(run(&["addgroup audio"]).status(), 11);
    assert_eq!(run(&["adduser --system --uid 5 messagebus"]).status(), 13);
    assert_eq!(run(&["adduser --system --uid 13 eve"]).status(), 13);
    assert_eq!(run(&["addgroup --system --gid 29 eve"]).status(), 13);
    assert_eq!(run(&["addgroup --gid 29 eve"]).status(), 21);
}

#[test]
fn wanted_numbers_are_given() {
    let done = run(&[
        "addgroup --system --gid 64055 virt",
        "adduser --system --uid 64055 --ingroup virt virt",
        "addgroup people",
    ]);
    assert_eq!(done.line("etc/passwd", "virt:"), "virt:x:64055:64055::/nonexistent:/usr/sbin/nologin");
    assert_eq!(done.line("etc/group", "people:"), "people:x:1001:");
    let done = run(&["adduser --system --firstuid 300 --lastuid 310 --group eve"]);
    assert_eq!(done.line("etc/passwd", "eve:"), "eve:x:300:300::/nonexistent:/usr/sbin/nologin");
}

#[test]
fn homes_are_made_empty_and_only_where_nothing_is() {
    let done = run(&["adduser --system --group --home /var/lib/eve/deep eve", "adduser --system --home /var/lib dan"]);
    assert_eq!(done.status(), 0);
    let home = done.tree.get("var/lib/eve/deep").unwrap();
    assert_eq!((home.mode, home.uid, home.gid), (0o755, 101, 101));
    assert_eq!(done.tree.get("var/lib/eve").unwrap().uid, 0);
    assert_eq!(done.tree.get("var/lib").unwrap().uid, 0);
    assert_eq!(run(&["adduser --system --home relative x"]).status(), 32);
    let mut taken = tree();
    taken.put("var/file", Node::file(0o644, "")).unwrap();
    let none = IdMap::default();
    let done = run_with(super::super::find, taken, &none, true, &["adduser --system --home /var/file/x x"]);
    assert_eq!(done.status(), 61);
}

#[test]
fn users_join_and_leave_groups_in_both_files() {
    let done = run(&["adduser --quiet ada audio", "adduser ada audio", "adduser proxy audio"]);
    assert_eq!(done.status(), 0);
    assert_eq!(done.line("etc/group", "audio:"), "audio:x:29:ada,proxy");
    assert_eq!(done.line("etc/gshadow", "audio:"), "audio:*::ada,proxy");
    assert_eq!(run(&["adduser nosuch audio"]).status(), 12);
    assert_eq!(run(&["adduser ada nosuch"]).status(), 12);
    let done = run(&["adduser ada audio", "deluser --quiet ada audio"]);
    assert_eq!((done.status(), done.line("etc/group", "audio:").as_str()), (0, "audio:x:29:"));
    assert_eq!(run(&["deluser ada audio"]).status(), 42);
    assert_eq!(run(&["deluser proxy proxy"]).status(), 43);
}

#[test]
fn names_are_checked_as_adduser_does() {
    assert_eq!(run(&["adduser --system _eve"]).status(), 0);
    assert_eq!(run(&["addgroup _eve"]).status(), 31);
    assert_eq!(run(&["addgroup --system a.b"]).status(), 31);
    for option in ["--force-badname", "--allow-bad-names", "--allow-badname"] {
        assert_eq!(run(&[&format!("addgroup --system {option} a.b")]).status(), 0, "{option}");
    }
    assert_eq!(run(&["adduser --system --allow-all-names 'ä'"]).status(), 0);
    for name in ["12", "-- -x", "a:b", "a/b", "..", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
        assert_eq!(run(&[&format!("adduser --system --allow-all-names {name}")]).status(), 31, "{name}");
    }
    assert_eq!(run(&["adduser --system a b"]).status(), 51);
    assert_eq!(run(&["adduser --system"]).status(), 51);
}

#[test]
fn what_adduser_would_ask_and_what_is_configured_is_not_followed() {
    assert!(run(&["adduser --disabled-password --gecos '' bob"]).reason().contains("a person's account"));
    assert!(run(&["adduser --system --encrypt-home x"]).reason().contains("the option `--encrypt-home`"));
    assert!(run(&["adduser --system --conf /x x"]).reason().contains("the option `--conf`"));
    assert!(run(&["adduser --system --gecos 'a:b' x"]).reason().contains("the text `a:b`"));
    let mut tree = tree();
    tree.put("etc/adduser.conf", Node::file(0o644, "# a comment\n\n#DSHELL=/x\n")).unwrap();
    let none = IdMap::default();
    let line = ["adduser --system x"];
    assert_eq!(run_with(super::super::find, tree.clone(), &none, true, &line).status(), 0);
    tree.put("etc/adduser.conf", Node::file(0o644, "FIRST_SYSTEM_UID=500\n")).unwrap();
    assert!(run_with(super::super::find, tree, &none, true, &line).reason().contains("FIRST_SYSTEM_UID=500"));
}

fn pinned(lines: &[&str], may_add: bool) -> Done {
    let map = |name: &str, id| BTreeMap::from([(name.to_owned(), id)]);
    let ids = IdMap { users: map("eve", 150), groups: map("eve", 151) };
    run_with(super::super::find, tree(), &ids, may_add, lines)
}

#[test]
fn numbers_of_the_lock_win_and_without_one_the_build_stops() {
    let done = pinned(&["adduser --system --group eve"], false);
    assert_eq!(done.line("etc/passwd", "eve:"), "eve:x:150:151::/nonexistent:/usr/sbin/nologin");
    assert!(pinned(&["adduser --system bob"], false).reason().contains("the lock pins no number for user `bob`"));
    assert!(pinned(&["groupadd -r bob"], false).reason().contains("run `imgbuild lock`"));
    assert_eq!(pinned(&["adduser --system bob"], true).status(), 0);
}

#[test]
fn useradd_and_groupadd_count_down_and_take_their_options() {
    let done = run(&[
        "groupadd --system web",
        "useradd --system --gid web --create-home --home-dir /var/lib/web --shell /usr/sbin/nologin --comment 'Web server' web",
        "useradd -r -M -d /x -s /bin/false -G audio,users two",
        "useradd -r -N three",
        "useradd -r -u 777 four",
    ]);
    assert_eq!(done.status(), 0);
    assert_eq!(done.line("etc/group", "web:"), "web:x:999:");
    assert_eq!(done.line("etc/passwd", "web:"), "web:x:999:999:Web server:/var/lib/web:/usr/sbin/nologin");
    let home = done.tree.get("var/lib/web").unwrap();
    assert_eq!((home.mode, home.uid), (0o700, 999));
    assert_eq!(done.line("etc/passwd", "two:"), "two:x:997:997::/x:/bin/false");
    assert_eq!(done.line("etc/gshadow", "users:"), "users:*::two");
    assert_eq!(done.line("etc/passwd", "three:"), "three:x:996:100::/home/three:/bin/sh");
    assert_eq!(done.line("etc/passwd", "four:"), "four:x:777:777::/home/four:/bin/sh");
}

#[test]
fn useradd_copies_the_skeleton_and_takes_its_default_shell_from_its_file() {
    let mut tree = tree();
    tree.put("etc/skel/.rc", Node::file(0o640, "x")).unwrap();
    tree.put("etc/default/useradd", Node::file(0o644, "# c\nSHELL=/bin/dash\n")).unwrap();
    let none = IdMap::default();
    let lines = ["useradd -r -m -d /var/lib/eve eve", "useradd -r -m -d /var/lib bob"];
    let done = run_with(super::super::find, tree, &none, true, &lines);
    assert_eq!(done.line("etc/passwd", "eve:"), "eve:x:999:999::/var/lib/eve:/bin/dash");
    let copied = done.tree.get("var/lib/eve/.rc").unwrap();
    assert_eq!((copied.mode, copied.uid), (0o640, 999));
    assert!(!done.tree.contains("var/lib/.rc"));
}

#[test]
fn what_shadow_utils_refuse_is_their_exit_status() {
    for (line, status) in [
        ("useradd -r ada", 9),
        ("useradd -r users", 9),
        ("useradd -r -g nosuch x", 6),
        ("useradd -r -G audio,nosuch x", 6),
        ("useradd -r -u 13 x", 4),
        ("useradd -r -u x x", 3),
        ("useradd -r -d rel x", 3),
        ("useradd -r", 2),
        ("groupadd audio", 9),
        ("groupadd -f audio", 0),
        ("groupadd -g 29 x", 4),
        ("groupadd -f -r -g 29 x", 0),
        ("usermod -c x nosuch", 6),
        ("usermod -g nosuch ada", 6),
        ("usermod -G nosuch ada", 6),
        ("usermod -c a:b ada", 3),
        ("userdel nosuch", 6),
        ("groupdel nosuch", 6),
        ("groupdel ada", 8),
        ("groupmod nosuch", 6),
        ("gpasswd -a nosuch audio", 3),
        ("gpasswd -a ada nosuch", 3),
        ("gpasswd -d ada audio", 3),
        ("gpasswd -M ada,nosuch audio", 3),
        ("chsh -s /bin/sh nosuch", 1),
        ("chage -E 0 nosuch", 1),
        ("passwd -l nosuch", 1),
        ("deluser nosuch", 12),
        ("deluser --system nosuch", 0),
        ("deluser --system proxy", 13),
        ("deluser root", 55),
        ("delgroup --system nosuch", 0),
        ("delgroup nosuch", 12),
        ("delgroup --system audio", 13),
        ("delgroup ada", 82),
    ] {
        let done = run(&[line]);
        assert_eq!(done.status(), status, "{line}: {}", done.err);
    }
    for line in [
        "useradd x",
        "useradd -r -p x y",
        "usermod -l b ada",
        "usermod -u 5 ada",
        "usermod -m ada",
        "groupmod -n b audio",
    ] {
        assert!(run(&[line]).reason().contains("is not modelled with"), "{line}");
    }
}

#[test]
fn usermod_changes_what_it_is_asked_to() {
    let done = run(&[
        "usermod -c 'Ada L' -d /srv/ada -s /bin/dash -g audio ada",
        "usermod -aG adm,users ada",
        "usermod -G users ada",
        "usermod -L -e 1 -f 5 ada",
    ]);
    assert_eq!(done.line("etc/passwd", "ada:"), "ada:x:1000:29:Ada L:/srv/ada:/bin/dash");
    assert_eq!(
        (done.line("etc/group", "adm:"), done.line("etc/group", "users:")),
        ("adm:x:4:".into(), "users:x:100:ada".into())
    );
    assert_eq!(done.line("etc/shadow", "ada:"), "ada:!*:1:0:99999:7:5:1:");
    let done = run(&["usermod -L ada", "usermod -U -e '' ada", "adduser --system eve", "usermod -U eve"]);
    assert_eq!(done.status(), 0);
    assert_eq!(done.line("etc/shadow", "ada:"), "ada:*:1:0:99999:7:::");
    assert_eq!(done.line("etc/shadow", "eve:"), "eve:!:20000::::::");
    let done = run(&["usermod --add-subuids 200-299 --add-subgids 300-309 root"]);
    assert_eq!(
        (done.text("etc/subuid").as_str(), done.text("etc/subgid").as_str()),
        ("root:200:100\n", "root:300:10\n")
    );
}

#[test]
fn smaller_tools_change_one_thing_each() {
    let done = run(&["chsh -s /bin/sh proxy", "chage -E 9 -M 30 ada", "passwd -l ada", "gpasswd -M ada,proxy audio"]);
    assert_eq!(done.line("etc/passwd", "proxy:"), "proxy:x:13:13:proxy:/bin:/bin/sh");
    assert_eq!(done.line("etc/shadow", "ada:"), "ada:!*:1:0:30:7::9:");
    assert_eq!(done.line("etc/group", "audio:"), "audio:x:29:ada,proxy");
    let done = run(&["gpasswd -a ada audio", "gpasswd -d ada audio"]);
    assert_eq!((done.status(), done.line("etc/gshadow", "audio:").as_str()), (0, "audio:*::"));
    let done = run(&["groupmod -a -U ada,proxy audio", "groupmod -U ada audio", "groupadd -U ada new"]);
    assert_eq!(done.line("etc/group", "audio:"), "audio:x:29:ada");
    assert_eq!(done.line("etc/group", "new:"), "new:x:1001:ada");
    for line in ["shadowconfig on", "pwconv", "grpconv"] {
        assert_eq!(run(&[line]).status(), 0);
    }
    assert!(run(&["shadowconfig off"]).reason().contains("off"));
}

#[test]
fn users_and_groups_go_without_a_trace() {
    let done = run(&["adduser --system --group eve", "adduser eve audio", "deluser --system eve", "groupdel users"]);
    for file in ["etc/passwd", "etc/group", "etc/shadow", "etc/gshadow"] {
        assert!(!done.text(file).contains("eve"), "{file}");
    }
    assert_eq!(done.line("etc/group", "users:"), "");
    // The lock keeps the number: the script hands it out again at every build.
    assert_eq!(done.given.users["eve"], 101);
    assert_eq!(run(&["delgroup --only-if-empty users"]).status(), 0);
    assert_eq!(run(&["adduser ada audio", "delgroup --only-if-empty audio"]).status(), 41);
    assert_eq!(run(&["userdel messagebus"]).line("etc/group", "messagebus:"), "");
}

#[test]
fn questions_are_answered_from_the_tree() {
    assert_eq!(run(&["getent passwd ada"]).out, "ada:x:1000:1000::/home/ada:/bin/bash\n");
    assert_eq!(run(&["getent passwd 13"]).out, "proxy:x:13:13:proxy:/bin:/usr/sbin/nologin\n");
    assert_eq!(run(&["getent group audio 100"]).out, "audio:x:29:\nusers:x:100:\n");
    assert_eq!(run(&["getent shadow ada"]).out, "ada:*:1:0:99999:7:::\n");
    assert_eq!(run(&["getent group"]).out.lines().count(), 8);
    let missing = run(&["getent group nosuch"]);
    assert_eq!((missing.status(), missing.out.as_str()), (2, ""));
    assert!(run(&["getent hosts a.example"]).reason().contains("the network's names"));
    assert!(run(&["getent services"]).reason().contains("the database `services`"));
}

#[test]
fn id_and_groups_name_the_primary_group_first() {
    let joined = ["adduser ada audio", "adduser ada adm"];
    let of = |line: &str| run(&[joined[0], joined[1], line]).out;
    assert_eq!(of("id ada"), "uid=1000(ada) gid=1000(ada) groups=1000(ada),4(adm),29(audio)\n");
    assert_eq!(of("id -Gn ada"), "ada adm audio\n");
    assert_eq!(
        (of("id -u ada"), of("id ada -g -n"), of("id -un 13")),
        ("1000\n".into(), "ada\n".into(), "proxy\n".into())
    );
    assert_eq!(of("groups ada proxy"), "ada : ada adm audio\nproxy : proxy\n");
    assert_eq!((of("id -u"), of("whoami"), of("groups")), ("0\n".into(), "root\n".into(), "root\n".into()));
    assert_eq!(
        (run(&["id nosuch"]).status(), run(&["groups nosuch"]).status(), run(&["id -u -g ada"]).status()),
        (1, 1, 1)
    );
    assert!(run(&["id -Z"]).reason().contains("the option `-Z`"));
}
