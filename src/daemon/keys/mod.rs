//! The identities of the daemon: unlocked, or locked with nothing of them in memory.

use std::sync::{Arc, Mutex, PoisonError};

use crate::ast::Encryption;
use crate::crypt::Keyring;
use crate::eval::{DecryptError, Decrypter};
use crate::protocol::LockState;
use crate::secret::Secret;

/// Keeps the identities. Shared by all threads.
#[derive(Default)]
pub struct Vault {
    keyring: Mutex<Option<Keyring>>,
}

impl Vault {
    /// What is known of the identities.
    pub fn state(&self) -> LockState {
        LockState {
            locked: self.lock_keyring().is_none(),
            ..LockState::default()
        }
    }

    /// A number that changes whenever other identities are there than before, or none: what was decrypted before is
    /// not to be given out after.
    pub fn generation(&self) -> u64 {
        0
    }

    /// Forgets all identities and all file keys.
    pub fn lock(&self) {
        *self.lock_keyring() = None;
    }

    /// What opens ciphertexts for an evaluation.
    pub fn decrypter(self: &Arc<Self>) -> impl Decrypter + Send + use<> {
        VaultDecrypter(Arc::clone(self))
    }

    fn lock_keyring(&self) -> std::sync::MutexGuard<'_, Option<Keyring>> {
        self.keyring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct VaultDecrypter(Arc<Vault>);

impl VaultDecrypter {
    fn with<R>(
        &self,
        f: impl FnOnce(&Keyring) -> Result<R, DecryptError>,
    ) -> Result<R, DecryptError> {
        match &*self.0.lock_keyring() {
            Some(keyring) => f(keyring),
            None => Err(DecryptError {
                message: "the identities are locked".to_owned(),
                hint: Some("unlock them with escrun unlock".to_owned()),
                extent: crate::diagnostic::Extent::Run,
            }),
        }
    }
}

impl Decrypter for VaultDecrypter {
    fn validate(&self, encryption: Option<&Encryption>, ciphertext: &str) -> Result<(), String> {
        match &*self.0.lock_keyring() {
            Some(keyring) => keyring.validate(encryption, ciphertext),
            None => Ok(()),
        }
    }

    fn decrypt(
        &self,
        encryption: Option<&Encryption>,
        ciphertext: &str,
    ) -> Result<Secret, DecryptError> {
        self.with(|keyring| keyring.decrypt(encryption, ciphertext))
    }

    fn decrypt_file(&self, file: &[u8]) -> Result<Secret, DecryptError> {
        self.with(|keyring| keyring.decrypt_file(file))
    }
}
