//! Simple commands (XCU 2.9.1): what comes before a command's name, and whose name it is.

use super::builtins;
use super::positional::Positional;
use super::state::{Flow, Function, OptionPlace, Shell, Step};
use crate::shell::ast::{Assignment, Operation, Part, Redirect, Word};
use crate::shell::reason::Reason;

/// Commands whose operands may be assignments, which are neither split nor matched against file names.
const DECLARATIONS: [&str; 3] = ["export", "local", "readonly"];
const DECLARATIONS_OF_BASH: [&str; 2] = ["declare", "typeset"];

/// How a command is looked for: what `command` before it says.
#[derive(Debug, Clone, Copy, Default)]
struct Manner {
    /// It is no function, and no mistake in it ends the shell.
    plain: bool,
    /// Assignments before it stay, and its mistakes end the shell.
    special: bool,
}

/// Whether a word is `$$` and nothing else.
fn is_own_number(word: &Word) -> bool {
    matches!(word.parts.as_slice(), [Part::Parameter(parameter)] if parameter.name == "$" && parameter.operation == Operation::Value)
}

impl Shell<'_> {
    pub(super) fn simple(&mut self, assignments: &[Assignment], words: &[Word], redirects: &[Redirect]) -> Step<u8> {
        self.substituted = None;
        let argv = self.command_words(words)?;
        if argv.is_empty() {
            return self.nameless(assignments, redirects);
        }
        let (manner, skipped) = self.manner(&argv);
        let argv = argv.get(skipped..).unwrap_or_default();
        // `exec` without a command keeps its redirections.
        let keeps = argv.len() == 1 && argv.first().is_some_and(|name| name == "exec") && !self.is_function(argv);
        let result = if keeps {
            let made = self.redirect(redirects)?;
            self.close_unused()?;
            if made { self.with_assignments(assignments, manner, argv).map(Some) } else { Ok(None) }
        } else {
            self.redirected(redirects, |shell| shell.with_assignments(assignments, manner, argv).map(Some))
        };
        match result? {
            Some(status) => Ok(status),
            None if manner.special => Err(Flow::Error),
            None => Ok(self.error_status()),
        }
    }

    /// The words of a command. Those that look like assignments are expanded like ones after the name of a declaration.
    fn command_words(&mut self, words: &[Word]) -> Step<Vec<String>> {
        let mut argv = Vec::new();
        let mut words = words.iter();
        for word in words.by_ref() {
            self.expand_word(word, &mut argv)?;
            let is_more = argv.iter().all(|word| word == "command");
            if !is_more {
                break;
            }
        }
        let name = argv.iter().find(|word| *word != "command").map_or("", String::as_str);
        let bash = self.environment.options.bash;
        let declares = (DECLARATIONS.contains(&name) || (bash && DECLARATIONS_OF_BASH.contains(&name)))
            && !self.environment.functions.contains_key(name);
        // Nothing of the image runs: whatever these are asked, they find no process.
        let finds_none = ["pgrep", "pkill"].contains(&name);
        for word in words {
            if finds_none && is_own_number(word) {
                argv.push("1".to_owned());
            } else if declares && word.is_assignment() {
                let text = self.expand_declaration(word)?;
                argv.push(text);
            } else {
                self.expand_word(word, &mut argv)?;
            }
        }
        Ok(argv)
    }

    fn is_function(&self, argv: &[String]) -> bool {
        argv.first().is_some_and(|name| self.environment.functions.contains_key(name))
    }

    /// What kind of command it is, and how many words of `command` come before it.
    fn manner(&self, argv: &[String]) -> (Manner, usize) {
        if self.is_function(argv) {
            return (Manner::default(), 0);
        }
        let mut rest = argv;
        while let Some((first, more)) = rest.split_first() {
            let after = match more.first().map(String::as_str) {
                Some("-p" | "--") => more.get(1..).unwrap_or_default(),
                Some(word) if word.len() > 1 && word.starts_with('-') => break,
                _ => more,
            };
            // What only `command` itself can say stays.
            if first != "command" || after.is_empty() {
                break;
            }
            rest = after;
        }
        let skipped = argv.len() - rest.len();
        let special = skipped == 0
            && !self.environment.options.bash
            && argv.first().is_some_and(|name| builtins::is_special(name));
        (Manner { plain: skipped > 0, special }, skipped)
    }

    /// Only assignments and redirections: the status is that of the last command substitution.
    fn nameless(&mut self, assignments: &[Assignment], redirects: &[Redirect]) -> Step<u8> {
        let made = self.redirected(redirects, |shell| {
            assignments.iter().try_for_each(|assignment| shell.assignment(assignment)).map(Some)
        })?;
        Ok(match made {
            Some(()) => self.substituted.unwrap_or(0),
            None => self.error_status(),
        })
    }

    /// Assignments before a command hold for it alone, but for special builtins (XCU 2.14).
    fn with_assignments(&mut self, assignments: &[Assignment], manner: Manner, argv: &[String]) -> Step<u8> {
        let run = |shell: &mut Self| {
            let result = shell.run_words(argv, manner);
            match result {
                // A mistake in a utility is its own.
                Err(Flow::Error) if !manner.special && !shell.is_function_called(argv, manner) => {
                    Ok(shell.error_status())
                }
                result => result,
            }
        };
        if assignments.is_empty() {
            return run(self);
        }
        if manner.special {
            for assignment in assignments {
                self.assignment(assignment)?;
                if argv.len() > 1 && argv.first().is_some_and(|name| name == "exec") {
                    self.environment.variables.export(&assignment.name);
                }
            }
            return run(self);
        }
        self.with_locals(|shell| {
            for assignment in assignments {
                // What its value assigns (`${x:=…}`) stays.
                let value = shell.assigned(assignment)?;
                shell.make_local(&assignment.name);
                shell.assign(&assignment.name, value)?;
                shell.environment.variables.export(&assignment.name);
            }
            run(shell)
        })
    }

    fn is_function_called(&self, argv: &[String], manner: Manner) -> bool {
        !manner.plain && self.is_function(argv)
    }

    fn run_words(&mut self, argv: &[String], manner: Manner) -> Step<u8> {
        let Some((name, args)) = argv.split_first() else { return Ok(0) };
        // What was read otherwise than line by line (`eval`) may mean the alias.
        if self.environment.aliases.contains(name) {
            return Err(self.stop(Reason::Construct(format!("the alias `{name}` here"))));
        }
        match self.environment.functions.get(name).filter(|_| !manner.plain).cloned() {
            Some(function) => self.function(&function, args),
            None => self.run_plain(name, args),
        }
    }

    /// Carries out a command that is no function.
    pub(super) fn run_plain(&mut self, name: &str, args: &[String]) -> Step<u8> {
        match self.builtin(name, args) {
            Some(result) => result,
            None => self.external(name, args),
        }
    }

    fn function(&mut self, function: &Function, args: &[String]) -> Step<u8> {
        let (line, file) = (self.line, std::mem::replace(&mut self.file, function.file.clone()));
        let outer = std::mem::replace(&mut self.environment.positional, Positional::new(args.to_vec()));
        let place = self.environment.option_place;
        if !self.environment.options.bash {
            self.environment.option_place = OptionPlace::default();
        }
        let loops = std::mem::take(&mut self.loops);
        let result = self.deeper(|shell| shell.with_locals(|shell| shell.command(&function.body)));
        self.loops = loops;
        if !self.environment.options.bash {
            self.environment.option_place = place;
        }
        self.environment.positional = outer;
        self.file = file;
        self.at_line(line);
        match result {
            Err(Flow::Return(status)) => Ok(status),
            result => result,
        }
    }
}
