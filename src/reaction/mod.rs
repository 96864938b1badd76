//! What is done about a change of what a command is given. Knows names of variables, not their values, and does nothing
//! itself.

mod rules;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use rules::{Decision, Glob, InvalidGlob, Rule, Rules};

use crate::sys::signal::Signal;

/// The reaction to the change of a variable.
///
/// As a text: `restart`, `signal:HUP`, `exec:nginx -s reload`, `none`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Reaction {
    /// The command is stopped, and started with the new values.
    #[default]
    Restart,
    /// The command goes on and is told.
    Tell(Notice),
    /// The command goes on and is not told.
    Nothing,
}

/// How a running command is told of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// By a signal to it alone.
    Signal(Signal),
    /// By a line of shell that is run besides.
    Exec(String),
}

/// Why a text is no reaction. Does not hold the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidReaction {
    /// None of the forms.
    Form,
    /// `signal:` and no name or number of one.
    Signal,
    /// A signal that no program can react to.
    Fatal,
    /// `exec:` and nothing.
    NoCommand,
}

impl fmt::Display for InvalidReaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "must be restart, signal:NAME, exec:COMMAND or none",
            Self::Signal => "there is no such signal; signal:HUP or signal:1 is one",
            Self::Fatal => "no command can handle that signal; restart stops it in order",
            Self::NoCommand => "exec: must be followed by a command",
        })
    }
}

impl std::error::Error for InvalidReaction {}

impl FromStr for Reaction {
    type Err = InvalidReaction;

    fn from_str(text: &str) -> Result<Self, InvalidReaction> {
        match text.trim().split_once(':') {
            None => match text.trim() {
                "restart" => Ok(Self::Restart),
                "none" => Ok(Self::Nothing),
                _ => Err(InvalidReaction::Form),
            },
            Some(("signal", name)) => match name.trim().parse() {
                Ok(Signal::KILL | Signal::STOP) => Err(InvalidReaction::Fatal),
                Ok(signal) => Ok(Self::Tell(Notice::Signal(signal))),
                Err(_) => Err(InvalidReaction::Signal),
            },
            Some(("exec", line)) => match line.trim() {
                "" => Err(InvalidReaction::NoCommand),
                line => Ok(Self::Tell(Notice::Exec(line.to_owned()))),
            },
            Some(_) => Err(InvalidReaction::Form),
        }
    }
}

impl fmt::Display for Reaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Restart => f.write_str("restart"),
            Self::Tell(notice) => notice.fmt(f),
            Self::Nothing => f.write_str("none"),
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // By its number, which has no other spelling.
            Self::Signal(signal) => write!(f, "signal:{}", signal.number()),
            Self::Exec(line) => write!(f, "exec:{line}"),
        }
    }
}

impl TryFrom<String> for Reaction {
    type Error = InvalidReaction;

    fn try_from(text: String) -> Result<Self, InvalidReaction> {
        text.parse()
    }
}

impl From<Reaction> for String {
    fn from(reaction: Reaction) -> Self {
        reaction.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reactions_are_read_and_written() {
        let hup = Reaction::Tell(Notice::Signal(Signal::HUP));
        let exec = |line: &str| Reaction::Tell(Notice::Exec(line.into()));
        for (text, expected) in [
            ("restart", Ok(Reaction::Restart)),
            (" none ", Ok(Reaction::Nothing)),
            ("signal:HUP", Ok(hup.clone())),
            ("signal: sighup", Ok(hup.clone())),
            ("signal:1", Ok(hup)),
            ("exec:nginx -s reload", Ok(exec("nginx -s reload"))),
            ("exec: curl http://x:1", Ok(exec("curl http://x:1"))),
            ("", Err(InvalidReaction::Form)),
            ("Restart", Err(InvalidReaction::Form)),
            ("HUP", Err(InvalidReaction::Form)),
            ("kill:HUP", Err(InvalidReaction::Form)),
            ("signal:", Err(InvalidReaction::Signal)),
            ("signal:HUPP", Err(InvalidReaction::Signal)),
            ("signal:KILL", Err(InvalidReaction::Fatal)),
            ("signal:19", Err(InvalidReaction::Fatal)),
            ("exec: ", Err(InvalidReaction::NoCommand)),
        ] {
            assert_eq!(text.parse(), expected, "{text}");
            if let Ok(reaction) = expected {
                assert_eq!(reaction.to_string().parse(), Ok(reaction));
            }
        }
    }
}
