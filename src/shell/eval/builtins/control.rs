//! What changes the flow: `exit`, `return`, `break`, `eval`, `.` (XCU 2.15).

use crate::shell::eval::number::whole;
use crate::shell::eval::state::{Flow, Shell, Step};
use crate::shell::files::FileError;
use crate::shell::parse::parse_at;
use crate::shell::reason::Reason;

impl Shell<'_> {
    /// A number that is not negative, as an operand of a builtin.
    pub(super) fn operand(&mut self, text: &str) -> Step<i64> {
        match whole(text, Some(10), false).filter(|number| (0..=i64::from(i32::MAX)).contains(number)) {
            Some(number) => Ok(number),
            None => self.fail(&format!("Illegal number: {text}")),
        }
    }

    pub(super) fn status_of(&mut self, args: &[String]) -> Step<u8> {
        let Some(text) = args.first() else { return Ok(self.environment.status) };
        let number = self.operand(text)?;
        // An exit status has eight bits; what `return` gives has more in dash.
        Ok(number.to_le_bytes()[0])
    }

    pub(super) fn return_status(&mut self, args: &[String]) -> Step<u8> {
        match args.first() {
            Some(text) if self.operand(text)? > 255 => {
                Err(self.stop(Reason::unsupported("return", "a status above 255")))
            }
            _ => self.status_of(args),
        }
    }

    pub(super) fn leave_loops(&mut self, args: &[String], flow: fn(usize) -> Flow) -> Step<u8> {
        let count = match args.first() {
            None => 1,
            Some(text) => self.operand(text)?,
        };
        let Some(count) = usize::try_from(count).ok().filter(|count| *count > 0) else {
            return self.fail(&format!("Illegal number: {count}"));
        };
        // Outside of a loop nothing happens.
        if self.loops == 0 { Ok(0) } else { Err(flow(count.min(self.loops))) }
    }

    /// `eval` (XCU 2.15).
    pub(in crate::shell::eval) fn eval(&mut self, text: &str) -> Step<u8> {
        self.count(text.len())?;
        match parse_at(text, self.line, self.environment.options.bash) {
            Ok(list) => self.deeper(|shell| shell.list(&list)),
            Err(error) => Err(self.stop(Reason::Syntax(error.what))),
        }
    }

    /// `.`: a file of the tree, in this shell.
    pub(super) fn source(&mut self, args: &[String]) -> Step<u8> {
        let (_, args) = self.builtin_options("", args)?;
        let bash = self.environment.options.bash;
        let Some((path, more)) = args.split_first() else {
            return if bash { self.fail(".: filename argument required") } else { Ok(0) };
        };
        let modelled = {
            let path = path.clone();
            self.call(more, |host, call| host.sourced(&path, call))?
        };
        if let Some(status) = modelled {
            return Ok(status);
        }
        let found = if path.contains('/') { Some(path.clone()) } else { self.find_source(path)? };
        let Some(found) = found else { return self.fail(&format!("{path}: not found")) };
        let text = match self.files()?.read_text(&found) {
            Ok(text) => text,
            Err(FileError::Reason(reason)) => return Err(self.stop(reason)),
            // What is a directory can be opened and has nothing to read.
            Err(FileError::IsDirectory) if !bash => String::new(),
            Err(_) => return self.fail(&format!("cannot open {path}")),
        };
        self.count(text.len())?;
        let (line, outer) = (self.line, self.file.replace(path.clone()));
        let list = parse_at(&text, 1, bash).map_err(|error| {
            self.line = error.line;
            self.stop(Reason::Syntax(error.what))
        })?;
        // In bash its operands are the positional parameters meanwhile.
        let positional = (bash && !more.is_empty()).then(|| {
            let new = crate::shell::eval::positional::Positional::new(more.to_vec());
            std::mem::replace(&mut self.environment.positional, new)
        });
        // In dash nobody looks at failures in it, whatever is around it.
        let tested = self.tested && bash;
        let result = self.tested(tested, |shell| shell.deeper(|shell| shell.list(&list)));
        if let Some(positional) = positional {
            self.environment.positional = positional;
        }
        (self.line, self.file) = (line, outer);
        match result {
            Err(Flow::Return(status)) => Ok(status),
            result => result,
        }
    }

    /// The file that `.` means by a name without a slash: it need not be executable.
    fn find_source(&mut self, name: &str) -> Step<Option<String>> {
        let path = self.environment.variables.get("PATH").unwrap_or_default().to_owned();
        for dir in path.split(':') {
            let candidate = if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") };
            match self.files()?.is_file(&candidate) {
                Ok(true) => return Ok(Some(candidate)),
                Ok(false) => {}
                Err(reason) => return Err(self.stop(reason)),
            }
        }
        // bash looks in the working directory at last.
        let here = self.environment.options.bash && self.files()?.is_file(name).unwrap_or(false);
        Ok(here.then(|| name.to_owned()))
    }
}
