//! What `systemd-tmpfiles --create` makes of packages' tmpfiles.d(5) inside the image.
//!
//! `/run`, `/tmp`, `/dev` and `/var` are other file systems on the node, where systemd-tmpfiles does its work at every
//! boot; here it is done for the rest, so that the image is complete before that, and with a read-only `/usr`.

use super::accounts::Owners;
use super::{EffectError, words};
use crate::tree::{Kind, Node, Tree};

const ORIGIN: &str = "effect:tmpfiles";
/// Of what only a script is to see: the node makes it itself at every boot.
const BOOT: &str = "effect:tmpfiles (boot)";
const DIRS: [&str; 3] = ["etc/tmpfiles.d", "usr/local/lib/tmpfiles.d", "usr/lib/tmpfiles.d"];

/// Not part of the image, or mounted over on the node.
const ELSEWHERE: [&str; 7] = ["dev", "home", "proc", "run", "sys", "tmp", "var"];

/// Applies the lines that make directories, files and links or set modes. Comes after the accounts.
///
/// # Errors
/// Malformed lines, owners without an account, a line over a path that is something else.
pub fn tmpfiles(tree: &mut Tree) -> Result<(), EffectError> {
    forget(tree);
    let lines = read(tree, &words::files(tree, &DIRS), &ELSEWHERE, true)?;
    lines.iter().try_for_each(|line| line.apply(tree, ORIGIN))
}

/// What `systemd-tmpfiles --create` makes of the files of these names, or of all without one, for the script that calls it: also
/// below `/run` and `/var`, which the effect takes away again. Gives the paths that are new.
///
/// # Errors
/// As [`tmpfiles`].
pub fn create(tree: &mut Tree, names: &[String]) -> Result<Vec<String>, EffectError> {
    // With a path a name is that of one file.
    let mut paths = words::files(tree, &DIRS);
    if !names.is_empty() {
        let is_named = |path: &String| names.iter().any(|name| path.rsplit('/').next() == Some(name.as_str()));
        paths.retain(is_named);
        paths.extend(names.iter().filter(|name| name.starts_with('/')).map(|name| name.trim_matches('/').to_owned()));
    }
    let mut made = Vec::new();
    for line in read(tree, &paths, &["dev", "proc", "sys"], false)? {
        let new = !tree.contains(&line.path);
        let top = line.path.split('/').next().unwrap_or_default();
        line.apply(tree, if ELSEWHERE.contains(&top) { BOOT } else { ORIGIN })?;
        if new && tree.contains(&line.path) {
            made.push(line.path);
        }
    }
    Ok(made)
}

/// Takes away what [`create`] made and the node makes at every boot, unless something is in it by now; and what scripts made where
/// the node has a file system in memory, as mmdebstrap does.
fn forget(tree: &mut Tree) {
    let in_memory = |path: &str| path.starts_with("run/") || path.starts_with("tmp/");
    let goes = |path: &str, node: &Node| node.origin == BOOT || (in_memory(path) && node.origin.starts_with("script:"));
    let mut made: Vec<String> =
        tree.iter().filter(|(path, node)| goes(path, node)).map(|(path, _)| path.to_owned()).collect();
    made.reverse();
    for path in made {
        if tree.below(&path).next().is_none() {
            tree.remove(&path);
        }
    }
}

/// The lines of these files, of two for one path the first, sorted by path. Paths below `elsewhere` are passed over, and lines that
/// cannot be followed unless `strict`.
fn read(tree: &Tree, paths: &[String], elsewhere: &[&str], strict: bool) -> Result<Vec<Line>, EffectError> {
    let owners = Owners::read(tree)?;
    let mut lines: Vec<Line> = Vec::new();
    for path in paths {
        // A link to `/dev/null` takes a file out of use.
        let Some(content) = tree.file(path) else { continue };
        let text = content.text().map_err(|source| EffectError::Read { path: path.clone(), source })?;
        for (index, text) in text.lines().enumerate() {
            let error = |cause| EffectError::Line { path: path.clone(), line: index + 1, cause };
            let line = match Line::parse(text, &owners, elsewhere) {
                Err(_) if !strict => None,
                line => line.map_err(error)?,
            };
            if let Some(line) = line
                && lines.iter().all(|known| known.path != line.path || (known.kind == 'z') != (line.kind == 'z'))
            {
                lines.push(line);
            }
        }
    }
    lines.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(lines)
}

/// A line that concerns the image.
struct Line {
    kind: char,
    replace: bool,
    path: String,
    mode: Option<u16>,
    uid: u32,
    gid: u32,
    argument: String,
}

impl Line {
    /// Reads a line; `None` for one that has nothing to do in an image.
    fn parse(text: &str, owners: &Owners, elsewhere: &[&str]) -> Result<Option<Self>, String> {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            return Ok(None);
        }
        let words = words::split(text)?;
        let [kind, path, fields @ ..] = words.as_slice() else { return Err("the path is missing".to_owned()) };
        let mut modifiers = kind.chars();
        let kind = match modifiers.next() {
            // Subvolumes are directories where there are none.
            Some('d' | 'D' | 'v' | 'q' | 'Q') => 'd',
            Some(kind @ ('f' | 'L' | 'z')) => kind,
            _ => return Ok(None),
        };
        let modifiers = modifiers.as_str();
        let top = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        // `!` is for the boot only, `^` takes a credential of the running machine.
        if modifiers.contains(['!', '^']) || elsewhere.contains(&top) || path.contains(['*', '?', '[']) {
            return Ok(None);
        }
        let path = words::specifiers(path)?;
        let path = path.strip_prefix('/').ok_or_else(|| format!("`{path}` is not an absolute path"))?;
        let path = crate::tree::clean(path).map_err(|error| error.to_string())?;
        let field = |index: usize| {
            fields.get(index).map(|field| field.trim_start_matches([':', '~'])).filter(|field| *field != "-")
        };
        let mode = field(0)
            .map(|mode| u16::from_str_radix(mode, 8).map_err(|_| format!("`{mode}` is not a mode")))
            .transpose()?;
        let uid = field(1).map_or(Some(0), |name| owners.user(name));
        let gid = field(2).map_or(Some(0), |name| owners.group(name));
        let (Some(uid), Some(gid)) = (uid, gid) else {
            return Err(format!("the owner of `/{path}` has no account"));
        };
        let argument = match fields.get(4..).unwrap_or_default() {
            [] => String::new(),
            [word] if word == "-" => String::new(),
            words => words::specifiers(&words.join(" "))?,
        };
        Ok(Some(Self { kind, replace: modifiers.contains('+'), path, mode, uid, gid, argument }))
    }

    fn apply(&self, tree: &mut Tree, origin: &str) -> Result<(), EffectError> {
        let path = match self.path.rsplit_once('/') {
            Some((dir, name)) => format!("{}/{name}", tree.resolve(dir, true)?),
            None => self.path.clone(),
        };
        let finish = |node: Node| node.owned(self.uid, self.gid).from(origin);
        match (self.kind, tree.get(&path).map(|node| &node.kind)) {
            ('L', None) => tree.put(&path, finish(Node::symlink(self.link_target())))?,
            ('L', Some(Kind::Symlink(_) | Kind::File(_))) if self.replace => {
                tree.put(&path, finish(Node::symlink(self.link_target())))?;
            }
            ('d', None) => tree.put(&path, finish(Node::dir(self.mode.unwrap_or(0o755))))?,
            ('f', None) => {
                tree.put(&path, finish(Node::file(self.mode.unwrap_or(0o644), self.argument.as_str())))?;
            }
            ('d', Some(Kind::Dir)) | ('z', Some(_)) => {
                if let (Some(mode), Some(node)) = (self.mode, tree.get_mut(&path)) {
                    (node.mode, node.uid, node.gid) = (mode, self.uid, self.gid);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Without an argument a link goes to the same path below `/usr/share/factory`.
    fn link_target(&self) -> String {
        if self.argument.is_empty() { format!("/usr/share/factory/{}", self.path) } else { self.argument.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree after these lines, with a few paths and accounts to meet.
    fn after(lines: &str) -> Result<Tree, EffectError> {
        let mut tree = Tree::new();
        tree.put("etc/passwd", Node::file(0o644, "root:x:0:0::/:/bin/sh\n")).unwrap();
        tree.put("etc/group", Node::file(0o644, "root:x:0:\nadm:x:4:\n")).unwrap();
        tree.put("etc/secret", Node::dir(0o755)).unwrap();
        tree.put("etc/mtab", Node::file(0o644, "old")).unwrap();
        tree.put("usr/lib/tmpfiles.d/x.conf", Node::file(0o644, lines)).unwrap();
        tmpfiles(&mut tree)?;
        Ok(tree)
    }

    #[test]
    fn directories_links_and_modes_of_the_image_are_made() {
        let tree =
            after("d /etc/secret 0700 root adm\nL+ /etc/mtab - - - - ../proc/self/mounts\nf /etc/f 640 - - - a b\n");
        let tree = tree.unwrap();
        let secret = tree.get("etc/secret").unwrap();
        assert_eq!((secret.mode, secret.gid), (0o700, 4));
        assert!(
            matches!(&tree.get("etc/mtab").unwrap().kind, Kind::Symlink(target) if target == "../proc/self/mounts")
        );
        assert_eq!(tree.file("etc/f").unwrap().text().unwrap(), "a b");
    }

    #[test]
    fn what_belongs_to_a_running_machine_is_left_to_it() {
        let tree =
            after("d /run/x\nd /var/y\nf^ /etc/z - - - - login.motd\nL! /etc/w - - - - t\nr! /etc/secret\n").unwrap();
        assert!(["run/x", "var/y", "etc/z", "etc/w"].iter().all(|path| !tree.contains(path)));
        assert!(tree.contains("etc/secret"));
    }

    #[test]
    fn a_script_sees_what_the_node_makes_at_boot_until_it_is_forgotten() {
        let mut tree = Tree::new();
        tree.put("var/lib", Node::dir(0o755)).unwrap();
        let lines = "d /run/%b\nd /run/w 0755 nosuch\nd /var/lib/x 0750 0 0\nd /run/x\nd /var/lib/y/z\nd /etc/x\nL /var/lib/l - - - - t\nd /sys/x\n";
        tree.put("usr/lib/tmpfiles.d/x.conf", Node::file(0o644, lines)).unwrap();
        tree.put("usr/lib/tmpfiles.d/other.conf", Node::file(0o644, "d /var/lib/other\n")).unwrap();
        let made = create(&mut tree, &["x.conf".to_owned()]).unwrap();
        assert_eq!(made, ["etc/x", "run/x", "var/lib/l", "var/lib/x", "var/lib/y/z"]);
        assert_eq!(tree.get("var/lib/x").unwrap().mode, 0o750);
        assert!(create(&mut tree, &["x.conf".to_owned()]).unwrap().is_empty(), "it is there already");
        // What a script puts in it stays, with the directory.
        tree.put("run/x/file", Node::file(0o644, "")).unwrap();
        // But for what is lost at the next boot.
        tree.put("run/s", Node::dir(0o755).from("script:x")).unwrap();
        tree.put("run/s/file", Node::file(0o644, "").from("script:x")).unwrap();
        forget(&mut tree);
        for (path, stays) in [
            ("run/s", false),
            ("var/lib/x", false),
            ("var/lib/y/z", false),
            ("var/lib/l", false),
            ("run/x", true),
            ("etc/x", true),
        ] {
            assert_eq!(tree.contains(path), stays, "{path}");
        }
        assert!(create(&mut tree, &[]).unwrap().contains(&"var/lib/other".to_owned()));
    }

    #[test]
    fn an_owner_without_an_account_is_refused_with_its_place() {
        let error = after("# a\nd /etc/x 0755 nobody-here\n").unwrap_err();
        assert_eq!(error.to_string(), "`/usr/lib/tmpfiles.d/x.conf`, line 2: the owner of `/etc/x` has no account");
    }
}
