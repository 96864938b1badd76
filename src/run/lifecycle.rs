//! When a command is started again, and when it counts as up, as the user wants it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sys::children::End;

/// What `--restart-limit` is unless it is given.
pub const RESTART_LIMIT: u32 = 5;

/// What `--ready-timeout` is unless it is given.
pub const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// The user's wishes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// When the command is started again after it ended by itself.
    pub restart: Restart,
    /// How often in a row it may fail soon after its start; without a limit, for ever.
    pub restart_limit: Option<u32>,
    /// When it counts as up; nothing if it always does.
    pub readiness: Option<Readiness>,
    /// Whether at a change the new command is up before the old one is stopped.
    pub overlaps: bool,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            restart: Restart::No,
            restart_limit: Some(RESTART_LIMIT),
            readiness: None,
            overlaps: false,
        }
    }
}

/// When a command is started again after it ended by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Restart {
    /// Never.
    #[default]
    No,
    /// When its end was a failure.
    OnFailure,
    /// Always.
    Always,
}

impl Restart {
    /// Whether a command that ended like this is started again.
    pub fn applies_to(self, end: End) -> bool {
        match self {
            Self::No => false,
            Self::OnFailure => end != End::Exited(0),
            Self::Always => true,
        }
    }
}

/// When a command counts as up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// What must be the case.
    pub condition: Condition,
    /// How long that may take.
    pub timeout: Duration,
}

/// What is the case when a command is up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// A line of shell succeeds.
    Exec(String),
    /// The command says `READY=1` (sd_notify(3)).
    Notify,
    /// A process listens on this TCP port.
    Port(u16),
}

/// Why a text is no condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidCondition {
    /// None of the forms.
    Form,
    /// `port:` and no number of a port.
    Port,
    /// `exec:` and nothing.
    NoCommand,
}

impl fmt::Display for InvalidCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "must be exec:COMMAND, notify or port:NUMBER",
            Self::Port => "a port is a number from 1 to 65535",
            Self::NoCommand => "exec: must be followed by a command",
        })
    }
}

impl std::error::Error for InvalidCondition {}

impl FromStr for Condition {
    type Err = InvalidCondition;

    fn from_str(text: &str) -> Result<Self, InvalidCondition> {
        match text.trim().split_once(':') {
            None if text.trim() == "notify" => Ok(Self::Notify),
            Some(("port", number)) => match number.trim().parse() {
                Ok(0) | Err(_) => Err(InvalidCondition::Port),
                Ok(number) => Ok(Self::Port(number)),
            },
            Some(("exec", line)) => match line.trim() {
                "" => Err(InvalidCondition::NoCommand),
                line => Ok(Self::Exec(line.to_owned())),
            },
            _ => Err(InvalidCondition::Form),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read() {
        for (text, expected) in [
            ("notify", Ok(Condition::Notify)),
            ("port:8080", Ok(Condition::Port(8080))),
            (
                "exec: curl -f http://x:1/",
                Ok(Condition::Exec("curl -f http://x:1/".into())),
            ),
            ("", Err(InvalidCondition::Form)),
            ("port:0", Err(InvalidCondition::Port)),
            ("port:65536", Err(InvalidCondition::Port)),
            ("port:http", Err(InvalidCondition::Port)),
            ("exec:", Err(InvalidCondition::NoCommand)),
            ("ready", Err(InvalidCondition::Form)),
            ("http:8080", Err(InvalidCondition::Form)),
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
    }
}
