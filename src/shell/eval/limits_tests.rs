//! Scripts that would go on for ever, grow without end or lead out of the tree: each ends soon, and says why.

use super::tests::Nobody;
use super::{Finished, Script, Stop, run};
use crate::shell::Files;
use crate::tree::{Node, Tree};

fn tree() -> Files {
    let mut tree = Tree::new();
    for dir in ["etc", "tmp", "usr/bin"] {
        tree.put(dir, Node::dir(0o755)).unwrap();
    }
    for name in [
        "awk", "basename", "cat", "chmod", "cp", "env", "find", "grep", "head", "install", "ln", "ls", "mkdir", "mv",
        "readlink", "realpath", "rm", "sed", "seq", "sh", "sort", "tail", "test", "touch", "tr", "truncate", "xargs",
    ] {
        tree.put(&format!("usr/bin/{name}"), Node::file(0o755, "\x7fELF")).unwrap();
    }
    tree.put("etc/a.conf", Node::file(0o644, "one\n")).unwrap();
    tree.put("etc/latin1", Node::file(0o644, b"caf\xe9\n".to_vec())).unwrap();
    tree.put("etc/nul", Node::file(0o644, "a\0b\n")).unwrap();
    tree.put("etc/big", Node::file(0o644, vec![b'a'; 9 << 20])).unwrap();
    tree.put("usr/bin/again", Node::file(0o755, "#!/bin/sh\nagain\n")).unwrap();
    Files::new(tree, "test")
}

fn outcome(text: &str) -> Result<Finished, Stop> {
    run(Script { text, name: "postinst", args: &[], environment: &[] }, &mut tree(), &mut Nobody)
}

/// The beginning of a text.
fn start(text: &str) -> String {
    text.chars().take(200).collect()
}

/// What a script that ends comes to: what it prints, its status, what it says on standard error. Or why it is not followed.
fn told(text: &str) -> String {
    match outcome(text) {
        Ok(Finished { status, out, err, .. }) => {
            let [out, err] = [out, err].map(|bytes| start(&String::from_utf8_lossy(&bytes)));
            format!("{status} {out:?} {err:?}")
        }
        Err(stop) => start(&stop.to_string()),
    }
}

/// Holds what comes of scripts against what is said of them.
fn hold<S: AsRef<str>>(scripts: &[(S, &str)]) {
    let wrong: Vec<_> = scripts
        .iter()
        .map(|(script, expected)| (script.as_ref(), told(script.as_ref()), expected))
        .filter(|(_, told, expected)| told != *expected)
        .map(|(script, told, expected)| format!("{}\n    is: {told}\n    not: {expected}", start(script)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_loop_without_end_stops() {
    hold(&[("while true; do for i in a; do continue 2; done; done", "line 1: it takes more than 400000 commands")]);
}

#[test]
fn what_calls_itself_stops() {
    let calls = "line 1: it takes more than 60 calls within each other";
    hold(&[
        ("f() { g; }; g() { f; }; f", calls),
        ("f() { f | f; }; f", calls),
        ("f() { x=$(f); }; f", calls),
        ("f() { (f); }; f", calls),
        ("f() { if f; then f; fi; }; f", calls),
        ("f() { case $(f) in *) ;; esac; }; f", calls),
        ("f() { trap f EXIT; f; }; (f)", calls),
        ("x='eval \"$x\"'; eval \"$x\"", calls),
        ("echo '. /tmp/self' >/tmp/self; . /tmp/self", "line 1: it takes more than 60 calls within each other"),
        ("again", "line 2: it takes more than 60 calls within each other"),
        ("x='sh -c \"$x\"'; export x; sh -c \"$x\"", calls),
        ("x='find /etc/a.conf -exec sh -c \"$x\" \\;'; export x; sh -c \"$x\"", calls),
        ("x='echo a | xargs sh -c \"$x\"'; export x; sh -c \"$x\"", calls),
    ]);
}

#[test]
fn what_grows_without_end_stops() {
    let size = "line 1: `truncate` is not modelled with this size";
    let wide = "line 1: `printf` is not modelled with such a wide field";
    hold(&[
        // Text of 9 MiB, twice.
        ("x=$(cat /etc/big); x=$x$x", "line 1: it takes more than 16 MiB of text at once"),
        ("x=$(cat /etc/big /etc/big)", "line 1: it takes more than 16 MiB of text at once"),
        ("printf '%1000000000d' 1", wide),
        ("printf '%.1000000000d' 1", wide),
        ("printf '%*d' 1000000000 1", wide),
        ("printf '%-*s' 2147483648 1", wide),
        (
            "printf '%.*d' 99999999999999999999 1",
            "1 \"1\" \"postinst: 1: printf: 99999999999999999999: Numerical result out of range\\n\"",
        ),
        (
            "while :; do cat /etc/a.conf /tmp/x >/tmp/y; cp /tmp/y /tmp/x; cp /etc/big /tmp/z; done",
            "line 1: it takes more than 64 MiB of files",
        ),
        ("truncate -s 1T /tmp/x", size),
        ("truncate -s 99999999999999999999 /tmp/x", size),
        ("awk 'function f() { f() } BEGIN { f() }'", "line 1: `awk` is not modelled with the function `f`"),
        ("awk 'BEGIN { x = \"a\"; while (1) x = x x }'", "line 1: it takes more than 16 MiB in a string of awk"),
        ("awk 'BEGIN { printf \"%1000000000d\", 1 }'", "line 1: it takes more than 4096 columns of printf"),
        ("echo a | sed ':a;s/.*/&&/;ta'", "line 1: it takes more than 16 MiB in the pattern space of sed"),
        ("echo a | sed ':a;G;h;ba'", "line 1: it takes more than 16 MiB in a space of sed"),
        ("echo a | sed 's/a*/x/9999999999999999999g'", "0 \"a\\n\" \"\""),
    ]);
}

#[test]
fn numbers_have_the_range_of_64_bits() {
    for (expression, value) in [
        ("9223372036854775807 + 1", "-9223372036854775808"),
        ("-9223372036854775807 - 2", "9223372036854775807"),
        ("9223372036854775807 * 9223372036854775807", "1"),
        ("99999999999999999999999999", "9223372036854775807"),
        ("1 << 63", "-9223372036854775808"),
        ("1 << 64", "1"),
        ("1 << -1", "-9223372036854775808"),
        ("-1 >> 63", "-1"),
        ("-(-9223372036854775807 - 1)", "-9223372036854775808"),
        ("(-9223372036854775807 - 1) * -1", "-9223372036854775808"),
    ] {
        assert_eq!(told(&format!("echo $(({expression}))")), format!("0 \"{value}\\n\" \"\""), "{expression}");
    }
    hold(&[
        ("echo $((1 / 0))", "2 \"\" \"postinst: 1: arithmetic expression: division by zero\\n\""),
        ("echo $((1 % 0))", "2 \"\" \"postinst: 1: arithmetic expression: division by zero\\n\""),
        ("echo $(( (-9223372036854775807 - 1) / -1 ))", "line 1: the smallest number divided by -1 is not modelled"),
        ("echo $(( (-9223372036854775807 - 1) % -1 ))", "line 1: the smallest number divided by -1 is not modelled"),
        ("echo $((1 +))", "2 \"\" \"postinst: 1: arithmetic expression: a number or a name is expected\\n\""),
    ]);
}

#[test]
fn patterns_and_regular_expressions_that_could_match_for_ever_do_not() {
    let many = "a".repeat(20_000);
    let stars = "*a".repeat(40);
    hold(&[
        (format!("x={many}; case $x in {stars}*b) echo yes;; *) echo no;; esac"), "0 \"no\\n\" \"\""),
        (
            format!("x={many}; y=${{x%%*b}}; y=${{y##*b*}}; y=${{y#{stars}b}}; y=${{y%{stars}b}}; echo ${{#y}}"),
            "0 \"20000\\n\" \"\"",
        ),
        (format!("echo {many} | grep -E '(a*)*b'"), "1 \"\" \"\""),
        (format!("echo {many} | grep -E '(a+a+)+b'"), "1 \"\" \"\""),
        (format!("echo {many} | grep -E '(a|a|a)*b'"), "1 \"\" \"\""),
        (
            format!("echo {many} | grep '\\(a*\\)*\\1b'"),
            "line 1: `grep` is not modelled with the pattern `\\(a*\\)*\\1b`, which has a back-reference",
        ),
        (format!("echo {many} | sed -E 's/(a*)+$/x/'"), "0 \"x\\n\" \"\""),
        (format!("echo {many} | awk '/(a*)*b/'"), "0 \"\" \"\""),
        (
            "echo a | grep -E '(((a{1,255}){1,255}){1,255}){1,255}'".to_owned(),
            "line 1: `grep` is not modelled with the pattern `(((a{1,255}){1,255}){1,255}){1,255}`, which has so many repetitions that it is too large",
        ),
        (format!("find / -name '{stars}*b*'"), "0 \"\" \"\""),
        (
            "mkdir /d; cd /d; for i in 1 2 3 4 5 6 7 8; do ln -s . l$i; done; echo */*/*/*/*/*/*/*/*/*".to_owned(),
            "line 1: it takes more than 100000 path names of one pattern",
        ),
    ]);
}

#[test]
fn what_is_nested_deep_is_refused() {
    let deep = |open: &str, inner: &str, close: &str| format!("{}{inner}{}", open.repeat(10_000), close.repeat(10_000));
    let syntax = "line 1: `commands are nested too deep` is not valid shell syntax here";
    let arithmetic = "line 1: it takes more than 50 parentheses and signs within each other";
    let test = "line 1: it takes more than 50 negations and parentheses of `test` within each other";
    let awk = "line 1: it takes more than 100 statements or values of awk in each other";
    let find = "line 1: it takes more than a hundred nested expressions";
    hold(&[
        (deep("(", "true", ")"), syntax),
        (deep("{ ", "true", "; }"), syntax),
        (deep("if true; then ", "true", "; fi"), syntax),
        (deep("while true; do ", "true", "; done"), syntax),
        (deep("for i in a; do ", "true", "; done"), syntax),
        (deep("case a in a) ", "true", ";; esac"), syntax),
        (deep("f() ", "{ true; }", ""), syntax),
        (format!("echo {}", deep("$(", "true", ")")), syntax),
        (format!("echo {}", deep("\"$(", "true", ")\"")), syntax),
        (format!("echo {}", deep("${x:-", "a", "}")), syntax),
        (format!("echo {}", deep("\"${x:-", "a", "}\"")), syntax),
        (format!("echo $(({}))", deep("$((", "1", "))")), syntax),
        ("cat <<E\n$(".repeat(1000), "line 51: `commands are nested too deep` is not valid shell syntax here"),
        (format!("echo $(({}))", deep("(", "1", ")")), arithmetic),
        (format!("echo $(({}))", deep("-", "1", "")), arithmetic),
        (format!("echo $(({}))", deep("1?", "1", ":1")), arithmetic),
        (format!("echo $(({}))", deep("x=", "1", "")), arithmetic),
        (format!("[ {} ]", deep("! ", "a", "")), test),
        (format!("[ {} ]", deep("\\( ", "a", " \\)")), test),
        (format!("awk 'BEGIN {{ print {} }}'", deep("(", "1", ")")), awk),
        (format!("awk 'BEGIN {{ print {} }}'", deep("!", "1", "")), awk),
        (format!("awk 'BEGIN {{ {} }}'", deep("if (1) ", ";", "")), awk),
        (format!("find / {}", deep("\\( ", "-true", " \\)")), find),
        (format!("find / {}", deep("! ", "-true", "")), find),
        (format!("sed '{}'", deep("{", "p", "}")), "line 1: it takes more than 10000 commands of sed"),
        // What is many, but side by side, is none the worse for it.
        ("true | ".repeat(1000) + "true", "0 \"\" \"\""),
        ("true && ".repeat(5000) + "true", "0 \"\" \"\""),
        ("cat <<E >/dev/null; ".repeat(1000) + "\n" + &"\nE\n".repeat(1000) + "exit 3", "3 \"\" \"\""),
        ("cat <<E >/tmp/x\ntext\nE\n".repeat(1000), "0 \"\" \"\""),
    ]);
}

#[test]
fn bytes_that_are_no_text_are_told() {
    let bytes = "line 1: it holds bytes that are not UTF-8 text, or a NUL byte";
    hold(&[
        ("true\necho a\0b", "line 2: it holds bytes that are not UTF-8 text, or a NUL byte"),
        (". /etc/nul", bytes),
        // The shell leaves out NUL bytes; other bytes may go from file to file.
        ("echo $(cat /etc/nul)", "0 \"ab\\n\" \"\""),
        ("cat /etc/latin1 >/tmp/x; grep -c caf /tmp/x; sed s/a/b/ /tmp/x >/tmp/y", "0 \"1\\n\" \"\""),
        (". /etc/latin1", bytes),
        ("sh /etc/latin1", bytes),
        ("read x </etc/latin1", bytes),
        ("x=$(cat /etc/latin1)", bytes),
        ("for i in $(cat /etc/latin1); do :; done", bytes),
        ("x=\u{e9}; echo ${#x}; y=${x#?}", "line 1: it holds bytes that are not UTF-8 text, or a NUL byte"),
        // Lines that end as DOS has them.
        ("true\r\necho $?\r\n", "0 \"127\\r\\n\" \"postinst: 1: true\\r: not found\\n\""),
        (
            "if true; then\r\ntrue\r\nfi\r\n",
            "line 4: `the script ends where `then` is expected` is not valid shell syntax here",
        ),
        ("#!/bin/sh\r\necho a\r\n", "line 1: a script for `#!/bin/sh\\r` is not modelled"),
    ]);
}

#[test]
fn a_script_that_ends_too_soon_is_told_with_its_line() {
    let syntax = |line: usize, what: &str| format!("line {line}: `{what}` is not valid shell syntax here");
    for (script, line, what) in [
        ("echo 'a", 1, "a quote `'` does not end"),
        ("echo \"a\nb", 2, "a quote `\"` does not end"),
        ("echo `a", 1, "a command substitution in backquotes does not end"),
        ("echo $(a", 1, "the script ends where the `)` of a command substitution is expected"),
        ("\necho ${a", 2, "the script ends where the `}` of a parameter expansion is expected"),
        ("echo $((1", 1, "the script ends where the `))` of an arithmetic expansion is expected"),
        ("if true", 1, "the script ends where `then` is expected"),
        ("f() {\ntrue\n", 3, "the script ends where `}` is expected"),
        ("true &&", 1, "the script ends where a command is expected"),
    ] {
        assert_eq!(told(script), syntax(line, what), "{script}");
    }
    hold(&[("cat <<E\nabc", "0 \"abc\" \"\""), ("echo a \\", "0 \"a \\\\\\n\" \"\"")]);
}

#[test]
fn no_path_leads_out_of_the_tree_or_round_for_ever() {
    hold(&[
        ("cat ../../../etc/a.conf /../../etc/a.conf; cd /../..; pwd", "0 \"one\\none\\n/\\n\" \"\""),
        ("ln -s ../../../etc /tmp/out; cat /tmp/out/a.conf", "0 \"one\\n\" \"\""),
        ("ln -s b /tmp/a; ln -s a /tmp/b; cat /tmp/a", "1 \"\" \"cat: /tmp/a: Too many levels of symbolic links\\n\""),
        (
            "ln -s b /tmp/a; ln -s a /tmp/b; cd /tmp/a || echo a >/tmp/a",
            "2 \"\" \"postinst: 1: cd: can't cd to /tmp/a\\npostinst: 1: cannot create /tmp/a: Too many levels of symbolic links\\n\"",
        ),
        (
            "ln -s .. /tmp/up; cd /tmp/up/tmp/up/tmp; pwd -P; chmod -R 700 /tmp; rm -r /tmp/up; ls /tmp",
            "0 \"/tmp\\n\" \"\"",
        ),
        (
            "mkdir -p /tmp/a/b; cp -r /tmp/a /tmp/a/b",
            "line 1: `cp` is not modelled with a directory copied into itself",
        ),
        ("mkdir -p /tmp/a/b; mv /tmp/a /tmp/a/b; ls /tmp/a", "0 \"b\\n\" \"mv: /tmp/a: Invalid argument\\n\""),
        ("cp -r / /tmp/x", "line 1: `cp` is not modelled with a directory copied into itself"),
        ("mv / /tmp/x", "1 \"\" \"mv: /: Device or resource busy\\n\""),
        (
            "rm -rf / /tmp/..; ls /",
            "0 \"etc\\ntmp\\nusr\\n\" \"rm: refusing to remove '/'\\nrm: refusing to remove '/tmp/..'\\n\"",
        ),
        (
            "echo a >/tmp/x; cat /tmp/x >>/tmp/x",
            "line 1: `cat` is not modelled with a file that it reads and writes at once",
        ),
        (
            "echo a >/tmp/x; cat </tmp/x >>/tmp/x",
            "line 1: `cat` is not modelled with a file that it reads and writes at once",
        ),
        ("echo a >/tmp/x; cat /tmp/x >/tmp/x; ls /tmp; cat /tmp/x", "0 \"x\\n\" \"\""),
    ]);
}
