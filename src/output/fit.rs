//! Wraps texts for a terminal between words.

use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// Columns of indentation after the first line.
const INDENT: usize = 2;
/// Columns below which a text is not wrapped.
const NARROWEST: usize = 20;

/// Wraps `text`, which may have escape sequences for colours, to lines of at most `width` columns. Words are never broken, so
/// that URLs and commands can be copied. Quoted lines of a source file are not wrapped.
pub(super) fn fit(text: &str, width: Option<usize>) -> String {
    let Some(width) = width.filter(|width| *width >= NARROWEST) else { return text.to_owned() };
    let lines: Vec<String> = text.split('\n').map(|line| fit_line(line, width)).collect();
    lines.join("\n")
}

fn fit_line(line: &str, width: usize) -> String {
    if textwrap::core::display_width(line) <= width || is_quoted(line) {
        return line.to_owned();
    }
    let lead = line.len() - line.trim_start_matches(' ').len();
    let indent = " ".repeat((lead + INDENT).min(width / 2));
    let options = Options::new(width)
        .subsequent_indent(&indent)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    textwrap::fill(line, options)
}

/// Whether a line quotes a source file, with or without a line number, or marks a place below such a line.
fn is_quoted(line: &str) -> bool {
    anstream::adapter::strip_str(line)
        .to_string()
        .trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit())
        .starts_with('|')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_the_rest_is_set_in() {
        assert_eq!(fit("one two three four five", Some(20)), "one two three four\n  five");
        assert_eq!(fit("  because: one two three", Some(20)), "  because: one two\n    three");
        assert_eq!(fit("one\ntwo", Some(20)), "one\ntwo");
    }

    #[test]
    fn long_words_and_quoted_lines_stay_whole() {
        let path = "/dev/disk/by-id/usb-SanDisk_Ultra_4C530001230915118365-0:0";
        assert_eq!(fit(&format!("name {path}"), Some(20)), format!("name\n  {path}"));
        for quoted in ["12 | packages = [\"one\", \"two\", \"three\"]", "   | ^^^^^ not a package that there is"] {
            assert_eq!(fit(quoted, Some(20)), quoted);
        }
    }

    #[test]
    fn colours_take_no_room_and_without_a_width_nothing_breaks() {
        let coloured = "\u{1b}[1m\u{1b}[91merror\u{1b}[0m: one two thre";
        assert_eq!(fit(coloured, Some(20)), coloured);
        assert_eq!(fit("one two three four five", None), "one two three four five");
    }
}
