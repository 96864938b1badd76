//! One decision, as it is told.

use std::sync::Arc;

use crate::daemon::peer::Peer;
use crate::daemon::policy::Action;

/// One decision.
#[derive(Clone, Debug)]
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
    /// What else it is about: the name of a credential, the recipient of a file key.
    pub subject: Option<&'a str>,
    /// The names of the variables and files that are given.
    pub variables: &'a [Arc<str>],
    /// The revision of what is given.
    pub revision: Option<&'a str>,
    /// What became of it.
    pub outcome: Outcome,
    /// The rule that decided.
    pub rule: Option<&'a str>,
    /// The environment that is reached and not allowed, if that is why it is denied.
    pub refused: Option<&'a str>,
}

impl<'a> Record<'a> {
    /// A record that says no more than this; the rest is set by field.
    pub fn new(call: &'a str, outcome: Outcome) -> Self {
        Self {
            peer: None,
            call,
            action: None,
            environments: &[],
            path: None,
            subject: None,
            variables: &[],
            revision: None,
            outcome,
            rule: None,
            refused: None,
        }
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The policy allows it, and it is done.
    Allowed,
    /// The policy does not.
    Denied,
    /// It is allowed and was not possible: locked, faulty, too often. The text is the daemon's own, never a peer's.
    Failed(&'static str),
}

impl Outcome {
    /// It in one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Failed(_) => "failed",
        }
    }

    /// Why it was not possible.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Failed(reason) => Some(reason),
            Self::Allowed | Self::Denied => None,
        }
    }
}
