//! How long Kubernetes mends its lines.
//!
//! The dates are those of <https://kubernetes.io/releases/> (`data/releases/schedule.yaml` and `eol.yaml` of
//! kubernetes/website), read in November 2026. K3s makes patches of a line as long as Kubernetes does.

use jiff::civil::{Date, date};

use super::Line;

/// The newest line whose end was known, its end, and the ends of those before it.
const NEWEST: u32 = 37;
const ENDS: [Date; 10] = [
    date(2027, 10, 28), // 1.37
    date(2027, 6, 28),
    date(2027, 2, 28),
    date(2026, 10, 27),
    date(2026, 6, 28),
    date(2026, 2, 28), // 1.32
    date(2025, 11, 11),
    date(2025, 7, 15),
    date(2025, 2, 28),
    date(2024, 10, 22), // 1.28
];

/// What is known of a line's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The last day on which it is mended.
    On(Date),
    /// Before the oldest line of the table ended.
    LongAgo,
    /// It is newer than this program.
    Unknown,
}

impl Line {
    /// When its end of life is.
    #[must_use]
    pub fn end(self) -> End {
        if self.major != 1 {
            return if self.major < 1 { End::LongAgo } else { End::Unknown };
        }
        match NEWEST.checked_sub(self.minor).map(|age| ENDS.get(age as usize)) {
            None => End::Unknown,
            Some(Some(end)) => End::On(*end),
            Some(None) => End::LongAgo,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(minor: u32) -> End {
        Line { major: 1, minor }.end()
    }

    #[test]
    fn lines_end_when_kubernetes_says() {
        assert_eq!(end(28), End::On(date(2024, 10, 22)));
        assert_eq!(end(34), End::On(date(2026, 10, 27)));
        assert_eq!(end(36), End::On(date(2027, 6, 28)));
        assert_eq!((end(27), end(38)), (End::LongAgo, End::Unknown));
        assert_eq!(Line { major: 2, minor: 0 }.end(), End::Unknown);
        assert!(ENDS.is_sorted_by(|a, b| a > b), "the newest line ends last");
    }
}
