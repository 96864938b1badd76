//! A header opens what was sealed under it, or nothing; and so does a complete file.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use escrun::crypt::{Recipient, public_key};
use escrun::secret::Secret;

use super::keys::{self, Keys, PLAINTEXT, alter, encryption};

/// Takes a header, and the same as changes of one, as a file, as a recipient and as an identity.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = Recipient::parse(&text);
    let _ = public_key(&Secret::from_parts(&[data]));
    keys::with(|keys| {
        open(keys, text.as_bytes());
        let mut altered = keys.header.clone().into_bytes();
        alter(&mut altered, data);
        open(keys, &altered);
        assert!(keys.keyring.open_file(data).is_err());
    });
}

fn open(keys: &Keys, header: &[u8]) {
    if let Ok(text) = std::str::from_utf8(header) {
        let ciphertext = BASE64_STANDARD.encode(&keys.payload);
        let opened = keys.keyring.open(Some(&encryption(text)), &ciphertext);
        let same = text.trim_end() == keys.header.trim_end();
        assert!(!same || opened.is_ok(), "the header does not open");
        if let Ok(secret) = opened {
            assert_eq!(secret.expose(), PLAINTEXT);
        }
    }
    let mut file = header.to_vec();
    file.extend_from_slice(&keys.payload);
    if let Ok(secret) = keys.keyring.open_file(&file) {
        assert_eq!(secret.expose(), PLAINTEXT);
    }
}
