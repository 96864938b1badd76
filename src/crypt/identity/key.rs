//! One identity of any kind, and how it unwraps a header's file key.

use age::{DecryptError, Identity as _};
use age_core::format::{FileKey as AgeFileKey, Stanza};

use super::parse::KeyText;
use super::protected::{ProtectedFile, ProtectedSsh};
use crate::crypt::file_key::FileKey;
use crate::crypt::header::Header;
use crate::crypt::plugin::PluginIdentity;
use crate::crypt::prompt::Interaction;
use crate::crypt::{Error, HeaderError, IdentityError};

/// An identity, with the name of its source where it can fail.
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
        &mut self,
        tier: Tier,
        header: &Header,
        interaction: &Interaction,
    ) -> Result<Option<FileKey>, Trouble> {
        let stanzas = header.stanzas();
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
                .unwrap(stanzas)
                .map(|key| key.map(|key| FileKey::from_age(&key)))
                .map_err(|problem| Trouble::Identity(name.clone(), problem)),
            (Key::ProtectedFile(file), tier) => file.unwrap(tier, header, interaction),
            _ => Ok(None),
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
