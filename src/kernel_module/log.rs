//! Reads what `make` and the compiler say: how far they are, and the first of what went wrong.

use crate::output::shown;

/// How many errors are told.
const FIRST: usize = 5;
/// Most bytes of what is kept of the log; what follows a thousand errors says no more.
const LONGEST: usize = 16 << 20;

/// All that was said.
#[derive(Debug, Default)]
pub(super) struct Log {
    text: Vec<u8>,
}

impl Log {
    pub(super) fn push(&mut self, line: &[u8]) {
        if self.text.len() + line.len() <= LONGEST {
            self.text.extend_from_slice(line);
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.text
    }

    /// The first errors, at most five: the compiler's, else the linker's, else `make`'s own, else the last words. Paths below
    /// the source's directory `dir` are told without it.
    pub(super) fn first_errors(&self, dir: &str) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.text);
        let kinds: [fn(&str) -> bool; 4] = [is_compilers, is_of_link, is_of_tool, is_of_make];
        let found = kinds.into_iter().map(|is| text.lines().filter(|line| is(line)).take(FIRST).collect::<Vec<_>>());
        let chosen = found.into_iter().find(|lines| !lines.is_empty()).unwrap_or_else(|| last_words(&text));
        let below = format!("{dir}/");
        chosen.into_iter().map(|line| shown(&line.trim().replace(&below, ""))).collect()
    }
}

/// What `line` says of progress: the file that is being made (`CC [M]  nvidia/nv.o`).
pub(super) fn progress(line: &str) -> Option<&str> {
    let (what, file) = line.trim_start().split_once(' ')?;
    let is_step = ["CC", "LD", "AS", "AR", "MODPOST", "CONFTEST:"].contains(&what);
    is_step.then(|| file.trim_start().trim_start_matches("[M]").trim())
}

fn is_compilers(line: &str) -> bool {
    [": error: ", ": fatal error: "].iter().any(|mark| line.contains(mark))
}

fn is_of_link(line: &str) -> bool {
    line.starts_with("ERROR: modpost:") || line.contains(": undefined reference to")
}

fn is_of_tool(line: &str) -> bool {
    line.contains(": not found") || line.contains("No space left on device") || line.contains("Killed")
}

fn is_of_make(line: &str) -> bool {
    line.contains("***") && !line.contains("Error ") && !line.contains("Waiting for unfinished jobs")
}

fn last_words(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().rev().filter(|line| !line.trim().is_empty()).take(FIRST).collect();
    lines.reverse();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> Vec<String> {
        let mut log = Log::default();
        log.push(text.as_bytes());
        log.first_errors("/build/nvidia")
    }

    #[test]
    fn the_compilers_first_errors_are_told_and_not_the_end_of_the_log() {
        let text = "  CC [M]  nv.o\n/build/nvidia/nv-pci.c:237:9: error: too few arguments\nmake[2]: *** [x: nv.o] Error 1\n\
                    make: *** Waiting for unfinished jobs....\n/build/nvidia/b.c:1:2: error: second\nmake: *** [all] Error 2\n";
        assert_eq!(errors(text), ["nv-pci.c:237:9: error: too few arguments", "b.c:1:2: error: second"]);
        assert_eq!(errors(&"a.c:1:1: error: x\n".repeat(9)).len(), 5);
    }

    #[test]
    fn what_is_no_error_of_the_compiler_is_told_by_who_found_it() {
        let modpost = "ERROR: modpost: \"no_such\" [/build/nvidia/a.ko] undefined!\nmake: *** [b] Error 1\n";
        assert_eq!(errors(modpost), ["ERROR: modpost: \"no_such\" [a.ko] undefined!"]);
        let target = "make: *** No rule to make target 'moduls'.  Stop.\n";
        assert_eq!(errors(target), ["make: *** No rule to make target 'moduls'.  Stop."]);
        assert_eq!(errors("one\ntwo\n"), ["one", "two"]);
    }

    #[test]
    fn a_step_of_make_names_its_file() {
        assert_eq!(progress("  CC [M]  nvidia/nv.o"), Some("nvidia/nv.o"));
        assert_eq!(progress("make[1]: Entering directory '/build'"), None);
    }
}
