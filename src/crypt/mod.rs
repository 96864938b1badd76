//! Opens and seals secrets with age: identities, recipients, headers and payloads. The only place that names `age`.
//!
//! A definition carries one age v1 header, which wraps a file key of 16 bytes to every recipient; each of its secrets is
//! a payload under that key. Header and payload put together are an ordinary age file. `age` wraps and unwraps the file
//! key; the header's MAC and the payload (age-encryption.org/v1) are done here, because `age` can neither seal under an
//! existing key nor open in place.
//!
//! Knows neither the terminal nor the home directory nor the environment: whoever builds a [`Keyring`] hands these in
//! as [`IdentitySource`]s and a [`Prompt`].

mod age_file;

mod agent;

mod agent_plugin;

mod ciphertext;

mod custody;

mod error;

mod file_key;

mod header;

mod hosted;

mod identity;

mod keygen;

mod keyring;

mod payload;

mod plugin;

mod prompt;

mod recipient;

mod sealer;

mod ssh_wire;

mod wrap;

mod wrapped_key;

pub use agent::{Agent, AgentError};
pub use agent_plugin::{FindAgent, PLUGIN_NAME, agent_identity, serve_plugin};
pub use ciphertext::{CiphertextError, is_complete_file};
pub use custody::{Custody, validate};
pub use error::Error;
pub use header::HeaderError;
pub use hosted::{PluginHost, serve as host_plugin};
pub use identity::{IdentityError, IdentitySource, read_identity};
pub use keygen::{keygen, public_key};
pub use keyring::Keyring;
pub use payload::PayloadError;
pub use prompt::{Interaction, Plugins, Prompt, Unanswered, passphrase_question};
pub use recipient::{Recipient, RecipientError, parse_recipients, recipients_digest};
pub use sealer::{Rekey, Sealer, seal_complete, seal_file};
pub use wrapped_key::WrappedKey;

#[cfg(test)]
mod tests;
