//! The 16-byte key that a header wraps, and the keys derived from it (age-encryption.org/v1).

use age_core::format::{FILE_KEY_BYTES, FileKey as AgeFileKey};
use age_core::secrecy::ExposeSecret;
use chacha20poly1305::aead::OsRng;
use chacha20poly1305::aead::rand_core::RngCore;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Error;
use crate::secret::Secret;

/// A file key in locked memory.
pub(super) struct FileKey {
    secret: Secret,
}

impl FileKey {
    /// Makes a new one.
    pub(super) fn random() -> Result<Self, Error> {
        let secret = Secret::try_fill(FILE_KEY_BYTES, |bytes| {
            fill_random(bytes).map(|()| FILE_KEY_BYTES)
        })?;
        Ok(Self { secret })
    }

    /// Takes over what `age` unwrapped.
    pub(super) fn from_age(key: &AgeFileKey) -> Self {
        let secret = Secret::from_parts(&[key.expose_secret()]);
        Self { secret }
    }

    /// What an agent has given; `None` if it is not as long as a file key.
    pub(super) fn from_secret(secret: Secret) -> Option<Self> {
        // Only its length is looked at.
        (secret.expose().len() == FILE_KEY_BYTES).then_some(Self { secret })
    }

    /// The same key for `age`, which wraps it; it wipes its copy.
    pub(super) fn to_age(&self) -> AgeFileKey {
        AgeFileKey::init_with_mut(|bytes| bytes.copy_from_slice(self.secret.expose()))
    }

    /// The key itself.
    pub(super) fn into_secret(self) -> Secret {
        self.secret
    }

    /// Derives a key: HKDF-SHA-256 with the file key as input keying material (RFC 5869).
    pub(super) fn derive(&self, salt: &[u8], info: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut derived = Zeroizing::new([0; 32]);
        // HKDF computes with the key.
        Hkdf::<Sha256>::new(Some(salt), self.secret.expose())
            .expand(info, derived.as_mut_slice())
            .expect("32 bytes are within HKDF's limit");
        derived
    }
}

/// Fills `bytes` from the operating system's generator.
pub(super) fn fill_random(bytes: &mut [u8]) -> Result<(), Error> {
    OsRng.try_fill_bytes(bytes).map_err(|_| Error::NoRandomness)
}
