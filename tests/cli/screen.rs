//! What a person sees: the program on a terminal of a certain size, and what stands on it in the end.

use std::num::NonZero;
use std::process::Command;

use crate::terminal;

/// Rows of every terminal here: more than anything here writes, so that nothing scrolls away.
const ROWS: u16 = 200;

/// A terminal after a run of the program.
pub struct Screen {
    pub code: Option<i32>,
    /// Its lines from the top, without the empty ones at the end.
    pub lines: Vec<String>,
}

impl Screen {
    /// Runs `program` on a terminal of so many columns.
    pub fn of(program: &Command, columns: u16) -> Self {
        let mut sized = Command::new("sh");
        sized.args(["-c", &format!("stty rows {ROWS} cols {columns} && exec \"$0\" \"$@\"")]);
        sized.arg(program.get_program()).args(program.get_args()).current_dir(program.get_current_dir().unwrap());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => sized.env(name, value),
                None => sized.env_remove(name),
            };
        }
        sized.env("TERM", "xterm-256color").env_remove("NO_COLOR");
        let (code, shown) = terminal::converse(&sized, &[]);
        let mut parser = vt100::Parser::new(NonZero::new(ROWS).unwrap(), NonZero::new(columns).unwrap(), 0);
        parser.process(shown.as_bytes());
        let lines: Vec<String> = parser.screen().rows(0, columns).map(|line| line.trim_end().to_owned()).collect();
        let filled = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
        Self { code, lines: lines[..filled].to_vec() }
    }

    /// All words on it, in their order.
    pub fn words(&self) -> Vec<&str> {
        self.lines.iter().flat_map(|line| line.split_whitespace()).collect()
    }
}
