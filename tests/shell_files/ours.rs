//! A command line carried out by the shell's functions over a tree.

use std::collections::BTreeMap;

use imgbuild::shell::utilities::file::find::{self, Actor};
use imgbuild::shell::{Call, Files, Reason, Stdin, Variables, utilities};
use imgbuild::tree::{Kind, Tree};

use crate::sample::{File, Outcome, tree};

/// The words of each command: separated by blanks, or between single quotes; commands by `;`.
pub fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quoted = false;
    for char in line.chars().chain([';']) {
        match char {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' | ';' if !quoted => {
                commands.last_mut().unwrap().extend(word.take());
                if char == ';' {
                    commands.push(Vec::new());
                }
            }
            char => word.get_or_insert_default().push(char),
        }
    }
    commands.retain(|words| !words.is_empty());
    commands
}

/// What `line` does to the sample.
pub fn run(line: &str) -> Result<Outcome, Reason> {
    let mut files = Files::new(tree(), "test");
    files.chdir("/w").unwrap();
    let (mut out, mut status) = (Vec::new(), 0);
    for words in commands(line) {
        let (name, args) = words.split_first().unwrap();
        match (name.as_str(), args) {
            ("umask", [mask]) => files.umask = u16::from_str_radix(mask, 8).unwrap(),
            ("cd", [dir]) => files.chdir(dir).unwrap(),
            ("find", args) => {
                let mut searcher = Searcher { files: &mut files, out: &mut out };
                status = find::run(&mut searcher, args)?;
            }
            _ => status = one(name, args, &mut files, &mut out)?,
        }
    }
    let tree = files.into_tree();
    tree.check().unwrap();
    let out = String::from_utf8(out).unwrap();
    Ok(Outcome { status, out, files: of(&tree) }.sorted(line))
}

fn one(name: &str, args: &[String], files: &mut Files, out: &mut Vec<u8>) -> Result<u8, Reason> {
    let (mut err, mut variables) = (Vec::new(), Variables::default());
    let stdin = Stdin::new(b"");
    let utility = utilities::find(name).unwrap();
    utility(&mut Call { args, stdin, out, err: &mut err, files, variables: &mut variables })
}

/// Carries out what a search finds.
struct Searcher<'a> {
    files: &'a mut Files,
    out: &'a mut Vec<u8>,
}

impl Actor for Searcher<'_> {
    type Error = Reason;

    fn files(&mut self) -> &mut Files {
        self.files
    }

    fn stop(&self, reason: Reason) -> Reason {
        reason
    }

    fn print(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn complain(&mut self, _text: &str) -> Result<(), Reason> {
        Ok(())
    }

    fn exec(&mut self, words: &[String]) -> Result<u8, Reason> {
        let (name, args) = words.split_first().unwrap();
        one(name, args, self.files, self.out)
    }
}

fn of(tree: &Tree) -> BTreeMap<String, File> {
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (path, node) in tree.iter() {
        if let Kind::HardLink(target) = &node.kind {
            names.entry(target).or_insert_with(|| vec![target]).push(path);
        }
    }
    let mut found = BTreeMap::new();
    for (path, node) in tree.below("w") {
        let (inode, node) = match &node.kind {
            Kind::HardLink(target) => (target.as_str(), tree.get(target).unwrap()),
            _ => (path, node),
        };
        let (kind, data) = match &node.kind {
            Kind::Dir => ('d', String::new()),
            Kind::File(content) => ('f', content.text().unwrap()),
            Kind::Symlink(target) => ('l', target.clone()),
            Kind::Fifo => ('p', String::new()),
            Kind::CharDevice { major, minor } => ('c', format!("{major}:{minor}")),
            Kind::BlockDevice { major, minor } => ('b', format!("{major}:{minor}")),
            Kind::HardLink(_) => unreachable!("a hard link names a file"),
        };
        let first = names.get(inode).map(|names| names.iter().min().unwrap()["w/".len()..].to_owned());
        let mode = u32::from(node.mode);
        found.insert(path["w/".len()..].to_owned(), File { kind, mode, owner: (node.uid, node.gid), data, first });
    }
    found
}
