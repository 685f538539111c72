//! What holds commands (XCU 2.9.4, 2.9.5), and here-documents (XCU 2.7.4).

use super::Generator;
use super::words::Place;

impl Generator {
    /// A command with at most `depth` others within each other.
    pub(super) fn command(&mut self, depth: usize) -> String {
        self.left = self.left.saturating_sub(1);
        if depth == 0 || self.left == 0 {
            return self.simple();
        }
        let depth = depth - 1;
        match self.numbers.below(26) {
            0 | 1 => self.conditional(depth),
            2 | 3 => self.for_loop(depth),
            4 => self.while_loop(depth),
            5 | 6 => self.case(depth),
            7 => format!("{{ {}}}{}", self.closed_list(depth), self.redirections()),
            8 => format!("( {}){}", self.open_list_here(depth), self.redirections()),
            9 | 10 => self.function(depth),
            11 => {
                let text = self.text_of_list(depth);
                format!("eval {text}")
            }
            12 => {
                let text = self.text_of_list(depth);
                let arguments = self.numbers.one(&["", " a 'b c'", " \"$@\""]);
                format!("printf '%s\\n' {text} >own; . ./own{arguments}")
            }
            13 => self.option_loop(),
            14 => format!("(trap {} EXIT; {})", self.text_of_list(0), self.open_list_here(depth)),
            15 => format!(
                "(set {}; {})",
                self.numbers.one(&["-e", "+e", "-u", "-f", "-eu", "-a"]),
                self.open_list_here(depth)
            ),
            _ => self.simple(),
        }
    }

    /// As [`Generator::open_list`], where here-documents of the line may come after it.
    fn open_list_here(&mut self, depth: usize) -> String {
        let first = self.and_or(depth);
        if self.numbers.once_in(2) {
            return first;
        }
        format!("{first}{}{}", self.separator(), self.and_or(depth))
    }

    /// Commands as one quoted word.
    fn text_of_list(&mut self, depth: usize) -> String {
        // A text of its own asks for no here-document of the line, and leaves no loop around it.
        let list = self.open_list(depth);
        format!("'{}'", list.replace('\'', "'\\''"))
    }

    fn conditional(&mut self, depth: usize) -> String {
        let mut text = format!("if {}then {}", self.closed_list(depth), self.closed_list(depth));
        if self.numbers.once_in(4) {
            text.extend(["elif ", &self.closed_list(depth), "then ", &self.closed_list(depth)]);
        }
        if self.numbers.once_in(2) {
            text.extend(["else ", &self.closed_list(depth)]);
        }
        format!("{text}fi{}", self.redirections())
    }

    fn in_loop<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.in_loop, true);
        let made = make(self);
        self.in_loop = outer;
        made
    }

    fn for_loop(&mut self, depth: usize) -> String {
        let name = self.numbers.one(&["x", "y", "i", "w"]);
        let words = match self.numbers.below(6) {
            0 => ";".to_owned(),
            1 => " in;".to_owned(),
            2 => " in \"$@\";".to_owned(),
            _ => format!(" in {} {};", self.word(2), self.word(1)),
        };
        let body = self.in_loop(|this| this.closed_list(depth));
        format!("for {name}{words} do {body}done{}", self.redirections())
    }

    fn while_loop(&mut self, depth: usize) -> String {
        self.counters += 1;
        let counter = format!("n{}", self.counters);
        let (word, test) = self.numbers.one(&["while -lt", "until -ge"]).split_once(' ').expect("two words");
        let most = self.numbers.below(4);
        let body = self.in_loop(|this| this.closed_list(depth));
        format!(
            "{counter}=0; {word} [ ${counter} {test} {most} ]; do {counter}=$(({counter}+1)); {body}done{}",
            self.redirections()
        )
    }

    fn case(&mut self, depth: usize) -> String {
        let mut text = format!("case {} in", self.word(2));
        for _ in 0..=self.numbers.below(3) {
            let open = self.numbers.one(&[" ", " (", "\n", "\n("]);
            if open.contains('\n') {
                text += &self.newline();
            }
            text += open.trim_start_matches('\n');
            text += &self.pattern_word();
            if self.numbers.once_in(3) {
                text.extend([" | ", &self.pattern_word()]);
            }
            text += ") ";
            if !self.numbers.once_in(8) {
                text += &self.open_list_here(depth);
            }
            text += " ;;";
        }
        format!("{text}{}esac{}", self.numbers.one(&[" ", "\n"]).replace('\n', &self.newline()), self.redirections())
    }

    fn pattern_word(&mut self) -> String {
        match self.numbers.below(4) {
            0 => "*".to_owned(),
            1 => self.word(1).replace('\n', " "),
            _ => self.pattern(1),
        }
    }

    fn function(&mut self, depth: usize) -> String {
        let (in_loop, in_function) = (self.in_loop, self.in_function);
        (self.in_loop, self.in_function) = (false, true);
        let body = match self.numbers.below(6) {
            0 => format!("( {})", self.open_list_here(depth)),
            1 => format!("if {}then {}fi", self.closed_list(depth), self.closed_list(depth)),
            _ => format!("{{ {}}}", self.closed_list(depth)),
        };
        (self.in_loop, self.in_function) = (in_loop, in_function);
        self.functions += 1;
        let number = self.functions;
        let redirections = if self.numbers.once_in(6) { self.redirections() } else { String::new() };
        format!("f{number}() {body}{redirections}{}f{number} {} {}", self.separator(), self.word(2), self.word(1))
    }

    /// Goes through options (XCU 4, `getopts`).
    fn option_loop(&mut self) -> String {
        let options = self.numbers.one(&["ab:c", ":ab:c", "a:b", "abc", ":a:b:"]);
        let words = ["-a", "-b", "-ab", "-bx", "-b x", "-c", "-d", "--", "-", "x", "''", "-abc", "-cb"];
        let arguments: Vec<_> = (0..self.numbers.below(5)).map(|_| self.numbers.one(&words)).collect();
        format!(
            "set -- {}; OPTIND=1; while getopts {options} o; do p \"$o\" \"${{OPTARG-unset}}\" $OPTIND; done; \
             shift $((OPTIND-1)); p \"$@\"",
            arguments.join(" ")
        )
    }

    /// `<<` and what it holds.
    pub(super) fn here_document(&mut self) -> String {
        let number = self.pending.len();
        let strips = self.numbers.once_in(3);
        let quoted = self.numbers.once_in(3);
        let (end, shown) = if quoted {
            let end = format!("E{number}");
            let shown = self.numbers.one(&["'@'", "\"@\"", "\\@"]).replace('@', &end);
            (end, shown)
        } else {
            (format!("E{number}"), format!("E{number}"))
        };
        let outer = std::mem::take(&mut self.pending);
        let mut text = String::new();
        for _ in 0..self.numbers.below(4) {
            if strips {
                text += self.numbers.one(&["\t", "\t\t", "", " \t"]);
            }
            text += &self.parts(Place::Here, 1);
            text += "\n";
        }
        self.pending = outer;
        // The delimiter must stand on a line of its own.
        while text.ends_with("\\\n") {
            text.truncate(text.len() - 2);
            text += "\n";
        }
        let tab = if strips && self.numbers.once_in(2) { "\t" } else { "" };
        self.pending.push(format!("{text}{tab}{end}\n"));
        format!("<<{}{shown}", if strips { "-" } else { "" })
    }

    /// Redirections of a compound command, which cannot fail.
    pub(super) fn redirections(&mut self) -> String {
        match self.numbers.below(16) {
            0 => " >out".to_owned(),
            1 => " >>out".to_owned(),
            2 => " 3>&1".to_owned(),
            3 => " <a".to_owned(),
            // Not `2>/dev/null`: what ends a subshell with it, within a command with redirections, dash says on the outer one's.
            4 | 5 => format!(" {}", self.here_document()),
            6 => " <file.txt 3<a".to_owned(),
            7 => " 1>&2".to_owned(),
            _ => String::new(),
        }
    }
}
