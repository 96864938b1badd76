//! What is told of arguments that make no sense, and the help that was asked for.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory as _};
use nix::errno::Errno;

use super::args::{Arguments, MessageFormat};
use super::error::{Failure, RUN_FAILED, USAGE};
use super::ui::{Ui, unwritten};
use crate::suggest::nearest;

/// Prints the help or the version that was asked for, or what is wrong with the arguments. Returns the exit status.
pub(super) fn tell(error: &clap::Error, arguments: &[OsString]) -> u8 {
    let ui = Ui::before_options(message_format(arguments));
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match print(error) {
            Ok(()) => 0,
            Err(failure) => {
                ui.failure(&failure);
                failure.status
            }
        },
        _ => {
            let verb = verb(arguments);
            ui.failure(&failure(error, verb.as_deref()));
            // What names no verb was most likely meant to be run.
            match verb.as_deref() {
                None | Some("run") => RUN_FAILED,
                Some(_) => USAGE,
            }
        }
    }
}

/// Prints help, in colours where the parser finds them fit.
fn print(help: &clap::Error) -> Result<(), Failure> {
    help.print().map_err(|error| {
        let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
        unwritten(errno)
    })
}

/// What is wrong, and what helps.
fn failure(error: &clap::Error, verb: Option<&str>) -> Failure {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        Some(ContextValue::Strings(texts)) => texts.first().map(String::as_str),
        _ => None,
    };
    let help = match verb {
        Some(verb) => format!("escrun {verb} --help shows what goes with it"),
        None => "escrun --help shows the verbs and options".to_owned(),
    };
    match (error.kind(), context(ContextKind::InvalidArg)) {
        // The parser would say what the verb is for.
        (ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, _) => {
            let verb = verb.unwrap_or("run");
            Failure::usage(format!("escrun {verb} takes a verb of its own")).with_hint(help)
        }
        (ErrorKind::InvalidSubcommand, _) => {
            let word = context(ContextKind::InvalidSubcommand).unwrap_or_default();
            let verb = verb.unwrap_or("run");
            let hint = match context(ContextKind::SuggestedSubcommand) {
                Some(near) => format!("did you mean {near}?"),
                None => help,
            };
            Failure::usage(format!("escrun {verb} has no verb {word}")).with_hint(hint)
        }
        (ErrorKind::UnknownArgument, Some(word)) if !word.starts_with('-') => match verb {
            None | Some("run") => no_verb(word),
            Some(verb) => {
                Failure::usage(format!("escrun {verb} takes no further argument: {word}"))
                    .with_hint(help)
            }
        },
        (ErrorKind::UnknownArgument, Some(option)) => {
            if let Some(owners) = owners(option) {
                return Failure::usage(format!(
                    "escrun {} has no option {option}",
                    verb.unwrap_or("run")
                ))
                .with_hint(format!("{option} is for {owners}"));
            }
            let hint = match context(ContextKind::SuggestedArg) {
                Some(near) => format!("did you mean {near}?"),
                None => help,
            };
            Failure::usage(format!("there is no option {option}")).with_hint(hint)
        }
        _ => {
            let hint = match context(ContextKind::SuggestedValue) {
                Some(near) => format!("did you mean {near}?"),
                None => help,
            };
            Failure::usage(first_paragraph(&error.to_string())).with_hint(hint)
        }
    }
}

/// The verbs that have an option, if any do.
fn owners(option: &str) -> Option<String> {
    fn search(command: &Command, path: &str, option: &str, owners: &mut Vec<String>) {
        for verb in command.get_subcommands() {
            let path = format!("{path}{}", verb.get_name());
            let mut options = verb.get_arguments();
            if !verb.is_subcommand_required_set() && options.any(|it| is_named(it, option)) {
                owners.push(path.clone());
            }
            search(verb, &format!("{path} "), option, owners);
        }
    }
    let mut command = Arguments::command();
    // What is given to all verbs below one is not known before.
    command.build();
    let mut owners = Vec::new();
    search(&command, "", option, &mut owners);
    let last = owners.pop()?;
    Some(match &owners[..] {
        [] => last,
        _ => format!("{} and {last}", owners.join(", ")),
    })
}

/// Whether an option is the one that was typed, such as `--dir` or `-e`.
fn is_named(option: &Arg, typed: &str) -> bool {
    match typed.strip_prefix("--") {
        Some(long) => option.get_long() == Some(long),
        None => {
            let mut letters = typed.chars().skip(1);
            letters
                .next()
                .is_some_and(|letter| option.get_short() == Some(letter))
        }
    }
}

/// A word where a verb stands: a mistyped one, or a command without the `--` in front.
fn no_verb(word: &str) -> Failure {
    let command = Arguments::command();
    let verbs = command.get_subcommands().map(clap::Command::get_name);
    let run = format!("to run it as a command, write -- in front: escrun -- {word} …");
    let hint = match (word, nearest(word, verbs)) {
        ("help" | "version", _) => format!("did you mean --{word}? {run}"),
        (_, Some(verb)) => format!("did you mean {verb}? {run}"),
        (_, None) => format!("{run}; escrun --help shows the verbs"),
    };
    Failure::usage(format!("escrun has no verb {word}")).with_hint(hint)
}

/// The first paragraph of the parser's own text as one line.
fn first_paragraph(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let lines = text.lines().take_while(|line| !line.trim().is_empty());
    lines.map(str::trim).collect::<Vec<_>>().join(" ")
}

/// The verb, as far as the arguments make sense.
fn verb(arguments: &[OsString]) -> Option<String> {
    let command = Arguments::command().ignore_errors(true);
    let mut matches = &command.try_get_matches_from(arguments).ok()?;
    let mut names = Vec::new();
    while let Some((name, below)) = matches.subcommand() {
        names.push(name);
        matches = below;
    }
    (!names.is_empty()).then(|| names.join(" "))
}

/// The format that is asked for somewhere in arguments that could not be parsed.
fn message_format(arguments: &[OsString]) -> MessageFormat {
    let options = || arguments.iter().take_while(|word| *word != "--");
    let apart = options()
        .zip(options().skip(1))
        .any(|(option, format)| option == "--message-format" && format == "json");
    if apart || options().any(|word| word == "--message-format=json") {
        MessageFormat::Json
    } else {
        MessageFormat::Plain
    }
}
