//! Options as dpkg's programs read them (lib/dpkg/options.c): all before the first operand, none cut short, values behind `=`,
//! in the next word, or right behind a short option.

use crate::shell::Reason;

/// An option of a program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// Without dashes; empty if it has none.
    pub long: &'static str,
    pub short: Option<char>,
    pub takes_value: bool,
}

/// An option that takes nothing.
pub(super) const fn plain(long: &'static str, short: Option<char>) -> Known {
    Known { long, short, takes_value: false }
}

/// An option that takes a value.
pub(super) const fn valued(long: &'static str, short: Option<char>) -> Known {
    Known { long, short, takes_value: true }
}

/// What a program was given: options by their long names, and all after them.
#[derive(Debug)]
pub(super) struct Given<'a> {
    pub options: Vec<(&'static str, &'a str)>,
    pub operands: &'a [String],
}

impl<'a> Given<'a> {
    /// Whether an option is there.
    pub fn has(&self, long: &str) -> bool {
        self.options.iter().any(|(name, _)| *name == long)
    }

    /// The last value of an option.
    pub fn value(&self, long: &str) -> Option<&'a str> {
        self.options.iter().rev().find(|(name, _)| *name == long).map(|(_, value)| *value)
    }
}

/// Reads the arguments of `program`.
///
/// # Errors
/// An option that is not among `known`, or lacks its value.
pub(super) fn read<'a>(program: &str, args: &'a [String], known: &[Known]) -> Result<Given<'a>, Reason> {
    let unknown = |option: &str| Reason::unsupported(program, format!("option {option}"));
    let mut options = Vec::new();
    let mut rest = args;
    while let Some((arg, after)) = rest.split_first() {
        if arg == "-" || !arg.starts_with('-') {
            break;
        }
        rest = after;
        if arg == "--" {
            break;
        }
        let mut take = |inline: Option<&'a str>| match inline {
            Some(value) => Ok(value),
            None => {
                let (value, after) = rest.split_first().ok_or_else(|| unknown(&format!("{arg} without a value")))?;
                rest = after;
                Ok(value.as_str())
            }
        };
        if let Some(long) = arg.strip_prefix("--") {
            let (name, inline) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let option = known.iter().find(|option| option.long == name).ok_or_else(|| unknown(arg))?;
            match (option.takes_value, inline) {
                (true, inline) => options.push((option.long, take(inline)?)),
                (false, None) => options.push((option.long, "")),
                (false, Some(_)) => return Err(unknown(arg)),
            }
            continue;
        }
        let mut letters = arg.chars();
        letters.next();
        while let Some(letter) = letters.next() {
            let option = known.iter().find(|option| option.short == Some(letter)).ok_or_else(|| unknown(arg))?;
            if option.takes_value {
                let inline = Some(letters.as_str()).filter(|inline| !inline.is_empty());
                options.push((option.long, take(inline.map(|inline| inline.strip_prefix('=').unwrap_or(inline)))?));
                break;
            }
            options.push((option.long, ""));
        }
    }
    Ok(Given { options, operands: rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Known; 3] = [plain("show", Some('W')), valued("showformat", Some('f')), plain("quiet", None)];

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn values_are_behind_an_equals_sign_in_the_next_word_or_right_behind_a_letter() {
        for text in ["-f=x -W p", "-fx -W p", "-f x -W p", "--showformat=x --show p", "-Wf x p", "-f x -W -- p"] {
            let words = words(text);
            let given = read("query", &words, &KNOWN).unwrap();
            assert!(given.has("show") && given.value("showformat") == Some("x"), "{text}");
            assert_eq!(given.operands, ["p"], "{text}");
        }
    }

    #[test]
    fn nothing_behind_the_first_operand_is_an_option_and_nothing_is_cut_short() {
        let (last, short, lone, given) = (words("-W p -x"), words("--sho"), words("-f"), words("--quiet=1"));
        assert_eq!(read("query", &last, &KNOWN).unwrap().operands, ["p", "-x"]);
        for words in [short, lone, given] {
            assert!(read("query", &words, &KNOWN).is_err(), "{words:?}");
        }
    }
}
