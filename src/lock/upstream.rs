//! The part of a package's version that is of the program and not of the packaging.

/// A version without epoch and Debian's revision (Debian policy 5.6.12).
#[must_use]
pub fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    version.rsplit_once('-').map_or(version, |(upstream, _)| upstream)
}

/// Whether the upstream version begins with the numbers of `prefix`, and goes on with no digit: 580 is the beginning of
/// 580.142, and not of 5800.
pub(super) fn begins_with(version: &str, prefix: &str) -> bool {
    let rest = upstream(version).strip_prefix(prefix);
    rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_version_count_whole_and_without_epoch_and_revision() {
        for version in ["580.142-1", "1:580.142", "580.142", "580.142~rc1-2", "580"] {
            assert!(begins_with(version, "580"), "{version}");
        }
        for version in ["5800.1-1", "1:550.580-1", "58.0", "550-580"] {
            assert!(!begins_with(version, "580"), "{version}");
        }
        assert!(begins_with("580.142-1", "580.142") && !begins_with("580.1420-1", "580.142"));
        assert!(!begins_with("580.95.05-0ubuntu1", "580.142"));
    }
}
