//! Who may do what: rules in a file, the first that fits decides, and without one the answer is no.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::peer::Peer;

/// What a peer wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Have all variables, files and values of environments.
    Open,
    /// Have one value, by its path.
    Value,
    /// Be told when environments change.
    Watch,
    /// Have file keys unwrapped: the agent for programs that speak age.
    Decrypt,
    /// Lock, unlock, reload, see the status and the metrics.
    Manage,
}

/// An environment that is asked for, and what it reaches.
#[derive(Clone, Copy, Debug)]
pub struct Reach<'a> {
    /// Its name.
    pub environment: &'a str,
    /// All that it imports or refers to, and what these do; absent as long as nothing has been loaded.
    pub imports: Option<&'a BTreeSet<Arc<str>>>,
}

/// What is to be decided.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who asks.
    pub peer: &'a Peer,
    /// What for.
    pub action: Action,
    /// Of which environments; none for [`Action::Manage`] and [`Action::Decrypt`].
    pub environments: &'a [Reach<'a>],
    /// Which value, for [`Action::Value`]: a path below `values` in its usual form.
    pub path: Option<&'a str>,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may be done.
    pub allowed: bool,
    /// The rule that decided; none if none fitted.
    pub rule: Option<Arc<str>>,
    /// How long what is given may be used.
    pub lifetime: Option<Duration>,
    /// Whether a person has to agree first.
    pub confirm: bool,
}

/// The rules in force.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Whose own processes may do everything: of a person's agent without a policy.
    owner: Option<u32>,
}

impl Policy {
    /// The policy of a person's agent that has no policy file: what runs as `user` may do everything, and nobody else
    /// anything.
    pub fn of_owner(user: u32) -> Self {
        Self { owner: Some(user) }
    }

    /// Decides.
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        Decision {
            allowed: self.owner == Some(question.peer.user),
            rule: self.owner.map(|_| Arc::from("owner")),
            lifetime: None,
            confirm: false,
        }
    }
}
