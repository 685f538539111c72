//! awk: POSIX.1-2024 XCU awk, as mawk 1.3.4 does it, which is Debian's. What other awks do in another way is refused, and so are
//! functions of a program's own, getline, output to files and commands, chance and the clock.
//!
//! ```text
//! program ─▶ lex, expr, parse (ast) ─▶ run, eval, functions, format ─▶ output
//! files ───▶ record, value, state ─────┘
//! ```

mod ast;
mod eval;
mod expr;
mod format;
mod functions;
mod lex;
mod parse;
mod record;
mod run;
mod state;
mod value;

use std::rc::Rc;

use ast::When;
use run::Run;
use state::State;
use value::Value;

use super::input;
use super::options::Spec;
use crate::shell::call::{Answer, Call};
use crate::shell::files::FileError;
use crate::shell::reason::Reason;

const SPEC: Spec =
    Spec { utility: "awk", short: "F:f:v:", long: &[("assign", 'v'), ("field-separator", 'F'), ("file", 'f')] };

fn unsupported(what: impl Into<String>) -> Reason {
    Reason::unsupported("awk", what)
}

/// A value on the command line, in which escapes count.
fn given(text: &str) -> Result<Value, Reason> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'\\' {
            let (length, text) = lex::escape(after)?;
            bytes.extend(text);
            rest = after.get(length..).unwrap_or_default();
        } else {
            bytes.push(*first);
        }
    }
    Ok(Value::input(&bytes))
}

/// The name and the value of an operand such as `name=value`.
fn assignment(operand: &str) -> Option<(&str, &str)> {
    let (name, value) = operand.split_once('=')?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_name && !name.is_empty() && !name.starts_with(|char: char| char.is_ascii_digit())).then_some((name, value))
}

/// The options come first: getopt(3) would look for them among the operands too.
fn split_options(args: &[String]) -> usize {
    let mut at = 0;
    while let Some(arg) = args.get(at).filter(|arg| arg.starts_with('-') && arg.len() > 1) {
        at += 1;
        if arg == "--" {
            break;
        }
        at += usize::from(["-F", "-f", "-v"].contains(&arg.as_str()));
    }
    at.min(args.len())
}

/// awk(1)
pub(super) fn awk(call: &mut Call<'_>) -> Answer {
    let (options, operands) = call.args.split_at(split_options(call.args));
    let parsed = SPEC.parse(options)?;
    let environment = call.variables.environment();
    let environment = environment.map(|(name, value)| (Rc::from(name.as_bytes()), Value::input(value.as_bytes())));
    // Other awks have other patterns.
    let mawk = call.files.stat("/usr/bin/awk", true).is_ok_and(|(path, _)| path == "usr/bin/mawk");
    let mut state = State::new(environment.collect(), mawk);

    let mut program: Vec<u8> = Vec::new();
    let mut from_files = false;
    for (letter, value) in &parsed.options {
        let value = value.as_deref().unwrap_or_default();
        match letter {
            'F' if value == "t" => return Err(unsupported("-Ft")),
            'F' => state.set_variable("FS", given(value)?)?,
            'f' => {
                let text = input::bytes(call, value);
                program.extend(text.map_err(|_| unsupported(format!("the program `{value}`, which cannot be read")))?);
                program.push(b'\n');
                from_files = true;
            }
            _ => {
                let (name, value) = assignment(value).ok_or_else(|| unsupported(format!("-v {value}")))?;
                state.set_variable(name, given(value)?)?;
            }
        }
    }
    let mut operands = operands.iter();
    if !from_files {
        program.extend(operands.next().ok_or_else(|| unsupported("no program"))?.bytes());
    }
    let rules = parse::parse(&program, mawk)?;
    let mut run = Run { rules: &rules, open: vec![false; rules.len()], state, status: 0 };
    let operands: Vec<&str> = operands.map(String::as_str).collect();
    let status = all(call, &mut run, &operands)?;
    call.out.extend_from_slice(&run.state.out);
    call.err.extend_from_slice(&run.state.err);
    Ok(status)
}

/// BEGIN, the files, END.
fn all(call: &mut Call<'_>, run: &mut Run<'_>, operands: &[&str]) -> Answer {
    let goes_on = run.special(true)?;
    let reads = run.rules.iter().any(|rule| !matches!(rule.when, When::Begin));
    if !reads {
        return Ok(run.status);
    }
    if goes_on {
        let mut operands = operands.to_vec();
        if operands.iter().all(|operand| assignment(operand).is_some()) {
            operands.push("-");
        }
        let mut number = 0;
        'files: for operand in operands {
            if let Some((name, value)) = assignment(operand) {
                run.state.set_variable(name, given(value)?)?;
                continue;
            }
            let text = match input::bytes(call, operand) {
                Ok(text) => text,
                Err(FileError::Reason(reason)) => return Err(reason),
                Err(_) => {
                    call.complain(&format!("awk: cannot open {operand}"));
                    return Ok(2);
                }
            };
            let name = if input::is_stdin(operand) { "" } else { operand };
            run.state.set_variable("FILENAME", Value::text(name.as_bytes()))?;
            let mut rest = text.as_slice();
            let mut in_file = 0;
            while !rest.is_empty() {
                let end = run.state.setting("RS").first().copied().unwrap_or(b'\n');
                let length = rest.iter().position(|byte| *byte == end).unwrap_or(rest.len());
                let record = rest.get(..length).unwrap_or_default();
                rest = rest.get(length + 1..).unwrap_or_default();
                (number, in_file) = (number + 1, in_file + 1);
                run.state.set_number("NR", number);
                run.state.set_number("FNR", in_file);
                run.state.set_whole(record.into())?;
                if !run.record()? {
                    break 'files;
                }
            }
        }
    }
    run.special(false)?;
    Ok(run.status)
}
