//! Shapes and words of an SVG, and how much room they take.

use std::fmt::Write as _;

/// Width that a character of small text takes at most on average, whatever the font.
const CHARACTER: usize = 7;

/// Shapes, and the room that they take.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    text: String,
    right: usize,
    bottom: usize,
}

impl Drawing {
    pub(super) fn rect(&mut self, (x, y): (usize, usize), (width, height): (usize, usize), class: &str) {
        let _ = writeln!(
            self.text,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"4\"/>"
        );
        self.takes(x + width, y + height);
    }

    /// A line of text, at its left end and base line.
    pub(super) fn text(&mut self, x: usize, y: usize, class: &str, words: &str) {
        let _ = writeln!(self.text, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escape(words));
        self.takes(x, y);
    }

    /// A line through these points, of right angles.
    pub(super) fn line(&mut self, points: &[(usize, usize)], class: &str) {
        let mut path = String::new();
        for (index, (x, y)) in points.iter().enumerate() {
            let _ = write!(path, "{}{x} {y}", if index == 0 { "M" } else { " L" });
            self.takes(*x, *y);
        }
        let _ = writeln!(self.text, "<path class=\"{class}\" d=\"{path}\"/>");
    }

    fn takes(&mut self, right: usize, bottom: usize) {
        self.right = self.right.max(right);
        self.bottom = self.bottom.max(bottom);
    }

    /// The size of everything, with free room behind it.
    pub(super) fn size(&self, margin: usize) -> (usize, usize) {
        (self.right + margin, self.bottom + margin)
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// The width of small text.
pub(super) fn width(words: &str) -> usize {
    words.chars().count() * CHARACTER
}

/// `words` as far as they fit into `room`, which is at least one character wide.
pub(super) fn cut(words: &str, room: usize, character: usize) -> String {
    let most = (room / character).max(1);
    if words.chars().count() <= most {
        return words.to_owned();
    }
    words.chars().take(most - 1).chain(['…']).collect()
}

/// Items with commas between, in lines that fit into `room`; of more lines than `most` the last says how many items are left.
pub(super) fn wrap(first: &str, items: &[String], room: usize, most: usize) -> Vec<String> {
    let mut lines = vec![first.to_owned()];
    for (index, item) in items.iter().enumerate() {
        let comma = if index + 1 < items.len() { "," } else { "" };
        let line = lines.last().map_or("", String::as_str);
        let longer = format!("{line}{}{item}{comma}", if line.is_empty() { "" } else { " " });
        let left = items.len() - index;
        // Room for the count, where more would follow in a line that is not there.
        let is_last = lines.len() == most;
        let tail = if is_last && left > 1 { 8 * CHARACTER } else { 0 };
        if width(&longer) + tail <= room || line.is_empty() || line == first {
            if let Some(last) = lines.last_mut() {
                *last = cut(&longer, room, CHARACTER);
            }
        } else if is_last {
            if let Some(last) = lines.last_mut() {
                *last = format!("{} +{left}", last.trim_end_matches(','));
            }
            return lines;
        } else {
            lines.push(cut(&format!("{item}{comma}"), room, CHARACTER));
        }
    }
    lines
}

/// Words in lines that fit into `room`; what has no room in `most` lines is left out, and the last one says so.
pub(super) fn fill(words: &str, room: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + width(word) + CHARACTER <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(cut(word, room, CHARACTER)),
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = cut(&format!("{} …", last.trim_end_matches(',')), room, CHARACTER);
        }
    }
    lines
}

/// Text as XML has it; what it cannot hold is left out.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for char in text.chars().filter(|char| !char.is_control()) {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(char),
        }
    }
    escaped
}
