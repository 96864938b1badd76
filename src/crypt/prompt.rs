//! What a run may ask a person, and whether it may start plugins.

use std::sync::Arc;

use super::hosted::PluginHost;
use super::{Agent, IdentityError};
use crate::secret::Secret;

/// Asks the person at the terminal. Questions are short texts without a colon or line break at their end.
///
/// An age plugin that takes long is announced from a thread of its own, hence `Send` and `Sync`.
pub trait Prompt: Send + Sync {
    /// Shows a message, such as `touch your key`.
    fn message(&self, text: &str);

    /// Has one of two answers chosen: `true` for `yes`, `false` for `no` (or its absence).
    ///
    /// # Errors
    /// When nobody answers.
    fn confirm(&self, question: &str, yes: &str, no: Option<&str>) -> Result<bool, Unanswered>;

    /// Asks for a text that need not be hidden.
    ///
    /// # Errors
    /// When nobody answers.
    fn text(&self, question: &str) -> Result<String, Unanswered>;

    /// Asks for a passphrase or PIN, without echo.
    ///
    /// # Errors
    /// When nobody answers.
    fn passphrase(&self, question: &str) -> Result<Secret, Unanswered>;

    /// Hears that the answer to a question was of no use, so that it is not given again.
    fn refused(&self, question: &str) {
        let _ = question;
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// There is no terminal.
    NoTerminal,
    /// The person broke off.
    Declined,
}

impl From<Unanswered> for IdentityError {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::NoTerminal => IdentityError::NoTerminal,
            Unanswered::Declined => IdentityError::Declined,
        }
    }
}

/// Whether age plugins, which are programs found in PATH, may be started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plugins {
    /// They may.
    #[default]
    Allowed,
    /// They may not.
    Refused,
}

/// Whom a run may ask, and what it may start. By default it asks nobody and may start plugins.
#[derive(Clone, Default)]
pub struct Interaction {
    prompt: Option<Arc<dyn Prompt>>,
    plugins: Plugins,
    host: Option<Arc<dyn PluginHost>>,
    agent: Option<Arc<dyn Agent>>,
}

impl Interaction {
    /// An interaction through `prompt`, if there is one.
    pub fn new(prompt: Option<Arc<dyn Prompt>>, plugins: Plugins) -> Self {
        Self {
            prompt,
            plugins,
            host: None,
            agent: None,
        }
    }

    /// Has plugins run at `host`, not as children of this process, when they unwrap.
    #[must_use]
    pub fn with_host(self, host: Arc<dyn PluginHost>) -> Self {
        Self {
            host: Some(host),
            ..self
        }
    }

    /// Has `agent` asked where no identity fits that is open, before a person is.
    #[must_use]
    pub fn with_agent(self, agent: Arc<dyn Agent>) -> Self {
        Self {
            agent: Some(agent),
            ..self
        }
    }

    pub(super) fn host(&self) -> Option<&dyn PluginHost> {
        self.host.as_deref()
    }

    pub(super) fn agent(&self) -> Option<&dyn Agent> {
        self.agent.as_deref()
    }

    pub(super) fn plugins(&self) -> Plugins {
        self.plugins
    }

    pub(super) fn prompt(&self) -> Result<&dyn Prompt, Unanswered> {
        self.prompt.as_deref().ok_or(Unanswered::NoTerminal)
    }

    /// Asks for the passphrase of the identity `name`.
    pub(super) fn passphrase(&self, name: &str) -> Result<Secret, Unanswered> {
        self.prompt()?.passphrase(&passphrase_question(name))
    }
}

/// The question for the passphrase of the identity `name`, wherever it is put.
pub fn passphrase_question(name: &str) -> String {
    format!("passphrase for {name}")
}
