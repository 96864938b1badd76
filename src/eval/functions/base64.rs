//! `fn::toBase64` and `fn::fromBase64`: the standard alphabet with padding (RFC 4648, section 4).

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, Engine as _, GeneralPurpose, GeneralPurposeConfig};
use base64::{DecodeError, DecodeSliceError};

use super::bytes;
use crate::ast::ExprId;
use crate::eval::scope::Scope;
use crate::schema::Schema;
use crate::secret::Secret;
use crate::value::{Data, Text, Value};

/// Bits behind the last byte are not looked at.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

impl Scope<'_, '_> {
    pub(super) fn encode_base64(&mut self, text: ExprId, id: ExprId) -> Value {
        let text = self.string_argument(text, id);
        let secret = text.value.holds_secret();
        if !text.usable {
            return self.unusable(id, Schema::string(), secret);
        }
        let text = bytes(&text.value);
        let length = base64::encoded_len(text.len(), true).unwrap_or(0);
        let encoded = in_place(length, secret, |buffer| {
            ENGINE
                .encode_slice(text, buffer)
                .map_err(|_| "text is too long".to_owned())
        });
        self.base64_result(encoded, secret, "encoding base64 string", id)
    }

    pub(super) fn decode_base64(&mut self, text: ExprId, id: ExprId) -> Value {
        let text = self.string_argument(text, id);
        let secret = text.value.holds_secret();
        if !text.usable {
            return self.unusable(id, Schema::string(), secret);
        }
        let text = bytes(&text.value);
        let kept = text
            .iter()
            .filter(|byte| !matches!(byte, b'\r' | b'\n'))
            .count();
        let length = base64::decoded_len_estimate(kept);
        let decoded = if kept == text.len() {
            in_place(length, secret, |buffer| decode(text, buffer))
        } else {
            // Line breaks are passed over. They are no secret, but what is left is.
            let joined = Secret::fill(kept, |buffer| {
                let characters = text.iter().filter(|byte| !matches!(byte, b'\r' | b'\n'));
                buffer
                    .iter_mut()
                    .zip(characters)
                    .for_each(|(to, from)| *to = *from);
            });
            in_place(length, secret, |buffer| decode(joined.expose(), buffer))
        };
        self.base64_result(decoded, secret, "decoding base64 string", id)
    }

    fn base64_result(
        &mut self,
        text: Result<Text, String>,
        secret: bool,
        doing: &str,
        id: ExprId,
    ) -> Value {
        match text {
            Ok(text) => Value {
                secret,
                ..self.value(id, Data::String(text))
            },
            Err(reason) => {
                self.error(id, format!("{doing}: {reason}"));
                self.unusable(id, Schema::string(), secret)
            }
        }
    }
}

/// Text of up to `length` bytes that `write` makes, in locked memory if `secret`.
fn in_place(
    length: usize,
    secret: bool,
    write: impl FnOnce(&mut [u8]) -> Result<usize, String>,
) -> Result<Text, String> {
    if secret {
        return Secret::try_fill(length, write).map(Text::secret);
    }
    let mut buffer = vec![0; length];
    let used = write(&mut buffer)?;
    Ok(Text::plain(&buffer[..used]))
}

fn decode(text: &[u8], buffer: &mut [u8]) -> Result<usize, String> {
    ENGINE.decode_slice(text, buffer).map_err(|error| {
        let at = match error {
            DecodeSliceError::DecodeError(
                DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol(at, _),
            ) => at,
            _ => text.len(),
        };
        format!("illegal base64 data at input byte {at}")
    })
}
