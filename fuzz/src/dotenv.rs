//! Any `NAME=value` file is read, or told where it is wrong.

use escrun::provider::dotenv::parse;

use super::world::CANARY;

/// Takes a file. `@` in it stands for a secret.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data).replace('@', CANARY);
    for bytes in [data, text.as_bytes()] {
        match parse(bytes) {
            Ok(variables) => {
                for (name, value) in variables {
                    assert!(!name.contains('='), "{name:?}");
                    assert!(value.len() <= bytes.len());
                }
            }
            Err(fault) => assert!(!fault.contains(CANARY), "the file shows: {fault}"),
        }
    }
}
