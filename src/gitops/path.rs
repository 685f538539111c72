//! Paths of the repository.

/// The file that says what was written, for the next run.
pub const RECORD: &str = ".imgbuild.json";

/// Whether a path, with `/` between its steps, leads to a place below the repository's top that is not Git's own.
pub(super) fn is_clean(path: &str) -> bool {
    let is_step = |step: &str| {
        let is_git = step.eq_ignore_ascii_case(".git");
        !["", ".", ".."].contains(&step) && !is_git && !step.contains(|char: char| char.is_control() || char == '\\')
    };
    path.split('/').all(is_step)
}

#[cfg(test)]
mod tests {
    use super::is_clean;

    #[test]
    fn a_path_leads_below_the_top_and_nowhere_else() {
        for path in ["a", "a/b.yaml", ".github/a", "a..b", "apps/enabled"] {
            assert!(is_clean(path), "{path}");
        }
        for path in ["", "/a", "a/", "a//b", "..", "a/../b", "./a", ".git/config", "a/.GIT", "a\nb", "a\\..\\b"] {
            assert!(!is_clean(path), "{path:?}");
        }
    }
}
