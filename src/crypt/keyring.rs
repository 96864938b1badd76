//! Opens ciphertexts: one unlock per header, however many secrets stand under it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::age_file::AgeFile;
use super::ciphertext::Ciphertext;
use super::file_key::FileKey;
use super::header::Header;
use super::identity::Identities;
use super::prompt::Interaction;
use super::{Error, HeaderError, IdentitySource, payload};
use crate::ast::Encryption;
use crate::eval::{DecryptError, Decrypter};
use crate::secret::Secret;

/// The identities of a run, and the file keys that they have unwrapped. Nothing is read before it is needed, and
/// nobody is asked twice: failures are remembered as well.
pub struct Keyring {
    identities: RefCell<Identities>,
    /// By the header's text as it stands.
    headers: RefCell<HashMap<Box<str>, Arc<Slot>>>,
}

/// What is known of a header.
struct Slot {
    header: Result<Header, HeaderError>,
    key: OnceLock<Result<Arc<FileKey>, Error>>,
}

impl Keyring {
    /// A keyring of the identities in `sources`, in the order in which they are tried.
    pub fn new(sources: Vec<IdentitySource>, interaction: Interaction) -> Self {
        Self {
            identities: RefCell::new(Identities::new(sources, interaction)),
            headers: RefCell::default(),
        }
    }

    /// What was noticed about the identities that were read, such as files that were skipped.
    pub fn notes(&self) -> Vec<String> {
        self.identities.borrow().notes().to_vec()
    }

    /// Opens a ciphertext, as [`Decrypter::decrypt`] does.
    ///
    /// # Errors
    /// Everything that [`Error`] names for opening.
    pub fn open(&self, encryption: Option<&Encryption>, ciphertext: &str) -> Result<Secret, Error> {
        match Ciphertext::parse(ciphertext)? {
            Ciphertext::File(file) => self.open_parsed(&file),
            Ciphertext::Payload(payload) => {
                let key = self.key_of(&self.slot(header_text(encryption)?))?;
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

    /// The file key that a header wraps.
    pub(super) fn file_key(&self, header: &str) -> Result<Arc<FileKey>, Error> {
        self.key_of(&self.slot(header))
    }

    /// Whom it may ask, and what it may start.
    pub fn interaction(&self) -> Interaction {
        self.identities.borrow().interaction().clone()
    }

    fn open_parsed(&self, file: &AgeFile) -> Result<Secret, Error> {
        // A complete file has a header of its own, which is not seen again: it is not worth remembering.
        let key = self.identities.borrow_mut().unwrap(&file.header)?;
        Ok(payload::open(&key, file.payload())?)
    }

    fn slot(&self, text: &str) -> Arc<Slot> {
        let mut headers = self.headers.borrow_mut();
        if let Some(slot) = headers.get(text) {
            return Arc::clone(slot);
        }
        let slot = Arc::new(Slot {
            header: Header::parse(text),
            key: OnceLock::new(),
        });
        headers.insert(text.into(), Arc::clone(&slot));
        slot
    }

    fn key_of(&self, slot: &Slot) -> Result<Arc<FileKey>, Error> {
        let unlock = || {
            let header = slot.header.as_ref().map_err(|&error| error)?;
            let key = self.identities.borrow_mut().unwrap(header)?;
            Ok(Arc::new(key))
        };
        slot.key.get_or_init(unlock).clone()
    }

    fn check(&self, encryption: Option<&Encryption>, ciphertext: &str) -> Result<(), Error> {
        if let Ciphertext::Payload(_) = Ciphertext::parse(ciphertext)? {
            let slot = self.slot(header_text(encryption)?);
            slot.header.as_ref().map_err(|&error| error)?;
        }
        Ok(())
    }
}

pub(super) fn header_text(encryption: Option<&Encryption>) -> Result<&str, Error> {
    encryption
        .and_then(|encryption| encryption.header.as_ref())
        .map(|(text, _)| text.as_str())
        .ok_or(Error::NoHeader)
}

impl Decrypter for Keyring {
    fn validate(&self, encryption: Option<&Encryption>, ciphertext: &str) -> Result<(), String> {
        self.check(encryption, ciphertext)
            .map_err(|error| error.to_string())
    }

    fn decrypt(
        &self,
        encryption: Option<&Encryption>,
        ciphertext: &str,
    ) -> Result<Secret, DecryptError> {
        Ok(self.open(encryption, ciphertext)?)
    }

    fn decrypt_file(&self, file: &[u8]) -> Result<Secret, DecryptError> {
        Ok(self.open_file(file)?)
    }
}
