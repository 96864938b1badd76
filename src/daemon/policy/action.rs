//! What peers may want.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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

impl Action {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Open,
        Self::Value,
        Self::Watch,
        Self::Decrypt,
        Self::Manage,
    ];

    /// Whether it is done to environments, not to the daemon as a whole.
    pub fn is_of_environments(self) -> bool {
        matches!(self, Self::Open | Self::Value | Self::Watch)
    }

    /// Its name in policies and in the audit.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Value => "value",
            Self::Watch => "watch",
            Self::Decrypt => "decrypt",
            Self::Manage => "manage",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Action {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|action| action.name() == text);
        named.ok_or("must be open, value, watch, decrypt or manage")
    }
}
