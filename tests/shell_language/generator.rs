//! Small scripts from the grammar of the shell (XCU 2.10). Each choice is asked for, so that the same choices make the same script.
//!
//! Scripts end: loops count, functions call only such as come after them in the alphabet. They do nothing that differs from one run
//! to the next: what stands before a `|` neither writes files nor prints elsewhere.

/// Variables that are set at the beginning, or not.
const NAMES: [&str; 6] = ["x", "y", "z", "u", "v", "w"];

/// Values and words that something is special in.
const VALUES: [&str; 30] = [
    "", "a", "b", "abc", "a b", " a  b ", "a:b::c", ":", "*", "?", "*.txt", "[ab]*", "a*b", "\\\\*", "a\\\\b", "~",
    "-n", "1", "07", "3", "-1", "a/b/c.d", ".", "dir", "a'b", "a\\\"b", "\\$x", "a=b", "link", "x",
];

const IFS: [&str; 8] = ["' '", "':'", "''", "': '", "a", "'\n'", "'*'", "'b:'"];

const PATTERNS: [&str; 20] = [
    "*",
    "?",
    "a*",
    "*b",
    "*:*",
    "[ab]",
    "[!a]",
    "[a-c]*",
    "a",
    "'*'",
    "\"$x\"",
    "$x",
    "\\*",
    "*\\ *",
    "[[:alpha:]]*",
    "??",
    "*[/.]*",
    "''",
    "[]a]",
    "a*b*",
];

const FILES: [&str; 12] =
    ["a", "out", "out2", "dir/new", "link", "none/x", "empty", "file.txt", "dangling", "./out", "dir", "'a b'"];

/// How deep commands and words may lie within each other.
const DEPTH: usize = 3;

/// Makes scripts.
pub struct Generator<'a> {
    /// A number below the one that is given.
    choose: &'a mut dyn FnMut(usize) -> usize,
    depth: usize,
    /// Loops around what is made now.
    loops: usize,
    /// What is made now stands before a `|`.
    piped: bool,
    /// Functions that may be called: those from this one on.
    callable: usize,
    /// Here-documents that the present line asked for.
    pending: String,
    /// Counts loops and here-documents, for names of their own.
    count: usize,
}

const FUNCTIONS: [&str; 3] = ["f", "g", "h"];

impl<'a> Generator<'a> {
    pub fn new(choose: &'a mut dyn FnMut(usize) -> usize) -> Self {
        Self { choose, depth: 0, loops: 0, piped: false, callable: 0, pending: String::new(), count: 0 }
    }

    /// A script.
    pub fn script(&mut self) -> String {
        let mut text = String::from("p() { printf '%s:' \"$#\"; printf '<%s>' \"$@\"; echo; }\n");
        for name in ["x", "y", "z"] {
            let value = self.pick(&VALUES);
            text.push_str(&format!("{name}=\"{value}\"\n"));
        }
        if self.one_in(4) {
            text.push_str("set -- \"$x\" b\n");
        }
        if self.one_in(5) {
            text.push_str(&format!("IFS={}\n", self.pick(&IFS)));
        }
        if self.one_in(4) {
            text.push_str(["set -e\n", "set -u\n", "set -f\n", "set -eu\n"][self.below(4)]);
        }
        for number in (0..FUNCTIONS.len()).rev() {
            if self.one_in(4) {
                self.callable = number + 1;
                let (outer, body) = (std::mem::take(&mut self.loops), self.list());
                self.loops = outer;
                text.push_str(&format!("{}() {{\n{body}}}\n", FUNCTIONS[number]));
            }
        }
        self.callable = 0;
        if self.one_in(8) {
            text.push_str("trap 'echo bye $?' EXIT\n");
        }
        for _ in 0..=self.below(5) {
            text.push_str(&self.line());
        }
        text.push_str("p \"$?\" \"$#\" \"$x\" \"${y-unset}\"\n");
        text
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.choose)(bound)
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn pick<'b>(&mut self, of: &[&'b str]) -> &'b str {
        of[self.below(of.len())]
    }

    /// Commands, each on a line.
    fn list(&mut self) -> String {
        let mut text = self.line();
        while self.one_in(4) {
            text.push_str(&self.line());
        }
        text
    }

    /// A line, with the here-documents that it asks for.
    fn line(&mut self) -> String {
        let mut text = self.and_or();
        if self.one_in(10) {
            text.push_str("; ");
            text.push_str(&self.and_or());
        }
        if self.one_in(30) {
            text.push_str(" # comment");
        }
        text.push('\n');
        text.push_str(&std::mem::take(&mut self.pending));
        text
    }

    fn and_or(&mut self) -> String {
        let mut text = self.pipeline();
        while self.one_in(5) {
            text.push_str(self.pick(&[" && ", " || "]));
            text.push_str(&self.pipeline());
        }
        text
    }

    fn pipeline(&mut self) -> String {
        let negated = if self.one_in(12) { "! " } else { "" };
        let mut commands = Vec::new();
        while self.depth < DEPTH && self.one_in(8) {
            let before = std::mem::replace(&mut self.piped, true);
            commands.push(self.command());
            self.piped = before;
        }
        commands.push(self.command());
        format!("{negated}{}", commands.join(" | "))
    }

    fn command(&mut self) -> String {
        if self.depth >= DEPTH {
            return self.simple();
        }
        self.depth += 1;
        let text = match self.below(24) {
            0 => self.conditional(),
            1 => self.counted(),
            2 => self.for_loop(),
            3 => self.case(),
            4 => {
                let body = self.list();
                let redirects = self.redirects();
                format!("{{\n{body}}}{redirects}")
            }
            5 => {
                let body = self.list();
                let redirects = self.redirects();
                format!("(\n{body}){redirects}")
            }
            6 => self.reading(),
            _ => self.simple(),
        };
        self.depth -= 1;
        text
    }

    fn conditional(&mut self) -> String {
        let (condition, then) = (self.list(), self.list());
        let mut text = format!("if {condition}then\n{then}");
        if self.one_in(4) {
            let (condition, then) = (self.list(), self.list());
            text.push_str(&format!("elif {condition}then\n{then}"));
        }
        if self.one_in(2) {
            text.push_str(&format!("else\n{}", self.list()));
        }
        format!("{text}fi{}", self.redirects())
    }

    /// A loop that counts.
    fn counted(&mut self) -> String {
        self.count += 1;
        let name = format!("n{}", self.count);
        self.loops += 1;
        let body = self.list();
        self.loops -= 1;
        let (word, operator) = if self.one_in(3) { ("until", "-gt") } else { ("while", "-le") };
        let redirects = self.redirects();
        format!("{name}=0\n{word} {name}=$(({name}+1))\n[ \"${name}\" {operator} 3 ]\ndo\n{body}done{redirects}")
    }

    fn for_loop(&mut self) -> String {
        let name = self.pick(&["i", "x", "w"]);
        let words = match self.below(5) {
            0 => String::new(),
            1 => " in \"$@\"".to_owned(),
            2 => " in 1 2 3".to_owned(),
            _ => format!(" in {} {}", self.word(), self.word()),
        };
        let pending = std::mem::take(&mut self.pending);
        self.loops += 1;
        let body = self.list();
        self.loops -= 1;
        let redirects = self.redirects();
        format!("for {name}{words}\n{pending}do\n{body}done{redirects}")
    }

    /// `while read`.
    fn reading(&mut self) -> String {
        let raw = self.pick(&["", "-r "]);
        let names = self.pick(&["x", "x y", "x y z", "w u"]);
        let ifs = if self.one_in(4) { format!("IFS={} ", self.pick(&[":", "' '", "", "': '"])) } else { String::new() };
        self.loops += 1;
        let body = self.list();
        self.loops -= 1;
        let input = self.pick(&["<a", "<file.txt", "<dir/b.txt", "<'a b'"]);
        format!("while {ifs}read {raw}{names}\ndo\n{body}done {input}")
    }

    fn case(&mut self) -> String {
        let mut text = format!("case {} in\n", self.word());
        text.push_str(&std::mem::take(&mut self.pending));
        for _ in 0..=self.below(3) {
            let open = self.pick(&["", "("]);
            let (one, other) = (self.pick(&PATTERNS), self.pick(&PATTERNS));
            let pattern = if self.one_in(4) { format!("{one}|{other}") } else { one.to_owned() };
            text.push_str(&format!("{open}{pattern})\n{};;\n", self.list()));
        }
        format!("{text}esac{}", self.redirects())
    }

    fn simple(&mut self) -> String {
        match self.below(40) {
            0 => self.assignments(),
            1 => format!("{} p {}", self.assignments(), self.words()),
            2 => format!("{} eval 'p \"$x\" $y'", self.assignments()),
            3 if self.callable < FUNCTIONS.len() => {
                let name = FUNCTIONS[self.callable + self.below(FUNCTIONS.len() - self.callable)];
                format!("{name} {}{}", self.words(), self.redirects())
            }
            4 => self.pick(&["true", "false", ":", "(exit 3)", "nonesuch", "cat none"]).to_owned(),
            5 => format!("[ {} ]", self.test()),
            6 => format!("echo {}{}", self.words(), self.redirects()),
            7 => format!("printf {} {}", self.format(), self.words()),
            8 => self.leave(),
            9 => format!("set -- {}", self.words()),
            10 => {
                self.pick(&["shift", "set -e", "set +e", "set -u", "set +u", "set -f", "set +f", "shift 2"]).to_owned()
            }
            11 => format!(
                "{} {}",
                self.pick(&["export", "local", "readonly w", "unset", "export x"]),
                self.name_or_assignment()
            ),
            12 => self
                .pick(&["cd dir", "cd ..", "cd to-dir/sub", "cd none", "cd -", "cd", "umask 077", "umask"])
                .to_owned(),
            13 => format!(
                "eval {}",
                self.pick(&[
                    "'p $x'",
                    "\"p $x\"",
                    "echo '$y'",
                    "'x=$y'",
                    "'false'",
                    "'p \"$@\"; false'",
                    "'break'",
                    "'return 2'"
                ])
            ),
            14 => ". ./part".to_owned(),
            15 => format!("getopts ab: x {}", self.pick(&["", "-a", "-b", "-ab c", "-c", "-b -a", "x", "--"])),
            16 => format!("read {}{}", self.pick(&["x", "-r x y", "x y", "w"]), self.input()),
            17 => format!(
                "command {}",
                self.pick(&["-v cat >/dev/null", "-v nonesuch", "echo x", "false", "cd none", "-v f", "-v if"])
            ),
            18 => format!("IFS={}", self.pick(&IFS)),
            19 => self
                .pick(&[
                    "x=$(p \"$y\"; false)",
                    "x=$(exit 3)",
                    "y=`echo $x`",
                    "z=$x$y",
                    "x=${y:-z} y=$x",
                    "unset x",
                    "x='*'",
                    "x='a b'",
                ])
                .to_owned(),
            20 if !self.piped => {
                self.pick(&["exec 3>out", "exec 3<a", "exec 3>&-", "exec 3>>out", "exec 4>&1", "exec 3<>a"]).to_owned()
            }
            21 if !self.piped => format!("echo {} >&{}", self.word(), self.pick(&["3", "4", "1", "2"])),
            22 if !self.piped => self
                .pick(&["rm -f out", "mv out out2", "ln a hard", "ln -s a soft", "mkdir new", "rm a", "mv dir moved"])
                .to_owned(),
            23 => format!("cat{}", self.input()),
            24 => format!(
                "sh -c {} name {}",
                self.pick(&["'echo \"$1\" $2'", "'exit 4'", "'echo \"${x-none}\"'", "'set -e; false; echo no'"]),
                self.words()
            ),
            25 => format!("trap {} EXIT", self.pick(&["'echo end $?'", "-", "''", "'exit 4'"])),
            26 => format!("test {}", self.test()),
            27 => format!("p $(({}))", self.arithmetic(0)),
            _ => format!("p {}{}", self.words(), self.redirects()),
        }
    }

    /// What leaves loops, functions, the shell.
    fn leave(&mut self) -> String {
        let text = match self.below(6) {
            0 | 1 => self.pick(&["break", "break 2", "break 3"]),
            2 | 3 => self.pick(&["continue", "continue 2", "continue 3"]),
            4 => self.pick(&["return", "return 3", "return 0"]),
            _ => self.pick(&["exit", "exit 3", "exit 0"]),
        };
        if self.loops > 0 || self.one_in(4) { text.to_owned() } else { "false".to_owned() }
    }

    fn assignments(&mut self) -> String {
        let mut text = String::new();
        for number in 0..=usize::from(self.one_in(3)) {
            let (name, value) = (self.pick(&NAMES), if self.one_in(6) { String::new() } else { self.word() });
            text.push_str(if number > 0 { " " } else { "" });
            text.push_str(&format!("{name}={value}"));
        }
        text
    }

    fn name_or_assignment(&mut self) -> String {
        if self.one_in(2) { self.pick(&NAMES).to_owned() } else { format!("{}={}", self.pick(&NAMES), self.word()) }
    }

    fn redirects(&mut self) -> String {
        if !self.one_in(7) {
            return String::new();
        }
        if self.piped {
            return self.pick(&[" 2>/dev/null", " </dev/null", " <a", " 2>&1", " <none"]).to_owned();
        }
        match self.below(8) {
            0 => format!(" >{}", self.pick(&FILES)),
            1 => format!(" >>{}", self.pick(&FILES)),
            2 => self
                .pick(&[" 2>/dev/null", " >/dev/null", " 2>&1 >out", " >out 2>&1", " 3>&1", " >&2", " 3>out >&3"])
                .to_owned(),
            _ => self.input(),
        }
    }

    fn input(&mut self) -> String {
        match self.below(5) {
            0 => self.here_document(),
            1 => format!(" <{}", self.pick(&["a", "none", "'a b'", "dir/b.txt", "\"$x\"", "link"])),
            2 if !self.piped => " <&3".to_owned(),
            3 => " </dev/null".to_owned(),
            _ => " <file.txt".to_owned(),
        }
    }

    fn here_document(&mut self) -> String {
        self.count += 1;
        let mark = format!("E{}", self.count);
        let (operator, tab) = if self.one_in(3) { ("<<-", "\t") } else { ("<<", "") };
        let quotes = if self.one_in(3) { "'" } else { "" };
        let mut text = String::new();
        for _ in 0..self.below(3) {
            let line = match self.below(8) {
                0 => "a $x b".to_owned(),
                1 => " \"$x\" '$y' \\$z \\\\ \\a".to_owned(),
                2 => format!("{} {}", self.in_quotes(), self.in_quotes()),
                3 => "$(echo \"a  b\") `echo \"$x\"`".to_owned(),
                4 => "continued \\\nline".to_owned(),
                5 => "$@ $* $#".to_owned(),
                6 => "1:2:3".to_owned(),
                _ => "*  ~ $((1+2))".to_owned(),
            };
            text.push_str(&format!("{tab}{line}\n"));
        }
        self.pending.push_str(&format!("{text}{tab}{mark}\n"));
        format!(" {operator}{quotes}{mark}{quotes}")
    }

    fn words(&mut self) -> String {
        let words: Vec<String> = (0..=self.below(3)).map(|_| self.word()).collect();
        words.join(" ")
    }

    /// A word: parts side by side.
    fn word(&mut self) -> String {
        let mut text = self.part();
        while self.one_in(3) {
            text.push_str(&self.part());
        }
        text
    }

    fn part(&mut self) -> String {
        self.depth += 1;
        let text = match self.below(18) {
            0 => "a".to_owned(),
            1 => self.pick(&["'a b'", "''", "'*'", "'$x'", "'\\'", "'~'", "':'"]).to_owned(),
            2 => self.pick(&["\\*", "\\ ", "\\$", "\\a", "\\\\", "\\~", "\\'"]).to_owned(),
            3 => self
                .pick(&["*", "?", "[ab]*", "*.txt", "dir/*", "~", ".", "b:c", "-", "1", ".*", "*/", "[!a]*"])
                .to_owned(),
            4..=6 => format!("${}", self.pick(&["x", "y", "z", "u", "1", "2", "#", "?"])),
            7 => self.pick(&["$@", "$*", "\"$@\"", "\"$*\"", "\"$@$@\"", "\"a$@b\"", "\"$@\"\"$*\""]).to_owned(),
            8..=10 => self.braces(false),
            11..=13 => format!("\"{}\"", self.in_quotes()),
            14 if self.depth < DEPTH => self.substitution(),
            15 => format!("$(({}))", self.arithmetic(0)),
            _ => self.pick(&["b", "c", "=", "x=1", "%", "+", ",", "{a,b}", "}", "{", "!", "#"]).to_owned(),
        };
        self.depth -= 1;
        text
    }

    fn in_quotes(&mut self) -> String {
        self.depth += 1;
        let mut text = String::new();
        for _ in 0..=self.below(2) {
            text.push_str(&match self.below(10) {
                0 => "a b".to_owned(),
                1 => self.pick(&["*", "'", "\\\"", "\\$", "\\\\", "\\a", "~", "}", "'$x'", ":", " "]).to_owned(),
                2 | 3 => format!("${}", self.pick(&["x", "y", "u", "1", "@", "*", "#", "?"])),
                4..=6 => self.braces(true),
                7 if self.depth < DEPTH => self.substitution(),
                8 => format!("$(({}))", self.arithmetic(0)),
                _ => "b".to_owned(),
            });
        }
        self.depth -= 1;
        text
    }

    fn substitution(&mut self) -> String {
        let pending = std::mem::take(&mut self.pending);
        let loops = std::mem::take(&mut self.loops);
        let before = std::mem::replace(&mut self.piped, true);
        let body = match self.below(4) {
            0 => "echo \"a  b\"".to_owned(),
            1 => format!("p \"${}\"", self.pick(&NAMES)),
            2 => "printf 'a\\n\\n'".to_owned(),
            _ => self.list(),
        };
        self.piped = before;
        self.loops = loops;
        self.pending = pending;
        if !body.contains(['`', '\\', '\n', '"']) && self.one_in(3) {
            format!("`{body}`")
        } else {
            format!("$({body})")
        }
    }

    fn braces(&mut self, quoted: bool) -> String {
        let name = self.pick(&["x", "y", "z", "u", "1", "2", "@", "*", "v"]);
        let is_all = matches!(name, "@" | "*");
        match self.below(14) {
            0 => format!("${{{name}}}"),
            1 if !is_all => format!("${{#{name}}}"),
            2..=4 if !is_all => {
                let operator = self.pick(&["#", "##", "%", "%%"]);
                format!("${{{name}{operator}{}}}", self.pick(&PATTERNS))
            }
            _ => {
                let colon = self.pick(&["", ":"]);
                let operator = match self.below(12) {
                    0 if !is_all && !matches!(name, "1" | "2") => "=",
                    1 => "?",
                    2..=5 => "+",
                    _ => "-",
                };
                let word = match self.below(8) {
                    0 => String::new(),
                    1 => "a b".to_owned(),
                    2 => "\"a  b\"".to_owned(),
                    3 if !quoted => "'a  b'".to_owned(),
                    4 => "$x".to_owned(),
                    5 => "\"$@\"".to_owned(),
                    6 if self.depth < DEPTH => {
                        if quoted {
                            self.in_quotes()
                        } else {
                            self.word()
                        }
                    }
                    _ => self.pick(&["*", "c", "\\}", "~", ":", "a:b"]).to_owned(),
                };
                format!("${{{name}{colon}{operator}{word}}}")
            }
        }
    }

    fn arithmetic(&mut self, depth: usize) -> String {
        if depth > 2 || self.one_in(2) {
            return self.pick(&["1", "2", "0", "7", "x", "$#", "010", "0x1f", "u", "-3", "$((2+1))", "n"]).to_owned();
        }
        let (left, right) = (self.arithmetic(depth + 1), self.arithmetic(depth + 1));
        match self.below(8) {
            0 => format!("({left})"),
            1 => format!("{left}?{right}:{left}"),
            2 => format!("w={right}"),
            3 => format!("(w+={right})"),
            4 => format!("{}{left}", self.pick(&["-", "!", "~", "+", "- -"])),
            _ => {
                let operator = self.pick(&[
                    "+", "-", "*", "/", "%", "<", ">", "<=", ">=", "==", "!=", "&&", "||", "&", "|", "^", "<<", ">>",
                    " + ",
                ]);
                format!("{left}{operator}{right}")
            }
        }
    }

    fn test(&mut self) -> String {
        let operand = |generator: &mut Self| {
            let word = generator
                .pick(&["a", "''", "\"$x\"", "$y", "1", "!", "-n", "(", "=", "none", "dir", "-a", "3", "$u", "\"$#\""]);
            if word == "(" { "'('".to_owned() } else { word.to_owned() }
        };
        match self.below(10) {
            0 => operand(self),
            1 | 2 => {
                format!("{} {}", self.pick(&["-n", "-z", "-f", "-d", "-e", "-L", "-x", "-s", "!", "-r"]), operand(self))
            }
            3 | 4 => format!(
                "{} {} {}",
                operand(self),
                self.pick(&["=", "!=", "-eq", "-lt", "-ge", "-ne", "-a", "-o", "-ef", "\\<"]),
                operand(self)
            ),
            5 => format!("! {}", self.test()),
            6 => format!("\\( {} \\)", self.test()),
            7 => format!("{} {} {}", self.test(), self.pick(&["-a", "-o"]), self.test()),
            _ => format!("{} = {}", operand(self), operand(self)),
        }
    }

    fn format(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..=self.below(3) {
            text.push_str(self.pick(&[
                "%s", "%d", "%5s|", "%-5s|", "%.2s", "%x", "%05d", "%b", "%%", "\\n", "\\t", "a", "%c", "%i ", "%o",
                "\\101", "%+d", "%3d", "%s\\n",
            ]));
        }
        format!("'{text}'")
    }
}
