//! Any answer of a plugin is understood or refused, and the reason has nothing of what it said.

use escrun::encode::{self, Redaction};
use escrun::provider::protocol::{Answer, AnswerError, read_schema, read_value};
use escrun::source::{Origin, Source, Span};

use super::world::CANARY;

/// Takes what a plugin printed. `@` in it stands for a secret.
pub fn check(data: &[u8]) {
    let origin = Origin::new(&Source::new("test", None, ""), Span::default());
    let answer = String::from_utf8_lossy(data).replace('@', CANARY);
    for bytes in [data, answer.as_bytes()] {
        broken(read_schema(bytes, &origin).err());
        match read_value(bytes, &origin) {
            Ok(Answer { value, .. }) => {
                let shown = encode::json(&value, Redaction::Redact);
                let shown = shown.map(|encoded| encoded.text.bytes().to_vec());
                if value.secret {
                    assert_eq!(shown.as_deref(), Ok(b"\"[secret]\"".as_slice()));
                }
            }
            Err(error) => broken(Some(error)),
        }
    }
}

fn broken(error: Option<AnswerError>) {
    if let Some(AnswerError::Broken(reason)) = error {
        assert!(!reason.contains(CANARY), "the answer shows: {reason}");
    }
}
