//! `getopts` (XCU 3), with the places that it remembers.

use crate::shell::eval::state::{OptionPlace, Shell, Step};
use crate::shell::reason::Reason;

/// What one call found.
struct Found {
    /// The option's letter, `?` or `:`.
    letter: char,
    argument: Option<String>,
    place: OptionPlace,
    complaint: Option<String>,
    /// There are no more options.
    done: bool,
}

impl Shell<'_> {
    /// `OPTIND` was set: the next call begins there.
    pub(in crate::shell::eval) fn assign_option_place(&mut self, value: &str) -> Step<()> {
        let word = usize::try_from(self.operand(value)?).unwrap_or(1).max(1);
        self.environment.option_place = OptionPlace { word, within: None };
        self.environment.variables.set("OPTIND", value);
        Ok(())
    }

    /// `OPTIND` is what it was before it was local.
    pub(in crate::shell::eval) fn reset_options(&mut self) {
        let value = self.environment.variables.get("OPTIND").and_then(|value| value.parse().ok());
        self.environment.option_place = OptionPlace { word: value.unwrap_or(1).max(1), within: None };
    }

    pub(super) fn getopts(&mut self, args: &[String]) -> Step<u8> {
        let [options, name, more @ ..] = args else {
            return self.fail("getopts: Usage: getopts optstring var [arg...]");
        };
        if !options.is_ascii() {
            return Err(self.stop(Reason::unsupported("getopts", "options that are not ASCII")));
        }
        let words = if more.is_empty() { self.environment.positional.as_slice().to_vec() } else { more.to_vec() };
        self.work(words.len())?;
        let mut place = self.environment.option_place;
        if place.word > words.len() + 1 {
            place = OptionPlace::default();
        }
        let found = next(options, &words, place);
        if let Some(complaint) = &found.complaint {
            self.complain(complaint)?;
        }
        if !found.done {
            match found.argument {
                Some(argument) => self.assign("OPTARG", argument)?,
                None => {
                    self.may_change("OPTARG")?;
                    self.environment.variables.unset("OPTARG");
                }
            }
        }
        self.environment.option_place = found.place;
        self.may_change("OPTIND")?;
        self.environment.variables.set("OPTIND", found.place.word.to_string());
        self.assign(name, found.letter.to_string())?;
        Ok(u8::from(found.done))
    }
}

/// The next option of `words`. Words before `place.word` are done with, but for the rest of the last of them.
fn next(options: &str, words: &[String], place: OptionPlace) -> Found {
    let mut word = place.word;
    let rest_of = |at: Option<usize>| {
        let before = words.get(word.checked_sub(2)?)?;
        before.get(at?..).filter(|rest| !rest.is_empty())
    };
    let mut done = Found { letter: '?', argument: None, place: OptionPlace::default(), complaint: None, done: true };
    let rest = match rest_of(place.within) {
        Some(rest) => rest,
        None => {
            let next = words.get(word.wrapping_sub(1)).map(String::as_str);
            match next.and_then(|next| next.strip_prefix('-')).filter(|rest| !rest.is_empty()) {
                None => {
                    done.place.word = word;
                    return done;
                }
                Some("-") => {
                    done.place.word = word + 1;
                    return done;
                }
                Some(rest) => {
                    word += 1;
                    rest
                }
            }
        }
    };
    let mut letters = rest.chars();
    let letter = letters.next().unwrap_or('?');
    let rest = letters.as_str();
    let silent = options.starts_with(':');
    // Where the rest of this word is, if there is one.
    let within = |rest: &str| {
        let whole = words.get(word.wrapping_sub(2)).map_or(0, String::len);
        Some(whole - rest.len().min(whole))
    };
    let found = |letter, argument, complaint, place| Found { letter, argument, place, complaint, done: false };
    let wrong = |letter: char, kind: char, complaint: String, place| {
        if silent {
            found(kind, Some(letter.to_string()), None, place)
        } else {
            found('?', None, Some(complaint), place)
        }
    };
    let here = OptionPlace { word, within: within(rest) };
    let Some(takes) = takes(options, letter) else {
        return wrong(letter, '?', format!("Illegal option -{letter}"), here);
    };
    if !takes {
        return found(letter, Some(String::new()), None, here);
    }
    let after = OptionPlace { word, within: None };
    if !rest.is_empty() {
        return found(letter, Some(rest.to_owned()), None, after);
    }
    match words.get(word.wrapping_sub(1)) {
        Some(argument) => found(letter, Some(argument.clone()), None, OptionPlace { word: word + 1, within: None }),
        None => wrong(letter, ':', format!("No arg for -{letter} option"), after),
    }
}

/// Whether an option of this letter takes an argument; none if there is no such option.
fn takes(options: &str, letter: char) -> Option<bool> {
    let mut rest = options;
    loop {
        let mut letters = rest.chars();
        let found = letters.next()?;
        let after = letters.as_str();
        if found == letter {
            return Some(after.starts_with(':'));
        }
        rest = after.strip_prefix(':').unwrap_or(after);
    }
}
