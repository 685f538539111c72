//! A small world of files, once as a directory that `dash` works in and once as a tree that the evaluator works on; and what
//! is left of it when a script is through.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use imgbuild::shell::{Files, Finished, Script, Stop, run};
use imgbuild::tree::{Kind, Node, Tree};

use crate::commands::Commands;

/// Names and contents of what is there before each script. Links begin with `->`, directories are empty.
const FILES: &[(&str, u32, &str)] = &[
    (".dot", 0o644, "hidden\n"),
    ("[x]", 0o600, ""),
    ("a", 0o644, "one\ntwo\n"),
    ("a b", 0o640, "blank\n"),
    ("dangling", 0o777, "->nowhere"),
    ("dir", 0o755, ""),
    ("dir/.inner", 0o644, ""),
    ("dir/a.txt", 0o644, "text\n"),
    ("dir/b.txt", 0o644, "no end"),
    ("dir/sub", 0o750, ""),
    ("dir/sub/deep", 0o644, "deep\n"),
    ("empty", 0o755, ""),
    ("file.txt", 0o644, "1:2:3\n\\x  y\\\nz\n"),
    ("link", 0o777, "->a"),
    ("part", 0o644, "x=part\necho sourced \"$#\" \"$@\"\n"),
    ("to-dir", 0o777, "->dir"),
    ("tool", 0o755, "#!/bin/sh\nprintf '{%s}' \"$0\" \"$@\"\necho\nexit 7\n"),
];

/// Commands that scripts find on their `PATH`.
const COMMANDS: [&str; 7] = ["cat", "chmod", "ln", "mkdir", "mv", "rm", "sh"];

/// What a script is called with.
const ARGUMENTS: [&str; 3] = ["one", "two  words", ""];

/// One file as scripts can tell it from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    kind: &'static str,
    mode: u32,
    /// What a file or a link holds.
    holds: String,
    /// The first name of the same file.
    first: String,
}

/// What a script came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub out: Vec<u8>,
    pub status: i32,
    /// Whether anything was said on standard error.
    pub complained: bool,
    /// Whether that was that it is no script.
    pub is_no_script: bool,
    pub files: BTreeMap<String, Entry>,
}

/// A directory for scripts.
pub struct World {
    /// Holds commands, and a script beside the directory that it works in.
    base: PathBuf,
    fresh: BTreeMap<String, Entry>,
    tree: Tree,
}

impl World {
    pub fn new(base: &Path) -> Self {
        fs::create_dir_all(base.join("bin")).unwrap();
        for name in COMMANDS {
            let real = ["/bin", "/usr/bin"].map(|dir| Path::new(dir).join(if name == "sh" { "dash" } else { name }));
            let real = real.iter().find(|path| path.exists()).unwrap_or_else(|| panic!("`{name}` is missing"));
            symlink(real, base.join("bin").join(name)).unwrap();
        }
        let mut world = Self { base: base.to_owned(), fresh: BTreeMap::new(), tree: Tree::new() };
        world.make();
        world.fresh = world.left();
        world.tree = world.as_tree();
        world
    }

    fn root(&self) -> PathBuf {
        self.base.join("w")
    }

    /// Makes the directory anew.
    fn make(&self) {
        let root = self.root();
        if root.exists() {
            // A script may have taken rights away.
            let _ = fs::set_permissions(&root, fs::Permissions::from_mode(0o755));
            fs::remove_dir_all(&root).unwrap();
        }
        fs::create_dir(&root).unwrap();
        for (name, mode, holds) in FILES {
            let path = root.join(name);
            match holds.strip_prefix("->") {
                Some(target) => {
                    symlink(target, &path).unwrap();
                    continue;
                }
                None if is_dir(name) => fs::create_dir(&path).unwrap(),
                None => fs::write(&path, holds).unwrap(),
            }
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
        }
    }

    fn as_tree(&self) -> Tree {
        let mut tree = Tree::new();
        let base = self.base.to_str().unwrap().trim_start_matches('/');
        for name in COMMANDS {
            tree.put(&format!("{base}/bin/{name}"), Node::file(0o755, "\x7fELF")).unwrap();
        }
        tree.put("bin/sh", Node::file(0o755, "\x7fELF")).unwrap();
        for (name, mode, holds) in FILES {
            let node = match holds.strip_prefix("->") {
                Some(target) => Node::symlink(target),
                None if is_dir(name) => Node::dir(u16::try_from(*mode).unwrap()),
                None => Node::file(u16::try_from(*mode).unwrap(), *holds),
            };
            tree.put(&format!("{base}/w/{name}"), node).unwrap();
        }
        tree
    }

    fn environment(&self) -> Vec<(String, String)> {
        let path = |name: &str| self.base.join(name).to_str().unwrap().to_owned();
        vec![
            ("HOME".to_owned(), path("w/dir")),
            ("LC_ALL".to_owned(), "C".to_owned()),
            ("PATH".to_owned(), path("bin")),
            ("PWD".to_owned(), path("w")),
        ]
    }

    fn script(&self) -> String {
        self.base.join("script").to_str().unwrap().to_owned()
    }

    /// What `dash` makes of a script.
    pub fn dash(&self, text: &str) -> Outcome {
        fs::write(self.script(), text).unwrap();
        let shell = self.base.join("bin/sh");
        let output = Command::new(&shell)
            // Whoever runs the tests may have left a descriptor open, which a fragment would write to.
            .args(["-c", r#"exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; exec "$0" "$@""#])
            .arg(&shell)
            .arg(self.script())
            .args(ARGUMENTS)
            .current_dir(self.root())
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let files = self.left();
        if files != self.fresh {
            self.make();
        }
        Outcome {
            out: output.stdout,
            status: output.status.code().unwrap_or(-1),
            complained: !output.stderr.is_empty(),
            is_no_script: String::from_utf8_lossy(&output.stderr).contains("Syntax error"),
            files,
        }
    }

    /// Whether it is no script for `dash`, as a whole or where it evaluates some text.
    pub fn is_no_script(&self, text: &str) -> bool {
        fs::write(self.script(), text).unwrap();
        let mut reader = Command::new(self.base.join("bin/sh"));
        reader.arg("-n").arg(self.script()).current_dir(self.root()).env_clear().stdin(Stdio::null());
        !reader.output().unwrap().status.success() || self.dash(text).is_no_script
    }

    /// What the evaluator makes of it.
    pub fn ours(&self, text: &str) -> Result<Outcome, Stop> {
        let args = ARGUMENTS.map(str::to_owned);
        let name = self.script();
        let script = Script { text, name: &name, args: &args, environment: &self.environment() };
        let mut files = Files::new(self.tree.clone(), "test");
        files.chdir(self.root().to_str().unwrap()).unwrap();
        let Finished { status, out, err, .. } = run(script, &mut files, &mut Commands)?;
        let tree = files.into_tree();
        tree.check().unwrap();
        let files = entries_of(&tree, self.root().to_str().unwrap().trim_start_matches('/'));
        Ok(Outcome { out, status: status.into(), complained: !err.is_empty(), is_no_script: false, files })
    }

    /// What is in the directory now.
    fn left(&self) -> BTreeMap<String, Entry> {
        let mut found = BTreeMap::new();
        let mut firsts = BTreeMap::new();
        let mut names = vec![String::new()];
        let root = self.root();
        while let Some(name) = names.pop() {
            let path = root.join(&name);
            let metadata = fs::symlink_metadata(&path).unwrap();
            let (kind, holds) = if metadata.is_symlink() {
                ("link", fs::read_link(&path).unwrap().to_str().unwrap().to_owned())
            } else if metadata.is_dir() {
                let inside =
                    fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
                names.extend(inside.map(|inner| if name.is_empty() { inner } else { format!("{name}/{inner}") }));
                names.sort_by(|one, other| other.cmp(one));
                ("directory", String::new())
            } else if metadata.is_file() {
                ("file", String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned())
            } else {
                ("other", String::new())
            };
            let first = firsts.entry(metadata.ino()).or_insert_with(|| name.clone()).clone();
            found.insert(name, Entry { kind, mode: metadata.mode() & 0o7777, holds, first });
        }
        found
    }
}

fn is_dir(name: &str) -> bool {
    matches!(name, "dir" | "dir/sub" | "empty")
}

/// What lies in a directory of a tree.
fn entries_of(tree: &Tree, root: &str) -> BTreeMap<String, Entry> {
    let mut found = BTreeMap::new();
    let mut firsts = BTreeMap::new();
    let below = |path: &str| path.strip_prefix(root).unwrap_or(path).trim_start_matches('/').to_owned();
    for (path, node) in tree.get(root).map(|node| (root, node)).into_iter().chain(tree.below(root)) {
        let (inode, node) = match &node.kind {
            Kind::HardLink(target) => (target.as_str(), tree.get(target).unwrap()),
            _ => (path, node),
        };
        let (kind, holds) = match &node.kind {
            Kind::Symlink(target) => ("link", target.clone()),
            Kind::Dir => ("directory", String::new()),
            Kind::File(content) => ("file", String::from_utf8_lossy(&content.read().unwrap()).into_owned()),
            _ => ("other", String::new()),
        };
        let first = firsts.entry(inode.to_owned()).or_insert_with(|| below(path)).clone();
        found.insert(below(path), Entry { kind, mode: node.mode.into(), holds, first });
    }
    found
}
