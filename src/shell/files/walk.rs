//! Where a path leads in a tree: `path_resolution(7)`, and the canonical form of realpath(3).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::error::{Done, FileError};
use crate::shell::reason::Reason;
use crate::tree::{Kind, Node, Tree};

/// Linux follows at most 40 links in one look-up (`MAXSYMLINKS`, include/linux/namei.h).
const LINKS_MAX: usize = 40;

/// `NAME_MAX` and `PATH_MAX` (include/uapi/linux/limits.h); the latter counts the NUL byte.
const NAME_MAX: usize = 255;
const PATH_MAX: usize = 4096;

/// Where a path leads.
#[derive(Debug)]
pub(super) struct Place {
    /// The clean path, which need not exist; what is above it is a directory.
    pub path: String,
    /// Whether the path was written with a slash at its end.
    pub slash: bool,
    /// Whether its last component was `.` or `..`, or there was none (`/`).
    pub dots: bool,
}

/// What is at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    /// A link there is followed.
    Follow,
    /// A link there is the end, unless a slash comes after it.
    Keep,
    /// A link there is the end: what creates and removes names never follows, and judges the slash itself.
    Name,
}

/// How much of a path may be missing for [`canonical`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// All must be there (`readlink -e`).
    Nothing,
    /// The last component need not be (`readlink -f`).
    Last,
    /// Nothing need be (`readlink -m`).
    Anything,
}

/// Devices of a chroot's minimal `/dev` that packages do not ship.
static DEVICES: LazyLock<BTreeMap<&'static str, Node>> = LazyLock::new(|| {
    let device = |minor| Node::of(Kind::CharDevice { major: 1, minor }, 0o666);
    BTreeMap::from([("dev/null", device(3)), ("dev/zero", device(5)), ("dev/full", device(7))])
});

/// The node at exactly `path`, also one of the devices that every installation has.
pub(super) fn node<'a>(tree: &'a Tree, path: &str) -> Option<&'a Node> {
    tree.get(path).or_else(|| DEVICES.get(path))
}

/// Follows `path` from the directory `cwd`, a clean path, as the kernel does.
pub(super) fn walk(tree: &Tree, cwd: &str, path: &str, last: Last) -> Done<Place> {
    check(path)?;
    let mut done = start(cwd, path);
    if !tree.get(&done).is_some_and(Node::is_dir) {
        return Err(FileError::Missing);
    }
    let slash = path.ends_with('/');
    let mut directory = slash && last != Last::Name;
    let mut todo = components(path);
    let mut links = 0;
    let mut dots = true;
    while let Some(name) = todo.pop() {
        dots = name == "." || name == "..";
        if dots {
            if name == ".." {
                leave(&mut done);
            }
            continue;
        }
        enter(&mut done, &name)?;
        made_up(&done)?;
        let is_last = todo.is_empty();
        let found = node(tree, &done);
        match found.map(|node| &node.kind) {
            Some(Kind::Symlink(target)) if !is_last || directory || last == Last::Follow => {
                follow(&mut done, &mut links, target)?;
                directory |= is_last && target.ends_with('/');
                todo.extend(components(target));
            }
            Some(Kind::Dir) => {}
            Some(_) if !is_last || directory => return Err(FileError::NotDirectory),
            None if !is_last => return Err(FileError::Missing),
            _ => {}
        }
    }
    Ok(Place { path: done, slash, dots })
}

/// The absolute path without links, `.` and `..` that `path` stands for (realpath(3)), with leading slash.
pub(super) fn canonical(tree: &Tree, cwd: &str, path: &str, absent: Absent) -> Done<String> {
    check(path)?;
    let mut done = start(cwd, path);
    let mut todo = components(path);
    // A slash at the end asks for a directory, like a `.` there.
    if path.ends_with('/') {
        todo.insert(0, ".".to_owned());
    }
    let mut links = 0;
    while let Some(name) = todo.pop() {
        if name == ".." {
            leave(&mut done);
        }
        if name == "." || name == ".." {
            continue;
        }
        enter(&mut done, &name)?;
        made_up(&done)?;
        let found = look(tree, &done);
        if let Ok(Node { kind: Kind::Symlink(target), .. }) = found {
            follow(&mut done, &mut links, target)?;
            todo.extend(target.ends_with('/').then(|| ".".to_owned()));
            todo.extend(components(target));
            continue;
        }
        let dots_follow = todo.last().is_some_and(|next| next == "." || next == "..");
        let error = match found {
            Ok(node) if dots_follow && !node.is_dir() => FileError::NotDirectory,
            Ok(_) => continue,
            Err(error) => error,
        };
        let is_last = todo.is_empty() || (todo.len() == 1 && path.ends_with('/'));
        match absent {
            Absent::Anything => {}
            Absent::Last if is_last && error == FileError::Missing => {}
            _ => return Err(error),
        }
    }
    Ok(format!("/{done}"))
}

/// The node at a clean path, or why there is none.
fn look<'a>(tree: &'a Tree, path: &str) -> Done<&'a Node> {
    if let Some(node) = node(tree, path) {
        return Ok(node);
    }
    let mut above = crate::tree::parent(path);
    while let Some(dir) = above {
        match tree.get(dir) {
            Some(node) if node.is_dir() => break,
            Some(_) => return Err(FileError::NotDirectory),
            None => above = crate::tree::parent(dir),
        }
    }
    Err(FileError::Missing)
}

fn check(path: &str) -> Done<()> {
    match path {
        "" => Err(FileError::Missing),
        path if path.contains('\0') => Err(FileError::Invalid),
        path if path.len() >= PATH_MAX => Err(FileError::TooLong),
        _ => Ok(()),
    }
}

fn start(cwd: &str, path: &str) -> String {
    if path.starts_with('/') { String::new() } else { cwd.to_owned() }
}

/// The components of a path, the first at the end.
fn components(path: &str) -> Vec<String> {
    path.split('/').rev().filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn enter(path: &mut String, name: &str) -> Done<()> {
    if name.len() > NAME_MAX {
        return Err(FileError::TooLong);
    }
    if !path.is_empty() {
        path.push('/');
    }
    path.push_str(name);
    Ok(())
}

/// Goes from the link at `done` to where its target is looked up.
fn follow(done: &mut String, links: &mut usize, target: &str) -> Done<()> {
    *links += 1;
    if *links > LINKS_MAX {
        return Err(FileError::Loop);
    }
    check(target)?;
    leave(done);
    if target.starts_with('/') {
        done.clear();
    }
    Ok(())
}

/// Takes the last component away.
fn leave(path: &mut String) {
    path.truncate(path.rfind('/').unwrap_or(0));
}

/// Refuses what a kernel makes up. An installation has no running systemd, whose directory in `/run` scripts ask for: it is not
/// there, like all of `/run` that nobody made.
fn made_up(path: &str) -> Done<()> {
    // Only where the module `md` is loaded; in an installation it is not.
    if path == "proc/mdstat" {
        return Err(FileError::Missing);
    }
    let what = match path.split('/').next() {
        Some("proc") if path != "proc" => "the running kernel and its processes (/proc)",
        Some("sys") if path != "sys" => "the machine's devices (/sys)",
        Some("dev") if ["dev/random", "dev/urandom", "dev/hwrng"].contains(&path) => "randomness",
        _ => return Ok(()),
    };
    Err(Reason::differs(&format!("/{path}"), what).into())
}
