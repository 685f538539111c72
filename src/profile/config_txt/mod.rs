//! `[board] config`: lines that a profile adds to the `config.txt` of a Raspberry Pi, for fans, add-on boards and clocks.
//!
//! The rules are those of the Raspberry Pi documentation, "config.txt": "File format" (98 characters a line), "Boot options"
//! and "Conditional filters".
//!
//! Unlike other lists, lines keep their order and may repeat: a line means what the filter above it says. So the lines of
//! one file stay together, and before the next file's every filter is lifted (`[all]`) and the last device tree overlay is
//! ended (`dtoverlay=`), so that neither reaches into them.

pub(super) mod line;

use std::ops::Range;
use std::sync::Arc;

use super::inherit::not_inherited;
use super::marks::Written;
use super::schema::List;
use super::values::{ConfigLine, Edit, Spanned};
use super::{Board, Marks, ProfileError};
use crate::diagnostic::{Diagnostic, SourceText};
pub(crate) use line::overlay_of;
use line::{is_filter, leaves_overlay_open};

/// The lines so far.
#[derive(Debug, Default)]
pub(super) struct ConfigDraft {
    blocks: Vec<Block>,
}

/// The lines of one file.
#[derive(Debug, Clone)]
pub(super) struct Block {
    lines: Vec<(String, Range<usize>)>,
    at: Arc<SourceText>,
}

impl Block {
    pub(super) fn new(lines: Vec<Spanned<ConfigLine>>, at: &Arc<SourceText>) -> Self {
        let placed = |Spanned(line): Spanned<ConfigLine>| (line.get_ref().0.clone(), line.span());
        Self { lines: lines.into_iter().map(placed).collect(), at: Arc::clone(at) }
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|(line, _)| line.as_str())
    }
}

impl ConfigDraft {
    /// Takes away what a file takes away, and adds its lines behind what is there.
    ///
    /// # Errors
    /// An entry that takes nothing away, or takes a filter off the lines below it.
    pub(super) fn lay(&mut self, list: List<ConfigLine>, by: &Written, marks: &mut Marks) -> Result<(), ProfileError> {
        marks.note_added("board.config", by, &list);
        let at = &by.source;
        let mut lines = Vec::new();
        for Spanned(entry) in list {
            let span = entry.span();
            match entry.into_inner() {
                Edit::Add(ConfigLine(line)) => lines.push((line, span)),
                Edit::Remove(ConfigLine(line)) if is_filter(&line) => {
                    let message = format!("`-{line}` would leave the lines below the filter to every board");
                    let wrong = Diagnostic::new(at, Some(span), message);
                    return Err(wrong.hint("take the lines below it away instead").into());
                }
                Edit::Remove(ConfigLine(line)) => self.remove(&line, at, span)?,
            }
        }
        self.blocks.push(Block { lines, at: Arc::clone(at) });
        Ok(())
    }

    fn remove(&mut self, line: &str, at: &Arc<SourceText>, span: Range<usize>) -> Result<(), ProfileError> {
        if !self.lines().any(|known| known == line) {
            return Err(not_inherited(line, self.lines(), at, span));
        }
        for block in &mut self.blocks {
            block.lines.retain(|(known, _)| known != line);
        }
        Ok(())
    }

    /// Puts an overlay's lines before what is there: where a setting is given twice the last one counts, and a profile
    /// wins over its overlays.
    pub(super) fn precede(&mut self, lines: &Block) {
        self.blocks.insert(0, lines.clone());
    }

    /// All lines, in order.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().flat_map(Block::lines)
    }

    /// The lines as `config.txt` gets them. A filter may be in force behind the last.
    ///
    /// # Errors
    /// Lines for a board that has no `config.txt`.
    pub(super) fn finish(self, profile: &str, board: Board) -> Result<Vec<String>, ProfileError> {
        let mut finished: Vec<String> = Vec::new();
        let mut is_overlay_open = false;
        for Block { lines, at } in self.blocks {
            let Some((_, first)) = lines.iter().find(|(line, _)| !is_filter(line)) else { continue };
            if !board.is_raspberry_pi() {
                let message = format!(
                    "profile `{profile}` is for a `{}`, and only a Raspberry Pi has a config.txt",
                    board.name()
                );
                let wrong = Diagnostic::new(&at, Some(first.clone()), message);
                let hint = "take the lines out, or leave out the profile or overlay that brings them";
                return Err(wrong.hint(hint).into());
            }
            let in_force = finished.iter().rev().find(|line| is_filter(line));
            if in_force.is_some_and(|filter| filter != "[all]") {
                finished.push("[all]".to_owned());
            }
            if is_overlay_open {
                finished.push("dtoverlay=".to_owned());
            }
            is_overlay_open = leaves_overlay_open(lines.iter().map(|(line, _)| line.as_str()));
            finished.extend(lines.into_iter().map(|(line, _)| line));
        }
        Ok(finished)
    }
}
