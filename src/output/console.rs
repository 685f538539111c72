//! The console: decides once how this run speaks, then carries results, progress and errors.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::Mutex;

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::json;
use terminal_size::{Width, terminal_size_of};

use super::bars::{self, Bars};
use super::fit::fit;
use super::json::{self, Json};
use super::lines::Lines;
use super::{Progress, Warnings};
use crate::exit::{Code, Failure};

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    // Not for the help: one value that is explained makes all of it twice as long.
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    /// From now on all of the process is printed so.
    pub fn choose(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

impl From<Color> for clap::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
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

/// Columns of the terminal that `stream` is, if it is one and tells.
pub(super) fn columns(stream: &(impl IsTerminal + AsFd)) -> Option<usize> {
    let size = stream.is_terminal().then(|| terminal_size_of(stream))?;
    size.map(|(Width(columns), _)| usize::from(columns))
}

/// A text for people on standard error, without its line break. Nobody is left to tell when that cannot be written.
pub(super) fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", fit(text, columns(&io::stderr())));
}

/// A warning on standard error.
pub(super) fn warn(message: &str) {
    say(&format!("{WARNING}warning{WARNING:#}: {message}"));
}

/// A line for a person who has just pressed a key and waits for an answer, whatever else is on the terminal.
pub fn at_once(text: &str) {
    bars::aside(|| say(&format!("\n{text}")));
}

/// Nothing is drawn on the terminal any more: the program ends.
pub fn leave() {
    bars::leave();
}

impl Console {
    /// Sets the process's colour choice and picks the progress display.
    #[must_use]
    pub fn new(look: Look, verbose: bool, color: Color) -> Self {
        color.choose();
        let progress: Box<dyn Progress + Send> = match look {
            Look::Quiet => Box::new(Warnings),
            Look::Json => Box::new(Json::default()),
            Look::Human if std::io::stderr().is_terminal() => Box::new(Bars::new()),
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
            let text = fit(human.trim_end(), columns(&io::stdout()));
            self.print(&mut anstream::stdout(), &format!("{text}\n"));
        }
    }

    /// A result whose text is to be copied, or kept in a file, as it is: a script, a schema, keys.
    pub fn text(&self, value: &impl Serialize, text: &str) {
        if self.look == Look::Json {
            self.result(value, "");
        } else {
            self.print(&mut io::stdout(), text);
        }
    }

    fn print(&self, out: &mut dyn Write, text: &str) {
        let mut print = || self.keep(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
        // A pipe that nobody reads would hold up all else, and has no bars on it.
        if io::stdout().is_terminal() { self.progress.aside(&mut print) } else { print() }
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

    /// What is good to know, or comes next.
    pub fn note(&self, text: &str) {
        match self.look {
            Look::Quiet => {}
            Look::Human => self.progress.aside(&mut || say(text)),
            Look::Json => json::line(&json!({"event": "note", "message": text})),
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
        write!(err, "{} ", fit(question, columns(&io::stderr())))?;
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
            let mut event = json!({
                "event": "error",
                "code": failure.code as u8,
                "message": failure.message,
                "causes": failure.causes,
                "hint": failure.hint,
            });
            if !failure.findings.is_empty() {
                event["findings"] = json!(failure.findings);
            }
            json::line(&event);
            return;
        }
        self.progress.abandon();
        let mut lines = vec![match &failure.snippet {
            Some(snippet) => snippet.trim_end().to_owned(),
            None => format!("{ERROR}error{ERROR:#}: {}", failure.message),
        }];
        lines.extend(failure.causes.iter().map(|cause| format!("  because: {cause}")));
        // A snippet ends with it.
        lines.extend(
            failure.hint.iter().filter(|_| failure.snippet.is_none()).map(|hint| format!("{HINT}hint{HINT:#}: {hint}")),
        );
        self.progress.aside(&mut || say(&lines.join("\n")));
    }
}
