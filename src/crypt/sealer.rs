//! Seals secrets: under a definition's header, or as complete age files.

use std::sync::Arc;

use super::ciphertext::encode;
use super::file_key::FileKey;
use super::header::Header;
use super::prompt::Interaction;
use super::recipient::{Recipient, parse_recipients, recipients_digest};
use super::wrap::wrap;
use super::{Error, Keyring, payload};
use crate::ast::Encryption;

/// The file key of a definition and the header that wraps it.
pub struct Sealer {
    key: Arc<FileKey>,
    header: Header,
    digest: Option<String>,
}

/// What follows from other recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Rekey {
    /// Header and digest are to be written; ciphertexts stay as they are.
    HeaderOnly,
    /// There is a new file key: every value has to be opened under the old header and sealed again.
    EveryValue,
}

impl Sealer {
    /// Seals under the header that there is; if there is none, under a new file key for the recipients named.
    ///
    /// The header is kept even if it was made for other recipients: see [`Sealer::is_current`].
    ///
    /// # Errors
    /// When no identity opens the header, or it was altered; without a header, those of [`Sealer::fresh`].
    pub fn open(encryption: &Encryption, keyring: &Keyring) -> Result<Self, Error> {
        let Some((text, _)) = &encryption.header else {
            let recipients = parse_recipients(encryption.recipients.iter().map(|(text, _)| text))?;
            return Self::fresh(&recipients, &keyring.interaction());
        };
        Ok(Self {
            key: keyring.file_key(text)?,
            header: Header::parse(text)?,
            digest: encryption
                .recipients_digest
                .as_ref()
                .map(|(d, _)| d.clone()),
        })
    }

    /// Makes a new file key, wrapped for `recipients`.
    ///
    /// # Errors
    /// When there are none, when they do not go together, and when a plugin fails.
    pub fn fresh(recipients: &[Recipient], interaction: &Interaction) -> Result<Self, Error> {
        let key = FileKey::random()?;
        Ok(Self {
            header: wrap(&key, recipients, interaction)?,
            key: Arc::new(key),
            digest: Some(recipients_digest(recipients)),
        })
    }

    /// Makes the header anew for the recipients `after`. The file key is kept if `before` are those that the header was
    /// made for and none of them is left out; whoever is left out has known it.
    ///
    /// # Errors
    /// Those of [`Sealer::fresh`]; nothing is changed then.
    pub fn rekey(
        &mut self,
        before: &[Recipient],
        after: &[Recipient],
        interaction: &Interaction,
    ) -> Result<Rekey, Error> {
        let only_added = self.is_current(before) && before.iter().all(|r| after.contains(r));
        if !only_added {
            *self = Self::fresh(after, interaction)?;
            return Ok(Rekey::EveryValue);
        }
        self.header = wrap(&self.key, after, interaction)?;
        self.digest = Some(recipients_digest(after));
        Ok(Rekey::HeaderOnly)
    }

    /// Whether the header was made for exactly these recipients, by the digest beside it.
    pub fn is_current(&self, recipients: &[Recipient]) -> bool {
        self.digest.as_deref().map(str::trim) == Some(&recipients_digest(recipients))
    }

    /// Seals a secret: its ciphertext, to stand under the header.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn seal(&self, plaintext: &[u8]) -> Result<String, Error> {
        Ok(encode(&payload::seal(&self.key, plaintext)?))
    }

    /// The text for `encryption.header`, which ends with a line break.
    pub fn header_text(&self) -> &str {
        self.header.text()
    }

    /// The text for `encryption.recipientsDigest`; absent where an existing header had none.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }
}

/// Encrypts a complete age file (binary) for `recipients`.
///
/// # Errors
/// Those of [`Sealer::fresh`].
pub fn seal_file(
    plaintext: &[u8],
    recipients: &[Recipient],
    interaction: &Interaction,
) -> Result<Vec<u8>, Error> {
    let sealer = Sealer::fresh(recipients, interaction)?;
    let payload = payload::seal(&sealer.key, plaintext)?;
    Ok([sealer.header_text().as_bytes(), &payload].concat())
}

/// Seals a secret as a ciphertext with a header of its own, for which no identity is needed.
///
/// # Errors
/// Those of [`Sealer::fresh`].
pub fn seal_complete(
    plaintext: &[u8],
    recipients: &[Recipient],
    interaction: &Interaction,
) -> Result<String, Error> {
    seal_file(plaintext, recipients, interaction).map(|file| encode(&file))
}
