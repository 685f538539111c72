//! `imgbuild secrets`: make, set, check and back up the cluster's secrets. Nothing here prints a value.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, stdin};
use std::path::Path;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::Outcome;
use super::cluster::needs;
use super::secure_boot;
use super::session::Session;
use crate::cli::{Secrets, SecretsCheck, SecretsExport, SecretsInit, SecretsSet};
use crate::cluster::secrets::{Row, Secret, SecretsError, State, Vault, check, known};
use crate::cluster::{self, ClusterError};
use crate::diagnostic::closest;
use crate::exit::{Code, Failure};
use crate::output::count;

const WARNING: &str = "whoever loses the server token loses the cluster: it seals the keys in the datastore. Keep a \
                       backup elsewhere: `imgbuild secrets export --age RECIPIENT --output secrets-backup.age`";

pub(super) fn run(verb: &Secrets, session: &Session<'_>) -> Outcome {
    match verb {
        Secrets::Init(args) => init(args, session),
        Secrets::Set(args) => set(args, session),
        Secrets::Check(args) => checked(args, session),
        Secrets::Export(args) => export(args, session),
        Secrets::SecureBoot(args) => secure_boot::run(args, session),
    }
}

fn init(args: &SecretsInit, session: &Session<'_>) -> Outcome {
    let vault = Vault::at(session.root(), None);
    let path = vault.init(&args.age)?;
    let recipients = vault.recipients()?;
    session.console.progress().warn(WARNING);
    let text = format!("made {}; `imgbuild secrets check` tells what is missing", shown(&path, &recipients));
    session.console.result(&json!({"file": path, "recipients": recipients}), &text);
    Ok(())
}

fn set(args: &SecretsSet, session: &Session<'_>) -> Outcome {
    Vault::accepts(&args.name).map_err(|error| misnamed(&args.name, error))?;
    if !args.value.is_empty() {
        return Err(Failure::refused("a secret's value is never given on the command line")
            .hint("other users and the shell's history see it there, so take it as known; leave it out to be asked"));
    }
    // Before anything is typed in vain.
    if let Some(warning) = needless(&args.name, session) {
        session.console.progress().warn(&warning);
    }
    let value = if stdin().is_terminal() { ask(&args.name)? } else { Secret::read(stdin().lock(), "standard input")? };
    let vault = session.vault(&args.unlock);
    let path = vault.set(&args.name, &value, args.replace)?;
    let recipients = vault.recipients()?;
    session.console.result(
        &json!({"file": path, "name": args.name, "recipients": recipients}),
        &format!("set `{}` in {}", args.name, shown(&path, &recipients)),
    );
    Ok(())
}

/// A file, and whom it is encrypted for, if it is.
fn shown(path: &Path, recipients: &[String]) -> String {
    match recipients {
        [] => path.display().to_string(),
        some => format!("{}, encrypted for {}", path.display(), some.join(", ")),
    }
}

/// What is no name, with the one that was probably meant. What was typed is not shown: it may be a value.
fn misnamed(name: &str, error: SecretsError) -> Failure {
    let plain = name.to_ascii_lowercase().replace('_', "-");
    let failure = Failure::from(error);
    let hint = failure.hint.clone().unwrap_or_default();
    match closest(&plain, known()) {
        Some(meant) => failure.hint(format!("did you mean `{meant}`? {hint}")),
        None => failure,
    }
}

/// What to say of a name that nothing asks for. It is no error: an overlay that asks for it may be yet to come.
fn needless(name: &str, session: &Session<'_>) -> Option<String> {
    let cluster = cluster::load(&session.workspace).ok()?;
    // What a broken profile would ask for is not known.
    let asked = cluster.as_ref().map_or(Some(Vec::new()), |cluster| needs(session, cluster).ok())?;
    let mut names: BTreeSet<&str> = known().collect();
    names.extend(asked.iter().flat_map(|node| &node.secrets).map(String::as_str));
    if names.contains(name) {
        return None;
    }
    let nobody = if cluster.is_some() { "no node of cluster.toml needs" } else { "no cluster.toml is here to ask for" };
    let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let meant = closest(name, names.iter().copied()).map(|meant| format!("did you mean `{meant}`? "));
    Some(format!("{nobody} a secret `{name}`; {}known are {list}", meant.unwrap_or_default()))
}

/// Asks on the terminal, without echo.
fn ask(name: &str) -> Result<Secret, Failure> {
    let typed = rpassword::prompt_password(format!("{name}: ")).map(Zeroizing::new);
    let typed = typed.map_err(|error| match error.kind() {
        std::io::ErrorKind::Interrupted => Failure { code: Code::Interrupted, ..Failure::refused("interrupted") },
        _ => Failure::io(Code::Unexpected, "cannot ask on this terminal", &error)
            .hint("give the value on standard input instead"),
    })?;
    Ok(typed.into())
}

fn checked(args: &SecretsCheck, session: &Session<'_>) -> Outcome {
    let secrets = session.secrets(&args.unlock)?;
    let recipients = session.vault(&args.unlock).recipients()?;
    if !recipients.is_empty() {
        session.console.note(&format!("the secrets are encrypted for {}", recipients.join(", ")));
    }
    let cluster = cluster::load(&session.workspace)?;
    let needs = cluster.as_ref().map(|cluster| needs(session, cluster)).transpose()?.unwrap_or_default();
    let rows = check(&secrets, &needs);
    if cluster.is_none() {
        if rows.is_empty() {
            return Err(ClusterError::Absent.into());
        }
        let warning =
            "this workspace has no cluster.toml: whether a secret is missing, and who needs which, is not known";
        session.console.progress().warn(warning);
    }
    let lines: Vec<String> = rows.iter().map(line).collect();
    session.console.result(&rows.iter().map(entry).collect::<Vec<_>>(), &lines.join("\n"));
    match rows.iter().filter(|row| row.state != State::Set).collect::<Vec<_>>()[..] {
        [] => Ok(()),
        [row] => Err(match &row.state {
            State::Unfit(reason) => SecretsError::Unfit { name: row.name.clone(), reason: reason.clone() },
            _ => SecretsError::Unset { name: row.name.clone() },
        }
        .into()),
        ref several => Err(Failure::refused(format!("{} are missing or invalid", count(several.len(), "secret")))
            .hint("`imgbuild secrets set NAME` asks for one; without any, `imgbuild secrets init` makes them")),
    }
}

fn line(row: &Row) -> String {
    let state = match &row.state {
        State::Set => "set".to_owned(),
        State::Missing => "MISSING".to_owned(),
        State::Unfit(reason) => format!("INVALID: {reason}"),
    };
    let source = row.source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
    let nodes = match &row.nodes[..] {
        [] => String::new(),
        nodes => format!("; needed by {}", nodes.join(", ")),
    };
    format!("{:<16} {state}{source}{nodes}", row.name)
}

fn entry(row: &Row) -> Value {
    let (state, reason) = match &row.state {
        State::Set => ("set", None),
        State::Missing => ("missing", None),
        State::Unfit(reason) => ("unfit", Some(reason)),
    };
    let source = row.source.as_ref().map(ToString::to_string);
    json!({"name": row.name, "state": state, "reason": reason, "source": source, "nodes": row.nodes})
}

fn export(args: &SecretsExport, session: &Session<'_>) -> Outcome {
    let sealed = session.vault(&args.unlock).export(&args.age)?;
    match &args.output {
        Some(path) => {
            Vault::write_export(path, &sealed)?;
            session.console.result(&json!({"file": path}), &format!("wrote {}", path.display()));
        }
        None => session.console.text(&json!({"age": sealed}), &format!("{}\n", sealed.trim_end())),
    }
    Ok(())
}
