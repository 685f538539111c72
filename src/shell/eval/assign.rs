//! Variables are set: by assignments (XCU 2.9.1), and for as long as a command or a function runs.

use super::state::{Local, Shell, Step};
use crate::shell::ast::{Assignment, is_name};

impl Shell<'_> {
    /// Sets a variable; one that may not be changed, and what is no name, is a mistake.
    pub(super) fn assign(&mut self, name: &str, value: impl Into<String>) -> Step<()> {
        self.may_change(name)?;
        if name == "OPTIND" {
            let value = value.into();
            return self.assign_option_place(&value);
        }
        let variables = &mut self.environment.variables;
        variables.set(name, value);
        if self.environment.options.allexport {
            variables.export(name);
        }
        Ok(())
    }

    /// Fails unless a variable of this name may be set or unset.
    pub(super) fn may_change(&mut self, name: &str) -> Step<()> {
        if !is_name(name) {
            return self.fail(&format!("{name}: bad variable name"));
        }
        if self.environment.variables.is_readonly(name) {
            return self.fail(&format!("{name}: is read only"));
        }
        Ok(())
    }

    /// Carries out an assignment.
    pub(super) fn assignment(&mut self, assignment: &Assignment) -> Step<()> {
        let value = self.assigned(assignment)?;
        self.assign(&assignment.name, value)
    }

    /// What an assignment sets its variable to.
    pub(super) fn assigned(&mut self, assignment: &Assignment) -> Step<String> {
        let value = self.expand_value(&assignment.value)?;
        let name = &assignment.name;
        let value = if assignment.append {
            format!("{}{value}", self.environment.variables.get(name).unwrap_or_default())
        } else {
            value
        };
        self.count(value.len())?;
        Ok(value)
    }

    /// Does `run`; what is made local meanwhile is as before afterwards.
    pub(super) fn with_locals<T>(&mut self, run: impl FnOnce(&mut Self) -> Step<T>) -> Step<T> {
        self.environment.locals.push(Vec::new());
        let result = run(self);
        for local in self.environment.locals.pop().unwrap_or_default().into_iter().rev() {
            match local {
                Local::Variable(name, saved) => {
                    self.environment.variables.restore(&name, saved);
                    if name == "OPTIND" {
                        self.reset_options();
                    }
                }
                Local::Options(options) => self.environment.options = options,
            }
        }
        result
    }

    /// Remembers a variable for when the present function or command ends.
    pub(super) fn make_local(&mut self, name: &str) {
        let saved = self.environment.variables.saved(name);
        if let Some(locals) = self.environment.locals.last_mut() {
            locals.push(Local::Variable(name.to_owned(), saved));
        }
    }
}
