//! Paragraphs of `Name: value` fields, the format of control files, indexes and `.sources` files (deb822(5)).
//!
//! One pass over the text; names and values are slices of it. Indexes and binary packages' control files
//! have no comments; a `.sources` file goes through [`without_comments`] first.

/// Most fields of a paragraph; real ones have up to 40.
const MAX_FIELDS: usize = 256;

/// One paragraph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paragraph<'a> {
    /// Line (from 1) of its first field.
    pub line: usize,
    /// Names and values in file order, as written. A value starts at its first character that is not a blank. Continuation
    /// lines keep their leading blank; the line break at the end of the last line is left out.
    pub fields: Vec<(&'a str, &'a str)>,
}

impl<'a> Paragraph<'a> {
    /// The value of a field; names are compared without regard to case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

/// Why a text is not in this format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Deb822Error {
    #[error("line {line}: neither a field (`Name: value`) nor a continuation line")]
    NotAField { line: usize },
    #[error("line {line}: `{name}` is not a field name")]
    BadName { line: usize, name: String },
    #[error("line {line}: continuation line before any field")]
    OrphanContinuation { line: usize },
    #[error("line {line}: field `{name}` appears twice in one paragraph")]
    Duplicate { line: usize, name: String },
    #[error("line {line}: more than {MAX_FIELDS} fields in one paragraph")]
    TooManyFields { line: usize },
    #[error("line {line}: control character {code:#04x}")]
    ControlCharacter { line: usize, code: u8 },
}

/// Reads all paragraphs of `text`, calling `each` for one after the other.
///
/// # Errors
/// The first line that breaks the format, or the first error of `each`.
pub fn for_each<'a, E: From<Deb822Error>>(
    text: &'a str,
    mut each: impl FnMut(&Paragraph<'a>) -> Result<(), E>,
) -> Result<(), E> {
    refuse_control_characters(text)?;
    let mut paragraph = Paragraph::default();
    let (mut offset, mut value_start) = (0, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let start: usize = offset;
        let number = index.saturating_add(1);
        offset = start.saturating_add(line.len());
        let content = line.strip_suffix('\n').unwrap_or(line);
        match content.as_bytes().first() {
            // Policy 5.1 allows parsers to treat a line of blanks as an empty one.
            None | Some(b' ' | b'\t') if content.trim_ascii_start().is_empty() => {
                if !paragraph.fields.is_empty() {
                    each(&paragraph)?;
                    paragraph.fields.clear();
                }
            }
            Some(b' ' | b'\t') => {
                let field = paragraph.fields.last_mut();
                let (_, value) = field.ok_or(Deb822Error::OrphanContinuation { line: number })?;
                *value = &text[value_start..start.saturating_add(content.len())];
            }
            _ => {
                let value = push_field(&mut paragraph, content, number)?;
                value_start = start.saturating_add(content.len()).saturating_sub(value.len());
            }
        }
    }
    if paragraph.fields.is_empty() { Ok(()) } else { each(&paragraph) }
}

/// All paragraphs of `text`.
///
/// # Errors
/// The first line that breaks the format.
pub fn parse(text: &str) -> Result<Vec<Paragraph<'_>>, Deb822Error> {
    let mut all = Vec::new();
    for_each(text, |paragraph| {
        all.push(paragraph.clone());
        Ok::<_, Deb822Error>(())
    })?;
    Ok(all)
}

/// `text` without the lines that start with `#`.
#[must_use]
pub fn without_comments(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with('#')).collect()
}

/// Parses `line` as a field, adds it, and returns its value, which reaches to the end of the line.
fn push_field<'a>(paragraph: &mut Paragraph<'a>, line: &'a str, number: usize) -> Result<&'a str, Deb822Error> {
    let (name, value) = line.split_once(':').ok_or(Deb822Error::NotAField { line: number })?;
    if name.is_empty() || name.starts_with(['-', '#']) || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Deb822Error::BadName { line: number, name: name.to_owned() });
    }
    if paragraph.fields.is_empty() {
        paragraph.line = number;
    }
    if paragraph.fields.len() == MAX_FIELDS {
        return Err(Deb822Error::TooManyFields { line: number });
    }
    if paragraph.get(name).is_some() {
        return Err(Deb822Error::Duplicate { line: number, name: name.to_owned() });
    }
    let value = value.trim_ascii_start();
    paragraph.fields.push((name, value.trim_ascii_end()));
    Ok(value)
}

/// Control characters such as carriage return, NUL or escape are not allowed in these files, and would otherwise get into
/// messages and databases.
fn refuse_control_characters(text: &str) -> Result<(), Deb822Error> {
    let is_control = |byte: u8| (byte < b' ' && byte != b'\n' && byte != b'\t') || byte == 0x7f;
    // An index has 50 MB. The compiler can vectorise a loop over whole blocks, without an early exit.
    let clean = |block: &[u8]| !block.iter().fold(false, |found, &byte| found | is_control(byte));
    for (index, block) in text.as_bytes().chunks(4096).enumerate() {
        if clean(block) {
            continue;
        }
        let at =
            index.saturating_mul(4096).saturating_add(block.iter().position(|&byte| is_control(byte)).unwrap_or(0));
        let line = text.as_bytes()[..at].split(|&byte| byte == b'\n').count();
        return Err(Deb822Error::ControlCharacter { line, code: text.as_bytes()[at] });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_case_and_values_keep_their_continuation_lines() {
        let text = "Package: a\nDescription:  short \n long\n .\n\tmore\n\n\nPACKAGE: b";
        let all = parse(text).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].get("description"), Some("short \n long\n .\n\tmore"));
        assert_eq!((all[1].line, all[1].get("Package")), (8, Some("b")));
    }

    #[test]
    fn an_empty_first_line_may_be_continued() {
        let all = parse("Conffiles:\n /etc/a\n /etc/b\n").unwrap();
        assert_eq!(all[0].get("Conffiles"), Some("\n /etc/a\n /etc/b"));
    }

    #[test]
    fn a_line_of_blanks_ends_a_paragraph() {
        assert_eq!(parse("A: 1\n \t\nB: 2\n").unwrap().len(), 2);
    }

    #[test]
    fn comments_are_taken_out_on_request_only() {
        let text = "# head\nURIs: one\n# between\n two\n";
        assert!(matches!(parse(text), Err(Deb822Error::NotAField { line: 1 })));
        assert_eq!(parse(&without_comments(text)).unwrap()[0].get("URIs"), Some("one\n two"));
    }

    #[test]
    fn what_breaks_the_format_is_named_by_line() {
        let cases = [
            ("A: 1\nnonsense\n", 2),
            (" orphan\n", 1),
            ("A: 1\n\n orphan\n", 3),
            ("A: 1\na: 2\n", 2),
            ("A: 1\n: 2\n", 2),
            ("-A: 1\n", 1),
            ("#A: 1\n", 1),
            ("A B: 1\n", 1),
            ("A: 1\nB: \u{1b}[2J\n", 2),
            ("A: 1\r\n", 1),
        ];
        for (text, line) in cases {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("line {line}: ")), "{text:?}: {error}");
        }
        let many = (0..300).map(|n| format!("F{n}: x")).collect::<Vec<_>>().join("\n");
        assert_eq!(parse(&many), Err(Deb822Error::TooManyFields { line: 257 }));
    }
}
