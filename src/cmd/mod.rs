//! The commands, one per file: each resolves its inputs, calls the stages, and reports. All rooms are combined here.

pub mod boot;
mod check;
mod cluster;
mod compare;
mod compile;
mod completions;
mod devices;
mod diff;
mod disk;
mod export;
mod failure;
mod finished;
mod flash;
mod gitops;
mod image;
mod images;
mod init;
mod inspect;
mod interrupt;
mod k3s;
mod list;
mod lock;
mod man;
mod manifest;
mod modules;
mod node;
mod overlay;
mod plan;
mod rollout;
mod schema;
mod search;
mod secrets;
mod secure_boot;
mod session;
mod subject;
mod unsupported_host;
mod verify;
mod why;

use std::ffi::{OsStr, OsString};
use std::io::Write as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, ValueEnum as _};

use crate::cli::{Cli, Command};
use crate::exit::{Code, Failure};
use crate::output::{Color, Console, OutputMode};
use crate::process;
use session::Session;

const VERSION: &str = concat!("imgbuild ", env!("CARGO_PKG_VERSION"));

/// What every command returns.
pub(crate) type Outcome = Result<(), Failure>;

/// Runs the program with these arguments (the first is its name) and returns its exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Code {
    process::keep_memory_private();
    let (args, for_programs) = json_first(args.into_iter().collect());
    let cli = match parse(&args) {
        Ok(cli) => cli,
        Err(error) if for_programs => return answer(&error),
        Err(error) => {
            // Help and version are no errors; anything else is a wrong command line.
            match error.kind() {
                ErrorKind::MissingSubcommand => {
                    let _ = write!(anstream::stderr(), "{}", Cli::command().render_help().ansi());
                }
                // The program's version, also for `imgbuild COMMAND --version`.
                ErrorKind::DisplayVersion => {
                    let _ = writeln!(anstream::stdout(), "{VERSION}");
                }
                _ => {
                    let _ = error.print();
                }
            }
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Code::Ok,
                _ => Code::Refused,
            };
        }
    };
    if let Command::Compile(args) = &cli.command {
        // Before any thread is started: namespaces are for processes that have one.
        compile::run(args);
        return Code::Ok;
    }
    let mode = match (cli.global.json, cli.global.quiet) {
        (true, _) => OutputMode::Json,
        (false, true) => OutputMode::Quiet,
        (false, false) => OutputMode::Human,
    };
    let console = Console::new(mode, cli.global.verbose, cli.global.color);
    interrupt::watch(mode == OutputMode::Human);
    match dispatch(cli, &console).and_then(|()| console.check_written()) {
        _ if interrupt::came() => Code::Interrupted,
        Ok(()) => Code::Ok,
        Err(failure) => {
            console.fail(&failure);
            failure.code
        }
    }
}

/// Moves `--json` to the front of the command line, since `help` would take it for a command. Also returns whether it is there.
fn json_first(args: Vec<OsString>) -> (Vec<OsString>, bool) {
    let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    if !args[..end].iter().any(|arg| arg == "--json") {
        return (args, false);
    }
    let (options, operands) = args.split_at(end);
    let mut sorted: Vec<OsString> = options.iter().filter(|arg| *arg != "--json").cloned().collect();
    sorted.insert(sorted.len().min(1), "--json".into());
    sorted.extend_from_slice(operands);
    (sorted, true)
}

/// Prints the JSON answer to a command line that runs no command: help, version, or the error.
fn answer(error: &clap::Error) -> Code {
    let console = Console::new(OutputMode::Json, false, Color::Never);
    let key = match error.kind() {
        ErrorKind::DisplayHelp => "help",
        ErrorKind::DisplayVersion => "version",
        _ => {
            console.fail(&usage(error));
            return Code::Refused;
        }
    };
    let text = if key == "version" { VERSION.to_owned() } else { error.render().to_string() };
    console.result(&serde_json::json!({ key: text.trim_end() }), "");
    Code::Ok
}

/// The failure for a wrong command line, from clap's text: its first paragraph is the message, the others are tips and the
/// usage; the last one, which points to the help, is left out.
fn usage(error: &clap::Error) -> Failure {
    if matches!(error.kind(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand) {
        let text = error.render().to_string();
        // `Usage: imgbuild node [OPTIONS] <COMMAND>`: the words before the options name the command.
        let words = text.split_once("Usage: ").map_or("imgbuild", |(_, usage)| usage).split_whitespace();
        let of = words.take_while(|word| !word.starts_with(['-', '[', '<'])).collect::<Vec<_>>().join(" ");
        let of_verb = of.strip_prefix("imgbuild ").map_or(String::new(), |verb| format!(" of `{verb}`"));
        return Failure::refused(format!("no command{of_verb} is given")).hint(format!("`{of} --help` lists them"));
    }
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n").map(|paragraph| {
        paragraph.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    });
    let message = paragraphs.next().unwrap_or_default();
    let hints: Vec<String> = paragraphs
        .filter(|paragraph| !paragraph.is_empty() && !paragraph.starts_with("For more information"))
        .map(|hint| hint.strip_prefix("tip: ").unwrap_or(&hint).to_owned())
        .collect();
    let failure = Failure::refused(message.strip_prefix("error: ").unwrap_or(&message));
    failure.maybe_hint((!hints.is_empty()).then(|| hints.join("; ")))
}

/// The same as `Cli::try_parse_from`, except that an empty environment variable counts as unset, and that an error of the command
/// line is rendered as if no variable were set: otherwise its usage would show their options as if they had been typed.
fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let with_env = with_args(Cli::command(), &|arg| match arg.get_env() {
        Some(name) if is_empty(name) => arg.env(None::<&str>),
        _ => arg,
    });
    let color = wanted_color(args).unwrap_or_default();
    color.choose();
    let matches = with_env.color(color.into()).try_get_matches_from(args).map_err(|error| {
        let without_env = with_args(Cli::command(), &|arg| arg.env(None::<&str>)).color(color.into());
        let error = match error.kind() {
            // Help shows the values of variables.
            ErrorKind::DisplayHelp => error,
            _ => without_env.try_get_matches_from(args).err().unwrap_or(error),
        };
        with_way_out(error)
    })?;
    Cli::from_arg_matches(&matches)
}

/// `command` with `change` applied to each argument, including those of its subcommands.
fn with_args(command: clap::Command, change: &impl Fn(clap::Arg) -> clap::Arg) -> clap::Command {
    command.mut_args(change).mut_subcommands(|verb| with_args(verb, change))
}

/// The value of `--color`, for errors that are printed before the command line is parsed completely.
fn wanted_color(args: &[OsString]) -> Option<Color> {
    let mut args = args.iter().map(|arg| arg.to_string_lossy()).take_while(|arg| arg != "--");
    while let Some(arg) = args.next() {
        let value = match arg.strip_prefix("--color") {
            Some("") => args.next()?.into_owned(),
            Some(value) => value.strip_prefix('=').unwrap_or_default().to_owned(),
            None => continue,
        };
        return Color::from_str(&value, true).ok();
    }
    None
}

/// Adds a tip to an error for which clap only says which arguments conflict.
fn with_way_out(mut error: clap::Error) -> clap::Error {
    let is_of_name = matches!(
        error.get(ContextKind::InvalidArg),
        Some(ContextValue::String(arg)) if arg.starts_with("[NAME") || arg.starts_with("<NAME")
    );
    if error.kind() == ErrorKind::ArgumentConflict && is_of_name {
        let tip = "NAME already names the node or profile: leave one of the two out";
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

fn dispatch(cli: Cli, console: &Console) -> Outcome {
    let Cli { global, command } = cli;
    let session = || Session::open(&global, console);
    match command {
        Command::Init(args) => init::run(&args, console),
        Command::List(_) => list::run(&session()?),
        Command::Overlay(verb) => overlay::run(&verb, &session()?),
        Command::Gitops(verb) => gitops::run(&verb, &session()?),
        Command::Build(mut args) => {
            let session = session()?;
            subject::settle(&session, args.name.take(), &mut args.node, &mut args.profile)?;
            if args.plan { plan::run(&args, &session) } else { image::run(&args, &session) }
        }
        Command::Lock(mut args) => {
            let session = session()?;
            args.profile = subject::profile(&session, args.name.take(), args.profile)?;
            lock::run(&args, &session)
        }
        Command::Check(mut args) => {
            let session = session()?;
            subject::settle(&session, args.name.take(), &mut args.node, &mut args.profile)?;
            check::run(&args, &session)
        }
        Command::Plan(args) => rollout::run(&args, &session()?),
        Command::Why(mut args) => {
            let session = session()?;
            why::check_order(&args, &session)?;
            args.profile = subject::profile(&session, args.name.take(), args.profile)?;
            why::run(&args, &session)
        }
        Command::Images(mut args) => {
            let session = session()?;
            args.profile = subject::profile(&session, args.name.take(), args.profile)?;
            images::run(&args, &session)
        }
        Command::Export(mut args) => {
            let session = session()?;
            args.profile = subject::profile(&session, args.name.take(), args.profile)?;
            export::run(&args, &session)
        }
        Command::Boot(mut args) => {
            let session = session()?;
            if let Some(image) = &args.image
                && let Some(profile) = subject::profile_or_path(&session, image)?
            {
                (args.image, args.profile) = (None, Some(profile));
            }
            boot::run(&args, &session)
        }
        Command::Flash(mut args) => {
            let session = session()?;
            flash::refuse_path(args.name.as_deref(), &session)?;
            subject::settle(&session, args.name.take(), &mut args.node, &mut args.profile)?;
            flash::run(&args, &session)
        }
        Command::Secrets(verb) => secrets::run(&verb, &session()?),
        Command::Node(verb) => node::run(&verb, &session()?),
        Command::Inspect(mut args) => {
            args.image = subject::built(args.image, session)?;
            inspect::run(&args, console)
        }
        Command::Modules(verb) => modules::run(verb, &session()?),
        Command::Devices(args) => devices::run(&args, &global, console),
        Command::Diff(mut args) => {
            (args.a, args.b) = (subject::built(args.a, session)?, subject::built(args.b, session)?);
            diff::run(&args, console)
        }
        Command::Verify(mut args) => {
            args.target = subject::built(args.target, session)?;
            verify::run(args, &session()?)
        }
        Command::WriteDevice(args) => flash::run_writer(&args),
        Command::Compile(args) => {
            compile::run(&args);
            Ok(())
        }
        Command::Man(args) => man::run(&args, console),
        Command::Schema(args) => schema::run(&args, &session()?),
        Command::Completions(args) => completions::run(&args, console),
    }
}
