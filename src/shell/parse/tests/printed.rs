//! Trees as text: each command in `<…>`, each part of a word with a sign of its kind.

use crate::shell::ast::{
    AndOr, Command, CommandKind, Connector, List, Operation, Parameter, Part, Pipeline, Redirect, RedirectKind, Word,
};

pub fn list(list: &List) -> String {
    list.iter().map(and_or).collect::<Vec<_>>().join(" ")
}

fn and_or(item: &AndOr) -> String {
    let mut text = pipeline(&item.first);
    for (connector, next) in &item.rest {
        let sign = if *connector == Connector::And { " && " } else { " || " };
        text.extend([sign, &pipeline(next)]);
    }
    if item.background { text + " &" } else { text }
}

fn pipeline(pipeline: &Pipeline) -> String {
    let commands = pipeline.commands.iter().map(command).collect::<Vec<_>>().join(" | ");
    if pipeline.negated { format!("! {commands}") } else { commands }
}

fn command(command: &Command) -> String {
    let mut text = format!("<{}", kind(&command.kind));
    for one in &command.redirects {
        text.extend([" ", &redirect(one)]);
    }
    text + ">"
}

fn kind(kind: &CommandKind) -> String {
    match kind {
        CommandKind::Simple { assignments, words: all } => {
            let assigned = assignments.iter().map(|assignment| {
                let sign = if assignment.append { "+=" } else { "=" };
                format!("{}{sign}{}", assignment.name, word(&assignment.value))
            });
            assigned.chain(all.iter().map(word)).collect::<Vec<_>>().join(" ")
        }
        CommandKind::Group(inner) => format!("group {}", list(inner)),
        CommandKind::Subshell(inner) => format!("subshell {}", list(inner)),
        CommandKind::If { branches, otherwise } => {
            let branches =
                branches.iter().map(|(condition, then)| format!("if {} then {}", list(condition), list(then)));
            let mut text = branches.collect::<Vec<_>>().join(" ");
            if !otherwise.is_empty() {
                text.extend([" else ", &list(otherwise)]);
            }
            text
        }
        CommandKind::While { until, condition, body } => {
            format!("{} {} do {}", if *until { "until" } else { "while" }, list(condition), list(body))
        }
        CommandKind::For { name, words: None, body } => format!("for {name} do {}", list(body)),
        CommandKind::For { name, words: Some(all), body } => {
            format!("for {name} in [{}] do {}", words(all), list(body))
        }
        CommandKind::Case { word: of, arms } => {
            let mut text = format!("case {}", word(of));
            for arm in arms {
                let end = if arm.falls_through { ";&" } else { ";;" };
                text.extend([" [", &words(&arm.patterns), "] ", &list(&arm.body), end]);
            }
            text
        }
        CommandKind::Alias(names) => format!("alias {}", names.join(" ")),
        CommandKind::Function { name, body } => format!("function {name} {}", command(body)),
        CommandKind::Test(all) => format!("test {}", words(all)),
    }
}

fn redirect(redirect: &Redirect) -> String {
    let (sign, target) = match &redirect.kind {
        RedirectKind::Read(target) => ("<", target),
        RedirectKind::Write(target) => (">", target),
        RedirectKind::Append(target) => (">>", target),
        RedirectKind::ReadWrite(target) => ("<>", target),
        RedirectKind::DuplicateInput(target) => ("<&", target),
        RedirectKind::DuplicateOutput(target) => (">&", target),
        RedirectKind::WriteBoth(target) => ("&>", target),
        RedirectKind::Here(text) => ("<<", text.get().unwrap()),
    };
    let descriptor = redirect.descriptor.map(|number| number.to_string()).unwrap_or_default();
    format!("{descriptor}{sign}{}", word(target))
}

fn words(all: &[Word]) -> String {
    all.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn word(word: &Word) -> String {
    parts(&word.parts)
}

fn parts(all: &[Part]) -> String {
    all.iter().map(part).collect()
}

fn part(part: &Part) -> String {
    match part {
        Part::Text(text) => text.clone(),
        Part::Quoted(text) => format!("'{}'", text.replace('\n', "␤")),
        Part::DoubleQuoted(inner) => format!("\"{}\"", parts(inner)),
        Part::Parameter(parameter) => self::parameter(parameter),
        Part::Command(inner) => format!("$({})", list(inner)),
        Part::Arithmetic(expression) => format!("$(({}))", word(expression)),
    }
}

fn parameter(parameter: &Parameter) -> String {
    let colon = |or_empty: bool| if or_empty { ":" } else { "" };
    let twice = |sign: &str, longest: bool| sign.repeat(1 + usize::from(longest));
    let operation = match &parameter.operation {
        Operation::Value => String::new(),
        Operation::Length => return format!("${{#{}}}", parameter.name),
        Operation::Default { or_empty, word: inner } => format!("{}-{}", colon(*or_empty), word(inner)),
        Operation::Assign { or_empty, word: inner } => format!("{}={}", colon(*or_empty), word(inner)),
        Operation::Error { or_empty, word: inner } => format!("{}?{}", colon(*or_empty), word(inner)),
        Operation::Alternative { or_empty, word: inner } => format!("{}+{}", colon(*or_empty), word(inner)),
        Operation::RemovePrefix { longest, pattern } => twice("#", *longest) + &word(pattern),
        Operation::RemoveSuffix { longest, pattern } => twice("%", *longest) + &word(pattern),
        Operation::Replace { all, pattern, with } => format!("{}{}/{}", twice("/", *all), word(pattern), word(with)),
        Operation::Substring { offset, length } => {
            format!(
                ":{}{}",
                word(offset),
                length.as_ref().map(|length| format!(":{}", word(length))).unwrap_or_default()
            )
        }
        Operation::Unknown => " unknown".to_owned(),
    };
    format!("${{{}{operation}}}", parameter.name)
}
