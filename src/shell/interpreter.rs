//! The first line of a script: which shell it is for, and with which options the kernel would start that.

/// A shell and its options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interpreter {
    /// bash instead of sh.
    pub bash: bool,
    /// `-e`
    pub errexit: bool,
    /// `-u`
    pub nounset: bool,
}

impl Interpreter {
    /// The interpreter that a program's first line names; none if that is no shell.
    #[must_use]
    pub fn of(program: &[u8]) -> Option<Self> {
        let line = program.split(|byte| *byte == b'\n').next()?;
        let line = std::str::from_utf8(line).ok()?.strip_prefix("#!")?;
        // A carriage return is part of the name, for the kernel too.
        let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
        let mut name = words.next()?.rsplit('/').next()?;
        if name == "env" {
            name = words.next()?;
        }
        let bash = match name {
            "sh" | "dash" => false,
            "bash" => true,
            _ => return None,
        };
        let mut interpreter = Self { bash, ..Self::default() };
        for word in words {
            let flags = word.strip_prefix('-')?;
            for flag in flags.chars() {
                match flag {
                    'e' => interpreter.errexit = true,
                    'u' => interpreter.nounset = true,
                    'x' => {}
                    _ => return None,
                }
            }
        }
        Some(interpreter)
    }
}
