//! Carries out command lines twice, with the real utilities and with ours, and compares.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use imgbuild::shell::{Call, Files, Stdin, Variables, utilities};
use imgbuild::tree::{Content, Kind, Node, Tree};

/// Files that every case finds in its directory.
pub const FILES: &[(&str, &[u8])] = &[
    ("list", b"alpha one\nbeta two\n\ngamma three\n# delta\nalpha four\nBETA\n"),
    ("conf", b"# settings\nPORT=80\n#HOST = local\n  INDENT=\"a b\"\npath /usr/lib:/lib\n\tTab\there\n"),
    ("passwd", b"root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\nme:x:1000:100:Me,,,:/home/me:/bin/bash\n"),
    ("numbers", b"10\n9\n-3\n2 b\n2 a\n1.5\n\n010\nx\n"),
    ("unfinished", b"first\nlast without end"),
    ("empty", b""),
    ("blank", b"\n\n\n"),
    ("words", b"the the fox\nfoo_bar foo-bar\nfoobar\n(paren) [bracket] a.b a+b a*b\n^caret $dollar back\\slash\n"),
    ("bytes", b"a\x01b\xff\xfe\tc\x7f\n\xc3\xa9t\xc3\xa9\n"),
    ("sub/one", b"alpha in sub\n"),
    ("sub/two", b"nothing\n"),
    ("prog", b"/alpha/p\n2p\n"),
    ("sorted", b"a\nb\nd\n"),
    ("other", b"b\nc\nd\n"),
    ("dup", b"a\na\nb\nA\na\na\na\n"),
    ("sums", b"d41d8cd98f00b204e9800998ecf8427e  empty\nd41d8cd98f00b204e9800998ecf8427e *list\n\
              d41d8cd98f00b204e9800998ecf8427e  missing\n"),
    ("good", b"# sums\nD41D8CD98F00B204E9800998ECF8427E  empty\n"),
    ("versions", b"1.10\n1.9\n1.9~rc1\na-1.0.tar.gz\na-1.0.1.tar.gz\na-1.tar\n.x\n..\n.\n1.09\n1.9a\n\n"),
    ("awkprog", b"# a program\n/alpha/ { print \"found\", NR }\nEND { print NR }\n"),
    ("pats", b"alpha\n^B\n"),
];

/// A command line and what comes in through its standard input.
pub struct Case {
    pub line: String,
    pub stdin: Vec<u8>,
}

impl Case {
    /// Whether it may write files beside its output.
    fn writes(&self) -> bool {
        ["new", "tee"].iter().any(|word| self.line.contains(word))
    }

    /// Whether its line names a file, or all below its directory.
    fn names(&self, file: &str) -> bool {
        self.line.contains(file.split('/').next().unwrap())
    }
}

pub fn case(line: &str) -> Case {
    Case { line: line.to_owned(), stdin: Vec::new() }
}

pub fn with_input(line: &str, stdin: &[u8]) -> Case {
    Case { line: line.to_owned(), stdin: stdin.to_owned() }
}

/// What came of a case.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    stdout: String,
    status: u8,
    files: BTreeMap<String, String>,
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().replace("\\n", "\n")
}

/// Splits a command line as a shell does, but for expansions, which the lines do not have.
fn words_of(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match char {
            ' ' => words.extend(word.take()),
            '\'' => word.get_or_insert_default().extend(chars.by_ref().take_while(|char| *char != '\'')),
            '"' => {
                let text: String = chars.by_ref().take_while(|char| *char != '"').collect();
                word.get_or_insert_default().push_str(&text);
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            char => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    words
}

/// Carries out `case` with our utilities, whatever comes of it.
pub fn try_ours(case: &Case) {
    let words = words_of(&case.line);
    if words.first().is_some_and(|name| utilities::find(name).is_some()) {
        let _ = ours(case);
    }
}

/// Carries out `case` with our utilities; what they refuse is told.
fn ours(case: &Case) -> Result<Outcome, String> {
    let mut tree = Tree::new();
    tree.put("work", Node::dir(0o755)).unwrap();
    for (name, text) in FILES.iter().filter(|(name, _)| case.names(name)) {
        tree.put(&format!("work/{name}"), Node::file(0o644, text.to_vec())).unwrap();
    }
    let mut files = Files::new(tree, "test");
    files.chdir("/work").unwrap();
    let words = words_of(&case.line);
    let (name, args) = words.split_first().unwrap();
    let utility = utilities::find(name).ok_or_else(|| format!("{name} is not there"))?;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut call = Call {
        args,
        stdin: Stdin::new(&case.stdin),
        out: &mut out,
        err: &mut err,
        files: &mut files,
        variables: &mut Variables::default(),
    };
    let status = utility(&mut call).map_err(|reason| reason.to_string())?;
    if status > 1 {
        assert!(
            !err.is_empty() || ["sed", "mawk", "grep", "cmp"].contains(&name.as_str()),
            "no diagnostic: {}",
            case.line
        );
    }
    let tree = files.into_tree();
    let text = |content: &Content| shown(&content.read().unwrap());
    let left = tree.below("work").filter_map(|(path, node)| match &node.kind {
        Kind::File(content) => Some((path.strip_prefix("work/").unwrap().to_owned(), text(content))),
        _ => None,
    });
    Ok(Outcome { stdout: shown(&out), status, files: left.collect() })
}

fn left(dir: &Path, below: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            left(&entry.path(), &format!("{name}/"), found);
        } else {
            found.insert(name, shown(&fs::read(entry.path()).unwrap()));
        }
    }
}

/// Carries out all cases with the real utilities, in one shell.
fn theirs(cases: &[Case]) -> Vec<Outcome> {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut script = "exec 3>statuses\n".to_owned();
    let mut inputs: BTreeMap<&[u8], usize> = BTreeMap::new();
    fs::create_dir(dir.join("none")).unwrap();
    for (number, case) in cases.iter().enumerate() {
        let named: Vec<_> = FILES.iter().filter(|(name, _)| case.names(name)).collect();
        let own = if named.is_empty() && !case.writes() { "none".to_owned() } else { format!("{number}") };
        fs::create_dir_all(dir.join(&own)).unwrap();
        for (name, text) in named {
            let path = dir.join(&own).join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let next = inputs.len();
        let input = *inputs.entry(&case.stdin).or_insert(next);
        // The C library's matcher takes for ever with some patterns: such a case tells nothing.
        let line = &case.line;
        let limited = format!("(ulimit -t 1; {line}) <../in{input} >../out{number} 2>/dev/null");
        script.extend(["cd ", &own, "\n", &limited, "\n"]);
        script.push_str("echo $? >&3\ncd ..\n");
    }
    for (text, input) in inputs {
        fs::write(dir.join(format!("in{input}")), text).unwrap();
    }
    fs::write(dir.join("script"), script).unwrap();
    let status = Command::new("sh").arg("script").current_dir(dir).env("LC_ALL", "C").status().unwrap();
    assert!(status.success());
    let statuses = fs::read_to_string(dir.join("statuses")).unwrap();
    let outcome = |(number, status): (usize, &str)| {
        let mut files = BTreeMap::new();
        if dir.join(number.to_string()).exists() {
            left(&dir.join(number.to_string()), "", &mut files);
        }
        let stdout = shown(&fs::read(dir.join(format!("out{number}"))).unwrap());
        Outcome { stdout, status: status.parse().unwrap(), files }
    };
    statuses.lines().enumerate().map(outcome).collect()
}

/// Compares all cases. At most `refused` of them may be refused by ours.
pub fn compare(cases: &[Case], refused: usize) {
    let mut differing = Vec::new();
    let mut not_modelled = Vec::new();
    for (case, theirs) in cases.iter().zip(theirs(cases)) {
        match ours(case) {
            Err(reason) => not_modelled.push(format!("{}\n    {reason}\n", case.line)),
            Ok(ours) if ours != theirs && theirs.status < 128 => {
                differing.push(format!("{}\n--- real: {theirs:#?}\n--- ours: {ours:#?}\n", case.line));
            }
            Ok(_) => {}
        }
    }
    assert!(differing.is_empty(), "{} of {} differ:\n{}", differing.len(), cases.len(), differing.join("\n"));
    let many = not_modelled.len();
    assert!(many <= refused, "{many} of {} are refused:\n{}", cases.len(), not_modelled.concat());
}
