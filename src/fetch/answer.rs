//! What the status and headers of an HTTP response mean for an object whose first bytes may have been downloaded already. Pure
//! functions. The server is not trusted: numbers are checked against limits before they are added.

/// Most bytes of an object of unknown size.
pub const MAX_UNSIZED: u64 = 8 << 30;

/// The head of the response to a request for the rest of an object.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The status (RFC 9110, 15).
    pub status: u16,
    /// `Content-Range`, if present and valid text.
    pub content_range: Option<&'a str>,
    /// `Content-Length`, if present and a number.
    pub content_length: Option<u64>,
}

/// What to do with a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Read the body: append it to the bytes that exist, or replace them if `from_start`. The complete object has `expected`
    /// bytes, if that is known.
    Body { from_start: bool, expected: Option<u64> },
    /// All bytes exist already.
    Complete,
    /// The server sends other bytes than the missing ones: start over.
    WrongRange,
    /// The object exceeds the limit.
    TooLong,
    /// There is no such object.
    NotFound,
    /// The server answers with another error.
    Refused,
}

/// Most bytes that the object may have: its known size, else [`MAX_UNSIZED`].
#[must_use]
pub fn limit(size: Option<u64>) -> u64 {
    size.unwrap_or(MAX_UNSIZED)
}

impl Head<'_> {
    /// What the response means for an object of `size` bytes, if known, of which the first `have` bytes exist.
    #[must_use]
    pub fn answer(&self, have: u64, size: Option<u64>) -> Answer {
        match self.status {
            200 => self.body(0, size),
            206 if self.range_start() == Some(have) => self.body(have, size),
            206 => Answer::WrongRange,
            416 if have > 0 && size.is_none() && self.range_total() == Some(have) => Answer::Complete,
            416 if have > 0 => Answer::WrongRange,
            404 | 410 => Answer::NotFound,
            _ => Answer::Refused,
        }
    }

    /// A body that follows the first `from` bytes.
    fn body(&self, from: u64, size: Option<u64>) -> Answer {
        let from_start = from == 0;
        let promised = match (size, self.content_length) {
            // The received bytes are counted and hashed, so a known size need not be announced.
            (Some(size), _) => Some(size),
            (None, None) => None,
            (None, Some(rest)) => match from.checked_add(rest).filter(|all| *all <= MAX_UNSIZED) {
                Some(all) => Some(all),
                None => return Answer::TooLong,
            },
        };
        Answer::Body { from_start, expected: promised }
    }

    /// Where the bytes of a 206 answer start (`bytes 100-199/200`, RFC 9110 14.4).
    fn range_start(&self) -> Option<u64> {
        self.content_range?.strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
    }

    /// The whole object's length in a 416 answer (`bytes */200`).
    fn range_total(&self) -> Option<u64> {
        self.content_range?.strip_prefix("bytes */")?.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(status: u16, content_range: Option<&str>, content_length: Option<u64>) -> Head<'_> {
        Head { status, content_range, content_length }
    }

    #[test]
    fn a_body_follows_on_what_is_there_only_if_the_server_says_so() {
        let body = |from_start, expected| Answer::Body { from_start, expected };
        assert_eq!(head(200, None, Some(10)).answer(5, None), body(true, Some(10)));
        assert_eq!(head(200, None, None).answer(0, None), body(true, None));
        assert_eq!(head(206, Some("bytes 5-9/10"), Some(5)).answer(5, None), body(false, Some(10)));
        assert_eq!(head(206, Some("bytes 5-9/10"), Some(u64::MAX)).answer(5, Some(10)), body(false, Some(10)));
        for range in
            [None, Some("bytes 4-9/10"), Some("bytes x"), Some("bytes */10"), Some("5-9"), Some("bytes -5-9/10")]
        {
            assert_eq!(head(206, range, Some(5)).answer(5, None), Answer::WrongRange, "{range:?}");
        }
    }

    #[test]
    fn a_length_that_no_object_has_is_refused_before_it_is_added() {
        for rest in [u64::MAX, u64::MAX - 3, MAX_UNSIZED] {
            assert_eq!(head(206, Some("bytes 5-9/10"), Some(rest)).answer(5, None), Answer::TooLong, "{rest}");
        }
        assert_eq!(head(200, None, Some(MAX_UNSIZED + 1)).answer(0, None), Answer::TooLong);
        assert_ne!(head(200, None, Some(MAX_UNSIZED)).answer(0, None), Answer::TooLong);
    }

    #[test]
    fn nothing_more_to_come_is_the_end_if_the_length_is_right() {
        assert_eq!(head(416, Some("bytes */5"), None).answer(5, None), Answer::Complete);
        assert_eq!(head(416, Some("bytes */6"), None).answer(5, None), Answer::WrongRange);
        assert_eq!(head(416, Some("bytes */5"), None).answer(5, Some(9)), Answer::WrongRange);
        assert_eq!(head(416, None, None).answer(0, None), Answer::Refused);
        assert_eq!(head(404, None, None).answer(0, None), Answer::NotFound);
        assert_eq!(head(500, None, None).answer(0, None), Answer::Refused);
    }
}
