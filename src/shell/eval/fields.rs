//! What words expand to: fields of characters, each of which knows whether it was quoted (XCU 2.6.5 to 2.6.7).

use super::pattern::Quoted;

/// The fields of a word that is being expanded.
#[derive(Debug, Default)]
pub(super) struct Fields {
    done: Vec<Vec<Quoted>>,
    current: Option<Vec<Quoted>>,
}

/// What ended the last field of a text that is split.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delimiter {
    None,
    Blank,
    Other,
}

impl Fields {
    /// Adds text that is not split.
    pub fn push(&mut self, text: &str, quoted: bool) {
        let current = self.current.get_or_insert_default();
        current.extend(text.chars().map(|character| (character, quoted)));
    }

    /// Adds the text of an expansion, split where characters of `ifs` stand.
    pub fn split(&mut self, text: &str, ifs: &str) {
        let mut last = Delimiter::None;
        for character in text.chars() {
            if !ifs.contains(character) {
                self.current.get_or_insert_default().push((character, false));
                last = Delimiter::None;
            } else if matches!(character, ' ' | '\t' | '\n') {
                if self.end() {
                    last = Delimiter::Blank;
                }
            } else {
                if !self.end() && last != Delimiter::Blank {
                    self.done.push(Vec::new());
                }
                last = Delimiter::Other;
            }
        }
    }

    /// Ends the field that is being made, if there is one.
    pub fn end(&mut self) -> bool {
        match self.current.take() {
            Some(field) => {
                self.done.push(field);
                true
            }
            None => false,
        }
    }

    /// All fields.
    pub fn finish(mut self) -> Vec<Vec<Quoted>> {
        self.end();
        self.done
    }

    /// All that was added, as one.
    pub fn join(self) -> Vec<Quoted> {
        self.finish().concat()
    }
}

/// The characters without their quoting.
pub(super) fn text(characters: &[Quoted]) -> String {
    characters.iter().map(|(character, _)| *character).collect()
}
