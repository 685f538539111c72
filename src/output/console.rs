//! The console: all results, notes, progress and errors of a run, in the output mode that was chosen at its start.

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
    // No doc comment: clap would print an explanation of each value, and make the help twice as long.
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    /// Applies the choice to everything that the process prints.
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

/// What a run prints, and in which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputMode {
    /// Only results, warnings and errors.
    Quiet,
    /// Text for people; progress is bars on a terminal, plain lines elsewhere.
    Human,
    /// JSON lines on standard output.
    Json,
}

/// The output of a run.
pub struct Console {
    mode: OutputMode,
    verbose: bool,
    progress: Box<dyn Progress + Send>,
    /// The first error of writing a result.
    unwritten: Mutex<Option<io::Error>>,
}

impl std::fmt::Debug for Console {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Console").field("mode", &self.mode).finish_non_exhaustive()
    }
}

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// The number of columns, if `stream` is a terminal that reports it.
pub(super) fn columns(stream: &(impl IsTerminal + AsFd)) -> Option<usize> {
    let size = stream.is_terminal().then(|| terminal_size_of(stream))?;
    size.map(|(Width(columns), _)| usize::from(columns))
}

/// Prints a text and a line break on standard error. An error of writing there cannot be reported, and is ignored.
pub(super) fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", fit(text, columns(&io::stderr())));
}

/// A warning on standard error.
pub(super) fn warn(message: &str) {
    say(&format!("{WARNING}warning{WARNING:#}: {message}"));
}

/// Prints a line at once, beside the bars: the answer to Ctrl-C.
pub fn print_now(text: &str) {
    bars::suspended(|| say(&format!("\n{text}")));
}

/// Removes the bars from the terminal, before the program ends.
pub fn clear_terminal() {
    bars::clear();
}

impl Console {
    /// Sets the process's colour choice and picks the progress display.
    #[must_use]
    pub fn new(mode: OutputMode, verbose: bool, color: Color) -> Self {
        color.choose();
        let progress: Box<dyn Progress + Send> = match mode {
            OutputMode::Quiet => Box::new(Warnings),
            OutputMode::Json => Box::new(Json::default()),
            OutputMode::Human if std::io::stderr().is_terminal() => Box::new(Bars::new()),
            OutputMode::Human => Box::new(Lines),
        };
        Self { mode, verbose, progress, unwritten: Mutex::default() }
    }

    /// Where stages report their progress.
    #[must_use]
    pub fn progress(&self) -> &dyn Progress {
        &*self.progress
    }

    /// Prints a command's result: `value` in a JSON object with `"event": "result"`, or the text `human`.
    pub fn result(&self, value: &impl Serialize, human: &str) {
        if self.mode == OutputMode::Json {
            match serde_json::to_value(value) {
                Ok(value) => self.keep(json::write(&json!({"event": "result", "result": value}))),
                Err(error) => json::line(&json!({"event": "error", "message": error.to_string()})),
            }
        } else if !human.is_empty() {
            let text = fit(human.trim_end(), columns(&io::stdout()));
            self.print(&mut anstream::stdout(), &format!("{text}\n"));
        }
    }

    /// Prints a result whose text must not be wrapped, since it is copied or redirected to a file: a script, a schema, keys.
    pub fn text(&self, value: &impl Serialize, text: &str) {
        if self.mode == OutputMode::Json {
            self.result(value, "");
        } else {
            self.print(&mut io::stdout(), text);
        }
    }

    fn print(&self, out: &mut dyn Write, text: &str) {
        let mut print = || self.keep(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
        // Bars are suspended only for a terminal: on a pipe there are none, and a reader that is slow must not stop them.
        if io::stdout().is_terminal() { self.progress.aside(&mut print) } else { print() }
    }

    /// Checks that all results were written.
    ///
    /// # Errors
    /// The first error of writing.
    pub fn check_written(&self) -> Result<(), Failure> {
        match self.unwritten.lock().ok().and_then(|mut unwritten| unwritten.take()) {
            Some(error) => Err(Failure::io(Code::Unexpected, "cannot write the result to standard output", &error)),
            None => Ok(()),
        }
    }

    /// Remembers an error of writing a result. A closed pipe is not an error, since `imgbuild inspect | head` closes it early.
    fn keep(&self, written: io::Result<()>) {
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
            && let Ok(mut unwritten) = self.unwritten.lock()
        {
            unwritten.get_or_insert(error);
        }
    }

    /// Prints additional information, or what to do next.
    pub fn note(&self, text: &str) {
        match self.mode {
            OutputMode::Quiet => {}
            OutputMode::Human => self.progress.aside(&mut || say(text)),
            OutputMode::Json => json::line(&json!({"event": "note", "message": text})),
        }
    }

    /// Asks the user, and returns the typed line.
    ///
    /// # Errors
    /// There is no terminal, it fails, or standard input ends.
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

    /// Whether the user can be asked.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        self.mode != OutputMode::Json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether the output is text for people, not JSON.
    #[must_use]
    pub fn is_for_people(&self) -> bool {
        self.mode != OutputMode::Json
    }

    /// Prints an additional JSON event; nothing in other modes.
    pub fn event(&self, name: &str, value: &impl Serialize) {
        if self.mode == OutputMode::Json {
            json::line(&json!({"event": name, name: value}));
        }
    }

    /// Prints a note only with `--verbose`.
    pub fn detail(&self, text: &str) {
        if self.verbose {
            self.note(text);
        }
    }

    /// Prints a failure: its place and message, the causes, the hint.
    pub fn fail(&self, failure: &Failure) {
        if self.mode == OutputMode::Json {
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
        // A snippet already ends with the hint.
        lines.extend(
            failure.hint.iter().filter(|_| failure.snippet.is_none()).map(|hint| format!("{HINT}hint{HINT:#}: {hint}")),
        );
        self.progress.aside(&mut || say(&lines.join("\n")));
    }
}
