//! One identity of any kind, and how it unwraps a header's file key.

use age::{DecryptError, Identity as _};
use age_core::format::{FileKey as AgeFileKey, Stanza};

use super::parse::KeyText;
use super::protected::{ProtectedFile, ProtectedSsh};
use crate::crypt::file_key::FileKey;
use crate::crypt::plugin::PluginIdentity;
use crate::crypt::prompt::Interaction;
use crate::crypt::{Error, HeaderError, IdentityError};
use crate::secret::Secret;

/// An identity, with the name of its source where it can fail. Several threads may unwrap with it at once.
pub(super) enum Key {
    X25519(KeyText),
    Ssh(KeyText),
    ProtectedSsh(Box<ProtectedSsh>),
    Plugin(String, Box<PluginIdentity>),
    ProtectedFile(ProtectedFile),
}

/// What trying a key costs, from the cheapest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tier {
    /// Some computing.
    Open,
    /// A passphrase, but the header tells before whether the key fits.
    ProtectedSsh,
    /// A program, and what it asks.
    Plugin,
    /// A passphrase, perhaps in vain.
    ProtectedFile,
}

/// Why a key that might have fitted did not unwrap.
pub(super) enum Trouble {
    /// The header is at fault.
    Header(Error),
    /// The identity is; its name.
    Identity(String, IdentityError),
}

impl Key {
    /// Unwraps the file key if this key belongs to `tier` and fits.
    pub(super) fn unwrap(
        &self,
        tier: Tier,
        stanzas: &[Stanza],
        interaction: &Interaction,
    ) -> Result<Option<FileKey>, Trouble> {
        match (self, tier) {
            (Key::X25519(text), Tier::Open) => {
                let identity: age::x25519::Identity =
                    text.expose().parse().expect("it parsed when it was read");
                unwrapped(identity.unwrap_stanzas(stanzas))
            }
            (Key::Ssh(text), Tier::Open) => {
                let identity = age::ssh::Identity::from_buffer(text.expose().as_bytes(), None)
                    .expect("it parsed when it was read");
                unwrapped(identity.unwrap_stanzas(stanzas))
            }
            (Key::ProtectedSsh(key), tier) => key.unwrap(tier, stanzas, interaction),
            (Key::Plugin(name, identity), Tier::Plugin) => identity
                .unwrap(stanzas, interaction)
                .map_err(|problem| Trouble::Identity(name.clone(), problem)),
            (Key::ProtectedFile(file), tier) => file.unwrap(tier, stanzas, interaction),
            _ => Ok(None),
        }
    }
}

/// What is to be known of a key beside what it opens.
impl Key {
    /// Tells `see` the name of every key that waits for a passphrase and that may fit `stanzas` (any, if none are given).
    pub(super) fn waiting(&self, stanzas: Option<&[Stanza]>, see: &mut dyn FnMut(&str)) {
        match self {
            Key::ProtectedSsh(key)
                if key.is_locked() && stanzas.is_none_or(|stanzas| key.may_fit(stanzas)) =>
            {
                see(key.name());
            }
            Key::ProtectedFile(file) => match file.opened() {
                None => see(file.name()),
                Some(keys) => keys.iter().for_each(|key| key.waiting(stanzas, see)),
            },
            _ => {}
        }
    }

    /// Whether a passphrase is needed to open it, or was.
    pub(super) fn is_protected(&self) -> bool {
        matches!(self, Key::ProtectedSsh(_) | Key::ProtectedFile(_))
    }

    /// Tries a passphrase on what waits for that of `name`; absent if nothing does. A file that it opens is all that is
    /// opened: what waits inside asks anew.
    pub(super) fn unlock(
        &self,
        name: &str,
        passphrase: &Secret,
    ) -> Option<Result<(), IdentityError>> {
        match self {
            Key::ProtectedSsh(key) if key.is_locked() && key.name() == name => {
                Some(key.unlock(passphrase))
            }
            Key::ProtectedFile(file) => match file.opened() {
                None if file.name() == name => Some(file.unlock(passphrase)),
                None => None,
                Some(keys) => keys.iter().find_map(|key| key.unlock(name, passphrase)),
            },
            _ => None,
        }
    }

    /// Adds the recipients that stand for this key, as far as they are known without asking anyone.
    pub(super) fn recipients(&self, found: &mut Vec<String>) {
        match self {
            Key::X25519(text) => {
                let identity: age::x25519::Identity =
                    text.expose().parse().expect("it parsed when it was read");
                found.push(identity.to_public().to_string());
            }
            Key::Ssh(text) => {
                let identity = age::ssh::Identity::from_buffer(text.expose().as_bytes(), None)
                    .expect("it parsed when it was read");
                let recipient = age::ssh::Recipient::try_from(identity);
                found.extend(recipient.ok().map(|recipient| recipient.to_string()));
            }
            Key::ProtectedSsh(key) => found.push(key.public().to_owned()),
            Key::ProtectedFile(file) => {
                let keys = file.opened();
                keys.iter()
                    .flat_map(|keys| keys.iter())
                    .for_each(|key| key.recipients(found));
            }
            Key::Plugin(..) => {}
        }
    }

    /// Forgets that plugins failed, so that they are tried again.
    pub(super) fn forgive(&self) {
        match self {
            Key::Plugin(_, identity) => identity.forgive(),
            Key::ProtectedFile(file) => {
                let keys = file.opened();
                keys.iter()
                    .flat_map(|keys| keys.iter())
                    .for_each(Key::forgive);
            }
            _ => {}
        }
    }
}

/// Judges what an identity without a passphrase says.
pub(super) fn unwrapped(
    outcome: Option<Result<AgeFileKey, DecryptError>>,
) -> Result<Option<FileKey>, Trouble> {
    match outcome {
        None => Ok(None),
        Some(Ok(key)) => Ok(Some(FileKey::from_age(&key))),
        Some(Err(DecryptError::InvalidHeader)) => {
            Err(Trouble::Header(Error::Header(HeaderError::Stanza)))
        }
        // A stanza that names the key, and that the key does not open.
        Some(Err(_)) => Err(Trouble::Header(Error::HeaderAltered)),
    }
}

/// Whether a stanza says that it is for the ssh key with this type and tag (age-encryption.org/v1, ssh stanzas).
pub(super) fn is_for(stanza: &Stanza, kind: &str, tag: &str) -> bool {
    stanza.tag == kind && stanza.args.first().is_some_and(|arg| arg == tag)
}
