//! The console: decides once how this run speaks, then carries results, progress and errors.

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::json;

use super::bars::Bars;
use super::json::{self, Json};
use super::lines::Lines;
use super::{Progress, Silent};
use crate::exit::Failure;

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

/// How a run speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Nothing but errors and results.
    Quiet,
    /// Bars on a terminal, plain lines elsewhere.
    Human,
    /// JSON lines on standard output.
    Json,
}

/// Where everything that a run says goes through.
pub struct Console {
    look: Look,
    verbose: bool,
    progress: Box<dyn Progress + Send>,
}

impl std::fmt::Debug for Console {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Console").field("look", &self.look).finish_non_exhaustive()
    }
}

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// A warning on standard error.
pub(super) fn warn(message: &str) {
    let _ = writeln!(anstream::stderr(), "{WARNING}warning{WARNING:#}: {message}");
}

impl Console {
    /// Sets the process's colour choice and picks the progress display.
    #[must_use]
    pub fn new(look: Look, verbose: bool, color: Color) -> Self {
        match color {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        }
        .write_global();
        let progress: Box<dyn Progress + Send> = match look {
            Look::Quiet => Box::new(Silent),
            Look::Json => Box::new(Json::default()),
            Look::Human if std::io::stderr().is_terminal() => Box::new(Bars::default()),
            Look::Human => Box::new(Lines),
        };
        Self { look, verbose, progress }
    }

    /// Where stages report their progress.
    #[must_use]
    pub fn progress(&self) -> &dyn Progress {
        &*self.progress
    }

    /// A command's result: an object with `"event": "result"` for programs, `human` for people.
    pub fn result(&self, value: &impl Serialize, human: &str) {
        if self.look == Look::Json {
            match serde_json::to_value(value) {
                Ok(value) => json::line(&json!({"event": "result", "result": value})),
                Err(error) => json::line(&json!({"event": "error", "message": error.to_string()})),
            }
        } else if !human.is_empty() {
            // `imgbuild inspect | head` closes the pipe early; that is success.
            let _ = writeln!(anstream::stdout(), "{}", human.trim_end());
        }
    }

    /// One line for people about what comes next.
    pub fn note(&self, text: &str) {
        if self.look == Look::Human {
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    }

    /// One line for people who asked with `--verbose` what is done and from where.
    pub fn detail(&self, text: &str) {
        if self.verbose {
            self.note(text);
        }
    }

    /// Shows a failure: where and what, the causes, the cure.
    pub fn fail(&self, failure: &Failure) {
        if self.look == Look::Json {
            json::line(&json!({
                "event": "error",
                "code": failure.code as u8,
                "message": failure.message,
                "causes": failure.causes,
                "hint": failure.hint,
            }));
            return;
        }
        let mut err = anstream::stderr();
        let _ = match &failure.snippet {
            Some(snippet) => writeln!(err, "{}", snippet.trim_end()),
            None => writeln!(err, "{ERROR}error{ERROR:#}: {}", failure.message),
        };
        for cause in &failure.causes {
            let _ = writeln!(err, "  because: {cause}");
        }
        if let Some(hint) = &failure.hint {
            let _ = writeln!(err, "{HINT}hint{HINT:#}: {hint}");
        }
    }
}
