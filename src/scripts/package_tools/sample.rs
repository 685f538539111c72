//! A small installation for the tests of single commands.

use std::collections::BTreeMap;

use super::super::accounts::Accounts;
use super::super::debconf::Debconf;
use super::super::debian::Debian;
use crate::debian::{Member, Package};
use crate::effects::Requests;
use crate::lock::IdMap;
use crate::profile::Arch;
use crate::shell::{Answer, Call, Files, Reason, Stdin, Variables};
use crate::tree::{Node, Tree};

/// An installation, and what a script of its first package has.
pub(super) struct Sample {
    pub packages: Vec<Package>,
    pub files: Files,
    pub variables: Variables,
    pub debconf: Debconf,
    pub requests: Requests,
    pub script: &'static str,
    /// What the last command printed.
    pub out: String,
    pub err: String,
}

/// A package with members of `control.tar`.
pub(super) fn package(name: &str, control: &[(&str, &str)]) -> Package {
    Package {
        name: name.to_owned(),
        version: "1.2-3".to_owned(),
        arch: "amd64".to_owned(),
        fields: [
            ("Package", name),
            ("Version", "1.2-3"),
            ("Architecture", "amd64"),
            ("Maintainer", "Ada <ada@example.org>"),
        ]
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect(),
        control: control.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect(),
        members: Vec::new(),
    }
}

/// A regular file of a package.
pub(super) fn member(path: &str, content: &str) -> Member {
    Member { path: path.to_owned(), node: Node::file(0o644, content) }
}

impl Sample {
    /// Installed `packages`, the script being a `postinst` of the first, as mmdebstrap's environment has it.
    pub(super) fn new(packages: Vec<Package>) -> Self {
        let mut tree = Tree::new();
        for package in &packages {
            for Member { path, node } in &package.members {
                tree.put(path, node.clone()).unwrap();
            }
        }
        for library in ["confmodule", "confmodule.sh"] {
            tree.put(&format!("usr/share/debconf/{library}"), Node::file(0o644, "# its functions\n")).unwrap();
        }
        for dir in ["etc", "var/lib/dpkg", "usr/bin"] {
            tree.put_new(dir, Node::dir(0o755)).unwrap();
        }
        tree.put("etc/passwd", Node::file(0o644, "root:x:0:0::/root:/bin/sh\n_lamp:x:101:102::/:/bin/sh\n")).unwrap();
        tree.put("etc/group", Node::file(0o644, "root:x:0:\nlamps:x:103:\n")).unwrap();
        let mut variables = Variables::default();
        for (name, value) in [
            ("DEBCONF_NONINTERACTIVE_SEEN", "true"),
            ("DPKG_MAINTSCRIPT_ARCH", "amd64"),
            ("DPKG_MAINTSCRIPT_NAME", "postinst"),
            ("DPKG_MAINTSCRIPT_PACKAGE", &packages[0].name),
        ] {
            variables.set(name, value);
            variables.export(name);
        }
        let debconf = Debconf::new(&packages, &BTreeMap::new());
        let files = Files::new(tree, "script");
        Self {
            packages,
            files,
            variables,
            debconf,
            requests: Requests::default(),
            script: "postinst",
            out: String::new(),
            err: String::new(),
        }
    }

    fn call(
        &mut self,
        args: &[&str],
        input: &str,
        run: impl FnOnce(&mut Debian<'_>, &mut Call<'_>) -> Answer,
    ) -> Answer {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let ids = IdMap::default();
        let mut debian = Debian {
            package: &self.packages[0],
            script: self.script,
            packages: &self.packages,
            arch: Arch::Amd64,
            requests: std::mem::take(&mut self.requests),
            debconf: std::mem::take(&mut self.debconf),
            accounts: Accounts::new(self.files.tree(), &ids, true, 0).unwrap(),
        };
        let answer = run(
            &mut debian,
            &mut Call {
                args: &args,
                stdin: Stdin::new(input.as_bytes()),
                out: &mut out,
                err: &mut err,
                files: &mut self.files,
                variables: &mut self.variables,
            },
        );
        (self.requests, self.debconf) = (debian.requests, debian.debconf);
        self.out = String::from_utf8(out).unwrap();
        self.err = String::from_utf8(err).unwrap();
        answer
    }

    /// Runs a command that can be followed.
    #[track_caller]
    pub(super) fn run(&mut self, command: &str) -> u8 {
        self.try_run(command).unwrap()
    }

    /// Runs a command of words without quotes.
    pub(super) fn try_run(&mut self, command: &str) -> Result<u8, Reason> {
        let words: Vec<&str> = command.split(' ').collect();
        self.words(&words)
    }

    /// Runs a command.
    pub(super) fn words(&mut self, words: &[&str]) -> Answer {
        self.fed(words, "")
    }

    /// Runs a command with something to read.
    pub(super) fn fed(&mut self, words: &[&str], input: &str) -> Answer {
        let tool = super::find(words[0]).expect("the command is modelled");
        self.call(&words[1..], input, tool)
    }

    /// Sources a file that is modelled as a whole.
    pub(super) fn source(&mut self, path: &str) -> Option<Answer> {
        let mut found = true;
        let answer = self.call(&[], "", |debian, call| {
            super::sourced(debian, path, call).unwrap_or_else(|| {
                found = false;
                Ok(0)
            })
        });
        found.then_some(answer)
    }

    /// The text of a file.
    #[track_caller]
    pub(super) fn text(&self, path: &str) -> String {
        self.files.read_text(path).unwrap()
    }

    /// A variable of the shell.
    pub(super) fn variable(&self, name: &str) -> &str {
        self.variables.get(name).unwrap_or_default()
    }
}
