//! What words expand to, and how it is split into fields (XCU 2.6.5, 2.6.7).
//!
//! An expansion is one run of units. Those that came out of expansions and were not quoted are marked as regions: only there
//! characters of `IFS` divide fields.

/// A byte of an expansion, or what stands between bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// An unquoted byte, which may be special in a pattern.
    Plain(u8),
    /// A quoted byte.
    Quoted(u8),
    /// A quotation mark was here: even an empty text between two is a field.
    Mark,
    /// Between two positional parameters.
    Separator,
}

/// Where fields may be divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Region {
    start: usize,
    end: usize,
    /// Only separators divide here (`"$@"`).
    separators_only: bool,
}

/// What a word expands to, before it is split.
#[derive(Debug, Default)]
pub(super) struct Expansion {
    pub units: Vec<Unit>,
    regions: Vec<Region>,
}

impl Expansion {
    /// Where the next unit comes.
    pub fn len(&self) -> usize {
        self.units.len()
    }

    pub fn push(&mut self, text: &str, quoted: bool) {
        let unit = if quoted { Unit::Quoted } else { Unit::Plain };
        self.units.extend(text.bytes().map(unit));
    }

    pub fn push_byte(&mut self, byte: u8, quoted: bool) {
        self.units.push(if quoted { Unit::Quoted(byte) } else { Unit::Plain(byte) });
    }

    pub fn mark(&mut self) {
        self.units.push(Unit::Mark);
    }

    pub fn separate(&mut self) {
        self.units.push(Unit::Separator);
    }

    /// What was added since `start` may be divided.
    pub fn region(&mut self, start: usize, separators_only: bool) {
        self.regions.push(Region { start, end: self.units.len(), separators_only });
    }

    /// Takes back what was added since `start`.
    pub fn truncate(&mut self, start: usize) {
        self.units.truncate(start);
        self.regions.retain(|region| region.start < start);
    }

    /// The fields that `ifs` divides this into.
    pub fn split(&self, ifs: &str) -> Vec<Vec<Unit>> {
        self.fields(ifs, None)
    }

    /// At most `most` fields, of which the last has all that is left, as `read` has it: blanks at the end go, and a delimiter there if
    /// it ends a single field.
    pub fn split_into(&self, ifs: &str, most: usize) -> Vec<Vec<Unit>> {
        self.fields(ifs, Some(most))
    }

    /// This is as dash does it (`ifsbreakup` in src/expand.c).
    fn fields(&self, ifs: &str, most: Option<usize>) -> Vec<Vec<Unit>> {
        let mut splitter = Splitter { units: &self.units, fields: Vec::new(), start: 0, cut: None, left: most };
        let mut separators_only = false;
        for region in &self.regions {
            let after_separators = std::mem::replace(&mut separators_only, region.separators_only);
            splitter.region(*region, ifs.as_bytes(), after_separators);
        }
        let end = splitter.cut.unwrap_or(self.units.len());
        let last = self.units.get(splitter.start..end).unwrap_or_default();
        if separators_only || !last.is_empty() {
            splitter.fields.push(last.to_vec());
        }
        splitter.fields
    }
}

struct Splitter<'a> {
    units: &'a [Unit],
    fields: Vec<Vec<Unit>>,
    /// Where the present field begins.
    start: usize,
    /// Where the last field ends, if not at the end.
    cut: Option<usize>,
    /// How many fields may still come.
    left: Option<usize>,
}

impl Splitter<'_> {
    fn region(&mut self, region: Region, ifs: &[u8], after_separators: bool) {
        // Blanks that end a field go with the delimiter after them.
        let mut in_blanks = false;
        for at in region.start..region.end {
            let (is_delimiter, is_blank) = match self.units.get(at) {
                Some(Unit::Separator) => (true, true),
                Some(Unit::Plain(byte) | Unit::Quoted(byte)) if !region.separators_only && ifs.contains(byte) => {
                    (true, matches!(byte, b' ' | b'\t' | b'\n'))
                }
                _ => (false, false),
            };
            if self.left == Some(0) {
                if is_blank {
                    self.cut.get_or_insert(at);
                    continue;
                }
                if !(is_delimiter && in_blanks) {
                    self.cut = None;
                }
                in_blanks = false;
                continue;
            }
            let mut divides = is_delimiter;
            if in_blanks {
                self.start = at + usize::from(is_delimiter);
                if is_blank {
                    continue;
                }
                divides = false;
            }
            if !divides {
                in_blanks = false;
                continue;
            }
            if !(after_separators || region.separators_only) {
                in_blanks = is_blank;
            }
            // Blanks at the beginning are none of a field.
            if at == self.start && in_blanks {
                self.start = at + 1;
                in_blanks = false;
                continue;
            }
            if let Some(left) = &mut self.left {
                *left -= 1;
                if *left == 0 {
                    self.cut = Some(at);
                    continue;
                }
            }
            self.fields.push(self.units.get(self.start..at).unwrap_or_default().to_vec());
            self.start = at + 1;
        }
    }
}

/// The bytes of units.
pub(super) fn bytes(units: &[Unit]) -> Vec<u8> {
    units
        .iter()
        .filter_map(|unit| match unit {
            Unit::Plain(byte) | Unit::Quoted(byte) => Some(*byte),
            Unit::Mark | Unit::Separator => None,
        })
        .collect()
}
