//! age plugins: programs named `age-plugin-NAME` that wrap and unwrap file keys, and what they ask meanwhile.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use age::plugin::{Identity, IdentityPluginV1, Recipient, RecipientPluginV1, ResolveError};
use age::{DecryptError, EncryptError};
use age_core::format::Stanza;
use age_core::secrecy::SecretString;

use super::file_key::FileKey;
use super::prompt::{Interaction, Plugins, Unanswered};
use super::wrap::Wrapped;
use super::{Error, HeaderError, IdentityError, hosted};
use crate::secret::Secret;
use crate::sys::process::as_inherited;

/// An identity that a plugin keeps. One thread at a time talks to the plugin: there may be one device behind it.
pub(super) struct PluginIdentity {
    identity: Identity,
    state: Mutex<PluginState>,
}

#[derive(Default)]
struct PluginState {
    /// What was asked, and answered.
    conversation: Option<Conversation>,
    /// Set once it failed after asking, so that a wrong PIN is never tried again.
    failed: Option<IdentityError>,
}

impl PluginIdentity {
    pub(super) fn new(identity: Identity) -> Self {
        Self {
            identity,
            state: Mutex::default(),
        }
    }

    /// Has the plugin unwrap the file key. `None` if no stanza is for this identity.
    pub(super) fn unwrap(
        &self,
        stanzas: &[Stanza],
        interaction: &Interaction,
    ) -> Result<Option<FileKey>, IdentityError> {
        let mut state = self.state();
        if let Some(failed) = &state.failed {
            return Err(failed.clone());
        }
        if interaction.plugins() == Plugins::Refused {
            return Err(IdentityError::PluginsRefused);
        }
        let conversation = state
            .conversation
            .get_or_insert_with(|| Conversation::new(interaction))
            .clone();
        conversation.begin();
        let outcome = match interaction.host() {
            Some(host) => hosted::unwrap(host, &self.identity, stanzas, &conversation),
            None => converse(&self.identity, stanzas, conversation.clone()),
        };
        outcome.map_err(|problem| {
            let problem = conversation.unanswered().map_or(problem, Into::into);
            if conversation.has_asked() {
                conversation.refuse();
                state.failed = Some(problem.clone());
            }
            problem
        })
    }

    /// Forgets what was answered and that it failed.
    pub(super) fn forgive(&self) {
        *self.state() = PluginState::default();
    }

    fn state(&self) -> MutexGuard<'_, PluginState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has the plugin of `identity` unwrap a file key, as a child of this process.
pub(super) fn converse(
    identity: &Identity,
    stanzas: &[Stanza],
    callbacks: impl age::Callbacks,
) -> Result<Option<FileKey>, IdentityError> {
    let identities = std::slice::from_ref(identity);
    let plugin = IdentityPluginV1::new(identity.plugin(), identities, callbacks)
        .map_err(|error| resolve_problem(&error))?;
    match as_inherited(|| age::Identity::unwrap_stanzas(&plugin, stanzas)) {
        None => Ok(None),
        Some(Ok(key)) => Ok(Some(FileKey::from_age(&key))),
        Some(Err(error)) => Err(decrypt_problem(&error)),
    }
}

/// Has a plugin wrap `key` for `recipients`, which are all its own.
pub(super) fn wrap(
    name: &str,
    recipients: &[Recipient],
    key: &FileKey,
    interaction: &Interaction,
) -> Result<Wrapped, Error> {
    let failed = |problem: IdentityError| Error::Plugin {
        program: format!("age-plugin-{name}"),
        problem: problem.to_string(),
    };
    if interaction.plugins() == Plugins::Refused {
        return Err(failed(IdentityError::PluginsRefused));
    }
    let conversation = Conversation::new(interaction);
    let plugin = RecipientPluginV1::new(name, recipients, &[], conversation.clone())
        .map_err(|error| failed(resolve_problem(&error)))?;
    as_inherited(|| age::Recipient::wrap_file_key(&plugin, &key.to_age())).map_err(|error| {
        failed(match conversation.unanswered() {
            Some(unanswered) => unanswered.into(),
            None => IdentityError::Plugin(encrypt_message(&error)),
        })
    })
}

fn resolve_problem(error: &ResolveError) -> IdentityError {
    match error {
        ResolveError::MissingPlugin { binary_name } => {
            IdentityError::MissingPlugin(binary_name.clone())
        }
        _ => IdentityError::MalformedKey,
    }
}

fn decrypt_problem(error: &DecryptError) -> IdentityError {
    IdentityError::Plugin(match error {
        DecryptError::Plugin(errors) => joined(errors),
        DecryptError::InvalidHeader => HeaderError::Stanza.to_string(),
        error => one_line(&error.to_string()),
    })
}

fn encrypt_message(error: &EncryptError) -> String {
    match error {
        EncryptError::Plugin(errors) => joined(errors),
        error => one_line(&error.to_string()),
    }
}

fn joined(errors: &[impl ToString]) -> String {
    let texts: Vec<String> = errors.iter().map(|e| one_line(&e.to_string())).collect();
    texts.join("; ")
}

/// Text of a program that is not ours becomes one line without control characters.
fn one_line(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        let clean = word.chars().filter(|c| !c.is_control());
        clean.collect::<String>()
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What a plugin asks, over all its runs. A question is put to the person once: its answer serves later runs, and a
/// plugin that repeats it within one run (because the answer was wrong) gets none.
#[derive(Clone)]
struct Conversation {
    interaction: Interaction,
    answers: Arc<Mutex<Vec<Answered>>>,
}

struct Answered {
    question: String,
    answer: Result<Answer, Unanswered>,
    used_in_this_run: bool,
}

enum Answer {
    Choice(bool),
    Text(String),
    Secret(Secret),
}

impl Conversation {
    fn new(interaction: &Interaction) -> Self {
        Self {
            interaction: interaction.clone(),
            answers: Arc::default(),
        }
    }

    /// A run of the plugin begins.
    fn begin(&self) {
        for answered in self.answers().iter_mut() {
            answered.used_in_this_run = false;
        }
    }

    /// Tells the prompt that its answers were of no use.
    fn refuse(&self) {
        let Ok(prompt) = self.interaction.prompt() else {
            return;
        };
        for answered in self.answers().iter().filter(|a| a.answer.is_ok()) {
            prompt.refused(&one_line(&answered.question));
        }
    }

    fn has_asked(&self) -> bool {
        !self.answers().is_empty()
    }

    /// Why a question found no answer, if one did not.
    fn unanswered(&self) -> Option<Unanswered> {
        let answers = self.answers();
        answers
            .iter()
            .find_map(|a| a.answer.as_ref().err().copied())
    }

    /// Asks, unless that was done before, and reads the answer.
    fn ask<T>(
        &self,
        question: &str,
        ask: impl FnOnce(&Interaction) -> Result<Answer, Unanswered>,
        read: impl FnOnce(&Answer) -> Option<T>,
    ) -> Option<T> {
        let mut answers = self.answers();
        let index = match answers.iter().position(|a| a.question == question) {
            Some(index) if answers[index].used_in_this_run => return None,
            Some(index) => index,
            None => {
                answers.push(Answered {
                    question: question.to_owned(),
                    answer: ask(&self.interaction),
                    used_in_this_run: false,
                });
                answers.len() - 1
            }
        };
        let answered = &mut answers[index];
        answered.used_in_this_run = true;
        read(answered.answer.as_ref().ok()?)
    }

    fn answers(&self) -> MutexGuard<'_, Vec<Answered>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl age::Callbacks for Conversation {
    fn display_message(&self, message: &str) {
        if let Ok(prompt) = self.interaction.prompt() {
            prompt.message(&one_line(message));
        }
    }

    fn confirm(&self, message: &str, yes_string: &str, no_string: Option<&str>) -> Option<bool> {
        self.ask(
            message,
            |interaction| {
                let (yes, no) = (one_line(yes_string), no_string.map(one_line));
                let prompt = interaction.prompt()?;
                let choice = prompt.confirm(&one_line(message), &yes, no.as_deref())?;
                Ok(Answer::Choice(choice))
            },
            |answer| match answer {
                Answer::Choice(choice) => Some(*choice),
                _ => None,
            },
        )
    }

    fn request_public_string(&self, description: &str) -> Option<String> {
        self.ask(
            description,
            |interaction| {
                let text = interaction.prompt()?.text(&one_line(description))?;
                Ok(Answer::Text(text))
            },
            |answer| match answer {
                Answer::Text(text) => Some(text.clone()),
                _ => None,
            },
        )
    }

    fn request_passphrase(&self, description: &str) -> Option<SecretString> {
        self.ask(
            description,
            |interaction| {
                let secret = interaction.prompt()?.passphrase(&one_line(description))?;
                Ok(Answer::Secret(secret))
            },
            |answer| match answer {
                Answer::Secret(secret) => secret_string(secret),
                _ => None,
            },
        )
    }
}

/// The copy that `age` takes and wipes; `None` if the bytes are not UTF-8.
pub(super) fn secret_string(secret: &Secret) -> Option<SecretString> {
    // `age` derives a key from the text, or hands it to a plugin.
    let text = std::str::from_utf8(secret.expose()).ok()?;
    Some(SecretString::from(text))
}
