//! Identities in the hands of a daemon: shared by threads, unlocked and forgotten as a whole.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use age_core::format::Stanza;

use super::age_file::AgeFile;
use super::ciphertext::Ciphertext;
use super::file_key::FileKey;
use super::header::Header;
use super::identity::HeldIdentities;
use super::keyring::header_text;
use super::prompt::Interaction;
use super::{Error, IdentityError, IdentitySource, WrappedKey, payload};
use crate::ast::Encryption;
use crate::secret::Secret;

/// How many file keys are remembered. One is 16 bytes of locked memory, and its header some hundreds of the heap.
const MOST_HEADERS: usize = 4096;

/// Identities that have been read, and the file keys that they have unwrapped. Decrypting asks nobody for a passphrase:
/// what waits for one is unlocked by [`Custody::unlock`]. Dropping it forgets all.
pub struct Custody {
    identities: HeldIdentities,
    headers: Mutex<HashMap<Box<str>, Arc<Slot>>>,
}

/// What is known of a header.
#[derive(Default)]
struct Slot {
    /// How many attempts have ended.
    attempts: AtomicU64,
    state: Mutex<SlotState>,
}

#[derive(Default)]
struct SlotState {
    key: Option<Arc<FileKey>>,
    /// How the last attempt failed.
    failed: Option<Error>,
}

impl Custody {
    /// Reads `sources`, in the order in which their identities are tried. What `before` has unlocked stays so as far as
    /// the sources still give the same bytes.
    ///
    /// Whatever is wrong with a source is told by [`Custody::problems`]; the others are used.
    pub fn read(
        sources: Vec<IdentitySource>,
        interaction: Interaction,
        before: Option<&Self>,
    ) -> Self {
        let before = before.map(|before| &before.identities);
        Self {
            identities: HeldIdentities::read(sources, interaction, before),
            headers: Mutex::default(),
        }
    }

    /// Whether the sources of both gave the same bytes.
    pub fn is_same(&self, other: &Self) -> bool {
        self.identities.is_same(&other.identities)
    }

    /// The names of the sources that gave identities.
    pub fn names(&self) -> Vec<String> {
        self.identities.names()
    }

    /// What is wrong with sources: a line each.
    pub fn problems(&self) -> &[String] {
        self.identities.problems()
    }

    /// The names of what waits for a passphrase.
    pub fn waiting(&self) -> Vec<String> {
        self.identities.waiting(None)
    }

    /// The names of the sources that a passphrase opens, or has opened.
    pub fn protected(&self) -> Vec<String> {
        self.identities.protected()
    }

    /// Whether any identity can be used as it is.
    pub fn is_usable(&self) -> bool {
        self.identities.is_usable()
    }

    /// The recipients that stand for the identities (`age1…`, `ssh-ed25519 …`), as far as they are known.
    pub fn recipients(&self) -> Vec<String> {
        self.identities.recipients()
    }

    /// Tries a passphrase on what waits under `name`. `false` if nothing does. Takes a second or so, and 256 MiB or so,
    /// as who made the file has chosen.
    ///
    /// # Errors
    /// [`IdentityError::WrongPassphrase`], and what is wrong with a file that the passphrase opens.
    pub fn unlock(&self, name: &str, passphrase: &Secret) -> Result<bool, IdentityError> {
        self.identities.unlock(name, passphrase)
    }

    /// Has plugins tried again that failed after they had asked.
    pub fn forgive(&self) {
        self.identities.forgive();
    }

    /// Opens a ciphertext, as [`crate::eval::Decrypter::decrypt`] does.
    ///
    /// # Errors
    /// Everything that [`Error`] names for opening.
    pub fn open(&self, encryption: Option<&Encryption>, ciphertext: &str) -> Result<Secret, Error> {
        match Ciphertext::parse(ciphertext)? {
            Ciphertext::File(file) => self.open_parsed(&file),
            Ciphertext::Payload(payload) => {
                let key = self.file_key(header_text(encryption)?)?;
                Ok(payload::open(&key, &payload)?)
            }
        }
    }

    /// Opens a complete age file, binary or armored.
    ///
    /// # Errors
    /// Everything that [`Error`] names for opening.
    pub fn open_file(&self, file: &[u8]) -> Result<Secret, Error> {
        self.open_parsed(&AgeFile::parse(file)?)
    }

    /// Unwraps a file key of which only the stanzas are known: whether it is the one of its header is for the caller to
    /// see, by the header's MAC.
    ///
    /// # Errors
    /// Everything that [`Error`] names for opening.
    pub fn unwrap(&self, stanzas: &[WrappedKey]) -> Result<Secret, Error> {
        let stanzas: Vec<Stanza> = stanzas.iter().map(WrappedKey::to_age).collect();
        if stanzas.iter().any(super::header::is_passphrase) {
            return Err(Error::ForPassphrase);
        }
        Ok(self.identities.unwrap(&stanzas)?.into_secret())
    }

    fn open_parsed(&self, file: &AgeFile) -> Result<Secret, Error> {
        let key = self.unwrap_header(&file.header)?;
        Ok(payload::open(&key, file.payload())?)
    }

    /// The file key that a header wraps. Of threads that want the same one at the same time, one fetches it, so that
    /// nobody is asked twice; all of them hear how that failed.
    fn file_key(&self, text: &str) -> Result<Arc<FileKey>, Error> {
        let slot = self.slot(text);
        let attempts = slot.attempts.load(Ordering::Acquire);
        let mut state = slot.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &state.key {
            return Ok(Arc::clone(key));
        }
        if slot.attempts.load(Ordering::Acquire) != attempts
            && let Some(failed) = &state.failed
        {
            return Err(failed.clone());
        }
        let outcome = Header::parse(text)
            .map_err(Error::from)
            .and_then(|header| self.unwrap_header(&header).map(Arc::new));
        state.key = outcome.as_ref().ok().cloned();
        state.failed = outcome.as_ref().err().cloned();
        slot.attempts.fetch_add(1, Ordering::Release);
        outcome
    }

    fn unwrap_header(&self, header: &Header) -> Result<FileKey, Error> {
        if header.is_for_passphrase() {
            return Err(Error::ForPassphrase);
        }
        let key = self.identities.unwrap(header.stanzas())?;
        header.verify(&key)?;
        Ok(key)
    }

    fn slot(&self, text: &str) -> Arc<Slot> {
        let mut headers = self.headers();
        if let Some(slot) = headers.get(text) {
            return Arc::clone(slot);
        }
        if headers.len() >= MOST_HEADERS {
            // Which ones are given up matters little: each is a public-key operation to have again.
            headers.clear();
        }
        let slot = Arc::new(Slot::default());
        headers.insert(text.into(), Arc::clone(&slot));
        slot
    }

    fn headers(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Slot>>> {
        self.headers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says what is wrong with the form of a ciphertext, as [`crate::eval::Decrypter::validate`] does. Needs no identity.
///
/// # Errors
/// The reason.
pub fn validate(encryption: Option<&Encryption>, ciphertext: &str) -> Result<(), Error> {
    if let Ciphertext::Payload(_) = Ciphertext::parse(ciphertext)? {
        Header::parse(header_text(encryption)?)?;
    }
    Ok(())
}
