//! Payloads: a nonce of 16 bytes, then STREAM with ChaCha20-Poly1305 in chunks of 64 KiB
//! (age-encryption.org/v1, "Payload").

use std::fmt;

use chacha20poly1305::aead::{AeadInPlace, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce, Tag};

use super::Error;
use super::file_key::{FileKey, fill_random};
use crate::secret::Secret;

const NONCE_BYTES: usize = 16;
const CHUNK_BYTES: usize = 64 * 1024;
const TAG_BYTES: usize = 16;

/// Why a payload does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadError {
    /// It has a length that no payload has.
    Truncated,
    /// It was cut or changed, or belongs under another header.
    Altered,
}

/// Checks the length, which is all that can be checked without the key.
pub(super) fn check_length(payload: &[u8]) -> Result<(), PayloadError> {
    plaintext_length(payload.len()).map(|_| ())
}

/// Encrypts `plaintext` under a fresh nonce.
pub(super) fn seal(key: &FileKey, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
    let chunks = plaintext.len().div_ceil(CHUNK_BYTES).max(1);
    // The exact size, so that no plaintext is left behind by growth before it is encrypted in place.
    let mut payload = Vec::with_capacity(NONCE_BYTES + plaintext.len() + chunks * TAG_BYTES);
    payload.resize(NONCE_BYTES, 0);
    fill_random(&mut payload)?;
    let cipher = cipher(key, &payload);
    for index in 0..chunks {
        let start = index * CHUNK_BYTES;
        let chunk = &plaintext[start..plaintext.len().min(start + CHUNK_BYTES)];
        let at = payload.len();
        payload.extend_from_slice(chunk);
        let nonce = chunk_nonce(index, index + 1 == chunks);
        let tag = cipher
            .encrypt_in_place_detached(&nonce, &[], &mut payload[at..])
            .expect("a chunk is far below ChaCha20's limit");
        payload.extend_from_slice(&tag);
    }
    Ok(payload)
}

/// Decrypts a payload in place in locked memory. No byte is given out unless every chunk is right.
pub(super) fn open(key: &FileKey, payload: &[u8]) -> Result<Secret, PayloadError> {
    let length = plaintext_length(payload.len())?;
    let (nonce, stream) = payload.split_at(NONCE_BYTES);
    let cipher = cipher(key, nonce);
    let sealed_chunks = stream.chunks(CHUNK_BYTES + TAG_BYTES);
    let last = sealed_chunks.len() - 1;
    Secret::try_fill(length, |mut plaintext| {
        for (index, sealed) in sealed_chunks.enumerate() {
            let (text, tag) = sealed.split_at(sealed.len() - TAG_BYTES);
            let (chunk, rest) = plaintext.split_at_mut(text.len());
            chunk.copy_from_slice(text);
            let nonce = chunk_nonce(index, index == last);
            cipher
                .decrypt_in_place_detached(&nonce, &[], chunk, Tag::from_slice(tag))
                .map_err(|_| PayloadError::Altered)?;
            plaintext = rest;
        }
        Ok(length)
    })
}

/// The length of the plaintext of a payload of `length` bytes.
fn plaintext_length(length: usize) -> Result<usize, PayloadError> {
    let stream = length
        .checked_sub(NONCE_BYTES)
        .ok_or(PayloadError::Truncated)?;
    let chunks = stream.div_ceil(CHUNK_BYTES + TAG_BYTES);
    let plaintext = stream
        .checked_sub(chunks * TAG_BYTES)
        .ok_or(PayloadError::Truncated)?;
    // There is always a chunk, and only an empty plaintext ends with an empty one; the subtraction above borrows from
    // the chunks in front when the last one is shorter than its tag.
    let ends_well = match chunks {
        0 => false,
        1 => true,
        _ => plaintext > (chunks - 1) * CHUNK_BYTES,
    };
    if ends_well {
        Ok(plaintext)
    } else {
        Err(PayloadError::Truncated)
    }
}

/// The cipher under HKDF-SHA-256(file key, nonce, "payload"). It wipes its key when dropped.
fn cipher(key: &FileKey, nonce: &[u8]) -> ChaCha20Poly1305 {
    let payload_key = key.derive(nonce, b"payload");
    ChaCha20Poly1305::new(payload_key.as_slice().into())
}

/// The nonce of a chunk: its index as a big-endian number of 11 bytes, then 1 for the last chunk and 0 for others.
fn chunk_nonce(index: usize, last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&(index as u64).to_be_bytes());
    nonce[11] = u8::from(last);
    nonce.into()
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PayloadError::Truncated => "the ciphertext was cut",
            PayloadError::Altered => {
                "the ciphertext was cut or changed, or belongs under another header"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LENGTHS: [usize; 8] = [
        0,
        1,
        100,
        CHUNK_BYTES - 1,
        CHUNK_BYTES,
        CHUNK_BYTES + 1,
        2 * CHUNK_BYTES,
        200 * 1024,
    ];

    fn text(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i % 251) as u8).collect()
    }

    #[test]
    fn sealed_payload_opens() {
        let key = FileKey::random().unwrap();
        for length in LENGTHS {
            let payload = seal(&key, &text(length)).unwrap();
            assert_eq!(payload.capacity(), payload.len());
            let opened = open(&key, &payload).unwrap();
            assert!(opened.expose() == text(length), "{length}");
        }
    }

    #[test]
    fn chunks_cannot_be_dropped_or_swapped() {
        let key = FileKey::random().unwrap();
        let payload = seal(&key, &text(3 * CHUNK_BYTES)).unwrap();
        let sealed = CHUNK_BYTES + TAG_BYTES;
        let chunk = |i: usize| &payload[NONCE_BYTES + i * sealed..NONCE_BYTES + (i + 1) * sealed];
        let nonce = &payload[..NONCE_BYTES];
        for order in [&[0, 1][..], &[1, 2], &[0, 2], &[1, 0, 2], &[0, 1, 2, 2]] {
            let mut changed = nonce.to_vec();
            order
                .iter()
                .for_each(|&i| changed.extend_from_slice(chunk(i)));
            assert_eq!(open(&key, &changed).err(), Some(PayloadError::Altered));
        }
    }

    #[test]
    fn truncation_never_opens() {
        let key = FileKey::random().unwrap();
        let payload = seal(&key, &text(200)).unwrap();
        for length in 0..payload.len() {
            assert!(open(&key, &payload[..length]).is_err(), "{length}");
        }
        let payload = seal(&key, &text(CHUNK_BYTES + 10)).unwrap();
        let boundary = NONCE_BYTES + CHUNK_BYTES + TAG_BYTES;
        for length in boundary - 2..payload.len() {
            assert!(open(&key, &payload[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let key = FileKey::random().unwrap();
        let mut payload = seal(&key, b"a value").unwrap();
        for index in 0..payload.len() * 8 {
            payload[index / 8] ^= 1 << (index % 8);
            assert_eq!(open(&key, &payload).err(), Some(PayloadError::Altered));
            payload[index / 8] ^= 1 << (index % 8);
        }
        assert!(open(&key, &payload).is_ok());
    }

    #[test]
    fn another_key_opens_nothing() {
        let (key, other) = (FileKey::random().unwrap(), FileKey::random().unwrap());
        let payload = seal(&key, b"a value").unwrap();
        assert_eq!(open(&other, &payload).err(), Some(PayloadError::Altered));
    }

    proptest! {
        #[test]
        fn opening_undoes_sealing(plaintext: Vec<u8>) {
            let key = FileKey::random().unwrap();
            let payload = seal(&key, &plaintext).unwrap();
            let opened = open(&key, &payload).unwrap();
            prop_assert!(opened.expose() == plaintext);
        }

        #[test]
        fn arbitrary_bytes_never_open(payload: Vec<u8>) {
            let key = FileKey::random().unwrap();
            prop_assert!(open(&key, &payload).is_err());
        }
    }
}
