//! Takes the passphrase off an OpenSSH private key (OpenSSH's PROTOCOL.key), in locked memory.
//!
//! `age` can do this as well, but keeps what it opens in ordinary memory. A daemon keeps it for days.

use aes::Aes256;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use zeroize::Zeroizing;

use crate::crypt::IdentityError;
use crate::crypt::ssh_wire::{PRIVATE_KEY_MAGIC, has_zero_string, split_string};
use crate::secret::Secret;

/// What ssh-keygen has encrypted with since OpenSSH 7.6 (2017), unless told otherwise.
const CIPHER: &[u8] = b"aes256-ctr";
const DERIVATION: &[u8] = b"bcrypt";
/// Of the cipher's key, and of its counter, in bytes.
const KEY: usize = 32;
const COUNTER: usize = 16;
/// A derivation of more rounds would take minutes; ssh-keygen has 16 or 24.
const MOST_ROUNDS: u32 = 4096;

const BEGIN: &[u8] = b"-----BEGIN OPENSSH PRIVATE KEY-----\n";
const END: &[u8] = b"\n-----END OPENSSH PRIVATE KEY-----\n";

/// A private key under a passphrase, taken apart.
struct Protected<'a> {
    salt: &'a [u8],
    rounds: u32,
    public: &'a [u8],
    private: &'a [u8],
}

/// The text of the same key without a passphrase. `None` if the key is of another form or cipher than this knows.
///
/// # Errors
/// [`IdentityError::WrongPassphrase`], and when what it opens is no key.
pub(super) fn without_passphrase(
    blob: &[u8],
    passphrase: &Secret,
) -> Option<Result<Secret, IdentityError>> {
    Protected::parse(blob).map(|protected| protected.open(passphrase))
}

impl<'a> Protected<'a> {
    fn parse(blob: &'a [u8]) -> Option<Self> {
        let rest = blob.strip_prefix(PRIVATE_KEY_MAGIC)?;
        let (cipher, rest) = split_string(rest)?;
        let (derivation, rest) = split_string(rest)?;
        let (options, rest) = split_string(rest)?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let (public, rest) = split_string(rest)?;
        let (private, rest) = split_string(rest)?;
        let (salt, rounds) = split_string(options)?;
        let rounds = u32::from_be_bytes(rounds.try_into().ok()?);
        let is_known = cipher == CIPHER
            && derivation == DERIVATION
            && u32::from_be_bytes(*count) == 1
            && rest.is_empty()
            && !salt.is_empty()
            && (1..=MOST_ROUNDS).contains(&rounds);
        is_known.then_some(Self {
            salt,
            rounds,
            public,
            private,
        })
    }

    fn open(&self, passphrase: &Secret) -> Result<Secret, IdentityError> {
        let mut derived = Zeroizing::new([0; KEY + COUNTER]);
        // A key is derived of it. Nothing but an empty one is an error.
        bcrypt_pbkdf::bcrypt_pbkdf(
            passphrase.expose(),
            self.salt,
            self.rounds,
            derived.as_mut_slice(),
        )
        .map_err(|_| IdentityError::WrongPassphrase)?;
        let (key, counter) = derived.split_at(KEY);
        let mut cipher = Ctr128BE::<Aes256>::new(key.into(), counter.into());
        let private = Secret::fill(self.private.len(), |bytes| {
            bytes.copy_from_slice(self.private);
            cipher.apply_keystream(bytes);
        });
        // It is looked at, and written without a passphrase into the same kind of memory.
        let (check, fields) = private
            .expose()
            .split_first_chunk::<8>()
            .ok_or(IdentityError::MalformedKey)?;
        // Two equal numbers, by which the format tells a right passphrase.
        if check[..4] != check[4..] {
            return Err(IdentityError::WrongPassphrase);
        }
        if has_zero_string(fields) {
            return Err(IdentityError::MalformedKey);
        }
        Ok(self.written(private.expose()))
    }

    /// The text of the key with its private part in the clear.
    fn written(&self, private: &[u8]) -> Secret {
        const NONE: &[u8] = b"\0\0\0\x04none\0\0\0\x04none\0\0\0\0";
        let length = |bytes: &[u8]| {
            let length = u32::try_from(bytes.len()).expect("it was read as a string of the format");
            length.to_be_bytes()
        };
        let blob = Secret::from_parts(&[
            PRIVATE_KEY_MAGIC,
            NONE,
            &1_u32.to_be_bytes(),
            &length(self.public),
            self.public,
            &length(private),
            private,
        ]);
        // From locked memory to locked memory.
        let encoded = base64::encoded_len(blob.expose().len(), true).expect("a key is short");
        let text = Secret::fill(encoded, |text| {
            BASE64_STANDARD
                .encode_slice(blob.expose(), text)
                .expect("it was measured");
        });
        Secret::from_parts(&[BEGIN, text.expose(), END])
    }
}
