use super::{Finished, Script, Stop, run};
use crate::shell::{Answer, Call, Files, Host, Reason};
use crate::tree::{Node, Tree};

pub(super) struct Nobody;

impl Host for Nobody {
    fn run(&mut self, _: &str, _: &mut Call<'_>) -> Option<Answer> {
        None
    }

    fn sourced(&mut self, _: &str, _: &mut Call<'_>) -> Option<Answer> {
        None
    }
}

fn tree() -> Files {
    let mut tree = Tree::new();
    for dir in ["etc", "tmp", "usr/bin"] {
        tree.put(dir, Node::dir(0o755)).unwrap();
    }
    for name in [
        "cat", "sed", "grep", "true", "env", "xargs", "sh", "su", "runuser", "unknown", "echo", "nice", "ionice",
        "nohup", "setsid", "timeout", "nawk", "du", "hwclock", "shred",
    ] {
        tree.put(&format!("usr/bin/{name}"), Node::file(0o755, "\x7fELF")).unwrap();
    }
    tree.put("etc/a.conf", Node::file(0o644, "one\n")).unwrap();
    tree.put("etc/b.conf", Node::file(0o644, "two\n")).unwrap();
    Files::new(tree, "test")
}

fn outcome(text: &str) -> Result<Finished, Stop> {
    let args = ["configure".to_owned(), String::new()];
    run(Script { text, name: "postinst", args: &args, environment: &[] }, &mut tree(), &mut Nobody)
}

/// What a script prints, and its status.
fn says(text: &str) -> (String, u8) {
    let finished = outcome(text).unwrap();
    (String::from_utf8(finished.out).unwrap(), finished.status)
}

#[test]
fn words_are_expanded_split_and_matched_as_posix_says() {
    for (script, out) in [
        ("echo $1 \"$2\" end", "configure  end\n"),
        ("x='a  b'; echo $x; echo \"$x\"", "a b\na  b\n"),
        ("echo /etc/*.conf; echo /etc/*.none '/etc/*'", "/etc/a.conf /etc/b.conf\n/etc/*.none /etc/*\n"),
        ("f() { for i in \"$@\"; do echo \"<$i>\"; done; }; f a 'b c' ''", "<a>\n<b c>\n<>\n"),
        ("set --; for i in \"$@\"; do echo never; done; echo $#", "0\n"),
        ("IFS=:; x=a::b:; set -- $x; echo $#", "3\n"),
        (
            "x=/usr/lib/x.so.1; echo ${x##*/} ${x%.*} ${x%%.*} ${x#/usr}",
            "x.so.1 /usr/lib/x.so /usr/lib/x /lib/x.so.1\n",
        ),
        ("echo ${u-unset} ${u:-empty} ${u+set}; u=; echo ${u-unset} ${u:-empty} ${u+set}", "unset empty\nempty set\n"),
        ("echo $((1 + 2 * 3)) $((7 / 2)) $((1 ? 2 : 3)) $(( (1+1) * 2 ))", "7 3 2 4\n"),
        ("x=5; echo $((x += 2)) $x", "7 7\n"),
        ("echo \"$(echo a; echo b)\" `echo c`", "a\nb c\n"),
    ] {
        assert_eq!(says(script), (out.to_owned(), 0), "{script}");
    }
}

#[test]
fn a_failure_that_nobody_looks_at_ends_a_script_with_errexit() {
    for (script, out, status) in [
        ("set -e; false; echo on", "", 1),
        ("set -e; false || true; echo on", "on\n", 0),
        ("set -e; false && true; echo on", "on\n", 0),
        ("set -e; if false; then :; fi; echo on", "on\n", 0),
        ("set -e; ! true; echo on", "on\n", 0),
        ("set -e; f() { false; echo in; }; f || echo failed; echo on", "in\non\n", 0),
        ("set -e; x=$(false); echo on", "", 1),
        ("set -e; (false); echo on", "", 1),
        ("set -e; true | false; echo on", "", 1),
        ("set -e; false | true; echo on", "on\n", 0),
        ("trap 'echo bye' EXIT; exit 3", "bye\n", 3),
    ] {
        assert_eq!(says(script), (out.to_owned(), status), "{script}");
    }
}

#[test]
fn what_is_not_modelled_stops_with_its_line() {
    for (script, line, reason) in [
        ("true\nunknown x", 2, Reason::UnknownCommand("unknown".to_owned())),
        ("pgrep -x $$; alias e=echo; e", 1, Reason::Construct("`alias`".to_owned())),
        ("f() {\nalias e=echo\n}\nf", 2, Reason::Construct("`alias`".to_owned())),
        ("alias e='echo '\ne", 2, Reason::Syntax("an alias that is more than words".to_owned())),
        ("alias e=echo\neval 'e'", 2, Reason::Construct("the alias `e` here".to_owned())),
        ("echo a # \0\necho \0", 2, Reason::NotText),
        ("echo $$", 1, Reason::differs("$$", "the number of its process")),
        ("sleep 1 &", 1, Reason::Construct("a command in the background (`&`)".to_owned())),
        ("while :; do :; done", 1, Reason::Limit("400000 commands")),
        ("f() { f; }; f", 1, Reason::Limit("60 calls within each other")),
    ] {
        let stop = outcome(script).unwrap_err();
        assert_eq!((stop.line, stop.reason), (line, reason), "{script}");
    }
    assert_eq!(says("no-such-program; echo $?"), ("127\n".to_owned(), 0));
}

#[test]
fn a_line_in_another_file_is_told_with_that_and_what_it_changes_with_the_line_that_calls_it() {
    let mut files = tree();
    files.write("/tmp/library", b"make() {\n    : > /tmp/made\n    unknown\n}\n").unwrap();
    let text = ". /tmp/library\n\n: > /tmp/own\nmake";
    let script = Script { text, name: "postinst", args: &[], environment: &[] };
    let stop = run(script, &mut files, &mut Nobody).unwrap_err();
    assert_eq!((stop.line, stop.file.as_deref()), (3, Some("/tmp/library")), "{stop}");
    let lines: Vec<usize> = files.take_changes().iter().map(|change| change.line).collect();
    assert_eq!(lines[lines.len() - 2..], [3, 4]);
}

#[test]
fn what_somebody_else_makes_is_theirs() {
    let mut files = tree();
    files.write("/etc/passwd", b"root:x:0:0::/root:/bin/sh\nada:x:7:8::/:/bin/sh\n").unwrap();
    let text = "su -s /bin/sh ada -c 'test -O /etc || : > /tmp/su'; runuser -u ada -- sh -c ': > /tmp/runuser'; : > /tmp/root; su nobody -c true";
    let finished =
        run(Script { text, name: "postinst", args: &[], environment: &[] }, &mut files, &mut Nobody).unwrap();
    assert_eq!(finished.status, 1, "there is no such account");
    for (path, owner) in [("tmp/su", (7, 8)), ("tmp/runuser", (7, 8)), ("tmp/root", (0, 0))] {
        let node = files.tree().get(path).unwrap();
        assert_eq!((node.uid, node.gid), owner, "{path}");
    }
}

#[test]
fn an_alias_stands_for_its_words_from_the_next_line_on() {
    for (script, out) in [
        ("alias e=echo\ne one; e two", "one\ntwo\n"),
        ("alias e='echo a' f=\"echo 'b  c'\"\ne x; echo \"$(f)\"", "a x\nb  c\n"),
        ("alias e='X=1 echo'\ng() { e $1; echo e; }\nY=2 e y | cat; g z", "y\nz\ne\n"),
        ("alias e=false\nif e; then echo yes; else echo e; fi; \\echo e", "e\ne\n"),
    ] {
        assert_eq!(says(script), (out.to_owned(), 0), "{script}");
    }
    assert!(outcome("#!/bin/bash\nalias e=echo\ne one").is_err(), "bash knows none in a script");
}

#[test]
fn what_runs_another_command_gives_its_output_and_status() {
    for (script, out, status) in [
        ("nice -n 5 echo a", "a\n", 0),
        ("ionice -c 3 echo a; nohup sh -c 'echo b; exit 3'", "a\nb\n", 3),
        ("setsid sh -c 'exit 4'", "", 4),
        ("timeout -k 5 10 cat /etc/a.conf", "one\n", 0),
        ("echo a b | nawk '{ print $2 }'", "b\n", 0),
    ] {
        assert_eq!(says(script), (out.to_owned(), status), "{script}");
    }
    for (script, reads) in
        [("du /etc", "how a file system keeps files"), ("hwclock", "the clock"), ("shred /etc/a.conf", "randomness")]
    {
        let command = script.split(' ').next().unwrap();
        assert_eq!(outcome(script).unwrap_err().reason, Reason::differs(command, reads));
    }
}

#[test]
fn bash_has_other_names_for_some_builtins() {
    let script = "#!/bin/bash\necho 'x=$1' >/tmp/part; source /tmp/part a; f() { declare x=b; typeset y=c; echo $x$y; }; f; echo $x$y";
    assert_eq!(says(script), ("bc\na\n".to_owned(), 0));
}
