//! Leaving out what the profile does not want in the image: documentation, translations, manual pages.

use globset::{GlobBuilder, GlobSetBuilder};

use super::{Context, EffectError};
use crate::tree::Tree;

/// Removes what the globs of `drop` match, and what lies below that. Files of the profile and its overlays
/// stay: who put them there wants them.
///
/// # Errors
/// A malformed glob.
pub fn trim(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    let mut globs = GlobSetBuilder::new();
    for pattern in &context.profile.drop {
        let clean = pattern.trim_start_matches('/').trim_end_matches('/');
        let glob = GlobBuilder::new(clean).literal_separator(true).build();
        globs.add(
            glob.map_err(|error| {
                EffectError::refused(format!("`drop` of the profile, `{pattern}`"), error.to_string())
            })?,
        );
    }
    let globs = globs.build().map_err(|error| EffectError::refused("`drop` of the profile", error.to_string()))?;
    let kept = &context.profile.files;
    let gone = |path: &str| {
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        ends.into_iter().any(|end| globs.is_match(&path[..end]))
    };
    let needed = |path: &str| {
        let below = format!("{path}/");
        kept.contains_key(path) || kept.range(below.clone()..).next().is_some_and(|(key, _)| key.starts_with(&below))
    };
    tree.retain(|path, _| !gone(path) || needed(path));
    Ok(())
}
