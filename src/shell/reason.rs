//! Why a script cannot be followed.

/// Why a script cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("the command `{0}` is not modelled")]
    UnknownCommand(String),
    /// An option, an operand or a form of a command.
    #[error("`{command}` is not modelled with {what}")]
    Unsupported { command: String, what: String },
    /// `what` is the network, the clock, randomness, a running daemon, the machine's hardware.
    #[error("`{command}` reads {what}, which differs from one installation to the next")]
    Differs { command: String, what: String },
    /// A construct of a shell other than POSIX's.
    #[error("{0} is not modelled")]
    Construct(String),
    #[error("`{0}` is not valid shell syntax here")]
    Syntax(String),
    #[error("it holds bytes that are not UTF-8 text, or a NUL byte")]
    NotText,
    /// Steps, memory, depth.
    #[error("it takes more than {0}")]
    Limit(&'static str),
    #[error("`{0}` cannot be read from the package")]
    Unreadable(String),
    /// The script itself ends with an exit status, which makes dpkg stop.
    #[error("it ends with exit status {0}")]
    Status(u8),
    /// A program of a package, which is no modelled command.
    #[error("it runs the program `{0}`, which is not modelled")]
    Program(String),
    /// What a command asks for cannot be done in this tree.
    #[error("{0}")]
    Refused(String),
}

impl Reason {
    /// A form of `command` that is not modelled.
    #[must_use]
    pub fn unsupported(command: &str, what: impl Into<String>) -> Self {
        Self::Unsupported { command: command.to_owned(), what: what.into() }
    }

    /// What `command` would read that differs between installations.
    #[must_use]
    pub fn differs(command: &str, what: impl Into<String>) -> Self {
        Self::Differs { command: command.to_owned(), what: what.into() }
    }
}
