//! What a command line of grep asks for.

use super::unsupported;
use crate::shell::call::Call;
use crate::shell::reason::Reason;
use crate::shell::regex::{Dialect, Escapes, Options, Regex, Syntax};
use crate::shell::utilities::text::input::{self, lines, number};
use crate::shell::utilities::text::options::{Parsed, Spec};

const SPEC: Spec = Spec {
    utility: "grep",
    short: "0123456789A:B:C:EFGHLPUZace:f:hilm:noqrsvwxyz",
    long: &[
        ("after-context", 'A'),
        ("basic-regexp", 'G'),
        ("before-context", 'B'),
        ("binary", 'U'),
        ("color", '='),
        ("colour", '='),
        ("context", 'C'),
        ("count", 'c'),
        ("extended-regexp", 'E'),
        ("file", 'f'),
        ("files-with-matches", 'l'),
        ("files-without-match", 'L'),
        ("fixed-regexp", 'F'),
        ("fixed-strings", 'F'),
        ("ignore-case", 'i'),
        ("invert-match", 'v'),
        ("line-number", 'n'),
        ("line-regexp", 'x'),
        ("max-count", 'm'),
        ("no-filename", 'h'),
        ("no-messages", 's'),
        ("null", 'Z'),
        ("null-data", 'z'),
        ("only-matching", 'o'),
        ("perl-regexp", 'P'),
        ("quiet", 'q'),
        ("recursive", 'r'),
        ("regexp", 'e'),
        ("silent", 'q'),
        ("text", 'a'),
        ("with-filename", 'H'),
        ("word-regexp", 'w'),
    ],
};

/// What is written about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    Lines,
    /// `-o`
    Parts,
    /// `-c`
    Count,
    /// `-l`
    Names,
    /// `-L`
    OtherNames,
    /// `-q`
    Nothing,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "options of grep, each of its own")]
pub(super) struct Settings {
    pub(super) pattern: Regex,
    /// The same without `-w`, for `-ow`.
    pub(super) loose: Option<Regex>,
    /// Nothing is selected, whatever is read; then grep reads nothing.
    pub(super) idle: bool,
    pub(super) inverse: bool,
    pub(super) report: Report,
    pub(super) quiet: bool,
    pub(super) silent: bool,
    pub(super) recursive: bool,
    pub(super) names: bool,
    pub(super) numbers: bool,
    pub(super) binary: bool,
    pub(super) most: usize,
    /// Groups of lines are parted.
    pub(super) context: bool,
    pub(super) before: usize,
    pub(super) after: usize,
    /// Ends a line.
    pub(super) end: u8,
    /// Comes after a file's name in a list of names.
    pub(super) name_end: Option<u8>,
}

/// Reads the command line; gives also the operands.
pub(super) fn settings(call: &mut Call<'_>, dialect: Dialect) -> Result<(Settings, Vec<String>), Reason> {
    // `--color` does not matter where no terminal is; it takes its value as part of the same word.
    let colors = ["--color", "--colour", "--color=auto", "--colour=auto", "--color=never", "--colour=never"];
    let operands_after = call.args.iter().position(|arg| arg == "--").unwrap_or(call.args.len());
    let is_color = |(at, arg): &(usize, &String)| *at < operands_after && colors.contains(&arg.as_str());
    let args: Vec<String> =
        call.args.iter().enumerate().filter(|arg| !is_color(arg)).map(|(_, arg)| arg.clone()).collect();
    let mut parsed = SPEC.parse(&args)?;
    if parsed.has('=') {
        return Err(unsupported("the option --color"));
    }

    let (patterns, syntax) = patterns(call, &mut parsed, dialect)?;
    let options = Options {
        any_case: parsed.has('i') || parsed.has('y'),
        lines: false,
        words: parsed.has('w'),
        whole: parsed.has('x'),
    };
    let made = |options| {
        let patterns = patterns.iter().map(Vec::as_slice);
        Regex::new(patterns.clone(), syntax, options).map_err(|error| {
            let patterns = patterns.collect::<Vec<_>>().join(&b'\n');
            unsupported(format!("the pattern `{}`, which has {error}", String::from_utf8_lossy(&patterns)))
        })
    };
    let pattern = made(options)?;
    let report = report(&parsed);

    // `-12` is `-C 12`.
    let digits: String = parsed.options.iter().map(|(letter, _)| *letter).filter(char::is_ascii_digit).collect();
    let around = match parsed.value('C').unwrap_or(&digits) {
        "" => 0,
        around => number("grep", around)?,
    };
    let lines = |letter| parsed.value(letter).map_or(Ok(around), |value| number("grep", value));
    let of_directory = || parsed.operands.first().is_some_and(|name| call.files.is_dir(name) == Ok(true));
    let several = parsed.operands.len() > 1 || parsed.has('r') && of_directory();
    let names = match parsed.options.iter().rev().find(|(letter, _)| ['H', 'h'].contains(letter)) {
        Some((letter, _)) => *letter == 'H',
        None => several,
    };
    let most = parsed.value('m').map_or(Ok(usize::MAX), |most| number("grep", most))?;
    let inverse = parsed.has('v');
    // As main in grep.c has it.
    let no_pattern = match patterns.as_slice() {
        [] => !inverse,
        [only] => only.is_empty() && inverse && !options.words && !options.whole,
        _ => false,
    };
    let settings = Settings {
        loose: if report == Report::Parts && options.words {
            Some(made(Options { words: false, ..options })?)
        } else {
            None
        },
        idle: report != Report::OtherNames && (most == 0 || no_pattern),
        pattern,
        inverse,
        report,
        context: parsed.has('A') || parsed.has('B') || parsed.has('C') || !digits.is_empty(),
        quiet: parsed.has('q'),
        silent: parsed.has('s'),
        recursive: parsed.has('r'),
        names,
        numbers: parsed.has('n'),
        binary: parsed.has('a'),
        most,
        before: lines('B')?,
        after: lines('A')?,
        end: if parsed.has('z') { 0 } else { b'\n' },
        name_end: parsed.has('Z').then_some(0),
    };
    if settings.report == Report::Parts && settings.before + settings.after > 0 {
        return Err(unsupported("-o with lines around"));
    }
    Ok((settings, parsed.operands))
}

/// The patterns of the command line, and how they are written.
fn patterns(call: &mut Call<'_>, parsed: &mut Parsed, mut dialect: Dialect) -> Result<(Vec<Vec<u8>>, Syntax), Reason> {
    let mut patterns: Vec<Vec<u8>> = Vec::new();
    let mut given = false;
    let mut perl = false;
    for (letter, value) in &parsed.options {
        let value = value.as_deref().unwrap_or_default();
        match letter {
            'E' => dialect = Dialect::Extended,
            'F' => dialect = Dialect::Fixed,
            'G' => dialect = Dialect::Basic,
            'P' => perl = true,
            'e' => {
                given = true;
                patterns.extend(value.split('\n').map(|pattern| pattern.as_bytes().to_vec()));
            }
            'f' => {
                given = true;
                let text = input::bytes(call, value)
                    .map_err(|_| unsupported(format!("the patterns in `{value}`, which cannot be read")))?;
                patterns.extend(lines(&text, b'\n').map(<[u8]>::to_vec));
            }
            _ => {}
        }
    }
    if !given {
        if parsed.operands.is_empty() {
            return Err(unsupported("no pattern"));
        }
        patterns.extend(parsed.operands.remove(0).split('\n').map(|pattern| pattern.as_bytes().to_vec()));
    }
    let mut escapes = Escapes::Grep;
    if perl {
        (dialect, escapes) = (Dialect::Extended, Escapes::Perl);
        for pattern in &patterns {
            check_perl(pattern, parsed.has('o'))?;
        }
    }
    Ok((patterns, Syntax { dialect, escapes }))
}

fn report(parsed: &Parsed) -> Report {
    let names = parsed.options.iter().rev().find(|(letter, _)| ['l', 'L'].contains(letter)).map(|(letter, _)| *letter);
    match names {
        _ if parsed.has('q') => Report::Nothing,
        Some('l') => Report::Names,
        Some(_) => Report::OtherNames,
        None if parsed.has('c') => Report::Count,
        None if parsed.has('o') => Report::Parts,
        None => Report::Lines,
    }
}

/// Refuses what patterns of Perl have that is not the same in an extended regular expression. Which lines match is the same
/// for the rest, which part of a line matches is not where there are alternatives.
fn check_perl(pattern: &[u8], parts: bool) -> Result<(), Reason> {
    let differs: [&[u8]; 12] = [b"(?", b"(*", b"*?", b"+?", b"??", b"}?", b"*+", b"++", b"?+", b"}+", b"{,", b"[["];
    let has = |what: &[u8]| pattern.windows(what.len()).any(|part| part == what);
    if differs.iter().any(|what| has(what)) || parts && (has(b"|") || has(b"(")) {
        return Err(unsupported(format!("the pattern of Perl `{}`", String::from_utf8_lossy(pattern))));
    }
    Ok(())
}
