//! The lines that sed reads, one after the other, over all of its files; and what it writes.

/// One input file.
#[derive(Debug)]
pub(super) struct Input {
    /// Its name; `-` is standard input.
    pub(super) name: String,
    pub(super) text: Vec<u8>,
}

/// A line that was read.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) text: Vec<u8>,
    /// It has an end; the last one of a file may have none.
    pub(super) ended: bool,
}

#[derive(Debug)]
pub(super) struct Lines {
    files: Vec<Input>,
    file: usize,
    at: usize,
    end: u8,
    /// Each file has its own numbers and its own last line (`-s`).
    pub(super) separate: bool,
    /// Of the line that was read last.
    pub(super) number: usize,
}

impl Lines {
    pub(super) fn new(files: Vec<Input>, end: u8, separate: bool) -> Self {
        Self { files, file: 0, at: 0, end, separate, number: 0 }
    }

    /// The file that is read.
    pub(super) fn file(&self) -> usize {
        self.file
    }

    pub(super) fn name(&self) -> &str {
        self.files.get(self.file).map_or("-", |file| &file.name)
    }

    /// Whether the next line begins another file than the last one that was read.
    fn at_end_of_file(&self) -> bool {
        self.files.get(self.file).is_none_or(|file| self.at >= file.text.len())
    }

    fn is_more_after(&self) -> bool {
        self.files.iter().skip(self.file + 1).any(|file| !file.text.is_empty())
    }

    /// Whether the line that was read last is what `$` means, after which `n` and `N` find none.
    pub(super) fn is_last(&self) -> bool {
        self.at_end_of_file() && (self.separate || !self.is_more_after())
    }

    pub(super) fn next(&mut self) -> Option<Line> {
        while self.at_end_of_file() {
            if self.file + 1 >= self.files.len() {
                return None;
            }
            (self.file, self.at) = (self.file + 1, 0);
            if self.separate {
                self.number = 0;
            }
        }
        let rest = self.files.get(self.file)?.text.get(self.at..)?;
        let length = rest.iter().position(|byte| *byte == self.end);
        let line = rest.get(..length.unwrap_or(rest.len()))?.to_vec();
        self.at += line.len() + 1;
        self.number += 1;
        Some(Line { text: line, ended: length.is_some() })
    }
}

/// Where sed writes to. What it reads unfinished it writes unfinished, but finishes it if more follows.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) text: Vec<u8>,
    unfinished: bool,
}

impl Output {
    /// Writes a whole text.
    pub(super) fn raw(&mut self, text: &[u8], end: u8) {
        if std::mem::take(&mut self.unfinished) {
            self.text.push(end);
        }
        self.text.extend_from_slice(text);
    }

    pub(super) fn line(&mut self, text: &[u8], ended: bool, end: u8) {
        self.raw(text, end);
        if ended {
            self.text.push(end);
        } else {
            self.unfinished = true;
        }
    }
}
