//! Searches over a small tree; `tests/shell_files` holds the same kind of lines against the real find.

use super::{Actor, run};
use crate::shell::{Files, Reason};
use crate::tree::{Node, Tree};

struct Plain {
    files: Files,
    out: String,
    ran: Vec<String>,
}

impl Actor for Plain {
    type Error = Reason;

    fn files(&mut self) -> &mut Files {
        &mut self.files
    }

    fn stop(&self, reason: Reason) -> Reason {
        reason
    }

    fn print(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        self.out.push_str(std::str::from_utf8(bytes).unwrap());
        Ok(())
    }

    fn complain(&mut self, _text: &str) -> Result<(), Reason> {
        Ok(())
    }

    fn exec(&mut self, words: &[String]) -> Result<u8, Reason> {
        self.ran.push(words.join(" "));
        Ok(u8::from(words.iter().any(|word| word == "fails")))
    }
}

fn search(line: &str) -> Result<(u8, Plain), Reason> {
    let mut tree = Tree::new();
    for (path, node) in [
        ("a/one.conf", Node::file(0o644, "x")),
        ("a/two.CONF", Node::file(0o600, "").owned(8, 4)),
        ("a/sub/three.conf", Node::file(0o755, "xyz")),
        ("a/up", Node::symlink("..")),
        ("a/empty", Node::dir(0o755)),
        ("again", Node::hard_link("a/one.conf")),
    ] {
        tree.put(path, node).unwrap();
    }
    let mut actor = Plain { files: Files::new(tree, "test"), out: String::new(), ran: Vec::new() };
    let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let status = run(&mut actor, &args)?;
    Ok((status, actor))
}

#[test]
fn commands_run_for_each_file_or_for_all() {
    for (line, status, ran) in [
        ("a -name *.conf -exec chmod 600 {} ;", 0, vec!["chmod 600 a/one.conf", "chmod 600 a/sub/three.conf"]),
        ("a -name *.conf -exec chmod 600 {} +", 0, vec!["chmod 600 a/one.conf a/sub/three.conf"]),
        ("a -name one.conf -exec mv {} {}.old ;", 0, vec!["mv a/one.conf a/one.conf.old"]),
        (
            "a -type f -exec fails {} ; -exec echo {} ;",
            0,
            vec!["fails a/one.conf", "fails a/sub/three.conf", "fails a/two.CONF"],
        ),
        ("a -name one.conf -exec fails {} +", 1, vec!["fails a/one.conf"]),
        ("a -name none -exec echo {} +", 0, vec![]),
    ] {
        let (found, actor) = search(line).unwrap();
        assert_eq!((found, actor.ran), (status, ran.into_iter().map(str::to_owned).collect()), "{line}");
        assert_eq!(actor.out, "", "{line}");
    }
}

#[test]
fn a_regular_expression_matches_the_whole_path() {
    for (line, found) in [
        ("a -type f -regextype posix-egrep -regex .*/(one|two)[.]conf -printf %p\\n", "a/one.conf\n"),
        ("a -type f -regextype posix-extended -iregex .*/(one|two)[.]conf", "a/one.conf\na/two.CONF\n"),
        ("a -regextype posix-egrep -regex one.conf", ""),
    ] {
        assert_eq!(search(line).unwrap().1.out, found, "{line}");
    }
}

#[test]
fn links_that_lead_back_up_end_a_search() {
    let (status, actor) = search("-L a -name three.conf").unwrap();
    assert_eq!((status, actor.out.as_str()), (1, "a/sub/three.conf\n"));
}

#[test]
fn what_differs_or_is_not_known_is_refused() {
    for line in [
        "a -newer again",
        "a -mtime +7",
        "a -mmin -5",
        "a -regex .*",
        "a -regextype emacs -regex .*",
        "a -ls",
        "a -fprint x",
        "a -inum 1",
        "a -execdir echo {} ;",
        "a -ok rm {} ;",
        "a -name [[:alpha:]]*",
        "a -printf %T@",
        "a -printf %s",
        "a -links 2",
        "a -size +1k",
    ] {
        assert!(search(line).is_err(), "{line}");
    }
    let deep = "( ".repeat(200);
    assert!(matches!(search(&format!("a {deep} -true")), Err(Reason::Limit(_))));
}
