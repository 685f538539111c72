//! File modes as chmod(1) reads them: octal numbers and the symbolic form of POSIX ("chmod", EXTENDED DESCRIPTION), with GNU's
//! additions ("Numeric Modes", "Operator Numeric Modes", "Directories and the Set-User-ID and Set-Group-ID Bits").

const SET_IDS: u16 = 0o6000;
const ALL: u16 = 0o7777;

/// A mode, or a change of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mode(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    /// The bits that it is about; none said means all but those of the mask.
    who: Option<u16>,
    operator: char,
    what: What,
    /// The bits that its text names: set-id bits of a directory stay if they are not named.
    named: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Bits(u16),
    /// `X`, beside these bits: execution where it is a directory or anybody may execute already.
    SearchAnd(u16),
    /// What these bits (`u`, `g` or `o`) are now.
    Copy(u16),
}

impl Mode {
    /// Reads a mode.
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with(|char: char| char.is_digit(8)) {
            let bits = octal(text)?;
            // Fewer than five digits say nothing of set-id bits that are not set.
            let named = if text.len() < 5 { bits & 0o7000 | 0o777 } else { ALL };
            return Some(Self(vec![Step { who: Some(ALL), operator: '=', what: What::Bits(bits), named }]));
        }
        let mut steps = Vec::new();
        for clause in text.split(',') {
            let start = clause.find(['+', '-', '='])?;
            let (who, mut actions) = clause.split_at_checked(start)?;
            let mut affected = None;
            for char in who.chars() {
                let bits = match char {
                    'u' => 0o4700,
                    'g' => 0o2070,
                    'o' => 0o1007,
                    'a' => ALL,
                    _ => return None,
                };
                affected = Some(affected.unwrap_or(0) | bits);
            }
            while let Some(operator) = actions.chars().next() {
                let rest = actions.get(1..)?;
                let (what, after) = rest.split_at_checked(rest.find(['+', '-', '=']).unwrap_or(rest.len()))?;
                steps.push(step(affected, operator, what)?);
                actions = after;
            }
        }
        Some(Self(steps))
    }

    /// What `old` becomes, and which bits of the result were asked for.
    pub fn apply(&self, old: u16, directory: bool, umask: u16) -> (u16, u16) {
        let mut mode = old & ALL;
        let mut asked = 0;
        for step in &self.0 {
            let kept = if directory { SET_IDS & !step.named } else { 0 };
            let bits = match step.what {
                What::SearchAnd(bits) if directory || mode & 0o111 != 0 => bits | 0o111,
                What::Bits(bits) | What::SearchAnd(bits) => bits,
                What::Copy(from) => spread(mode & from),
            };
            let bits = bits & step.who.unwrap_or(!umask) & !kept;
            match step.operator {
                '=' => {
                    let stay = step.who.map_or(0, |who| !who) | kept;
                    asked |= ALL & !stay;
                    mode = mode & stay | bits;
                }
                '+' => {
                    asked |= bits;
                    mode |= bits;
                }
                _ => {
                    asked |= bits;
                    mode &= !bits;
                }
            }
        }
        (mode & ALL, asked & ALL)
    }
}

fn octal(text: &str) -> Option<u16> {
    let bits = u16::from_str_radix(text, 8).ok().filter(|bits| *bits <= ALL)?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then_some(bits)
}

/// Permissions of one class for all three.
fn spread(bits: u16) -> u16 {
    [0o444, 0o222, 0o111].into_iter().filter(|class| bits & class != 0).sum()
}

fn step(who: Option<u16>, operator: char, text: &str) -> Option<Step> {
    if text.starts_with(|char: char| char.is_digit(8)) {
        if who.is_some() {
            return None;
        }
        return Some(Step { who: Some(ALL), operator, what: What::Bits(octal(text)?), named: ALL });
    }
    let named = |bits: u16| who.map_or(bits, |who| who & bits);
    let copy = match text {
        "u" => Some(0o700),
        "g" => Some(0o070),
        "o" => Some(0o007),
        _ => None,
    };
    if let Some(from) = copy {
        return Some(Step { who, operator, what: What::Copy(from), named: named(from) });
    }
    let (mut bits, mut search) = (0, false);
    for char in text.chars() {
        match char {
            'r' => bits |= 0o444,
            'w' => bits |= 0o222,
            'x' => bits |= 0o111,
            'X' => search = true,
            's' => bits |= SET_IDS,
            't' => bits |= 0o1000,
            _ => return None,
        }
    }
    let what = if search { What::SearchAnd(bits) } else { What::Bits(bits) };
    Some(Step { who, operator, what, named: named(bits) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_applied_as_chmod_does() {
        let cases = [
            ("755", 0o644, false, 0o755),
            ("0", 0o644, false, 0),
            ("755", 0o2700, true, 0o2755),
            ("0755", 0o2700, true, 0o2755),
            ("00755", 0o2700, true, 0o755),
            ("4755", 0o2700, true, 0o6755),
            ("=755", 0o2700, true, 0o755),
            ("u=rwX,go=", 0o644, false, 0o600),
            ("u=rwX,go=", 0o744, false, 0o700),
            ("u=rwX,go=", 0o600, true, 0o700),
            ("+s", 0o755, false, 0o6755),
            ("u+s", 0o755, false, 0o4755),
            ("g-s", 0o2755, true, 0o755),
            ("o+t", 0o755, true, 0o1755),
            ("+t", 0o755, true, 0o1755),
            ("a-w", 0o666, false, 0o444),
            ("+w", 0o444, false, 0o644),
            ("=r", 0o777, false, 0o444),
            ("=rw", 0, false, 0o644),
            ("g=u", 0o640, false, 0o660),
            ("o=g-w", 0o664, false, 0o664),
            ("go+rX", 0o700, false, 0o755),
            ("u+x-w,g+w", 0o644, false, 0o564),
            ("ug=", 0o777, false, 0o007),
            ("u=", 0o4777, true, 0o4077),
            ("u=s", 0o777, false, 0o4077),
            ("u+t", 0o755, true, 0o755),
            ("+111", 0o644, false, 0o755),
            ("a+rwX,o-w", 0o640, false, 0o664),
        ];
        for (text, old, directory, new) in cases {
            let mode = Mode::parse(text).unwrap();
            assert_eq!(mode.apply(old, directory, 0o022).0, new, "{text} of {old:04o}");
        }
    }

    #[test]
    fn what_is_no_mode_is_refused() {
        for text in ["", "8", "10000", "u", "rw", "u+z", "a+", "u=rw,", "u+7", "+-", "0x1", "+8", "u=ug", "7 "] {
            let valid = ["a+", "+-"].contains(&text);
            assert_eq!(Mode::parse(text).is_some(), valid, "{text}");
        }
    }
}
