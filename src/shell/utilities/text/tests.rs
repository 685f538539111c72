//! Examples of our own, and what is refused. `tests/shell_texts` holds many more against the real utilities.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::find;
use crate::shell::{Call, Files, Reason, Stdin, Variables};
use crate::tree::{Kind, Node, Tree};

/// A tree with a file, a link to it, and another name of it.
fn files() -> Files {
    let mut tree = Tree::new();
    let file = Node { uid: 7, gid: 8, ..Node::file(0o640, b"one\ntwo\nthree\n".to_vec()) };
    tree.put("etc/file", file).unwrap();
    tree.put("etc/sorted", Node::file(0o644, b"a\nb\n".to_vec())).unwrap();
    tree.put("etc/link", Node::symlink("file")).unwrap();
    let packed = "H4sIAAAAAAACAwtwdPZ2deECAJE+aisHAAAA";
    tree.put("etc/packed.gz", Node::file(0o644, BASE64_STANDARD.decode(packed).unwrap())).unwrap();
    tree.put("usr/bin/awk", Node::symlink("mawk")).unwrap();
    tree.put("usr/bin/mawk", Node::file(0o755, "")).unwrap();
    tree.put("etc/name", Node::hard_link("etc/file")).unwrap();
    let mut files = Files::new(tree, "test");
    files.chdir("/etc").unwrap();
    files
}

/// Carries out a command; gives its exit status, standard output and whether there were diagnostics.
fn run(files: &mut Files, words: &[&str], stdin: &str) -> Result<(u8, String, bool), Reason> {
    let args: Vec<String> = words[1..].iter().map(|&word| word.to_owned()).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut variables = Variables::default();
    variables.set("SHOWN", "to programs");
    variables.export("SHOWN");
    let mut call = Call {
        args: &args,
        stdin: Stdin::new(stdin.as_bytes()),
        out: &mut out,
        err: &mut err,
        files,
        variables: &mut variables,
    };
    let status = find(words[0]).expect("a utility of ours")(&mut call)?;
    Ok((status, String::from_utf8(out).unwrap(), !err.is_empty()))
}

/// What a command puts out.
fn output(words: &[&str], stdin: &str) -> String {
    run(&mut files(), words, stdin).unwrap().1
}

fn text(files: &Files, path: &str) -> String {
    files.read_text(path).unwrap()
}

#[test]
fn each_utility_has_an_example() {
    let cases: &[(&[&str], &str, &str)] = &[
        (&["awk", "-F:", "$2 > 1 { n += $2; print $1 } END { print n }"], "a:1\nb:2\nc:3\n", "b\nc\n5\n"),
        (&["awk", "BEGIN { print ENVIRON[\"SHOWN\"] }"], "", "to programs\n"),
        (&["base64"], "text", "dGV4dA==\n"),
        (&["basename", "/usr/lib/libx.so", ".so"], "", "libx\n"),
        (&["comm", "-12", "-", "sorted"], "b\nc\n", "b\n"),
        (&["cut", "-d:", "-f2-"], "a:b:c\n", "b:c\n"),
        (&["dirname", "/usr/lib/libx.so"], "", "/usr/lib\n"),
        (&["egrep", "-o", "t(w|hre)"], "two three\n", "tw\nthre\n"),
        (&["expr", "6", "*", "7"], "", "42\n"),
        (&["fgrep", "-c", "."], "a.b\nab\n", "1\n"),
        (&["fold", "-w", "3"], "abcdef\n", "abc\ndef\n"),
        (&["grep", "-n", "^t"], "one\ntwo\n", "2:two\n"),
        (&["gzip", "-dc", "packed"], "", "PACKED\n"),
        (&["gzip", "-cd", "packed.gz", "packed"], "", "PACKED\nPACKED\n"),
        (&["awk", "match($0, \"^\\\\s*#\")"], " #\nss#\n#\n", "ss#\n#\n"),
        (&["head", "-n1", "file"], "", "one\n"),
        (&["iconv", "-f", "UTF-8", "-t", "ANSI_X3.4-1968//TRANSLIT"], "plain\n", "plain\n"),
        (&["md5sum"], "", "d41d8cd98f00b204e9800998ecf8427e  -\n"),
        (&["od", "-An", "-tx1"], "AB", " 41 42\n"),
        (&["paste", "-sd,"], "a\nb\n", "a,b\n"),
        (&["rev"], "abc\n", "cba\n"),
        (&["sed", "-n", "s/\\(.\\)o/o\\1/p", "file"], "", "tow\n"),
        (&["seq", "-s,", "3"], "", "1,2,3\n"),
        (&["sort", "-n"], "10\n9\n", "9\n10\n"),
        (&["tac", "file"], "", "three\ntwo\none\n"),
        (&["tail", "-n", "+3", "file"], "", "three\n"),
        (&["tr", "-s", "a-z", "A-Z"], "aabb", "AB"),
        (&["uniq", "-d"], "a\na\nb\n", "a\n"),
        (&["wc", "-l"], "a\nb\n", "2\n"),
    ];
    for (words, stdin, want) in cases {
        assert_eq!(output(words, stdin), *want, "{words:?}");
    }
}

#[test]
fn sums_are_those_of_the_standards() {
    let cases = [
        ("sha1sum", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("sha224sum", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
        ("sha256sum", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ];
    for (utility, want) in cases {
        assert_eq!(output(&[utility], "abc"), format!("{want}  -\n"));
    }
}

#[test]
fn what_is_not_modelled_is_refused_and_named() {
    let cases: &[(&[&str], &str)] = &[
        (&["grep", "-P", "a(?=b)"], "pattern of Perl"),
        (&["grep", "-u", "a"], "option -u"),
        (&["grep", "--colour=always", "a"], "option --colour"),
        (&["grep", "\\(a\\)\\1"], "back-reference"),
        (&["sed", "s/a/b/e"], "flag of `s`"),
        (&["sed", "e"], "command `e`"),
        (&["sed", "--posix", "p"], "option --posix"),
        (&["sed", "s/(a/b/", "-E"], "without its `)`"),
        (&["sed", "s/a/\\1/"], "subexpression"),
        (&["sed", "bnowhere"], "label"),
        (&["sed", "r /dev/stdin"], "standard input"),
        (&["sort", "-R"], "option -R"),
        (&["cut", "-f0"], "list `0`"),
        (&["tr", "z-a", "b"], "set `z-a`"),
        (&["head", "-n", "1k"], "number `1k`"),
        (&["tail", "-f", "file"], "option -f"),
        (&["diff", "file", "-"], "without -q"),
        (&["seq", "1.5"], "number `1.5`"),
        (&["expr", "1", "+"], "unfinished"),
        (&["awk", "BEGIN { system(\"true\") }"], "`system`"),
        (&["awk", "BEGIN { print rand() }"], "`rand`"),
        (&["awk", "BEGIN { \"date\" | getline }"], "`|`"),
        (&["awk", "{ print > \"x\" }"], "output to a file"),
        (&["awk", "BEGIN { a[1]; a[2]; for (k in a) print k }"], "for … in"),
        (&["awk", "BEGIN { print substr(\"x\", 0, 1) }"], "substr()"),
        (&["gzip", "file"], "unpacking"),
        (&["iconv", "-f", "KOI8-R", "-t", "UTF-8"], "KOI8-R"),
    ];
    for (words, want) in cases {
        let reason = run(&mut files(), words, "x\n").expect_err("it is refused").to_string();
        assert!(reason.contains(want), "{words:?}: {reason}");
    }
}

#[test]
fn a_missing_file_is_a_diagnostic_and_the_exit_status_of_the_original() {
    let cases: &[(&[&str], u8)] = &[
        (&["grep", "a", "missing"], 2),
        (&["sed", "p", "missing"], 2),
        (&["awk", "1", "missing"], 2),
        (&["cut", "-f1", "missing"], 1),
        (&["sort", "missing"], 2),
        (&["gzip", "-cd", "missing"], 1),
        (&["gzip", "-cd", "file"], 1),
        (&["head", "missing"], 1),
        (&["md5sum", "missing"], 1),
        (&["cmp", "file", "missing"], 2),
        (&["diff", "-q", "file", "missing"], 2),
        (&["wc", "-l", "missing"], 1),
    ];
    for (words, want) in cases {
        assert_eq!(run(&mut files(), words, "").unwrap(), (*want, String::new(), true), "{words:?}");
    }
}

#[test]
fn sed_in_place_makes_a_new_file_with_owner_and_mode_of_the_old_one() {
    let mut files = files();
    run(&mut files, &["sed", "-i", "s/o/0/", "file"], "").unwrap();
    let node = files.tree().get("etc/file").unwrap();
    assert_eq!((node.uid, node.gid, node.mode), (7, 8, 0o640));
    assert_eq!(text(&files, "file"), "0ne\ntw0\nthree\n");
    assert_eq!(text(&files, "name"), "one\ntwo\nthree\n", "another name keeps the old text");
}

#[test]
fn sed_in_place_puts_a_file_where_a_link_was() {
    let mut files = files();
    run(&mut files, &["sed", "-i", "1d", "link"], "").unwrap();
    assert!(matches!(files.tree().get("etc/link").unwrap().kind, Kind::File(_)));
    assert_eq!(text(&files, "link"), "two\nthree\n");
    assert_eq!(text(&files, "file"), "one\ntwo\nthree\n");
}

#[test]
fn what_does_not_end_is_stopped() {
    for words in [
        &["sed", ":a;ba"][..],
        &["sed", ":a;s/^/xxxxxxxx/;ta"],
        &["awk", "BEGIN { while (1) { } }"],
        &["awk", "BEGIN { x = \"y\"; while (1) x = x x }"],
        &["seq", "99999999999"],
    ] {
        assert!(matches!(run(&mut files(), words, "x\n"), Err(Reason::Limit(_))), "{words:?}");
    }
    let deep = format!("BEGIN {{ print {}1 }}", "(".repeat(10_000));
    assert!(run(&mut files(), &["awk", &deep], "").is_err());
    let blocks = "{".repeat(100_000);
    assert!(run(&mut files(), &["sed", &blocks], "").is_err());
}

#[test]
fn standard_input_is_read_once() {
    assert_eq!(output(&["sed", "", "-", "-"], "a\n"), "a\n");
}
