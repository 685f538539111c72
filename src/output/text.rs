//! Makes texts from elsewhere safe to print: a terminal interprets control characters, and other characters hide or reorder
//! the text around them.

/// Whether `char` is such a character.
#[must_use]
pub fn is_unsafe_for_terminal(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{fffd}'
            // Characters without width; marks, overrides and isolates of direction; line and paragraph separators.
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            // Interlinear annotations and tags, which are invisible.
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `text` with each such character replaced by U+FFFD.
#[must_use]
pub fn shown(text: &str) -> String {
    text.chars().map(|char| if is_unsafe_for_terminal(char) { '\u{fffd}' } else { char }).collect()
}
