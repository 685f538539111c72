//! Texts from elsewhere, made fit to be shown: a terminal obeys some characters, and others hide or reorder what is around
//! them.

/// Whether `char` is one of those.
#[must_use]
pub fn is_unfit(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{fffd}'
            // Of no width, and marks, overrides and isolates of direction; line and paragraph separators.
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            // Interlinear annotations and tags are not drawn.
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `text` with a mark in the place of each of them.
#[must_use]
pub fn shown(text: &str) -> String {
    text.chars().map(|char| if is_unfit(char) { '\u{fffd}' } else { char }).collect()
}
