//! The identities of the daemon: unlocked, or locked with nothing of them in memory.
//!
//! What a person opens by a passphrase or a PIN is asked for by [`Vault::unlock`] alone. An evaluation asks nobody: it
//! hears that identities are locked. Locking means the same for all identities, also for those that lie open in a file or
//! a credential: they are forgotten, and read again when someone unlocks, without a question.

mod agent;
mod answers;
mod consent;
mod decrypter;
mod patience;
mod place;
mod sleep;
mod unlock;
mod unwraps;
mod vault;

#[cfg(test)]
mod tests;

pub use agent::{UnwrapError, fault_of_unwrapping, read_stanzas, unwrapped};
pub use answers::Answers;
pub use consent::{Confirmer, Consent};
pub use decrypter::VaultDecrypter;
pub use place::IdentityPlace;
pub use unlock::{UnlockError, refusal};
pub use vault::{Vault, VaultSettings};

/// What whoever needs an identity is told when there is none for the time being.
pub(super) const LOCKED: &str = "the identities are locked";

/// What helps then.
pub(super) const LOCKED_HINT: &str = "unlock them with escrun unlock";
