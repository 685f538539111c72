//! Sets of bytes, and the character classes of the C locale (POSIX.1-2024 XBD 7.3.1).

/// A set of bytes: what one position of a pattern takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    /// Every byte.
    pub const ALL: Self = Self([u64::MAX; 4]);

    /// The set of one byte.
    #[must_use]
    pub fn of(byte: u8) -> Self {
        let mut set = Self::default();
        set.insert(byte);
        set
    }

    /// All bytes for which `wanted` is true.
    #[must_use]
    pub fn where_(wanted: impl Fn(u8) -> bool) -> Self {
        let mut set = Self::default();
        for byte in (0..=u8::MAX).filter(|&byte| wanted(byte)) {
            set.insert(byte);
        }
        set
    }

    /// Adds a byte.
    pub fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    /// Adds all bytes of `other`.
    pub fn extend(&mut self, other: Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine |= theirs;
        }
    }

    /// Whether `byte` is in it.
    #[must_use]
    pub fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    /// All bytes that are not in it.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self(self.0.map(|word| !word))
    }

    /// With the other case of each letter of ASCII.
    #[must_use]
    pub fn any_case(self) -> Self {
        Self::where_(|byte| {
            self.has(byte.to_ascii_lowercase()) || self.has(byte.to_ascii_uppercase()) || self.has(byte)
        })
    }
}

/// Whether `byte` is part of a word: letters, digits and `_`.
#[must_use]
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether `byte` is white space.
#[must_use]
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

/// The class `name` (`alpha` of `[:alpha:]`).
#[must_use]
pub fn class(name: &[u8]) -> Option<ByteSet> {
    Some(match name {
        b"alpha" => ByteSet::where_(|byte| byte.is_ascii_alphabetic()),
        b"digit" => ByteSet::where_(|byte| byte.is_ascii_digit()),
        b"alnum" => ByteSet::where_(|byte| byte.is_ascii_alphanumeric()),
        b"upper" => ByteSet::where_(|byte| byte.is_ascii_uppercase()),
        b"lower" => ByteSet::where_(|byte| byte.is_ascii_lowercase()),
        b"space" => ByteSet::where_(is_space),
        b"blank" => ByteSet::where_(|byte| byte == b' ' || byte == b'\t'),
        b"punct" => ByteSet::where_(|byte| byte.is_ascii_punctuation()),
        b"print" => ByteSet::where_(|byte| byte.is_ascii_graphic() || byte == b' '),
        b"graph" => ByteSet::where_(|byte| byte.is_ascii_graphic()),
        b"cntrl" => ByteSet::where_(|byte| byte.is_ascii_control()),
        b"xdigit" => ByteSet::where_(|byte| byte.is_ascii_hexdigit()),
        _ => return None,
    })
}
