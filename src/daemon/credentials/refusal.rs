//! Why a unit is not given a credential, and what whoever looks after the machine can do.

use std::fmt;

use super::asked::Asked;
use crate::daemon::peer::PeerError;
use crate::protocol::{Code, ErrorAnswer};

/// Why a unit is not given a credential.
#[derive(Debug)]
pub enum Refusal {
    /// The connection is bound to no name that systemd uses.
    NoName,
    /// The kernel says too little of who has connected.
    Peer(PeerError),
    /// The name says another unit than the kernel, or it is not the service manager that has connected.
    Unconfirmed,
    /// The settings say nothing of it.
    Unmapped,
    /// The daemon refuses what the unit would have to ask for.
    Answer(ErrorAnswer),
    /// There is no such variable or file.
    Missing(&'static str, String),
    /// A variable cannot be written in the notation that was chosen.
    Unwritable(String),
    /// It is larger than systemd takes.
    TooLarge(usize),
    /// Too many ask at once.
    Busy,
    /// The daemon is about to end.
    Ending,
    /// What was given for it cannot be understood.
    Misshapen,
}

impl Refusal {
    /// In one word, for the audit.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NoName => "no-name",
            Self::Peer(_) => "unknown-peer",
            Self::Unconfirmed => "unconfirmed",
            Self::Unmapped => "unmapped",
            Self::Answer(_) => "refused",
            Self::Missing(..) => "missing",
            Self::Unwritable(_) => "unwritable",
            Self::TooLarge(_) => "too-large",
            Self::Busy => "busy",
            Self::Ending => "ending",
            Self::Misshapen => "misshapen",
        }
    }

    /// What helps.
    pub fn hint(&self, asked: Option<&Asked>) -> Option<String> {
        match self {
            Self::Unmapped => asked.map(|asked| {
                format!(
                    "map it under credentials in daemon.yaml, by unit: {} and credential: {}, and reload the daemon",
                    asked.unit, asked.credential
                )
            }),
            Self::Answer(answer) => match answer.error.code {
                Code::Denied => asked.map(|asked| {
                    let unit = &asked.unit;
                    format!("allow it in the policy, by a rule with unit: {unit}")
                }),
                _ => answer.error.hint.clone(),
            },
            Self::Missing(..) => Some("escrun get shows what the environments have".to_owned()),
            Self::TooLarge(_) => {
                Some("systemd takes 1 MiB for all credentials of a unit, names included".to_owned())
            }
            Self::Unconfirmed => Some(
                "only systemd itself is given credentials, for the unit that it starts".to_owned(),
            ),
            Self::Busy => Some("raise limits.connections in daemon.yaml".to_owned()),
            Self::Ending => Some("start the unit again once the daemon runs".to_owned()),
            Self::NoName | Self::Peer(_) | Self::Unwritable(_) | Self::Misshapen => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoName => f.write_str("the connection is not one of systemd's"),
            Self::Peer(error) => error.fmt(f),
            Self::Unconfirmed => f.write_str("the process that has connected is not of that unit"),
            Self::Unmapped => f.write_str("the settings map nothing to it"),
            Self::Answer(answer) => match answer.error.code {
                Code::Denied => f.write_str("the policy does not allow it"),
                _ => {
                    f.write_str(&answer.error.message)?;
                    let first = answer.diagnostics.iter().find_map(error);
                    first.map_or(Ok(()), |fault| write!(f, ": {fault}"))
                }
            },
            Self::Missing(kind, name) => write!(f, "the environments have no {kind} {name}"),
            Self::Unwritable(reason) => f.write_str(reason),
            Self::TooLarge(size) => write!(f, "it has {size} bytes, more than systemd takes"),
            Self::Busy => f.write_str("there are too many connections"),
            Self::Ending => f.write_str("the daemon is about to end"),
            Self::Misshapen => f.write_str("the value cannot be understood"),
        }
    }
}

/// A fault of a definition as one line, if it is an error.
fn error(fault: &serde_json::Value) -> Option<String> {
    let message = fault["message"].as_str()?;
    let place = match (fault["environment"].as_str(), fault["line"].as_u64()) {
        (Some(environment), Some(line)) => format!("{environment}:{line}: "),
        _ => String::new(),
    };
    (fault["severity"] == "error").then(|| format!("{place}{message}"))
}
