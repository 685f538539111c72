//! Texts as values of YAML.

/// A text as YAML reads it back: plain where that is safe, else in quotes.
pub(super) fn word(text: &str) -> String {
    const WORDS: [&str; 11] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"];
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "._/-:@+".contains(char);
    let starts_well = text.starts_with(|char: char| char.is_ascii_alphabetic() || char.is_ascii_digit());
    // A version such as 1.12.1 is a text, 1.12 and 0x1f are numbers.
    let is_text = text.starts_with(|char: char| char.is_ascii_alphabetic()) || text.matches('.').count() > 1;
    let is_word = WORDS.contains(&text.to_ascii_lowercase().as_str());
    if starts_well && is_text && !is_word && !text.ends_with(':') && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        // JSON is YAML.
        serde_json::Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn a_word_is_read_back_as_the_text_that_it_was() {
        let texts = [
            "1.12.1",
            "1.12",
            "10",
            "0x1f",
            "yes",
            "Null",
            "git@git.example.org:you/cluster.git",
            "https://x.org/a",
            "",
            "a: b",
            "a #b",
            "v1",
            "- a",
            "*a",
            "main:",
            "ünï",
            "a\nb",
            "1:20",
            "1.2.3:4",
            "~",
        ];
        for text in texts {
            let read: serde_json::Value = serde_saphyr::from_str(&format!("key: {}\n", word(text))).unwrap();
            assert_eq!(read["key"], text, "{}", word(text));
        }
        assert_eq!(word("https://charts.longhorn.io"), "https://charts.longhorn.io");
    }
}
