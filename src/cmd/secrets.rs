//! `imgbuild secrets`: make, set, check and back up the cluster's secrets. Nothing here prints a value.

use std::io::{IsTerminal as _, stdin};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::Outcome;
use super::cluster::needs;
use super::session::Session;
use crate::cli::{Secrets, SecretsCheck, SecretsExport, SecretsInit, SecretsSet};
use crate::cluster;
use crate::cluster::secrets::{Row, Secret, SecretsError, State, Vault, check};
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
    }
}

fn init(args: &SecretsInit, session: &Session<'_>) -> Outcome {
    let path = Vault::at(session.root(), None).init(&args.age)?;
    session.console.progress().warn(WARNING);
    session.console.result(
        &json!({"file": path, "recipients": args.age}),
        &format!("made {}; `imgbuild secrets check` tells what is missing", path.display()),
    );
    Ok(())
}

fn set(args: &SecretsSet, session: &Session<'_>) -> Outcome {
    Vault::accepts(&args.name)?;
    if !args.value.is_empty() {
        return Err(Failure::refused("a secret's value is never given on the command line")
            .hint("other users and the shell's history see it there, so take it as known; leave it out to be asked"));
    }
    let value = if stdin().is_terminal() { ask(&args.name)? } else { Secret::read(stdin().lock(), "standard input")? };
    let path = session.vault(&args.unlock).set(&args.name, &value, args.replace)?;
    session
        .console
        .result(&json!({"file": path, "name": args.name}), &format!("set `{}` in {}", args.name, path.display()));
    Ok(())
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
    let needs = match cluster::load(&session.workspace)? {
        Some(cluster) => needs(session, &cluster)?,
        None => Vec::new(),
    };
    let rows = check(&secrets, &needs);
    let lines: Vec<String> = rows.iter().map(line).collect();
    session.console.result(&rows.iter().map(entry).collect::<Vec<_>>(), &lines.join("\n"));
    match rows.iter().filter(|row| row.state != State::Set).collect::<Vec<_>>()[..] {
        [] => Ok(()),
        [row] => Err(match row.state {
            State::Unfit(reason) => SecretsError::Unfit { name: row.name.clone(), reason },
            _ => SecretsError::Unset { name: row.name.clone() },
        }
        .into()),
        ref several => Err(Failure::refused(format!("{} are missing or no good", count(several.len(), "secret")))
            .hint("`imgbuild secrets set NAME` asks for one; without any, `imgbuild secrets init` makes them")),
    }
}

fn line(row: &Row) -> String {
    let state = match row.state {
        State::Set => "set".to_owned(),
        State::Missing => "MISSING".to_owned(),
        State::Unfit(reason) => format!("NO GOOD: {reason}"),
    };
    let source = row.source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
    let nodes = match &row.nodes[..] {
        [] => String::new(),
        nodes => format!("; needed by {}", nodes.join(", ")),
    };
    format!("{:<16} {state}{source}{nodes}", row.name)
}

fn entry(row: &Row) -> Value {
    let (state, reason) = match row.state {
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
