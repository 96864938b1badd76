//! Complete age files: a header with its payload, binary or in ASCII armor.

use std::borrow::Cow;
use std::io::Read;

use age::armor::ArmoredReader;

use super::header::{Header, MAGIC};
use super::{CiphertextError, Error, payload};

/// The line that starts ASCII armor.
pub(super) const ARMOR_START: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// A file taken apart. Its form is right as far as that can be seen without a key.
pub(super) struct AgeFile {
    /// The header.
    pub(super) header: Header,
    bytes: Vec<u8>,
}

impl AgeFile {
    /// Takes a file apart.
    pub(super) fn parse(file: &[u8]) -> Result<Self, Error> {
        let file = unarmored(file)?;
        if !file.starts_with(MAGIC) {
            return Err(CiphertextError::NotAge.into());
        }
        let (header, payload) = Header::parse_prefix(&file)?;
        payload::check_length(payload)?;
        Ok(Self {
            header,
            bytes: file.into_owned(),
        })
    }

    /// What follows the header.
    pub(super) fn payload(&self) -> &[u8] {
        &self.bytes[self.header.text().len()..]
    }
}

/// Whether `bytes` are meant as an age file.
pub(super) fn is_age_file(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) || is_armored(bytes)
}

/// Whether `bytes` are meant as ASCII armor, which blanks may precede.
pub(super) fn is_armored(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(ARMOR_START)
}

/// Takes off ASCII armor if there is any.
fn unarmored(file: &[u8]) -> Result<Cow<'_, [u8]>, CiphertextError> {
    if !is_armored(file) {
        return Ok(Cow::Borrowed(file));
    }
    let mut binary = Vec::with_capacity(file.len());
    ArmoredReader::new(file)
        .read_to_end(&mut binary)
        .map_err(|_| CiphertextError::Armor)?;
    Ok(Cow::Owned(binary))
}
