//! Kernel modules that are no part of the kernel's package: what an overlay says of how to compile them.

pub(super) mod checks;

use std::fmt;

use serde::Serialize;

use super::Origin;

/// A kernel module, or several of one source, compiled for exactly the image's kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KernelModule {
    /// The Debian package that has the source. It is locked and unpacked for the compiler; it does not go into the image.
    pub package: String,
    /// Glob of what it has the source in, over clean paths: a directory (`usr/src/nvidia-*`), as DKMS has it, or a tar archive.
    pub source: String,
    /// In the order in which they are applied.
    pub patches: Vec<ModulePatch>,
    /// Arguments of `make`, which runs in the source's directory. `{kernel}` stands for the kernel's release, `{source}` for
    /// that directory.
    pub make: Vec<String>,
    /// Paths of the modules below the source's directory, as `make` leaves them (`kernel-open/nvidia.ko`).
    pub modules: Vec<String>,
    /// Kernels that it is known to work with.
    pub kernels: KernelRange,
    /// Packages of the image whose upstream version must be that of `package`: the other halves of a driver.
    pub same_version: Vec<String>,
    /// The overlay.
    pub origin: Origin,
}

/// A change to the source that some kernels need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModulePatch {
    /// Its file's name below the overlay's `patches/`.
    pub name: String,
    /// In the unified format of `diff -u`.
    pub text: String,
    /// The kernels that need it.
    pub kernels: KernelRange,
}

/// Versions of kernels, or of drivers: all conditions hold of each, as `>=6.12.107 <6.13` has it. Without a condition it is any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct KernelRange(Vec<(Comparison, Vec<u32>)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

impl Comparison {
    /// The longer signs first, so that a prefix finds the right one.
    const ALL: [(&'static str, Self); 5] = [
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("<", Self::Less),
        (">", Self::Greater),
        ("=", Self::Equal),
    ];
}

impl KernelRange {
    /// Reads conditions that are divided by spaces, each a comparison and a version in numbers and dots.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let condition = |word: &str| {
            let (version, comparison) = Comparison::ALL
                .iter()
                .find_map(|(sign, comparison)| Some((word.strip_prefix(sign)?, *comparison)))
                .ok_or_else(|| format!("`{word}` begins with none of <, <=, =, >= and >"))?;
            let numbers: Result<Vec<u32>, _> = version.split('.').map(str::parse).collect();
            Ok((
                comparison,
                numbers.map_err(|_| format!("`{version}` is no version in numbers and dots, such as 6.12.107"))?,
            ))
        };
        text.split_whitespace().map(condition).collect::<Result<_, String>>().map(Self)
    }

    /// Whether any kernel whose version begins with these numbers may be one of them.
    #[must_use]
    pub fn may_contain(&self, begin: &str) -> bool {
        let version = kernel_version(begin);
        let filled = |with: u32| version.iter().copied().chain(std::iter::repeat_n(with, 4)).collect::<Vec<_>>();
        let (least, most) = (filled(0), filled(u32::MAX));
        self.0.iter().all(|(comparison, bound)| match comparison {
            Comparison::Less => least < *bound,
            Comparison::LessOrEqual => version <= *bound,
            Comparison::Equal => version.iter().zip(bound).all(|(ours, theirs)| ours == theirs),
            Comparison::GreaterOrEqual | Comparison::Greater => most > *bound,
        })
    }

    /// Whether a kernel of this `release` (`6.12.118+deb13-amd64`) is one of them.
    #[must_use]
    pub fn contains(&self, release: &str) -> bool {
        let version = kernel_version(release);
        self.0.iter().all(|(comparison, bound)| {
            let length = version.len().max(bound.len());
            let padded = |numbers: &[u32]| {
                let mut numbers = numbers.to_vec();
                numbers.resize(length, 0);
                numbers
            };
            let order = padded(&version).cmp(&padded(bound));
            match comparison {
                Comparison::Less => order.is_lt(),
                Comparison::LessOrEqual => order.is_le(),
                Comparison::Equal => order.is_eq(),
                Comparison::GreaterOrEqual => order.is_ge(),
                Comparison::Greater => order.is_gt(),
            }
        })
    }
}

/// The numbers that a kernel's release (`6.12.118+deb13-amd64`) begins with.
#[must_use]
pub fn kernel_version(release: &str) -> Vec<u32> {
    let end = release.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(release.len());
    release[..end].split('.').map_while(|number| number.parse().ok()).collect()
}

impl fmt::Display for KernelRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let condition = |(comparison, version): &(Comparison, Vec<u32>)| {
            let sign = Comparison::ALL.iter().find(|(_, known)| known == comparison).map_or("", |(sign, _)| sign);
            let numbers: Vec<String> = version.iter().map(ToString::to_string).collect();
            format!("{sign}{}", numbers.join("."))
        };
        let conditions: Vec<String> = self.0.iter().map(condition).collect();
        out.write_str(&conditions.join(" "))
    }
}

impl From<KernelRange> for String {
    fn from(range: KernelRange) -> Self {
        range.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_the_kernels_of_which_all_its_conditions_are_true() {
        let range = KernelRange::parse(">=6.12.107 <6.13").unwrap();
        assert_eq!(range.to_string(), ">=6.12.107 <6.13");
        for (release, is_in) in [
            ("6.12.106+deb13-amd64", false),
            ("6.12.107+deb13-amd64", true),
            ("6.12.118+deb13.1-arm64", true),
            ("6.13-rc1", false),
            ("7.3.4", false),
        ] {
            assert_eq!(range.contains(release), is_in, "{release}");
        }
        assert!(KernelRange::default().contains("6.12.107"));
        assert_eq!(KernelRange::parse("6.12").unwrap_err(), "`6.12` begins with none of <, <=, =, >= and >");
        assert_eq!(
            KernelRange::parse("=six").unwrap_err(),
            "`six` is no version in numbers and dots, such as 6.12.107"
        );
    }
}
