//! getopt(1) of util-linux: a script's own options, sorted before its operands and quoted for `eval`.

use std::fmt::Write as _;

use super::options;
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, Reason};

/// Whether an option takes a value: `:` and `::` after its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    May,
}

/// getopt(1)
pub(super) fn getopt(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let Some(split) = call.args.iter().position(|arg| arg == "--") else {
        return Err(Reason::unsupported("getopt", "its old form, without `--`"));
    };
    let (own, rest) = call.args.split_at(split);
    let table = ["o|options=", "l|longoptions=", "n|name=", "q|quiet", "Q|quiet-output", "s|shell=", "u|unquoted"];
    let given = options::read("getopt", own, &table)?;
    if given.has("unquoted") || given.value("shell").is_some_and(|shell| shell != "sh" && shell != "bash") {
        return Err(Reason::unsupported("getopt", own.join(" ")));
    }
    let short = given.value("options").unwrap_or_default().to_owned();
    let longs: Vec<(String, Takes)> = given
        .options()
        .filter(|(name, _)| *name == "longoptions")
        .flat_map(|(_, list)| list.unwrap_or_default().split([',', ' ']))
        .filter(|name| !name.is_empty())
        .map(|name| (name.trim_end_matches(':').to_owned(), takes(name.trim_start_matches(|char| char != ':'))))
        .collect();
    let name = given.value("name").unwrap_or("getopt").to_owned();
    let mut failures = Vec::new();
    let text = sort(&short, &longs, rest.get(1..).unwrap_or_default(), &mut failures)?;
    if !given.has("quiet") {
        for failure in &failures {
            call.complain(&format!("{name}: {failure}"));
        }
    }
    if !given.has("quiet-output") {
        call.print(&text);
    }
    Ok(u8::from(!failures.is_empty()))
}

fn takes(colons: &str) -> Takes {
    match colons.len() {
        0 => Takes::Nothing,
        1 => Takes::Value,
        _ => Takes::May,
    }
}

fn quote(text: &str) -> String {
    format!(" '{}'", text.replace('\'', "'\\''"))
}

/// Options with their values, ` --`, operands.
fn sort(short: &str, longs: &[(String, Takes)], args: &[String], failures: &mut Vec<String>) -> Result<String, Reason> {
    if short.starts_with(['+', '-']) {
        return Err(Reason::unsupported("getopt", "operands kept in their order"));
    }
    let (mut text, mut operands) = (String::new(), String::new());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--" {
            args.by_ref().for_each(|arg| operands.push_str(&quote(arg)));
        } else if let Some(long) = arg.strip_prefix("--") {
            let (name, joined) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let mut cut = longs.iter().filter(|(known, _)| known.starts_with(name));
            let only = cut.next().filter(|_| cut.next().is_none());
            let Some((name, takes)) = longs.iter().find(|(known, _)| known == name).or(only) else {
                failures.push(format!("unrecognized option '--{name}'"));
                continue;
            };
            let _ = write!(text, " --{name}");
            match (takes, joined) {
                (Takes::Nothing, Some(_)) => failures.push(format!("option '--{name}' doesn't allow an argument")),
                (Takes::Nothing, None) => {}
                (_, Some(value)) => text.push_str(&quote(value)),
                (Takes::May, None) => text.push_str(" ''"),
                (Takes::Value, None) => match args.next() {
                    Some(value) => text.push_str(&quote(value)),
                    None => failures.push(format!("option '--{name}' requires an argument")),
                },
            }
        } else if let Some(letters) = arg.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            for (at, letter) in letters.char_indices() {
                let spec = short.split_once(letter).filter(|_| letter != ':');
                let Some((_, after)) = spec else {
                    failures.push(format!("invalid option -- '{letter}'"));
                    continue;
                };
                let colons = after.len() - after.trim_start_matches(':').len();
                let _ = write!(text, " -{letter}");
                let joined = letters.get(at + letter.len_utf8()..).unwrap_or_default();
                let takes = takes(after.get(..colons).unwrap_or_default());
                match takes {
                    Takes::Nothing => continue,
                    Takes::Value if joined.is_empty() => match args.next() {
                        Some(value) => text.push_str(&quote(value)),
                        None => failures.push(format!("option requires an argument -- '{letter}'")),
                    },
                    Takes::Value | Takes::May => text.push_str(&quote(joined)),
                }
                break;
            }
        } else {
            operands.push_str(&quote(arg));
        }
    }
    Ok(format!("{text} --{operands}\n"))
}
