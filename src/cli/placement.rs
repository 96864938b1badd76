//! Options in front of a verb: that the verb has them, and what they say together with those behind it.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, Id};

use super::agent::AgentVerb;
use super::args::{Arguments, Verb};
#[cfg(target_os = "linux")]
use super::daemon_options::DaemonOptions;
#[cfg(target_os = "linux")]
use super::policy_options::{DaemonVerb, PolicyVerb};
use super::source_options::{SourceGroup, Sources, put_all};

/// The first option in front of a verb that the verb does not have, as what it would be behind the verb.
pub(super) fn misplaced(command: &Command, matches: &ArgMatches) -> Option<clap::Error> {
    let mut levels = vec![(command, matches)];
    while let Some((command, matches)) = levels.last()
        && let Some((name, matches)) = matches.subcommand()
    {
        let command = command.find_subcommand(name)?;
        levels.push((command, matches));
    }
    let (verb, _) = levels.pop()?;
    let has = |id: &Id| verb.get_arguments().any(|option| option.get_id() == id);
    let is_misplaced = |(command, matches): (&Command, &ArgMatches)| {
        let mut options = command.get_arguments();
        let option = options.find(|option| {
            let id = option.get_id();
            matches.value_source(id.as_str()) == Some(ValueSource::CommandLine) && !has(id)
        })?;
        Some(format!("--{}", option.get_long()?))
    };
    let option = levels.into_iter().find_map(is_misplaced)?;
    let mut error = clap::Error::new(ErrorKind::UnknownArgument);
    error.insert(ContextKind::InvalidArg, ContextValue::String(option));
    Some(error)
}

impl Arguments {
    /// Takes what was typed about where values come from, wherever it stands.
    pub(super) fn take_sources(&mut self) -> Sources {
        let mut sources = Sources::default();
        take(&mut self.sources, &mut sources);
        if let Some(verb) = &mut self.verb {
            verb.put_sources(&mut sources);
        }
        sources
    }
}

impl Verb {
    fn put_sources(&mut self, to: &mut Sources) {
        match self {
            Self::Run { sources, .. } => take(sources.as_mut(), to),
            Self::Get(options) => take(&mut options.sources, to),
            Self::Export(verb) => take(&mut verb.sources, to),
            Self::Explain { composition, .. } => take(composition, to),
            Self::Check(options) => {
                take(&mut options.composition, to);
                take(&mut options.via, to);
            }
            Self::Ls { folders, .. } | Self::Trust { folders, .. } => take(folders, to),
            Self::Set(options) => {
                take(&mut options.folders, to);
                take(&mut options.identities, to);
            }
            Self::Seal {
                folders,
                identities,
                ..
            } => {
                take(folders, to);
                take(identities, to);
            }
            Self::Status(socket)
            | Self::Reload(socket)
            | Self::Lock { socket, .. }
            | Self::Unlock { socket, .. }
            | Self::Agent(AgentVerb::Identity(socket)) => take(socket, to),
            #[cfg(target_os = "linux")]
            Self::Daemon(options) => options.put_sources(to),
            #[cfg(target_os = "linux")]
            Self::Audit { .. } => {}
            Self::Init { .. } | Self::Keygen { .. } => {}
        }
    }
}

#[cfg(target_os = "linux")]
impl DaemonOptions {
    fn put_sources(&mut self, to: &mut Sources) {
        take(&mut self.folders, to);
        put_all(&mut to.identities, std::mem::take(&mut self.identities));
        // It is the same option in front, where it names a socket that somebody else serves.
        if let Some(socket) = to.socket.take() {
            self.socket.get_or_insert(socket);
        }
        if let Some(DaemonVerb::Policy(PolicyVerb::Test(test))) = &mut self.verb {
            put_all(&mut to.environments, std::mem::take(&mut test.environments));
            take(&mut test.folders, to);
        }
    }
}

fn take(group: &mut (impl SourceGroup + Default), sources: &mut Sources) {
    std::mem::take(group).put(sources);
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::{Args as _, CommandFactory as _};

    use super::*;
    use crate::cli::source_options::SourceOptions;

    /// What a verb cannot do without.
    const NEEDED: [(&str, &[&str]); 4] = [
        ("export", &["--format", "json"]),
        ("seal", &["x"]),
        ("set", &["x", "y"]),
        ("trust", &["x"]),
    ];

    /// What is understood: where values come from, and all else.
    fn read(words: &[String]) -> Result<(String, String), String> {
        let words = std::iter::once("escrun").chain(words.iter().map(String::as_str));
        let words: Vec<OsString> = words.map(OsString::from).collect();
        let mut parsed = Arguments::read(&words).map_err(|error| error.to_string())?;
        let sources = parsed.take_sources();
        Ok((format!("{sources:?}"), format!("{parsed:?}")))
    }

    /// Every verb that can be typed, in words, and the options that its help shows.
    fn verbs() -> Vec<(Vec<String>, Command)> {
        fn add(command: &Command, path: &[String], verbs: &mut Vec<(Vec<String>, Command)>) {
            for verb in command.get_subcommands() {
                let path = [path, &[verb.get_name().to_owned()]].concat();
                if !verb.is_subcommand_required_set() {
                    verbs.push((path.clone(), verb.clone()));
                }
                add(verb, &path, verbs);
            }
        }
        let mut command = Arguments::command();
        command.build();
        let mut verbs = Vec::new();
        add(&command, &[], &mut verbs);
        verbs
    }

    /// An option as it is typed.
    fn typed(option: &clap::Arg) -> Vec<String> {
        let mut words = vec![format!("--{}", option.get_long().expect("a long name"))];
        if option.get_action().takes_values() {
            let values = option.get_possible_values();
            let value = values.last().map_or("a.b=c", |value| value.get_name());
            words.push(value.to_owned());
        }
        words
    }

    #[test]
    fn each_verb_takes_its_options_in_front_and_behind_and_no_others() {
        let mut taken = 0;
        let sources = SourceOptions::augment_args(Command::new("all"));
        for (path, verb) in verbs() {
            let needed = NEEDED.iter().find(|(name, _)| *name == path.join(" "));
            let needed = needed.map_or(&[][..], |(_, words)| words);
            let words: Vec<String> = needed.iter().map(|word| (*word).to_owned()).collect();
            let bare = [&path[..], &words].concat();
            let without = read(&bare).expect("the verb is understood");
            for option in sources.get_arguments() {
                let option_words = typed(option);
                let in_front = read(&[&option_words[..], &bare].concat());
                let behind = read(&[&bare[..], &option_words].concat());
                let long = option.get_long();
                if verb.get_arguments().any(|own| own.get_long() == long) {
                    assert_eq!(in_front, behind, "{path:?} {option_words:?}");
                    assert_ne!(in_front.as_ref(), Ok(&without), "{path:?} {option_words:?}");
                    taken += 1;
                } else {
                    assert!(in_front.is_err(), "{path:?} {option_words:?}");
                    assert!(behind.is_err(), "{path:?} {option_words:?}");
                }
            }
        }
        assert!(taken > 40, "{taken}");
    }

    #[test]
    fn what_stands_behind_the_verb_counts() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let one = read(&words("get -e b,c --dir z --socket s")).expect("understood");
        let both = "-e a --dir x --dir y --socket t get -e b -e c --dir z --socket s";
        assert_eq!(read(&words(both)).expect("understood"), one);
        let test = read(&words("daemon policy test --dir z --env b")).expect("understood");
        let all = "--dir x --env a daemon --dir y policy test --dir z --env b";
        assert_eq!(read(&words(all)).expect("understood"), test);
    }

    #[test]
    fn options_between_verbs_are_for_the_last() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for line in [
            "daemon --socket x policy test",
            "daemon --dir x policy check",
            "--env a daemon policy check",
            "--clean get",
        ] {
            assert!(read(&words(line)).is_err(), "{line}");
        }
        assert!(read(&words("daemon --system --policy x policy check")).is_ok());
    }
}
