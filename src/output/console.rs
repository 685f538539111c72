//! The console: decides once how this run speaks, then carries results, progress and errors.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::json;

use super::bars::Bars;
use super::json::{self, Json};
use super::lines::Lines;
use super::{Progress, Warnings};
use crate::exit::{Code, Failure};

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
    /// Nothing but results, warnings and errors.
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
    /// Why a result could not be written.
    unwritten: Mutex<Option<io::Error>>,
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

/// A line for a person who has just pressed a key and waits for an answer, whatever else is on the terminal.
pub fn at_once(text: &str) {
    let _ = writeln!(anstream::stderr(), "\n{text}");
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
            Look::Quiet => Box::new(Warnings),
            Look::Json => Box::new(Json::default()),
            Look::Human if std::io::stderr().is_terminal() => Box::new(Bars::default()),
            Look::Human => Box::new(Lines),
        };
        Self { look, verbose, progress, unwritten: Mutex::default() }
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
                Ok(value) => self.keep(json::write(&json!({"event": "result", "result": value}))),
                Err(error) => json::line(&json!({"event": "error", "message": error.to_string()})),
            }
        } else if !human.is_empty() {
            let mut out = anstream::stdout();
            self.keep(writeln!(out, "{}", human.trim_end()).and_then(|()| out.flush()));
        }
    }

    /// A result that is a text of its own, such as a script.
    pub fn text(&self, text: &str) {
        let mut out = io::stdout();
        self.keep(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
    }

    /// Whether all results were written.
    ///
    /// # Errors
    /// That of writing.
    pub fn check_written(&self) -> Result<(), Failure> {
        match self.unwritten.lock().ok().and_then(|mut unwritten| unwritten.take()) {
            Some(error) => Err(Failure::io(Code::Unexpected, "cannot write the result to standard output", &error)),
            None => Ok(()),
        }
    }

    /// `imgbuild inspect | head` closes the pipe early, which is success; a full disk is none.
    fn keep(&self, written: io::Result<()>) {
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
            && let Ok(mut unwritten) = self.unwritten.lock()
        {
            unwritten.get_or_insert(error);
        }
    }

    /// One line for people about what comes next.
    pub fn note(&self, text: &str) {
        if self.look == Look::Human {
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    }

    /// Asks a person, and gives what was typed.
    ///
    /// # Errors
    /// Of the terminal, and when there is nobody to ask.
    pub fn ask(&self, question: &str) -> io::Result<String> {
        if !self.can_ask() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let mut err = anstream::stderr();
        write!(err, "{question} ")?;
        err.flush()?;
        let mut line = String::new();
        if io::stdin().read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim().to_owned())
    }

    /// Whether a person can be asked.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        self.look != Look::Json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether it is people who read what is not a result.
    #[must_use]
    pub fn is_for_people(&self) -> bool {
        self.look != Look::Json
    }

    /// What a part of the program tells programs, besides its progress.
    pub fn event(&self, name: &str, value: &impl Serialize) {
        if self.look == Look::Json {
            json::line(&json!({"event": name, name: value}));
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
        // A snippet ends with it.
        if let Some(hint) = failure.hint.as_ref().filter(|_| failure.snippet.is_none()) {
            let _ = writeln!(err, "{HINT}hint{HINT:#}: {hint}");
        }
    }
}
