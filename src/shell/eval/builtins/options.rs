//! Options and positional parameters: `set`, `shift` (XCU 2.15).

use crate::shell::eval::positional::Positional;
use crate::shell::eval::state::{OptionPlace, Shell, Step};
use crate::shell::reason::Reason;

impl Shell<'_> {
    pub(super) fn set(&mut self, args: &[String]) -> Step<u8> {
        if args.is_empty() {
            return Err(self.stop(Reason::unsupported("set", "no operand")));
        }
        let mut rest = args;
        while let Some((first, more)) = rest.split_first() {
            let on = match first.chars().next() {
                Some('-') => true,
                Some('+') => false,
                _ => break,
            };
            rest = more;
            match first.get(1..).unwrap_or_default() {
                // `-` alone ends options and turns traces off.
                "" if on => {
                    self.environment.options.xtrace = false;
                    break;
                }
                "-" if on => {
                    self.set_positional(rest);
                    return Ok(0);
                }
                flags => {
                    for flag in flags.chars() {
                        if flag != 'o' {
                            self.set_flag(flag, on)?;
                        } else if let Some((name, more)) = rest.split_first() {
                            self.set_option(name, on)?;
                            rest = more;
                        } else {
                            return Err(self.stop(Reason::unsupported("set", format!("{first} without a name"))));
                        }
                    }
                }
            }
        }
        if !rest.is_empty() {
            self.set_positional(rest);
        }
        Ok(0)
    }

    fn set_positional(&mut self, words: &[String]) {
        self.environment.positional = Positional::new(words.to_vec());
        if !self.environment.options.bash {
            self.environment.option_place = OptionPlace::default();
        }
    }

    fn set_flag(&mut self, flag: char, on: bool) -> Step<()> {
        let options = &mut self.environment.options;
        match flag {
            'a' => options.allexport = on,
            'e' => options.errexit = on,
            'u' => options.nounset = on,
            'f' => options.noglob = on,
            'x' => options.xtrace = on,
            // What they say nobody reads, and there are no jobs.
            'v' | 'b' | 'm' => {}
            'h' | 'B' | 'E' | 'T' | 'H' if options.bash => {}
            'C' | 'I' | 'i' | 'n' | 's' | 'V' | 'E' | 'p' => {
                return Err(self.stop(Reason::unsupported("set", format!("option -{flag}"))));
            }
            flag => return self.fail(&format!("set: Illegal option -{flag}")),
        }
        Ok(())
    }

    fn set_option(&mut self, name: &str, on: bool) -> Step<()> {
        let flag = match name {
            "allexport" => 'a',
            "errexit" => 'e',
            "nounset" => 'u',
            "noglob" => 'f',
            "xtrace" => 'x',
            "verbose" => 'v',
            "notify" => 'b',
            "monitor" => 'm',
            "pipefail" => {
                self.environment.options.pipefail = on;
                return Ok(());
            }
            "noclobber" | "noexec" | "ignoreeof" | "interactive" | "stdin" | "vi" | "emacs" | "nolog" | "debug"
            | "privileged" | "posix" => {
                return Err(self.stop(Reason::unsupported("set", format!("-o {name}"))));
            }
            name => return self.fail(&format!("set: Illegal option -o {name}")),
        };
        self.set_flag(flag, on)
    }

    pub(super) fn shift(&mut self, args: &[String]) -> Step<u8> {
        let count = match args.first() {
            None => 1,
            Some(text) => self.operand(text)?,
        };
        if !self.environment.positional.shift(usize::try_from(count).unwrap_or(usize::MAX)) {
            return self.fail("shift: can't shift that many");
        }
        if !self.environment.options.bash {
            self.environment.option_place = OptionPlace::default();
        }
        Ok(0)
    }
}
