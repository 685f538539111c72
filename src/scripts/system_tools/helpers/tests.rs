use super::super::sample::{Done, run_for, run_with, tree};
use crate::lock::IdMap;
use crate::tree::{Kind, Node, Tree};

fn web() -> Tree {
    let mut tree = tree();
    let mut put = |path: &str, text: &str| tree.put(path, Node::file(0o644, text)).unwrap();
    put("etc/apache2/mods-available/proxy.load", "LoadModule proxy_module x.so\n");
    put("etc/apache2/mods-available/proxy.conf", "");
    put("etc/apache2/mods-available/proxy_http.load", "# Depends: proxy\nLoadModule x y\n# Depends: nosuch\n");
    put("etc/apache2/mods-available/mpm_event.load", "# Conflicts: mpm_prefork\nLoadModule x y\n");
    put("etc/apache2/mods-available/mpm_prefork.load", "# Conflicts: mpm_event\nLoadModule x y\n");
    put("etc/apache2/mods-available/alias.load", "");
    put("etc/apache2/sites-available/000-default.conf", "");
    put("etc/apache2/conf-available/needy.conf", "# Depends: proxy\n");
    put("etc/lighttpd/conf-available/10-ssl.conf", "# -*- depends: base, more -*-\n");
    put("etc/lighttpd/conf-available/05-base.conf", "# -*- conflicts: old -*-\n");
    put("etc/lighttpd/conf-available/05-more.conf", "");
    put("etc/lighttpd/conf-available/05-old.conf", "");
    put("etc/lighttpd/conf-available/06-broken.conf", "# -*- depends: nosuch -*-\n");
    put("etc/shells", "# a comment\n/bin/sh\n");
    tree.put("bin", Node::symlink("usr/bin")).unwrap();
    for dir in [
        "etc/apache2/mods-enabled",
        "etc/apache2/sites-enabled",
        "etc/apache2/conf-enabled",
        "etc/lighttpd/conf-enabled",
    ] {
        tree.put(dir, Node::dir(0o755)).unwrap();
    }
    tree
}

fn run(lines: &[&str]) -> Done {
    run_with(super::super::find, web(), &IdMap::default(), true, lines)
}

fn link<'a>(done: &'a Done, path: &str) -> &'a str {
    match done.tree.get(path).map(|node| &node.kind) {
        Some(Kind::Symlink(target)) => target,
        _ => "",
    }
}

#[test]
fn a_module_is_enabled_with_its_settings_and_with_what_it_needs() {
    let done = run(&["a2enmod -m -q proxy_http"]);
    assert_eq!(done.status(), 0);
    for (path, to) in [
        ("proxy_http.load", "../mods-available/proxy_http.load"),
        ("proxy.load", "../mods-available/proxy.load"),
        ("proxy.conf", "../mods-available/proxy.conf"),
    ] {
        assert_eq!(link(&done, &format!("etc/apache2/mods-enabled/{path}")), to);
    }
    assert!(done.tree.contains("var/lib/apache2/module/enabled_by_maint/proxy_http"));
    assert_eq!(run(&["a2enmod proxy", "a2enmod proxy"]).status(), 0);
    assert_eq!(run(&["a2enmod nosuch"]).status(), 1);
}

#[test]
fn modules_that_conflict_or_are_needed_are_not_changed() {
    assert_eq!(run(&["a2enmod mpm_event", "a2enmod mpm_prefork"]).status(), 1);
    let done = run(&["a2enmod mpm_event", "a2dismod -m mpm_event", "a2enmod mpm_prefork"]);
    assert_eq!((done.status(), link(&done, "etc/apache2/mods-enabled/mpm_event.load")), (0, ""));
    assert!(done.tree.contains("var/lib/apache2/module/disabled_by_maint/mpm_event"));
    assert!(!done.tree.contains("var/lib/apache2/module/enabled_by_admin/mpm_event"));
    assert_eq!(run(&["a2enmod proxy_http", "a2dismod proxy"]).status(), 1);
    assert!(run(&["a2enmod alias", "a2dismod alias"]).reason().contains("`alias`, for which it asks"));
    assert_eq!(run(&["a2enmod alias", "a2dismod -f alias"]).status(), 0);
    let mut taken = web();
    taken.put("etc/apache2/mods-enabled/proxy.load", Node::file(0o644, "mine")).unwrap();
    assert_eq!(run_with(super::super::find, taken, &IdMap::default(), true, &["a2enmod proxy"]).status(), 1);
}

#[test]
fn sites_and_pieces_of_configuration_are_links_too() {
    let done = run(&["a2ensite -q 000-default.conf"]);
    assert_eq!(link(&done, "etc/apache2/sites-enabled/000-default.conf"), "../sites-available/000-default.conf");
    assert!(
        !run(&["a2ensite 000-default", "a2dissite 000-default"])
            .tree
            .contains("etc/apache2/sites-enabled/000-default.conf")
    );
    assert_eq!(run(&["a2enconf needy"]).status(), 1);
    assert_eq!(run(&["a2enmod proxy", "a2enconf needy"]).status(), 0);
    for line in
        ["a2enmod", "a2enmod *", "a2enmod --purge proxy", "a2enmod --odd proxy", "a2enmod cache_disk", "a2enmod cgi"]
    {
        assert!(run(&[line]).reason().contains("is not modelled with"), "{line}");
    }
}

#[test]
fn a2query_tells_what_is_enabled_and_by_whom() {
    let enabled = run(&["a2enmod -m proxy", "a2query -m proxy"]);
    assert_eq!((enabled.status(), enabled.out.ends_with("proxy (enabled by maintainer script)\n")), (0, true));
    for (lines, status) in [
        (&["a2query -q -m proxy"][..], 1),
        (&["a2enmod proxy", "a2dismod proxy", "a2query -m proxy"], 32),
        (&["a2enmod proxy", "a2dismod -m proxy", "a2query -m proxy.load"], 33),
        (&["a2ensite 000-default", "a2query -s 000-default"], 0),
        (&["a2query -c needy"], 1),
        (&["a2query -M"], 1),
    ] {
        assert_eq!(run(lines).status(), status, "{lines:?}");
    }
    assert!(run(&["a2enmod mpm_event", "a2query -M"]).out.ends_with("event\n"));
    assert!(run(&["a2query -v"]).reason().contains("`-v`"));
}

#[test]
fn lighttpds_modules_are_enabled_with_what_they_need() {
    let done = run(&["lighty-enable-mod ssl"]);
    assert_eq!(done.status(), 0);
    assert_eq!(link(&done, "etc/lighttpd/conf-enabled/10-ssl.conf"), "../conf-available/10-ssl.conf");
    assert_eq!(link(&done, "etc/lighttpd/conf-enabled/05-base.conf"), "../conf-available/05-base.conf");
    assert_eq!(run(&["lighty-enable-mod nosuch"]).status(), 2);
    assert_eq!(run(&["lighty-enable-mod more", "lighty-enable-mod more"]).status(), 2);
    assert_eq!(run(&["lighty-enable-mod broken"]).status(), 1);
    assert_eq!(run(&["lighty-enable-mod old", "lighty-enable-mod base"]).status(), 1);
    assert!(run(&["lighty-enable-mod"]).reason().contains("asks for"));
}

#[test]
fn shells_are_listed_by_both_of_their_names() {
    let done = run(&["add-shell /bin/fish"]);
    assert_eq!(done.text("etc/shells"), "# a comment\n/bin/sh\n/bin/fish\n/usr/bin/fish\n");
    assert_eq!(run(&["add-shell /bin/fish", "remove-shell /bin/fish"]).text("etc/shells"), "# a comment\n/bin/sh\n");
    assert_eq!(run(&["add-shell"]).status(), 1);
    let mut without = web();
    without.remove("etc/shells");
    let done = run_with(super::super::find, without, &IdMap::default(), true, &["add-shell /usr/bin/fish"]);
    assert_eq!(done.text("etc/shells"), "/usr/bin/fish\n", "the effect puts the others before it");
}

#[test]
fn only_what_is_the_same_on_every_machine_is_told() {
    for (line, out, status) in [
        ("uname", "Linux\n", 0),
        ("uname -sm", "Linux x86_64\n", 0),
        ("uname -o", "GNU/Linux\n", 0),
        ("uname -p -i", "unknown unknown\n", 0),
        ("arch", "x86_64\n", 0),
        ("ischroot", "", 0),
        ("runlevel", "unknown\n", 1),
        ("mountpoint -q /proc", "", 0),
        ("mountpoint /srv", "/srv is not a mountpoint\n", 32),
        ("locale charmap", "ANSI_X3.4-1968\n", 0),
        ("locale -a", "C\nC.utf8\nPOSIX\n", 0),
        ("pg_lsclusters -h", "", 0),
        ("pg_lsclusters", "Ver Cluster Port Status Owner Data directory Log file\n", 0),
    ] {
        let done = run(&[line]);
        assert_eq!((done.out.as_str(), done.status()), (out, status), "{line}");
    }
    for line in ["uname -r", "uname -a", "uname -nm"] {
        assert!(run(&[line]).reason().contains("differs from one installation to the next"), "{line}");
    }
    let settings = run(&["locale"]).out;
    assert!(
        settings.starts_with("LANG=\nLANGUAGE=\nLC_CTYPE=\"POSIX\"\n") && settings.ends_with("\nLC_ALL=\n"),
        "{settings}"
    );
    assert!(run(&["locale LC_TIME"]).reason().contains("LC_TIME"));
}

#[test]
fn what_does_nothing_says_why() {
    let mut files = crate::shell::Files::new(web(), "example");
    let mut variables = crate::shell::Variables::default();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut run = |line: &str| {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let (name, args) = words.split_first().unwrap();
        let mut call = crate::shell::Call {
            args,
            stdin: crate::shell::Stdin::new(&[]),
            out: &mut out,
            err: &mut err,
            files: &mut files,
            variables: &mut variables,
        };
        let answer = super::nothing(name, &mut call);
        (answer, call.files.take_changes())
    };
    let (answer, changes) = run("py3compile -p example");
    assert_eq!(answer, Some(Ok(0)));
    assert!(changes[0].what.starts_with("py3compile does nothing here: byte code"), "{changes:?}");
    assert_eq!(run("udevadm trigger --subsystem-match=usb --action=change").0, Some(Ok(0)));
    assert_eq!(run("pidof exim4").0, Some(Ok(1)));
    assert_eq!(run("python3.13 -E /usr/lib/python3.13/py_compile.py x.py").0, Some(Ok(0)));
    assert_eq!(run("python3.13 -c 1").0, None);
    assert_eq!(run("setpriv --reuid man -- /usr/bin/mandb -pq").0, Some(Ok(0)));
    assert_eq!(run("setpriv --reuid man -- /usr/bin/other").0, None);
    assert_eq!(run("pam-auth-update --package").0, Some(Ok(0)));
    for line in
        ["pam-auth-update --enable mkhomedir", "udevadm info /dev/sda", "sysctl -n kernel.pid_max", "journalctl -b"]
    {
        assert!(matches!(run(line).0, Some(Err(_))), "{line}");
    }
    for line in ["uuidgen -r", "openssl rand 1", "ps aux", "curl x", "systemd-detect-virt", "hostname --fqdn"] {
        let Some(Err(reason)) = run(line).0 else { panic!("{line} is followed") };
        assert!(reason.to_string().contains("differs from one installation to the next"), "{reason}");
    }
    assert_eq!(run("nosuch").0, None);
}

#[test]
fn parts_of_files_are_copied() {
    let done =
        run(&["dd if=/etc/shells bs=1 count=3", "dd if=/etc/shells of=/etc/part bs=2 skip=1 count=4 status=none"]);
    assert_eq!((done.status(), done.out.as_str(), done.text("etc/part").as_str()), (0, "# a", "a commen"));
    assert_eq!(run(&["dd if=/dev/zero of=/etc/zero bs=4 count=2"]).text("etc/zero"), "\0\0\0\0\0\0\0\0");
    assert_eq!(run(&["dd if=/nosuch"]).status(), 1);
    for line in [
        "dd if=/etc/shells conv=sync",
        "dd if=/dev/zero",
        "dd if=/dev/zero bs=1k count=1",
        "dd if=/dev/urandom bs=1 count=1",
    ] {
        assert!(run(&[line]).answer.is_err(), "{line}");
    }
    assert!(run(&["dd if=/dev/zero bs=1000000 count=1000"]).reason().contains("16 MiB"));
}

#[test]
fn options_of_scripts_come_before_their_operands() {
    for (args, out, status) in [
        ("-ab 1 x", " -a -b '1' -- 'x'\n", 0),
        ("x -b1 -c -- -a", " -b '1' -c '' -- 'x' '-a'\n", 0),
        ("--all --numb=2 --maybe y", " --all --number '2' --maybe '' -- 'y'\n", 0),
        ("--number 3 -c4", " --number '3' -c '4' --\n", 0),
        ("-z --odd x", " -- 'x'\n", 1),
        ("--all=1", " --all --\n", 1),
        ("-b", " -b --\n", 1),
    ] {
        let done = run(&[&format!("getopt -n example -o ab:c:: -l all,number: --long maybe:: -- {args}")]);
        assert_eq!((done.out.as_str(), done.status()), (out, status), "{args}");
    }
    assert!(run(&["getopt -o a -- -b"]).err.contains("getopt: invalid option -- 'b'"));
    assert!(run(&["getopt ab x"]).reason().contains("old form"));
    assert!(run(&["getopt -u -o a -- x"]).reason().contains("-u"));
}

#[test]
fn tags_of_vims_help_are_listed_by_name() {
    let mut tree = web();
    let mut put = |path: &str, text: &str| tree.put(path, Node::file(0o644, text)).unwrap();
    put("doc/a.txt", "*zeta* and *not a tag* x*no* *a\\\\b*\n\t*beta*\n*pipe|d* *twice*\n");
    put("doc/b.txt", "*twice*");
    put("doc/other", "*no*");
    put("doc/a.dex", "*de*\n");
    let none = IdMap::default();
    let done = run_with(super::super::find, tree.clone(), &none, true, &["helpztags /doc"]);
    let tags = "a\\\\b\ta.txt\t/*a\\\\\\\\b*\nbeta\ta.txt\t/*beta*\ntwice\tb.txt\t/*twice*\nzeta\ta.txt\t/*zeta*\n";
    assert_eq!(done.text("doc/tags"), tags);
    assert_eq!(done.text("doc/tags-de"), "de\ta.dex\t/*de*\n");
    assert_eq!(run(&["helpztags /nosuch"]).status(), 0);
    assert_eq!(run(&["helpztags"]).status(), 255);
    tree.put("doc/c.txt.gz", Node::file(0o644, "")).unwrap();
    let refused = run_with(super::super::find, tree, &none, true, &["helpztags /doc"]);
    assert!(refused.reason().contains("c.txt.gz"));
}

#[test]
fn a_locale_is_what_the_environment_asks_for() {
    for (exported, charmap, listed) in [
        ("LC_ALL=C.UTF-8", "UTF-8\n", "LANG=\nLANGUAGE=\nLC_CTYPE=\"C.UTF-8\"\n"),
        ("LANG=C", "ANSI_X3.4-1968\n", "LANG=C\nLANGUAGE=\nLC_CTYPE=\"C\"\n"),
        ("LC_CTYPE=C.utf8", "UTF-8\n", "LANG=\nLANGUAGE=\nLC_CTYPE=C.utf8\nLC_NUMERIC=\"POSIX\"\n"),
    ] {
        let (name, value) = exported.split_once('=').unwrap();
        let mut variables = crate::shell::Variables::default();
        variables.set(name, value);
        variables.export(name);
        let wanted = super::machine::Wanted::of(&variables);
        assert_eq!(wanted.charmap(), charmap.trim_end(), "{exported}");
        assert!(wanted.listed().starts_with(listed), "{exported}: {}", wanted.listed());
    }
}

#[test]
fn features_of_icinga_are_links() {
    let mut tree = web();
    tree.put("etc/icinga2/features-available/checker.conf", Node::file(0o644, "")).unwrap();
    tree.put("etc/icinga2/features-enabled", Node::dir(0o755)).unwrap();
    let done = run_with(
        super::super::find,
        tree,
        &IdMap::default(),
        true,
        &["icinga2 feature enable checker", "icinga2 feature enable checker no"],
    );
    assert_eq!(link(&done, "etc/icinga2/features-enabled/checker.conf"), "../features-available/checker.conf");
    assert_eq!(done.status(), 1, "there is no feature `no`");
    assert!(run(&["icinga2 daemon -C"]).answer.is_err());
}

#[test]
fn git_lfs_puts_its_filter_into_the_settings_of_all_accounts() {
    let line = "git lfs install --skip-repo --system";
    let run =
        |package: &str, lines: &[&str]| run_for(package, super::super::find, web(), (&IdMap::default(), true), lines);
    let done = run("git-lfs", &[line]);
    assert!(done.text("etc/gitconfig").starts_with("[filter \"lfs\"]\n\tclean = git-lfs clean -- %f\n"));
    assert!(run("git-lfs", &[line, line]).answer.is_err(), "what is there is not changed");
    assert!(run("example", &[line]).answer.is_err());
}
