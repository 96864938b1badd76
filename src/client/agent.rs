//! A daemon as the agent of age's identities.

use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{Client, Error};
use crate::crypt::{Agent, AgentError, WrappedKey};
use crate::protocol::{Code, LONGEST_REQUEST, MOST_STANZAS, StanzaCall, UnwrapCall};
use crate::secret::Secret;

/// How much of a request stanzas may take up: JSON needs room around them.
const ROOM: usize = LONGEST_REQUEST / 2;

/// What a stanza takes up besides its own text, at most.
const AROUND: usize = 128;

/// The daemon behind a socket, asked for file keys.
#[derive(Debug)]
pub struct DaemonAgent {
    socket: PathBuf,
    may_be_absent: bool,
}

impl DaemonAgent {
    /// The daemon behind `socket`, which has to be there.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self {
            socket: socket.into(),
            may_be_absent: false,
        }
    }

    /// The same, except that nothing is wrong if there is none.
    pub fn optional(socket: impl Into<PathBuf>) -> Self {
        Self {
            may_be_absent: true,
            ..Self::new(socket)
        }
    }

    fn ask(&self, stanzas: Vec<StanzaCall>) -> Result<Option<Secret>, Error> {
        match Client::new(&self.socket).unwrap_file_key(&UnwrapCall { stanzas }) {
            Ok(key) => Ok(Some(key)),
            Err(error) if error.code() == Some(Code::NotFound) => Ok(None),
            Err(error) if error.is_absent() && self.may_be_absent => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Agent for DaemonAgent {
    fn name(&self) -> String {
        format!("the agent at {}", self.socket.display())
    }

    /// Asks in several calls where there are more stanzas than one takes.
    fn unwrap(&self, stanzas: &[WrappedKey]) -> Result<Option<Secret>, AgentError> {
        let mut calls = parts(stanzas).into_iter();
        let found = calls.find_map(|part| self.ask(part).transpose());
        found.transpose().map_err(|error| told(&error))
    }

    fn recipients(&self) -> Result<Vec<String>, AgentError> {
        let status = Client::new(&self.socket).status();
        status
            .map(|status| status.keys.recipients)
            .map_err(|error| told(&error))
    }
}

/// Stanzas in as few parts as each fits a call. One that is larger than a call is for nobody and left out.
fn parts(stanzas: &[WrappedKey]) -> Vec<Vec<StanzaCall>> {
    let mut parts: Vec<Vec<StanzaCall>> = Vec::new();
    let mut room = 0;
    for stanza in stanzas {
        let arguments: usize = stanza.arguments().iter().map(|it| it.len() + 8).sum();
        // Each byte of a type or an argument may need two in JSON.
        let size = AROUND + 2 * (stanza.kind().len() + arguments) + 2 * stanza.body().len();
        if size > ROOM {
            continue;
        }
        let call = StanzaCall {
            kind: stanza.kind().to_owned(),
            args: stanza.arguments().to_vec(),
            body: BASE64_STANDARD.encode(stanza.body()),
        };
        match parts.last_mut() {
            Some(part) if part.len() < MOST_STANZAS && size <= room => {
                part.push(call);
                room -= size;
            }
            _ => {
                parts.push(vec![call]);
                room = ROOM - size;
            }
        }
    }
    parts
}

fn told(error: &Error) -> AgentError {
    AgentError {
        message: error.to_string(),
        hint: error.hint().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stanza(size: usize) -> WrappedKey {
        WrappedKey::new("X25519".into(), vec!["\\\"".into()], vec![7; size]).expect("a stanza")
    }

    #[test]
    fn stanzas_are_asked_about_in_parts_that_fit() {
        for (count, size, expected) in [
            (0, 32, &[][..]),
            (1, 32, &[1]),
            (64, 32, &[64]),
            (130, 32, &[64, 64, 2]),
            (5, 30_000, &[2, 2, 1]),
            (2, 300_000, &[]),
        ] {
            let stanzas: Vec<WrappedKey> = (0..count).map(|_| stanza(size)).collect();
            let parts = parts(&stanzas);
            let lengths: Vec<usize> = parts.iter().map(Vec::len).collect();
            assert_eq!(lengths, expected, "{count} of {size}");
            for stanzas in parts {
                let body = serde_json::to_vec(&UnwrapCall { stanzas }).expect("JSON");
                assert!(body.len() < LONGEST_REQUEST);
            }
        }
    }
}
