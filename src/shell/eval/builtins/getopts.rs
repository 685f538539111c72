//! `getopts` (XCU 3).

use crate::shell::eval::state::{Shell, Step};

impl Shell<'_> {
    /// `getopts` (XCU 3).
    pub(super) fn getopts(&mut self, args: &[String]) -> Step<u8> {
        let [options, name, more @ ..] = args else { return self.fail("getopts: usage") };
        let words = if more.is_empty() { self.environment.positional.clone() } else { more.to_vec() };
        let variables = &mut self.environment.variables;
        let index: usize = variables.get("OPTIND").and_then(|text| text.parse().ok()).unwrap_or(1);
        let word =
            words.get(index.wrapping_sub(1)).filter(|word| word.len() > 1 && word.starts_with('-') && *word != "--");
        let at = if self.environment.option_at == 0 { 1 } else { self.environment.option_at };
        let Some(option) = word.and_then(|word| word.chars().nth(at)) else {
            let skip = usize::from(words.get(index.wrapping_sub(1)).is_some_and(|word| word == "--"));
            variables.set("OPTIND", (index + skip).to_string());
            variables.set(name, "?");
            self.environment.option_at = 0;
            return Ok(1);
        };
        let is_last = word.is_some_and(|word| word.chars().nth(at + 1).is_none());
        let (mut next, mut next_at) = if is_last { (index + 1, 0) } else { (index, at + 1) };
        let silent = options.starts_with(':');
        let known = option != ':' && options.contains(option);
        let takes = options.split_once(option).is_some_and(|(_, after)| after.starts_with(':'));
        let (mut value, mut argument) = (option.to_string(), None);
        if !known {
            "?".clone_into(&mut value);
            argument = silent.then(|| option.to_string());
        } else if takes {
            let attached: Option<String> =
                word.map(|word| word.chars().skip(at + 1).collect()).filter(|rest: &String| !rest.is_empty());
            argument = attached.clone().or_else(|| words.get(index).cloned());
            (next, next_at) = (if attached.is_some() { index + 1 } else { index + 2 }, 0);
            if argument.is_none() {
                if silent { ":" } else { "?" }.clone_into(&mut value);
                argument = silent.then(|| option.to_string());
            }
        }
        variables.set("OPTIND", next.to_string());
        variables.set(name, value);
        match argument {
            Some(argument) => variables.set("OPTARG", argument),
            None => variables.unset("OPTARG"),
        }
        self.environment.option_at = next_at;
        Ok(0)
    }
}
