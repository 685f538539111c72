//! Searches one text.

use super::settings::{Report, Settings};
use super::unsupported;
use crate::shell::reason::Reason;
use crate::shell::utilities::text::input::{is_stdin, lines};

/// What a search gives.
pub(super) struct Found {
    pub(super) output: Vec<u8>,
    /// Whether any line was selected.
    pub(super) any: bool,
}

/// Searches `text`, which is the file `name`.
pub(super) fn search(settings: &Settings, text: &[u8], name: &str) -> Result<Found, Reason> {
    let name = if is_stdin(name) { "(standard input)" } else { name };
    let all: Vec<&[u8]> = lines(text, settings.end).collect();
    if settings.end == 0 && text.contains(&b'\n') {
        return Err(unsupported("-z of text with line ends"));
    }
    let shows_lines = matches!(settings.report, Report::Lines | Report::Parts);
    let binary = settings.end != 0 && !settings.binary && text.contains(&0);
    let mut writer = Writer { settings, name, output: Vec::new(), last: None };
    let mut count = 0;
    let mut after = 0;
    for (at, line) in all.iter().enumerate() {
        if count >= settings.most {
            // What comes after the last selected line is still shown, up to the next that would be selected.
            if after == 0 || settings.report != Report::Lines || is_selected(settings, line)? {
                break;
            }
        } else if is_selected(settings, line)? {
            count += 1;
            if !shows_lines {
                if settings.report != Report::Count {
                    break;
                }
                continue;
            }
            if binary {
                return Err(unsupported("a file that is not text"));
            }
            if settings.report == Report::Parts {
                writer.parts(at, line)?;
                continue;
            }
            let first = at.saturating_sub(settings.before).max(writer.last.map_or(0, |last| last + 1));
            for (before, line) in all.iter().enumerate().take(at).skip(first) {
                writer.line(before, line, b'-');
            }
            writer.line(at, line, b':');
            after = settings.after;
            continue;
        }
        if after > 0 && settings.report == Report::Lines {
            after -= 1;
            writer.line(at, line, b'-');
        }
    }
    let any = count > 0;
    match settings.report {
        Report::Count => writer.count(count),
        Report::Names if any => writer.file(),
        Report::OtherNames if !any => writer.file(),
        _ => {}
    }
    Ok(Found { output: writer.output, any })
}

fn is_selected(settings: &Settings, line: &[u8]) -> Result<bool, Reason> {
    let matches =
        settings.pattern.is_match(line).map_err(|error| unsupported(format!("a pattern that has {error}")))?;
    Ok(matches != settings.inverse)
}

struct Writer<'a> {
    settings: &'a Settings,
    name: &'a str,
    output: Vec<u8>,
    /// The line that was written last.
    last: Option<usize>,
}

impl Writer<'_> {
    fn before(&mut self, at: usize, mark: u8) {
        if self.settings.names {
            self.output.extend_from_slice(self.name.as_bytes());
            self.output.push(self.settings.name_end.unwrap_or(mark));
        }
        if self.settings.numbers {
            self.output.extend_from_slice((at + 1).to_string().as_bytes());
            self.output.push(mark);
        }
    }

    fn line(&mut self, at: usize, line: &[u8], mark: u8) {
        if self.settings.context && self.last.is_some_and(|last| at > last + 1) {
            self.output.extend_from_slice(b"--\n");
        }
        self.before(at, mark);
        self.output.extend_from_slice(line);
        self.output.push(self.settings.end);
        self.last = Some(at);
    }

    fn parts(&mut self, at: usize, line: &[u8]) -> Result<(), Reason> {
        if self.settings.inverse {
            return Ok(());
        }
        let mut from = 0;
        while from <= line.len() {
            let found = self.settings.pattern.find(line, from);
            let found = found.map_err(|error| unsupported(format!("a pattern that has {error}")))?;
            let Some((start, end)) = found else { break };
            if let Some(loose) = &self.settings.loose
                && loose.find(line, start) != Ok(Some((start, end)))
            {
                return Err(unsupported("-ow where a word is part of a longer match"));
            }
            if start < end {
                self.before(at, b':');
                self.output.extend_from_slice(line.get(start..end).unwrap_or_default());
                self.output.push(self.settings.end);
                from = end;
            } else {
                from = start + 1;
            }
        }
        Ok(())
    }

    fn count(&mut self, count: usize) {
        if self.settings.names {
            self.output.extend_from_slice(self.name.as_bytes());
            self.output.push(self.settings.name_end.unwrap_or(b':'));
        }
        self.output.extend_from_slice(format!("{count}\n").as_bytes());
    }

    fn file(&mut self) {
        self.output.extend_from_slice(self.name.as_bytes());
        self.output.push(self.settings.name_end.unwrap_or(b'\n'));
    }
}
