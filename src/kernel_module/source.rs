//! Finds the source of a module in its package: a directory, as DKMS has it, or a tar archive.

use globset::GlobBuilder;

use super::{CompileError, Job, patches};
use crate::debian::deb;
use crate::debian::{Member, Package};
use crate::tree::{Kind, Node, Tree, parent};

/// The source of a job with the patches that its kernel needs. Of an archive the directory counts that holds all the rest.
///
/// # Errors
/// The recipe's pattern does not name exactly one source; the archive is damaged or leaves its directory; a patch does not fit.
pub(super) fn source(job: &Job<'_>) -> Result<Tree, CompileError> {
    let name = || job.name.to_owned();
    let found = find(job)?;
    let mut tree = match &found.node.kind {
        Kind::Dir => directory(job.source, &found.path),
        Kind::File(content) => {
            let bytes = content.read().map_err(|source| CompileError::Read { name: name(), source })?;
            let members = deb::contents_in_memory(&bytes, &found.path).map_err(|source| CompileError::Archive {
                name: name(),
                package: job.source.name.clone(),
                path: found.path.clone(),
                source: Box::new(source),
            })?;
            let top = top(&members);
            below(&members, &top)
        }
        other => {
            return Err(CompileError::SourceKind {
                name: name(),
                package: job.source.name.clone(),
                path: found.path.clone(),
                kind: other.describe(),
            });
        }
    }
    .map_err(|source| CompileError::Tree { name: name(), source })?;
    for patch in job.recipe.patches.iter().filter(|patch| patch.kernels.contains(job.kernel)) {
        patches::apply(&mut tree, patch)
            .map_err(|source| CompileError::Patch { name: name(), source: Box::new(source) })?;
    }
    Ok(tree)
}

/// The one member of the package that the recipe's pattern names.
fn find<'a>(job: &Job<'a>) -> Result<&'a Member, CompileError> {
    let (name, glob) = (job.name.to_owned(), job.recipe.source.clone());
    let pattern = match GlobBuilder::new(&glob).literal_separator(true).build() {
        Ok(pattern) => pattern.compile_matcher(),
        Err(error) => return Err(CompileError::BadGlob { name, glob, reason: error.kind().to_string() }),
    };
    let package = job.source.name.clone();
    let found: Vec<&Member> = job.source.members.iter().filter(|member| pattern.is_match(&member.path)).collect();
    match found[..] {
        [one] => Ok(one),
        [] => Err(CompileError::NoSource { name, package, glob }),
        _ => {
            let found = found.iter().map(|member| member.path.clone()).collect();
            Err(CompileError::ManySources { name, package, glob, found })
        }
    }
}

fn directory(package: &Package, dir: &str) -> Result<Tree, crate::tree::TreeError> {
    below(&package.members, dir)
}

/// The directory that holds all others of an archive, at any depth (`modules/nvidia-open-kernel`).
fn top(members: &[Member]) -> String {
    let mut top = String::new();
    loop {
        let mut inside = members.iter().filter(|member| parent(&member.path) == Some(top.as_str()));
        match (inside.next(), inside.next()) {
            (Some(only), None) if only.node.is_dir() => top.clone_from(&only.path),
            _ => return top,
        }
    }
}

/// What lies below `dir`. A hard link becomes a file of its own, since what it names may lie elsewhere.
fn below(members: &[Member], dir: &str) -> Result<Tree, crate::tree::TreeError> {
    let mut tree = Tree::new();
    let file = |path: &str| members.iter().find(|member| member.path == path).map(|member| member.node.clone());
    for member in members {
        let inside = if dir.is_empty() { Some(&*member.path) } else { member.path.strip_prefix(dir) };
        let Some(path) = inside.map(|path| path.trim_start_matches('/')).filter(|path| !path.is_empty()) else {
            continue;
        };
        if !dir.is_empty() && !member.path[dir.len()..].starts_with('/') {
            continue;
        }
        let node = match &member.node.kind {
            Kind::Dir => Node::dir(0o755),
            Kind::HardLink(target) => file(target).unwrap_or_else(|| member.node.clone()),
            _ => member.node.clone(),
        };
        tree.put(path, node)?;
    }
    Ok(tree)
}
