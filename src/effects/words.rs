//! Reading systemd's configuration directories: which files count, and how their lines split into words.

use std::collections::BTreeMap;

use crate::tree::Tree;

/// The `*.conf` files of `dirs`, sorted by name; of two with one name only that of the earlier directory counts. A link
/// to `/dev/null`, which takes a file out of use, is among them and leads to no file of the tree.
pub(super) fn files(tree: &Tree, dirs: &[&str]) -> Vec<String> {
    let mut files = BTreeMap::new();
    for dir in dirs {
        for (path, node) in tree.below(dir) {
            let name = &path[dir.len() + 1..];
            let conf = name.rsplit_once('.').is_some_and(|(_, extension)| extension == "conf");
            if conf && !name.contains('/') && !node.is_dir() {
                files.entry(name).or_insert_with(|| path.to_owned());
            }
        }
    }
    files.into_values().collect()
}

/// The words of `line` as tmpfiles.d(5) and sysusers.d(5) read them: separated by blanks, with quotes around words
/// that hold blanks and backslash escapes as in C.
///
/// # Errors
/// What is wrong with the line, for a message.
pub(super) fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|char| char.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Ok(words);
        }
        let mut word = String::new();
        let mut quote = None;
        loop {
            match (chars.next(), quote) {
                (None, None) => break,
                (None, Some(_)) => return Err("a quote is not closed".to_owned()),
                (Some('\\'), _) => word.push(escape(chars.next())?),
                (Some(char), Some(open)) if char == open => quote = None,
                (Some(char @ ('"' | '\'')), None) => quote = Some(char),
                (Some(char), None) if char.is_whitespace() => break,
                (Some(char), _) => word.push(char),
            }
        }
        words.push(word);
    }
}

fn escape(char: Option<char>) -> Result<char, String> {
    match char {
        Some('n') => Ok('\n'),
        Some('t') => Ok('\t'),
        Some('s') => Ok(' '),
        Some(char @ ('\\' | '"' | '\'')) => Ok(char),
        Some(char) => Err(format!("unknown escape `\\{char}`")),
        None => Err("the line ends in a backslash".to_owned()),
    }
}

/// Replaces specifiers. Only `%%` stands for the same on every machine and every boot, so others are refused.
///
/// # Errors
/// What is wrong, for a message.
pub(super) fn specifiers(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (char, char == '%') {
            (_, true) => match chars.next() {
                Some('%') => out.push('%'),
                Some(name) => return Err(format!("`%{name}` has no value while an image is made")),
                None => return Err("the word ends in `%`".to_owned()),
            },
            (char, false) => out.push(char),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_escapes_keep_blanks_together() {
        assert_eq!(split(r#" u  x - "A b" 'c "d' e\sf "#).unwrap(), ["u", "x", "-", "A b", "c \"d", "e f"]);
        assert_eq!(split(r#"f /x - - - - """#).unwrap().last().unwrap(), "");
        assert!(split("u \"x").is_err());
    }

    #[test]
    fn specifiers_that_depend_on_the_machine_are_refused() {
        assert_eq!(specifiers("100%%").unwrap(), "100%");
        assert!(specifiers("/run/%m").is_err());
    }
}
