//! Exit codes: a stable part of the command line's face, documented in `docs/cli.md`.

/// How a run ended, as the process's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// Done.
    Ok = 0,
    /// The command line, a profile, an overlay or another input is wrong, or a safety rule refused.
    Refused = 1,
    /// Something that should not happen: an I/O error of this machine, or a bug.
    Unexpected = 2,
    /// Something read is not what it must be: an image, a cache entry or a lock that does not match.
    Verification = 3,
    /// A device vanished or failed while it was in use.
    Device = 4,
    /// A download failed, or a signature or checksum of an archive is bad.
    Download = 5,
    /// Stopped with Ctrl-C or SIGTERM.
    Interrupted = 130,
}

impl From<Code> for std::process::ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Why a command failed, ready to be shown: what happened, the causes below it, and the cure.
#[derive(Debug)]
pub struct Failure {
    pub code: Code,
    /// Object and what went wrong with it, one line.
    pub message: String,
    /// The chain of causes, outermost first.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The place in a source file, rendered with caret and cure; shown instead of message and hint when there is one.
    pub snippet: Option<String>,
    /// What the snippet shows, for programs: objects with `file`, `line`, `column`, `message`, `hint` and more.
    pub findings: Box<[serde_json::Value]>,
}

impl Failure {
    /// A failure with a code, from an error whose sources become the causes. A full disk has one code and one cure
    /// wherever it is met.
    #[must_use]
    pub fn new(code: Code, error: &(dyn std::error::Error + 'static)) -> Self {
        let message = bounded(error.to_string());
        let mut causes = Vec::new();
        let mut is_full = is_full(error);
        let mut below = error.source();
        while let Some(cause) = below {
            is_full |= self::is_full(cause);
            let text = bounded(cause.to_string());
            // Many error types repeat their source's text in their own; once is enough.
            let said = causes.last().unwrap_or(&message);
            if !said.contains(&text) {
                causes.push(text);
            }
            below = cause.source();
        }
        let failure = Self { code, message, causes, hint: None, snippet: None, findings: Box::default() };
        if is_full { failure.of_full_disk() } else { failure }
    }

    /// A failure that is a message alone.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self {
            code: Code::Refused,
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            snippet: None,
            findings: Box::default(),
        }
    }

    /// A failure of this machine's files: `message` says what was tried with which of them.
    #[must_use]
    pub fn io(code: Code, message: impl Into<String>, error: &std::io::Error) -> Self {
        let failure = Self { code, causes: vec![error.to_string()], ..Self::refused(message) };
        if is_full(error) { failure.of_full_disk() } else { failure }
    }

    fn of_full_disk(self) -> Self {
        Self { code: Code::Unexpected, ..self.hint(FULL_DISK) }
    }

    /// The same failure with what it is about in front.
    #[must_use]
    pub fn about(mut self, object: &str) -> Self {
        self.message = format!("{object}: {}", self.message);
        self
    }

    /// The same failure with its cure.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure with its cure, if there is one and it has none yet.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = self.hint.or(hint);
        self
    }
}

/// The beginning of a text that may quote what it is about: a field of a foreign file may have megabytes.
fn bounded(mut text: String) -> String {
    const LONGEST: usize = 16 << 10;
    if text.len() > LONGEST {
        text.truncate((0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0));
        text.push_str(" …");
    }
    text
}

const FULL_DISK: &str =
    "make room there, or choose another place: `--output`, `--cache-dir` and `--workspace` name directories";

/// Whether this very error, not one below it, says that there is no room.
fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge))
}
