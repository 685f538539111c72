//! Command lines carried out by the real utilities, all in one shell.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use imgbuild::tree::Kind;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::sample::{File, Outcome, nodes};

/// What each line does to a copy of the sample.
pub fn run<'a>(lines: impl Iterator<Item = &'a String>) -> Vec<Outcome> {
    // In memory where there is such a place: tens of thousands of files come and go.
    let memory = Some(Path::new("/dev/shm")).filter(|dir| dir.is_dir());
    let dir = memory.map_or_else(tempfile::tempdir, tempfile::tempdir_in).unwrap();
    let root = dir.path().canonicalize().unwrap();
    let mut script = format!("cd {}\nexec </dev/null 2>/dev/null\n", root.display());
    let lines: Vec<&String> = lines.collect();
    for (number, line) in lines.iter().enumerate() {
        write_sample(&root.join(number.to_string()));
        writeln!(script, "(cd {number}; umask 022; {line}) >{number}.out; echo $? >{number}.status").unwrap();
    }
    fs::write(root.join("script"), script).unwrap();
    let shell = Command::new("sh").arg(root.join("script")).env("LC_ALL", "C").stdin(Stdio::null()).status();
    assert!(shell.unwrap().success());
    lines.iter().enumerate().map(|(number, line)| outcome(&root, number).sorted(line)).collect()
}

fn write_sample(base: &Path) {
    fs::create_dir(base).unwrap();
    let nodes = nodes();
    for (path, node) in &nodes {
        let at = base.join(path);
        match &node.kind {
            Kind::Dir => fs::create_dir(&at).unwrap(),
            Kind::File(content) => fs::write(&at, content.read().unwrap()).unwrap(),
            Kind::Symlink(target) => symlink(target, &at).unwrap(),
            Kind::HardLink(target) => fs::hard_link(base.join(&target["w/".len()..]), &at).unwrap(),
            Kind::Fifo => mknodat(CWD, &at, FileType::Fifo, Mode::empty(), 0).unwrap(),
            kind => panic!("{kind:?} is not in the sample"),
        }
    }
    for (path, node) in nodes {
        let at = base.join(path);
        if !matches!(node.kind, Kind::HardLink(_)) {
            lchown(&at, Some(node.uid), Some(node.gid)).unwrap();
        }
        if !matches!(node.kind, Kind::HardLink(_) | Kind::Symlink(_)) {
            fs::set_permissions(&at, fs::Permissions::from_mode(node.mode.into())).unwrap();
        }
    }
}

fn outcome(root: &Path, number: usize) -> Outcome {
    let dir = root.join(number.to_string());
    let out = fs::read_to_string(root.join(format!("{number}.out"))).unwrap();
    let status = fs::read_to_string(root.join(format!("{number}.status"))).unwrap();
    let mut todo = vec![dir.clone()];
    let mut files = BTreeMap::new();
    let mut inodes: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(&dir).unwrap().to_str().unwrap().to_owned();
            let file_type = metadata.file_type();
            let device = || format!("{}:{}", rustix::fs::major(metadata.rdev()), rustix::fs::minor(metadata.rdev()));
            let (kind, data) = if file_type.is_dir() {
                todo.push(path.clone());
                ('d', String::new())
            } else if file_type.is_symlink() {
                ('l', fs::read_link(&path).unwrap().to_str().unwrap().to_owned())
            } else if file_type.is_fifo() {
                ('p', String::new())
            } else if file_type.is_char_device() {
                ('c', device())
            } else if file_type.is_block_device() {
                ('b', device())
            } else {
                ('f', fs::read_to_string(&path).unwrap())
            };
            if !file_type.is_dir() && metadata.nlink() > 1 {
                inodes.entry(metadata.ino()).or_default().push(name.clone());
            }
            let owner = (metadata.uid(), metadata.gid());
            files.insert(name, File { kind, mode: metadata.mode() & 0o7777, owner, data, first: None });
        }
    }
    for names in inodes.values() {
        for name in names {
            files.get_mut(name).unwrap().first = names.iter().min().cloned();
        }
    }
    let out = out.replace(dir.to_str().unwrap(), "/w");
    Outcome { status: status.trim().parse().unwrap(), out, files }
}
