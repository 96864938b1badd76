//! Opens ciphertexts for an evaluation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::vault::Vault;
use super::{LOCKED, LOCKED_HINT};
use crate::ast::Encryption;
use crate::crypt::{self, Custody};
use crate::diagnostic::Extent;
use crate::eval::{DecryptError, Decrypter};
use crate::secret::Secret;

/// Opens ciphertexts with the identities that were there when it was made. Once these are locked or exchanged, it opens
/// nothing more.
pub struct VaultDecrypter {
    vault: Arc<Vault>,
    generation: u64,
    was_locked: AtomicBool,
}

impl VaultDecrypter {
    pub(super) fn new(vault: Arc<Vault>, generation: u64) -> Self {
        Self {
            vault,
            generation,
            was_locked: AtomicBool::new(false),
        }
    }

    /// Whether something did not open because identities are locked: unlocking them would help.
    pub fn was_locked(&self) -> bool {
        self.was_locked.load(Ordering::Relaxed)
    }

    /// The generation of the identities that it decrypts with: see [`Vault::generation`].
    pub fn generation(&self) -> u64 {
        self.generation
    }

    fn open(
        &self,
        open: impl FnOnce(&Custody) -> Result<Secret, crypt::Error>,
    ) -> Result<Secret, DecryptError> {
        let custody = self.vault.custody();
        let custody = custody.filter(|_| self.vault.generation() == self.generation);
        let Some(custody) = custody else {
            return Err(self.locked());
        };
        let outcome = open(&custody);
        self.vault.touch();
        outcome.map_err(|error| {
            let waits = matches!(error, crypt::Error::Waiting { .. });
            // A plugin that nobody has answered yet.
            let asked = error.is_locked() && !self.vault.interview.open().is_empty();
            if !waits && !asked {
                return error.into();
            }
            DecryptError {
                message: error.to_string(),
                ..self.locked()
            }
        })
    }

    fn locked(&self) -> DecryptError {
        self.was_locked.store(true, Ordering::Relaxed);
        DecryptError {
            message: LOCKED.to_owned(),
            hint: Some(LOCKED_HINT.to_owned()),
            extent: Extent::Run,
        }
    }
}

impl Decrypter for VaultDecrypter {
    fn validate(&self, encryption: Option<&Encryption>, ciphertext: &str) -> Result<(), String> {
        crypt::validate(encryption, ciphertext).map_err(|error| error.to_string())
    }

    fn decrypt(
        &self,
        encryption: Option<&Encryption>,
        ciphertext: &str,
    ) -> Result<Secret, DecryptError> {
        self.open(|custody| custody.open(encryption, ciphertext))
    }

    fn decrypt_file(&self, file: &[u8]) -> Result<Secret, DecryptError> {
        self.open(|custody| custody.open_file(file))
    }
}
