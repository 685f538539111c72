//! One file out of an archive that somebody publishes.

use crate::debian::Member;
use crate::diagnostic::closest;
use crate::output::shown;
use crate::tree::{self, Content, Kind, parent};

/// Most names of an archive's files that a message lists.
const LISTED: usize = 8;

/// Why there is no such file in an archive. Names are those of the archive.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum MemberError {
    /// `files` are the archive's regular files.
    #[error("has no file `{member}`")]
    Missing { member: String, files: Vec<String> },
    /// `file` is the regular file that it leads to, if that is in the archive.
    #[error("has a symbolic link `{member}`, which leads to `{}`", shown(target))]
    Link { member: String, target: String, file: Option<String> },
    /// `files` are the regular files below it.
    #[error("has no regular file `{member}`, but {kind}")]
    OtherKind { member: String, kind: &'static str, files: Vec<String> },
}

impl MemberError {
    /// What the user can do.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Missing { member, files } => {
                let list = listed(member, files);
                match likely(member, files) {
                    Some(meant) => format!("did you mean `{}`? files in it: {list}", shown(meant)),
                    None => format!("files in it: {list}"),
                }
            }
            Self::Link { file: Some(file), .. } => format!("write `unpack = \"{}\"`, the file behind it", shown(file)),
            Self::Link { file: None, .. } => {
                "take another file: the link leads to no regular file of the archive".to_owned()
            }
            Self::OtherKind { member, files, .. } if files.is_empty() => {
                format!("take another file; each [[artifact]] is one regular file, and `{member}` holds none")
            }
            Self::OtherKind { member, files, .. } => {
                format!("each [[artifact]] is one regular file; below `{member}` are {}", listed(member, files))
            }
        }
    }
}

/// The bytes of the regular file `wanted`, a clean path, of an archive with these `members`. A hard link is its file.
///
/// # Errors
/// Anything else.
pub(super) fn content(members: &[Member], wanted: &str) -> Result<Content, MemberError> {
    let find = |path: &str| members.iter().find(|member| member.path == path);
    let member = wanted.to_owned();
    let files = |test: &dyn Fn(&str) -> bool| -> Vec<String> {
        let is_file = |member: &&Member| matches!(member.node.kind, Kind::File(_) | Kind::HardLink(_));
        let files = members.iter().filter(is_file).filter(|member| test(&member.path));
        files.map(|member| member.path.clone()).collect()
    };
    let below = format!("{wanted}/");
    match find(wanted).map(|member| &member.node.kind) {
        Some(Kind::File(content)) => Ok(content.clone()),
        Some(Kind::HardLink(target)) => match find(target).map(|member| &member.node.kind) {
            Some(Kind::File(content)) => Ok(content.clone()),
            _ => Err(MemberError::Link { member, target: target.clone(), file: None }),
        },
        Some(Kind::Symlink(target)) => {
            let file = behind(wanted, target).filter(|path| !files(&|file| file == path).is_empty());
            Err(MemberError::Link { member, target: target.clone(), file })
        }
        Some(kind) => {
            let files = files(&|path| path.starts_with(&below));
            Err(MemberError::OtherKind { member, kind: kind.describe(), files })
        }
        // Not all archives name the directories that their files are in.
        None => {
            let inside = files(&|path| path.starts_with(&below));
            if inside.is_empty() {
                return Err(MemberError::Missing { member, files: files(&|_| true) });
            }
            Err(MemberError::OtherKind { member, kind: "a directory", files: inside })
        }
    }
}

/// Where a symbolic link at `path` leads, as the archive would name it; none if out of it.
fn behind(path: &str, target: &str) -> Option<String> {
    let folder = if target.starts_with('/') { "" } else { parent(path)? };
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    tree::clean(&parts.join("/")).ok()
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The file that was probably meant: one of the same name elsewhere, or of a similar path.
fn likely<'f>(member: &str, files: &'f [String]) -> Option<&'f str> {
    let same = files.iter().find(|file| file_name(file) == file_name(member)).map(String::as_str);
    same.or_else(|| closest(member, files.iter().map(String::as_str)))
}

/// Some of `files`, those called as `member` is first.
fn listed(member: &str, files: &[String]) -> String {
    if files.is_empty() {
        return "none".to_owned();
    }
    let mut sorted: Vec<&String> = files.iter().collect();
    sorted.sort_by_key(|file| file_name(file) != file_name(member));
    let list: Vec<String> = sorted.iter().take(LISTED).map(|file| format!("`{}`", shown(file))).collect();
    match files.len().checked_sub(LISTED) {
        None | Some(0) => list.join(", "),
        Some(more) => format!("{} and {more} more", list.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Node;

    fn members(nodes: &[(&str, Node)]) -> Vec<Member> {
        nodes.iter().map(|(path, node)| Member { path: (*path).to_owned(), node: node.clone() }).collect()
    }

    fn archive() -> Vec<Member> {
        members(&[
            ("tool-1.2", Node::dir(0o755)),
            ("tool-1.2/bin/tool", Node::file(0o755, "the tool")),
            ("tool-1.2/bin/alias", Node::hard_link("tool-1.2/bin/tool")),
            ("tool-1.2/bin/t", Node::symlink("./tool")),
            ("tool-1.2/man/tool.1", Node::symlink("../share/tool.1")),
            ("tool-1.2/share/tool.1", Node::file(0o644, "a page")),
            ("tool-1.2/sh", Node::symlink("/bin/sh")),
            ("tool-1.2/up", Node::symlink("../../up")),
        ])
    }

    fn error(wanted: &str) -> (String, String) {
        let error = content(&archive(), wanted).unwrap_err();
        (error.to_string(), error.hint())
    }

    #[test]
    fn a_file_is_found_by_its_path_and_a_hard_link_is_its_file() {
        for path in ["tool-1.2/bin/tool", "tool-1.2/bin/alias"] {
            assert_eq!(content(&archive(), path).unwrap().text().unwrap(), "the tool");
        }
    }

    #[test]
    fn a_symbolic_link_is_refused_with_the_file_behind_it() {
        for (link, file) in [("tool-1.2/bin/t", "tool-1.2/bin/tool"), ("tool-1.2/man/tool.1", "tool-1.2/share/tool.1")]
        {
            let (message, hint) = error(link);
            assert!(message.contains("a symbolic link") && hint.contains(&format!("unpack = \"{file}\"")), "{hint}");
        }
        for link in ["tool-1.2/sh", "tool-1.2/up"] {
            assert!(error(link).1.contains("leads to no regular file of the archive"));
        }
    }

    #[test]
    fn a_directory_is_refused_with_the_files_in_it_though_the_archive_may_not_name_it() {
        for directory in ["tool-1.2", "tool-1.2/bin"] {
            let (message, hint) = error(directory);
            assert!(message.contains("but a directory") && hint.contains("`tool-1.2/bin/tool`"), "{message} {hint}");
        }
    }

    #[test]
    fn a_missing_file_is_told_with_those_that_may_be_meant() {
        let (message, hint) = error("bin/tool");
        assert!(message.contains("no file `bin/tool`"), "{message}");
        assert!(hint.starts_with("did you mean `tool-1.2/bin/tool`?"), "{hint}");
        assert!(error("tool-1.2/bin/tol").1.starts_with("did you mean `tool-1.2/bin/tool`?"));
        let many: Vec<String> = (0..20).map(|number| format!("f{number}")).collect();
        let many = MemberError::Missing { member: "zzz".to_owned(), files: many };
        assert!(many.hint().ends_with("`f7` and 12 more"), "{}", many.hint());
        assert_eq!(content(&[], "tool").unwrap_err().hint(), "files in it: none");
    }
}
