//! Simple commands (XCU 2.9.1) and the shell's own ones (XCU 2.15).

use super::Generator;

const FILES: &[&str] =
    &["a", "'a b'", "dir", "dir/a.txt", "link", "dangling", "none", "tool", "empty", "to-dir", "out", "[x]"];

impl Generator {
    pub(super) fn simple(&mut self) -> String {
        match self.numbers.below(34) {
            8 => self.printing(),
            9..=12 => self.assignments(),
            13 | 14 => self.test(),
            15 => self.status(),
            16 => self.call(),
            17 => self.read(),
            18 => self.positional(),
            19 => self.variables(),
            20 => self.files(),
            21 => self.descriptors(),
            22 => format!("cat {}", self.here_document()),
            23 => format!("{} {}", self.numbers.one(&["command", "command -p"]), self.words_of("printf '<%s>'")),
            24 => self.directories(),
            25 => self.conditions(),
            26 => self.formatted(),
            27 => format!("{} {}", self.assignment(1), self.words_of("p")),
            28 => format!("{} {}", self.assignment(1), self.call()),
            29 => format!(
                "{} {}",
                self.assignment(1),
                self.numbers.one(&[":", "eval 'p \"$x\"'", "command eval 'p $x'", "sh -c 'echo \"$x\"'"])
            ),
            30 => format!("p \"$({})\"", self.words_of("p")),
            _ => self.words_of("p"),
        }
    }

    fn words_of(&mut self, command: &str) -> String {
        let mut text = command.to_owned();
        for _ in 0..=self.numbers.below(3) {
            text.push(' ');
            text.push_str(&self.word(2));
        }
        if self.numbers.once_in(10) {
            text += self.numbers.one(&[" >out", " >>out", " >&2", " 2>/dev/null", " >/dev/null", " 3>out", " >|out"]);
        }
        text
    }

    /// A command that does nothing but print.
    pub(super) fn printing(&mut self) -> String {
        let command = self.numbers.one(&["echo", "printf '%s\\n'", "echo -n", "p", "printf '%s:'"]);
        let words: Vec<_> = (0..=self.numbers.below(3))
            .map(|_| {
                self.numbers.one(&[
                    "a", "\"$x\"", "$y", "'a  b'", "'a\\tb'", "'c\\\\d'", "\"$@\"", "$*", "-n", "' x '", "\"$*\"",
                    "'e\nf'",
                ])
            })
            .collect();
        format!("{command} {}", words.join(" "))
    }

    fn assignment(&mut self, depth: usize) -> String {
        let name = self.numbers.one(&["x", "y", "z", "v", "IFS", "x", "y"]);
        if name == "IFS" {
            return self
                .numbers
                .one(&["IFS=:", "IFS=", "IFS=' '", "IFS=a", "IFS=' :'", "IFS=\\\\", "IFS='\n'", "IFS='*'"])
                .to_owned();
        }
        format!("{name}={}", self.word(depth))
    }

    fn assignments(&mut self) -> String {
        let first = self.assignment(3);
        if self.numbers.once_in(3) { format!("{first} {}", self.assignment(2)) } else { first }
    }

    fn test(&mut self) -> String {
        let word = |this: &mut Self| {
            format!("\"{}\"", this.numbers.one(&["$x", "$y", "a", "", "$u", "${x:-b}", "-n", "!", "("]))
        };
        let file = self.numbers.one(FILES);
        let number = |this: &mut Self| this.numbers.one(&["$i", "$j", "0", "3", "-2", "$x", "$#", "' 3'"]);
        let (left, right, one, other) = (word(self), word(self), number(self), number(self));
        let mut inner = match self.numbers.below(8) {
            0 => format!("{left} {} {right}", self.numbers.one(&["=", "!=", "\\<", "\\>"])),
            1 | 2 => format!("{one} {} {other}", self.numbers.one(&["-eq", "-ne", "-lt", "-le", "-gt", "-ge"])),
            3 => format!(
                "{} {file}",
                self.numbers.one(&["-e", "-f", "-d", "-L", "-h", "-s", "-x", "-r", "-w", "-p", "-b"])
            ),
            4 => format!("{} {left}", self.numbers.one(&["-n", "-z", "!"])),
            5 => format!("{left} = {right} {} -n {right}", self.numbers.one(&["-a", "-o"])),
            6 => format!("\\( {left} = {right} \\) {} {left}", self.numbers.one(&["-a", "-o"])),
            _ => self.word(1),
        };
        if self.numbers.once_in(6) {
            inner = format!("! {inner}");
        }
        if self.numbers.once_in(3) { format!("test {inner}") } else { format!("[ {inner} ]") }
    }

    /// A status, or the way out of something.
    fn status(&mut self) -> String {
        let number = self.numbers.one(&["", " 0", " 1", " 3", " $i", " 2"]);
        match self.numbers.below(10) {
            0 | 1 => "false".to_owned(),
            2 => format!("(exit{number})"),
            3 if self.in_function => format!("return{number}"),
            4 | 5 if self.in_loop => {
                let (word, levels) =
                    (self.numbers.one(&["break", "continue"]), self.numbers.one(&["", "", " 2", " 3"]));
                format!("{word}{levels}")
            }
            6 => format!("! {}", self.numbers.one(&["true", "false", "(exit 3)"])),
            7 => "echo $?".to_owned(),
            8 if self.numbers.once_in(4) => format!("exit{number}"),
            9 => self
                .numbers
                .one(&[
                    "no-such-command",
                    "./tool a 'b c'",
                    "./a",
                    "command -v p",
                    "command -v cat >/dev/null",
                    "sh ./tool x",
                ])
                .to_owned(),
            _ => self.numbers.one(&["true", ":", ": ${x:=q}", ": \"${u?}\""]).to_owned(),
        }
    }

    fn call(&mut self) -> String {
        if self.functions == 0 {
            return self.words_of("p");
        }
        let number = 1 + self.numbers.below(self.functions);
        self.words_of(&format!("f{number}"))
    }

    fn read(&mut self) -> String {
        let ifs = self.numbers.one(&["", "", "IFS= ", "IFS=: ", "IFS=' :' ", "IFS=x "]);
        let raw = self.numbers.one(&["", "", "-r "]);
        let names = self.numbers.one(&["x", "x y", "x y z"]);
        let from = match self.numbers.below(5) {
            0 => "<a".to_owned(),
            1 => "<file.txt".to_owned(),
            2 => "</dev/null".to_owned(),
            _ => self.here_document(),
        };
        let shown = names.split(' ').map(|name| format!("\"${name}\"")).collect::<Vec<_>>().join(" ");
        format!("{{ {ifs}read {raw}{names}; p $? {shown}; }} {from}")
    }

    fn positional(&mut self) -> String {
        match self.numbers.below(4) {
            0 => format!("shift{}", self.numbers.one(&["", "", " 1", " 2", " 0", " $#"])),
            1 => format!("set -- {} {}", self.word(2), self.word(1)),
            2 => {
                format!("set {}; p \"$-\"", self.numbers.one(&["-e", "+e", "-u", "+u", "-f", "+f", "-ef", "-a", "+a"]))
            }
            _ => "p \"$@\" $* \"$*\"".to_owned(),
        }
    }

    fn variables(&mut self) -> String {
        let name = self.numbers.one(&["x", "y", "u", "IFS"]);
        match self.numbers.below(7) {
            0 | 1 => format!("unset {name}"),
            2 => format!("export {name}={}", self.word(1)),
            3 if self.in_function => format!("local {name}"),
            4 | 5 if self.in_function => format!("local {name}={}", self.word(1)),
            6 if self.numbers.once_in(3) => format!("readonly {name}={}", self.word(1)),
            _ => format!("{name}={}; p \"${name}\" ${name}", self.word(2)),
        }
    }

    fn files(&mut self) -> String {
        let (file, other) = (self.numbers.one(FILES), self.numbers.one(FILES));
        match self.numbers.below(10) {
            0 => format!("cat {file} {other}"),
            1 => format!("rm -f {file}"),
            2 => format!("mkdir {}{file}", self.numbers.one(&["", "-p "])),
            3 => format!("mv {file} new"),
            4 => format!("ln -s {file} {}", self.numbers.one(&["new", "dir", "dir/sub", "a"])),
            5 => format!("chmod {} {file}", self.numbers.one(&["600", "u+x", "a=r", "755"])),
            6 => format!("echo {other} >{file}"),
            7 => format!("echo {other} >>{file}"),
            8 => format!("cat <{file}"),
            _ => format!(": >{file}"),
        }
    }

    /// Descriptors that are duplicated and closed.
    fn descriptors(&mut self) -> String {
        self.numbers
            .one(&[
                "{ echo a; echo b >&2; } 2>&1",
                "{ echo a; echo b >&2; } >out 2>&1",
                "{ echo a; echo b >&2; } 2>&1 >out",
                "{ echo a >&3; echo b; } 3>&1 >out",
                "{ exec 3>out; echo a >&3; exec 3>&-; cat out; }",
                "{ exec 4<a; read x <&4; read y <&4; exec 4<&-; p \"$x\" \"$y\"; }",
                "echo x 1<>a; cat a",
                "{ cat <&3; } 3<a",
                "echo a >&-",
                "cat <&-",
                "{ echo a >&3; } 3>&-",
                "{ exec 5>&1; (echo a >&5) >out; exec 5>&-; }",
                "(exec >out; echo a; echo b); cat out",
                "echo a >dir",
                "echo a >none/b",
                "{ echo a; exit 3; } >out",
                "(exec 2>&1; echo a >&2)",
                "{ read x; cat; } <file.txt; p \"$x\"",
                "echo a >out >out2; cat out out2",
                "cat <a <dir/a.txt",
                "{ exec 6<>a; read x <&6; echo new >&6; exec 6>&-; cat a; }",
                "echo \"$(echo a >&2)\" 2>/dev/null",
                "x=$(echo a; echo b >&2) 2>/dev/null; p \"$x\"",
            ])
            .to_owned()
    }

    fn directories(&mut self) -> String {
        self.numbers
            .one(&[
                "(cd dir; echo *; echo x >out)",
                "(cd to-dir && echo *)",
                "cd dir; cd -",
                "(cd none)",
                "(cd a; echo $?)",
                "(cd; echo *)",
                "(CDPATH=dir; cd sub; echo *)",
                "(cd dir/sub; cd ..; echo *)",
                "(cd -P to-dir; echo *)",
                "(cd ''; echo *)",
                "umask 027; : >made; mkdir made2",
                "umask",
                "(umask 077; : >made)",
                "umask 0777 2>/dev/null; umask 022",
            ])
            .to_owned()
    }

    fn conditions(&mut self) -> String {
        self.numbers
            .one(&[
                "trap 'echo one' EXIT",
                "trap - EXIT",
                "trap '' EXIT",
                "(trap 'echo inner $?' EXIT; exit 5)",
                "(trap 'echo inner; exit 6' EXIT; false)",
                "(trap 'echo inner' 0; return 2; echo on)",
                "trap 'echo x' INT TERM; trap",
                "(trap 'false' EXIT)",
                "p \"$(trap 'echo sub' EXIT; echo a)\"",
                "trap",
            ])
            .to_owned()
    }

    fn formatted(&mut self) -> String {
        let format = self.numbers.one(&[
            "%s\\n", "<%5s>", "<%-5s>", "%d\\n", "%05d|", "%x %o\\n", "%b\\n", "%c|", "%%%s\\n", "a\\tb\\n", "%.2s|",
            "%s %s\\n", "\\101\\n", "%i|", "%u|", "%+d|", "%*s|", "%X|",
        ]);
        let words: Vec<_> = (0..self.numbers.below(4))
            .map(|_| {
                self.numbers.one(&[
                    "a", "'a b'", "12", "-3", "010", "0x1f", "'a\\tb'", "\"$x\"", "$i", "''", "\"'a\"", "1a",
                    "'\\0101'", "'a\\cb'",
                ])
            })
            .collect();
        format!("printf '{format}' {}", words.join(" "))
    }
}
