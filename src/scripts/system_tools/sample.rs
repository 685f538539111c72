//! A small system for the tests of single commands.

use crate::debian::Package;
use crate::effects::Requests;
use crate::lock::IdMap;
use crate::profile::Arch;
use crate::scripts::debian::{Debian, Tool};
use crate::scripts::{Accounts, Debconf};
use crate::shell::{Answer, Call, Files, Reason, Stdin, Variables};
use crate::tree::{Node, Tree};

/// A tree with a few accounts, as the effect `accounts` leaves it.
pub(in crate::scripts) fn tree() -> Tree {
    let mut tree = Tree::new();
    let mut put = |path: &str, mode: u16, text: &str| tree.put(path, Node::file(mode, text)).unwrap();
    put(
        "etc/passwd",
        0o644,
        "root:x:0:0:root:/root:/bin/bash\nproxy:x:13:13:proxy:/bin:/usr/sbin/nologin\nmessagebus:x:998:998::/:/usr/sbin/nologin\n\
         ada:x:1000:1000::/home/ada:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    );
    put(
        "etc/shadow",
        0o640,
        "root:*:1:0:99999:7:::\nproxy:*:1:0:99999:7:::\nmessagebus:!*:1::::::\nada:*:1:0:99999:7:::\n",
    );
    put(
        "etc/group",
        0o644,
        "root:x:0:\nadm:x:4:\nproxy:x:13:\naudio:x:29:\nusers:x:100:\nmessagebus:x:998:\nada:x:1000:\nnogroup:x:65534:\n",
    );
    put("etc/gshadow", 0o640, "root:*::\nadm:*::\nproxy:*::\naudio:*::\nusers:*::\nmessagebus:!*::\n");
    for dir in ["var/lib", "run", "home", "usr/bin"] {
        tree.put(dir, Node::dir(0o755)).unwrap();
    }
    tree
}

/// What a command did.
#[derive(Debug)]
pub(in crate::scripts) struct Done {
    pub answer: Answer,
    pub out: String,
    pub err: String,
    pub tree: Tree,
    pub requests: Requests,
    pub given: IdMap,
    /// What was recorded.
    pub changes: Vec<String>,
}

impl Done {
    /// The exit status.
    pub fn status(&self) -> u8 {
        self.answer.clone().unwrap()
    }

    /// Why it cannot be followed.
    pub fn reason(&self) -> String {
        self.answer.clone().map_err(|reason: Reason| reason.to_string()).unwrap_err()
    }

    /// A file's text.
    pub fn text(&self, path: &str) -> String {
        self.tree.file(path).map(|content| content.text().unwrap()).unwrap_or_default()
    }

    /// A file's line that begins so.
    pub fn line(&self, path: &str, start: &str) -> String {
        self.text(path).lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned()
    }
}

/// The words of a command line: blanks separate, single quotes keep together.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in text.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Runs command lines one after the other over `tree`, as scripts of the package `example`; new numbers are handed out if
/// `may_add`.
pub(in crate::scripts) fn run_with(
    find: fn(&str) -> Option<Tool>,
    tree: Tree,
    pinned: &IdMap,
    may_add: bool,
    lines: &[&str],
) -> Done {
    run_for("example", find, tree, (pinned, may_add), lines)
}

/// The same as scripts of the package `name`.
pub(in crate::scripts) fn run_for(
    name: &str,
    find: fn(&str) -> Option<Tool>,
    tree: Tree,
    (pinned, may_add): (&IdMap, bool),
    lines: &[&str],
) -> Done {
    let package = Package {
        name: name.to_owned(),
        version: "1".to_owned(),
        arch: "all".to_owned(),
        fields: Vec::new(),
        control: std::collections::BTreeMap::new(),
        members: Vec::new(),
    };
    let mut debian = Debian {
        package: &package,
        script: "postinst",
        packages: &[],
        arch: Arch::Amd64,
        requests: Requests::default(),
        debconf: Debconf::default(),
        accounts: Accounts::new(&tree, pinned, may_add, 20000 * 24 * 60 * 60).unwrap(),
    };
    let mut files = Files::new(tree, "example");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut variables = Variables::default();
    let mut answer = Ok(0);
    for line in lines {
        let all = words(line);
        let (name, args) = all.split_first().unwrap();
        let mut call = Call {
            args,
            stdin: Stdin::new(&[]),
            out: &mut out,
            err: &mut err,
            files: &mut files,
            variables: &mut variables,
        };
        let tool = find(name).unwrap_or_else(|| panic!("no command `{name}`"));
        answer = tool(&mut debian, &mut call);
    }
    let given = debian.accounts.given().clone();
    Done {
        answer,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
        requests: debian.requests,
        given,
        changes: files.take_changes().into_iter().map(|change| change.what).collect(),
        tree: files.into_tree(),
    }
}

/// As [`run_with`], with numbers as when locking and over [`tree`].
pub(in crate::scripts) fn run(lines: &[&str]) -> Done {
    run_with(super::find, tree(), &IdMap::default(), true, lines)
}
