//! Files of the profile and its overlays, put over everything that packages and effects made.

use super::accounts::Owners;
use super::{Context, EffectError};
use crate::tree::{Kind, Node, Tree};

/// Puts the files in, with owners by the image's own accounts. Links in the directories of a path are followed, so that
/// `/lib/x` goes to `/usr/lib/x`.
///
/// # Errors
/// An owner without an account, a file over a directory.
pub fn overlay(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    let owners = Owners::read(tree)?;
    for (path, file) in &context.profile.files {
        let refused = |cause| EffectError::refused(format!("file `/{path}` of {}", file.origin), cause);
        let uid = owners.user(&file.user);
        let uid = uid.ok_or_else(|| {
            refused(format!("there is no user `{}`", file.user))
                .with_hint("name a user that a package or the profile makes")
        })?;
        let gid = owners.group(&file.group);
        let gid = gid.ok_or_else(|| {
            refused(format!("there is no group `{}`", file.group))
                .with_hint("name a group that a package or the profile makes")
        })?;
        let kind = match &file.symlink {
            Some(target) => Kind::Symlink(target.clone()),
            None => Kind::File(file.content.clone()),
        };
        let mode = if file.symlink.is_some() { 0o777 } else { file.mode };
        let real = match path.rsplit_once('/') {
            Some((dir, name)) => match tree.resolve(dir, true)?.as_str() {
                "" => name.to_owned(),
                dir => format!("{dir}/{name}"),
            },
            None => path.clone(),
        };
        if tree.get(&real).is_some_and(Node::is_dir) {
            return Err(refused("it would replace a directory".to_owned())
                .with_hint("name the files inside the directory one by one"));
        }
        // A hard link's other names keep the package's content.
        tree.remove(&real);
        tree.put(&real, Node::of(kind, mode).owned(uid, gid).from(&file.origin))?;
    }
    Ok(())
}
