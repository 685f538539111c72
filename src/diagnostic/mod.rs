//! A mistake in a file that a person wrote: shown with the file, the line, a caret and a hint, as rustc does.
//!
//! It lies below all rooms that read such files; `output` prints what they found.

mod mistakes;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet, Title};
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

pub use mistakes::Mistakes;

/// Columns of a terminal that is not wide: a quoted line is cut to them around its mistake.
const WIDTH: usize = 80;

/// A text file as it was read, for quoting from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    /// Its path as messages show it.
    pub path: String,
    pub text: String,
}

/// How bad a mistake is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It would not work.
    Error,
    /// It may work, but probably not as meant.
    Warning,
    /// It works, and is good to know.
    Info,
}

/// A mistake at a place of a text file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub source: Arc<SourceText>,
    /// Bytes of the text that are wrong; `None` when something is missing from the whole file.
    pub span: Option<Range<usize>>,
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A mistake at `span` of `source`. A span outside the text is cut to it.
    #[must_use]
    pub fn new(source: &Arc<SourceText>, span: Option<Range<usize>>, message: impl Into<String>) -> Self {
        let text = &source.text;
        let span = span.map(|span| {
            let start = boundary(text, span.start);
            start..boundary(text, span.end).max(start)
        });
        Self { source: Arc::clone(source), span, message: message.into(), hint: None }
    }

    /// The same mistake with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Several lines for a person: message, place, the quoted line with a caret, hint. No line break at the end.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        self.draw(Level::ERROR.primary_title(self.message.as_str()), None, color)
    }

    /// As [`Diagnostic::render`], for a rule that has a code, and a reason unless that is empty.
    #[must_use]
    pub fn render_finding(&self, severity: Severity, code: &str, why: &str, color: bool) -> String {
        let level = match severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Info => Level::INFO,
        };
        self.draw(level.primary_title(self.message.as_str()).id(code), Some(why).filter(|why| !why.is_empty()), color)
    }

    fn draw(&self, title: Title<'_>, why: Option<&str>, color: bool) -> String {
        let SourceText { path, text } = &*self.source;
        let mut group = match &self.span {
            Some(span) => title.element(
                Snippet::source(text.as_str())
                    .path(path.as_str())
                    .annotation(AnnotationKind::Primary.span(span.clone())),
            ),
            None => title.element(Origin::path(path.as_str())),
        };
        if let Some(why) = why {
            group = group.element(Level::NOTE.message(why));
        }
        if let Some(hint) = &self.hint {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.term_width(WIDTH).render(&[group])
    }

    /// Line and column of the mistake, both from 1, the column in characters.
    #[must_use]
    pub fn position(&self) -> Option<(usize, usize)> {
        let before = &self.source.text[..self.span.as_ref()?.start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        Some((line, column))
    }
}

/// As programs get it: `file`, `line` and `column` (`null` for what is missing from the whole file), `message`, `hint`.
impl Serialize for Diagnostic {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let position = self.position();
        let mut value = out.serialize_struct("Diagnostic", 5)?;
        value.serialize_field("file", &self.source.path)?;
        value.serialize_field("line", &position.map(|(line, _)| line))?;
        value.serialize_field("column", &position.map(|(_, column)| column))?;
        value.serialize_field("message", &self.message)?;
        value.serialize_field("hint", &self.hint)?;
        value.end()
    }
}

/// The last place of a character's first byte that is not behind `index`.
fn boundary(text: &str, index: usize) -> usize {
    (0..=index.min(text.len())).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0)
}

/// One line: `path:line:column: message`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:", self.source.path)?;
        if let Some((line, column)) = self.position() {
            write!(out, "{line}:{column}:")?;
        }
        write!(out, " {}", self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// The candidate that `word` was probably meant to be, if one is close enough.
#[must_use]
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // 0.8 accepts one or two slips in a short word and refuses words that merely share letters.
    const ENOUGH: f64 = 0.8;
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(score, _)| *score >= ENOUGH)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate)
}
