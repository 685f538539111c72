//! `trap` (XCU 2.15): no signal comes, so only what is done on exit is ever carried out.

use crate::shell::eval::state::{Flow, Shell, Step};
use crate::shell::reason::Reason;

use super::variables::quoted;

/// Names of signals by their numbers on Linux (signal(7)); the first is no signal.
const CONDITIONS: [&str; 32] = [
    "EXIT", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
    "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH",
    "IO", "PWR", "SYS",
];

impl Shell<'_> {
    pub(super) fn trap(&mut self, args: &[String]) -> Step<u8> {
        let (_, operands) = match args {
            [first, ..] if first == "-l" || first == "-p" => {
                return Err(self.stop(Reason::unsupported("trap", format!("option {first}"))));
            }
            args if args.first().is_some_and(|first| first == "-") => (String::new(), args),
            args => self.builtin_options("", args)?,
        };
        let (action, conditions) = match operands {
            [] => return self.print_traps(),
            // Without an action, conditions are what they are by default.
            [first, ..] if operands.len() == 1 || first.parse::<u32>().is_ok() => (None, operands),
            [first, rest @ ..] => (Some(first).filter(|first| *first != "-"), rest),
        };
        let mut status = 0;
        for condition in conditions {
            let Some(name) = known(condition) else {
                if self.environment.options.bash && matches!(condition.as_str(), "ERR" | "DEBUG" | "RETURN") {
                    return Err(self.stop(Reason::unsupported("trap", "conditions of bash")));
                }
                self.complain(&format!("trap: {condition}: bad trap"))?;
                status = 1;
                continue;
            };
            match action {
                Some(action) => drop(self.environment.traps.insert(name, action.as_str().into())),
                None => drop(self.environment.traps.remove(name)),
            }
        }
        Ok(status)
    }

    fn print_traps(&mut self) -> Step<u8> {
        let mut text = String::new();
        for name in CONDITIONS {
            if let Some(action) = self.environment.traps.get(name) {
                text.extend(["trap -- ", &quoted(action), " ", name, "\n"]);
            }
        }
        self.print(&text)?;
        Ok(0)
    }

    /// Carries out what `trap … EXIT` asked for, when the shell ends with `status`.
    pub(in crate::shell::eval) fn run_exit_trap(&mut self, status: u8) -> Step<u8> {
        let Some(action) = self.environment.traps.remove("EXIT") else { return Ok(status) };
        self.environment.status = status;
        match self.tested(false, |shell| shell.eval(&action)) {
            Ok(_) | Err(Flow::Return(_) | Flow::Break(_) | Flow::Continue(_)) => Ok(status),
            Err(Flow::Exit(status) | Flow::Replaced(status)) => Ok(status),
            Err(Flow::Error) => Ok(self.error_status()),
            Err(Flow::Stop(stop)) => Err(Flow::Stop(stop)),
        }
    }
}

/// The name of a condition that is given by name or number.
fn known(condition: &str) -> Option<&'static str> {
    match condition.parse::<usize>() {
        Ok(number) => CONDITIONS.get(number).copied(),
        Err(_) => CONDITIONS.into_iter().find(|name| name.eq_ignore_ascii_case(condition)),
    }
}
