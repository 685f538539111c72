//! Relations between packages: `a (>= 1.0) | b:any, c` (Policy 7.1).

use super::version::{Version, VersionError};

/// How a relation restricts versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Earlier,
    EarlierOrEqual,
    Exactly,
    LaterOrEqual,
    Later,
}

/// One named package with its restrictions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation<'a> {
    pub name: &'a str,
    /// The qualifier after a colon: `any`, `native` or an architecture.
    pub qualifier: Option<&'a str>,
    pub version: Option<(Operator, Version<'a>)>,
    /// As written, for messages.
    pub text: &'a str,
}

/// Why a relation field cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelationError {
    #[error("`{0}` is not a package relation")]
    Malformed(String),
    #[error("relation `{relation}`: {source}")]
    Version { relation: String, source: VersionError },
}

impl Operator {
    /// Whether `version` has this relation to `bound`.
    #[must_use]
    pub fn holds(self, version: &Version<'_>, bound: &Version<'_>) -> bool {
        match self {
            Self::Earlier => version < bound,
            Self::EarlierOrEqual => version <= bound,
            Self::Exactly => version == bound,
            Self::LaterOrEqual => version >= bound,
            Self::Later => version > bound,
        }
    }

    /// Very old packages write `<` and `>` for `<=` and `>=` (Policy 7.1).
    fn parse(text: &str) -> Option<(Self, &str)> {
        const SIGNS: [(&str, Operator); 7] = [
            ("<<", Operator::Earlier),
            ("<=", Operator::EarlierOrEqual),
            (">>", Operator::Later),
            (">=", Operator::LaterOrEqual),
            ("=", Operator::Exactly),
            ("<", Operator::EarlierOrEqual),
            (">", Operator::LaterOrEqual),
        ];
        SIGNS.iter().find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?)))
    }
}

impl Relation<'_> {
    /// Whether a package version (`None`: an unversioned `Provides`) fulfils the version restriction.
    #[must_use]
    pub fn accepts(&self, version: Option<&Version<'_>>) -> bool {
        match (&self.version, version) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some((operator, bound)), Some(version)) => operator.holds(version, bound),
        }
    }
}

/// Reads a field such as `Depends`: groups, all of which must hold, of alternatives, one of which must.
///
/// # Errors
/// A relation that cannot be read. Restrictions by architecture or build profile only exist in source packages,
/// so they are refused.
pub fn parse(field: &str) -> Result<Vec<Vec<Relation<'_>>>, RelationError> {
    field
        .split(',')
        .map(str::trim_ascii)
        .filter(|group| !group.is_empty())
        .map(|group| group.split('|').map(|text| parse_one(text.trim_ascii())).collect())
        .collect()
}

/// Reads a field without alternatives, such as `Conflicts` or `Provides`.
///
/// # Errors
/// A relation that cannot be read, or alternatives.
pub fn parse_flat(field: &str) -> Result<Vec<Relation<'_>>, RelationError> {
    field.split(',').map(str::trim_ascii).filter(|text| !text.is_empty()).map(parse_one).collect()
}

/// Whether `name` is a valid package name (Policy 5.6.1; as in dpkg, a single character is accepted too).
#[must_use]
pub fn is_package_name(name: &str) -> bool {
    name.bytes().next().is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte))
}

fn parse_one(text: &str) -> Result<Relation<'_>, RelationError> {
    let malformed = || RelationError::Malformed(text.to_owned());
    let (package, restriction) = match text.split_once('(') {
        Some((package, rest)) => (package.trim_ascii_end(), Some(rest.strip_suffix(')').ok_or_else(malformed)?)),
        None => (text, None),
    };
    let (name, qualifier) = match package.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (package, None),
    };
    if !is_package_name(name) || qualifier.is_some_and(|qualifier| !is_package_name(qualifier)) {
        return Err(malformed());
    }
    let version = match restriction {
        None => None,
        Some(restriction) => {
            let (operator, version) = Operator::parse(restriction.trim_ascii()).ok_or_else(malformed)?;
            let version = Version::parse(version.trim_ascii())
                .map_err(|source| RelationError::Version { relation: text.to_owned(), source })?;
            Some((operator, version))
        }
    };
    Ok(Relation { name, qualifier, version, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_alternatives_qualifiers_and_versions_are_read() {
        let groups = parse("libc6 (>= 2.38), python3:any | perl (<<5),\n  c( = 1:2-3 )").unwrap();
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2, 1]);
        assert_eq!((groups[1][0].name, groups[1][0].qualifier), ("python3", Some("any")));
        let (operator, version) = groups[2][0].version.unwrap();
        assert_eq!((operator, version.as_str()), (Operator::Exactly, "1:2-3"));
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn an_unversioned_provides_fulfils_no_versioned_relation() {
        let relation = &parse_flat("a (>= 1)").unwrap()[0];
        assert!(!relation.accepts(None));
        assert!(relation.accepts(Some(&Version::parse("1").unwrap())));
        assert!(!relation.accepts(Some(&Version::parse("0.9").unwrap())));
    }

    #[test]
    fn malformed_relations_are_refused() {
        for field in
            ["a (1)", "a (>= 1", "a (>= )", "a [amd64]", "a <!nocheck>", "A", "a b", "| a", "a:", "a |", "../a"]
        {
            assert!(parse(field).is_err(), "{field:?}");
        }
        assert!(parse_flat("a | b").is_err());
    }
}
