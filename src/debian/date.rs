//! Times in Debian archives: seconds since 1970 in this program, RFC 2822 dates in files, UTC in messages.

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// Reads a date such as `Sat, 21 Nov 2026 09:15:44 UTC`; none if it is no date at or after 1970.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    // Release files write `UTC`, which is not in RFC 2822.
    let text = text.trim();
    let text = text.strip_suffix("UTC").map_or_else(|| text.to_owned(), |rest| format!("{rest}+0000"));
    let time = rfc2822::DateTimeParser::new().parse_timestamp(&text).ok()?;
    u64::try_from(time.as_second()).ok()
}

/// RFC 3339 in UTC (`2026-11-21T09:15:44Z`).
#[must_use]
pub fn display(seconds: u64) -> String {
    time(seconds).map_or_else(|| format!("@{seconds}"), |time| time.to_string())
}

/// The form used in URLs of `snapshot.debian.org` (`20261121T091544Z`).
#[must_use]
pub fn compact(seconds: u64) -> String {
    time(seconds).map_or_else(|| format!("@{seconds}"), |time| time.strftime("%Y%m%dT%H%M%SZ").to_string())
}

/// Reads what [`display`] writes.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    u64::try_from(text.parse::<Timestamp>().ok()?.as_second()).ok()
}

fn time(seconds: u64) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_dates_are_read_and_written() {
        let seconds = parse("Sat, 21 Nov 2026 09:15:44 UTC").unwrap();
        assert_eq!(seconds, 1_795_252_544);
        assert_eq!(parse("Sat, 21 Nov 2026 10:15:44 +0100"), Some(seconds));
        assert_eq!(display(seconds), "2026-11-21T09:15:44Z");
        assert_eq!(compact(seconds), "20261121T091544Z");
        assert_eq!(parse_rfc3339(&display(seconds)), Some(seconds));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in ["", "yesterday", "21 Nov 2026", "Sat, 31 Feb 2026 09:15:44 UTC", "Sat, 01 Nov 1969 00:00:00 UTC"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
