//! A POSIX shell over values: what a script does to a file tree, found out without running anything.
//!
//! ```text
//! text ─▶ parse (ast) ─▶ evaluator ─▶ utilities and the host's commands ─▶ changed Files, exit status
//!                                                                       └▶ or the line that cannot be followed, and why
//! ```
//!
//! The language is that of POSIX.1-2024 (XCU chapter 2) as `dash` has it, with `local` and the few things of `bash` that maintainer
//! scripts use. The evaluator reaches nothing but a [`Files`] value, a table of utilities and the [`Host`]'s commands.
//! Steps, memory and depth are bounded. Whatever is not modelled stops it: it never guesses.

pub mod ast;
mod call;
mod eval;
mod files;
mod interpreter;
mod parse;
mod reason;
pub mod regex;
pub mod utilities;
mod variables;

pub use call::{Answer, Call, Host, Stdin, Utility};
pub use eval::{Finished, Pattern, Script, Stop, run};
pub use files::{Absent, Change, FileError, Files};
pub use interpreter::Interpreter;
pub use parse::{SyntaxError, parse, parse_at};
pub use reason::Reason;
pub use variables::Variables;
