//! What the test against the real utilities (`tests/shell_files`) cannot see: names that are made up, lines that are refused.

use super::find;
use crate::shell::{Call, Files, Reason, Stdin, Variables};
use crate::tree::{Node, Tree};

/// A tree with a few things in it.
fn sample() -> Files {
    let mut tree = Tree::new();
    for (path, node) in [
        ("tmp", Node::dir(0o1777)),
        ("var/tmp", Node::dir(0o1777)),
        ("f", Node::file(0o640, "text\n").owned(8, 4)),
        ("g", Node::file(0o644, "")),
        ("again", Node::hard_link("f")),
        ("l", Node::symlink("f")),
        ("d", Node::dir(0o2755)),
        ("d/one", Node::file(0o644, "")),
        ("d/.two", Node::file(0o644, "")),
        ("d/sub/three", Node::file(0o644, "")),
        ("etc/passwd", Node::file(0o644, "root:x:0:0::/root:/bin/sh\nmail:x:8:8::/var/mail:/bin/sh\n")),
        ("etc/group", Node::file(0o644, "root:x:0:\nadm:x:4:\n")),
    ] {
        tree.put(path, node).unwrap();
    }
    Files::new(tree, "test")
}

/// What a command answers and prints.
fn run_with(files: &mut Files, variables: &mut Variables, line: &str) -> Result<(u8, String), Reason> {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let (name, args) = words.split_first().unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let stdin = Stdin::new(b"");
    let mut call = Call { args, stdin, out: &mut out, err: &mut err, files, variables };
    let status = find(name).unwrap()(&mut call)?;
    assert!(status == 0 || !err.is_empty() || name == "readlink", "{line}: no diagnostic");
    Ok((status, String::from_utf8(out).unwrap()))
}

fn run(files: &mut Files, line: &str) -> Result<(u8, String), Reason> {
    run_with(files, &mut Variables::default(), line)
}

#[test]
fn temporary_names_are_counted_and_lie_where_they_should() {
    let mut files = sample();
    let mut exported = Variables::default();
    exported.set("TMPDIR", "/var/tmp");
    exported.export("TMPDIR");
    for (line, exports, path) in [
        ("mktemp", false, "/tmp/tmp.0000000001"),
        ("mktemp", true, "/var/tmp/tmp.0000000002"),
        ("mktemp /tmp/x.XXXXXX", true, "/tmp/x.000003"),
        ("mktemp -t x.XXXX", true, "/var/tmp/x.0004"),
        ("mktemp -t x.XXXX -p /tmp", true, "/var/tmp/x.0005"),
        ("mktemp -p /tmp x.XXXX", true, "/tmp/x.0006"),
        ("mktemp --tmpdir x-XXX.pub", false, "/tmp/x-007.pub"),
        ("mktemp --tmpdir=/var/tmp xXXX", false, "/var/tmp/x008"),
        ("mktemp -q xXXXXX.def", false, "x00009.def"),
        ("mktemp --suffix=.y xXXX", false, "x010.y"),
        ("mktemp -u xXXX", false, "x011"),
    ] {
        let mut plain = Variables::default();
        let variables = if exports { &mut exported } else { &mut plain };
        assert_eq!(run_with(&mut files, variables, line), Ok((0, format!("{path}\n"))), "{line}");
        let made = files.stat(path, false).map(|(_, node)| node.mode).ok();
        assert_eq!(made, (!line.contains("-u")).then_some(0o600), "{line}");
    }
    let (_, made) = run(&mut files, "mktemp -d --suffix=.dir").unwrap();
    assert_eq!(files.stat(made.trim_end(), false).unwrap().1.mode, 0o700);
    for line in ["mktemp xX", "mktemp a b", "mktemp -p /tmp /x.XXXX", "mktemp none/XXX", "mktemp --suffix=x XXXa"] {
        assert_eq!(run(&mut files, line).unwrap().0, 1, "{line}");
    }
}

#[test]
fn options_that_are_not_modelled_are_refused() {
    for line in [
        "rm -i f",
        "rm --no-preserve-root f",
        "chmod -v 644 f",
        "chown -RL 1 d",
        "mkdir --context=x d2",
        "mv -b f g",
        "mv -u f g",
        "ln -sb f g",
        "cp --sparse=always f x",
        "cp -u f g",
        "cp --parents f d",
        "cp --backup f g",
        "cp -rv d x",
        "install -s f x",
        "install -b f g",
        "touch -d yesterday f",
        "touch -t 13 f",
        "truncate -r f g",
        "truncate -s +5 f",
        "mknod x c 0x1 3",
        "realpath -L f",
        "rm -rv d",
    ] {
        let refused = run(&mut sample(), line);
        assert!(refused.is_err(), "{line}: {refused:?}");
    }
}

#[test]
fn capabilities_of_a_file_are_copied_by_cp_a_and_lost_by_others() {
    for (line, kept) in [("cp -a f x", true), ("cp -p f x", false), ("install f x", false), ("mv f x", true)] {
        let mut files = sample();
        files.set_attribute("f", "security.capability", Some(vec![1, 0, 0, 2])).unwrap();
        assert_eq!(run(&mut files, line).unwrap().0, 0);
        assert_eq!(!files.stat("x", false).unwrap().1.xattrs.is_empty(), kept, "{line}");
    }
}

#[test]
fn a_file_that_is_there_is_not_moved_over_with_n() {
    let mut files = sample();
    assert_eq!(run(&mut files, "mv -n f g"), Ok((1, String::new())));
    assert!(files.exists("f").unwrap());
}

#[test]
fn capabilities_are_set_shown_and_taken_away() {
    let mut files = sample();
    for (line, status, printed) in [
        ("setcap cap_net_raw+ep f cap_chown=p g", 0, ""),
        ("getcap f g again d", 0, "f cap_net_raw=ep\ng cap_chown=p\nagain cap_net_raw=ep\n"),
        ("setcap -q -r f", 0, ""),
        ("setcap -r f", 1, ""),
        ("getcap f", 0, ""),
        ("setcap cap_chown=p l", 1, ""),
        ("setcap cap_chown=p d", 1, ""),
        ("setcap cap_chown=p none", 1, ""),
        ("setcap cap_none=p f", 1, ""),
        ("setcap cap_chown=p", 1, ""),
        ("getcap none", 1, ""),
    ] {
        assert_eq!(run(&mut files, line), Ok((status, printed.to_owned())), "{line}");
    }
    assert!(run(&mut files, "setcap -v cap_chown=p f").is_err());
}

#[test]
fn the_machine_is_not_asked() {
    for (line, expected) in [
        ("stat -c %Y f", None),
        ("stat -c %i f", None),
        ("stat -c %s d", None),
        ("stat f", None),
        ("ls -l f", None),
        ("sleep 1", Some((0, ""))),
        ("sync", Some((0, ""))),
    ] {
        let expected = expected.map(|(status, out): (u8, &str)| (status, out.to_owned()));
        assert_eq!(run(&mut sample(), line).ok(), expected, "{line}");
    }
}

#[test]
fn a_long_line_of_one_file_has_the_moment_of_the_image() {
    let (mut files, mut variables) = (sample(), Variables::default());
    let mut line = |line: &str| run_with(&mut files, &mut variables, line);
    assert!(line("ls -l f").unwrap_err().to_string().contains("the clock"));
    variables.set("SOURCE_DATE_EPOCH", "86400");
    let mut line = |line: &str| run_with(&mut files, &mut variables, line);
    assert_eq!(line("ls -ln f").unwrap().1, "-rw-r----- 2 8 4 5 Jan  2  1970 f\n");
    assert_eq!(line("ls -l f").unwrap().1, "-rw-r----- 2 mail adm 5 Jan  2  1970 f\n");
    assert_eq!(line("ls -n l").unwrap().1, "lrwxrwxrwx 1 0 0 1 Jan  2  1970 l -> f\n");
    assert_eq!(line("ls -l missing").unwrap().0, 2);
    for several in ["ls -l f g", "ls -l d", "ls -l"] {
        assert!(line(several).is_err(), "{several}");
    }
}
