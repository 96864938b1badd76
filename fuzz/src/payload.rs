//! A payload opens to what was sealed, or not at all.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::keys::{self, Keys, PLAINTEXT, alter, encryption};

/// Takes a payload, and the same as changes of one.
pub fn check(data: &[u8]) {
    keys::with(|keys| {
        open(keys, data);
        let mut altered = keys.payload.clone();
        alter(&mut altered, data);
        open(keys, &altered);
        let end = data.len().min(altered.len());
        open(keys, &altered[..end]);
        altered.extend_from_slice(data);
        open(keys, &altered);
    });
}

fn open(keys: &Keys, payload: &[u8]) {
    let ciphertext = BASE64_STANDARD.encode(payload);
    let opened = keys
        .keyring
        .open(Some(&encryption(&keys.header)), &ciphertext);
    match opened {
        Ok(secret) => {
            assert_eq!(payload, keys.payload, "an altered payload opens");
            assert_eq!(secret.expose(), PLAINTEXT);
        }
        Err(_) => assert_ne!(payload, keys.payload, "the payload does not open"),
    }
}
