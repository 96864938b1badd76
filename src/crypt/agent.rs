//! What keeps identities for others: asked for file keys, it never gives the identities themselves.

use std::fmt;

use super::WrappedKey;
use crate::secret::Secret;

/// Unwraps file keys with identities that this process does not have.
pub trait Agent: Send + Sync {
    /// What it is called in messages.
    fn name(&self) -> String;

    /// The file key that one of `stanzas` wraps for an identity of the agent; `None` if none does, or there is no agent.
    ///
    /// # Errors
    /// When there is one and it does not answer, or refuses.
    fn unwrap(&self, stanzas: &[WrappedKey]) -> Result<Option<Secret>, AgentError>;

    /// The recipients that stand for the agent's identities, as far as it knows them.
    ///
    /// # Errors
    /// When there is no agent, or it does not answer, or refuses.
    fn recipients(&self) -> Result<Vec<String>, AgentError>;
}

/// Why an agent gives nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentError {
    /// What it says.
    pub message: String,
    /// What helps.
    pub hint: Option<String>,
}

impl fmt::Display for AgentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for AgentError {}
