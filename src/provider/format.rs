//! How bytes from outside are read: `as: FORMAT`.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::dotenv;
use crate::encode;
use crate::source::Origin;
use crate::value::{Data, Member, Object, Text, Value};

/// A way to read bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// UTF-8, without the line ends at its end, as a shell's `$(…)` gives it.
    Text,
    /// One JSON value.
    Json,
    /// One YAML document.
    Yaml,
    /// An object of `NAME=value` lines.
    Dotenv,
    /// The base64 text of the bytes.
    Base64,
    /// The bytes exactly as they are.
    Bytes,
}

impl Format {
    /// The format called `name`.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"text" => Format::Text,
            b"json" => Format::Json,
            b"yaml" => Format::Yaml,
            b"dotenv" => Format::Dotenv,
            b"base64" => Format::Base64,
            b"bytes" => Format::Bytes,
            _ => return None,
        })
    }

    /// Reads `bytes`. All parts of the value are secret if `secret`.
    ///
    /// # Errors
    /// The reason; nothing of the bytes.
    pub(super) fn decode(
        self,
        bytes: &[u8],
        secret: bool,
        origin: &Origin,
    ) -> Result<Value, String> {
        let string = |bytes: &[u8]| Data::String(Text::join(&[bytes], secret));
        let data = match self {
            Format::Bytes => string(bytes),
            Format::Base64 => {
                let mut text =
                    zeroize::Zeroizing::new(String::with_capacity(bytes.len().div_ceil(3) * 4));
                STANDARD.encode_string(bytes, &mut text);
                string(text.as_bytes())
            }
            Format::Text => {
                std::str::from_utf8(bytes).map_err(|_| "not UTF-8; `as: bytes` takes any bytes")?;
                let end = bytes
                    .iter()
                    .rposition(|byte| !matches!(byte, b'\n' | b'\r'));
                string(&bytes[..end.map_or(0, |end| end + 1)])
            }
            Format::Json => {
                return encode::decode_whole_json(bytes, secret, origin)
                    .map_err(|reason| format!("not JSON: {reason}"));
            }
            Format::Yaml => {
                // Faults of what is meant to be secret must not quote it, and of the rest need not.
                let fault = |_| {
                    encode::decode_yaml(bytes, true, origin)
                        .err()
                        .unwrap_or_default()
                };
                return encode::decode_yaml(bytes, secret, origin)
                    .map_err(fault)
                    .map_err(|reason| format!("not YAML: {reason}"));
            }
            Format::Dotenv => dotenv_object(bytes, secret, origin)?,
        };
        Ok(flagged(data, secret, origin))
    }
}

fn dotenv_object(bytes: &[u8], secret: bool, origin: &Origin) -> Result<Data, String> {
    let mut members = BTreeMap::new();
    for (name, value) in dotenv::parse(bytes)? {
        let value = zeroize::Zeroizing::new(value);
        let text = Text::join(&[&value], secret);
        let member = Member {
            value: flagged(Data::String(text), secret, origin),
            outside: true,
        };
        members.insert(Arc::from(name), member);
    }
    Ok(Data::Object(Arc::new(Object::new(members))))
}

/// A value from outside.
pub(super) fn flagged(data: Data, secret: bool, origin: &Origin) -> Value {
    Value {
        secret,
        ..Value::new(data, origin.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::Redaction;
    use crate::source::{Source, Span};

    fn origin() -> Origin {
        Origin::new(&Source::new("test", None, ""), Span::default())
    }

    fn decode(format: &str, bytes: &[u8]) -> Result<String, String> {
        let format = Format::named(format.as_bytes()).expect(format);
        let value = format.decode(bytes, true, &origin())?;
        assert!(value.secret);
        let json = encode::json(&value, Redaction::Reveal).map_err(|error| error.to_string())?;
        Ok(String::from_utf8_lossy(json.text.bytes()).into_owned())
    }

    #[test]
    fn formats_read_their_texts() {
        let cases: [(&str, &[u8], Result<&str, &str>); 20] = [
            ("text", b"a\nb\r\n\n", Ok(r#""a\nb""#)),
            ("text", b"\n", Ok(r#""""#)),
            ("text", b"", Ok(r#""""#)),
            (
                "text",
                b"\xff",
                Err("not UTF-8; `as: bytes` takes any bytes"),
            ),
            ("bytes", b"a\n", Ok(r#""a\n""#)),
            ("base64", b"hi?>~", Ok(r#""aGk/Pn4=""#)),
            (
                "json",
                b" {\"a\": [1.50, 1e400]}\n",
                Ok(r#"{"a":[1.50,1e400]}"#),
            ),
            ("json", b"7", Ok("7")),
            ("json", br#""}\"""#, Ok(r#""}\"""#)),
            ("json", b"{} x", Err("not JSON: text follows the value")),
            ("json", b"1 2", Err("not JSON: text follows the value")),
            ("json", b"01", Err("not JSON: text follows the value")),
            ("json", b"", Err("not JSON: EOF")),
            ("json", b"{\"a\":", Err("not JSON: unexpected EOF")),
            (
                "json",
                b"hush",
                Err("not JSON: invalid character looking for beginning of value"),
            ),
            (
                "json",
                b"]",
                Err("not JSON: invalid character looking for beginning of value"),
            ),
            ("dotenv", b"A=1\nB='x y'", Ok(r#"{"A":"1","B":"x y"}"#)),
            ("dotenv", b"hush", Err("line 1: expected NAME=value")),
            ("dotenv", b"", Ok("{}")),
            ("json", b"\"", Err("not JSON: unexpected EOF")),
        ];
        for (format, bytes, expected) in cases {
            let got = decode(format, bytes);
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(got, expected, "{format} of {bytes:?}");
        }
    }

    #[test]
    fn keys_from_outside_are_marked() {
        for (format, text) in [(Format::Json, "{\"a\":1}"), (Format::Dotenv, "a=1")] {
            let value = format
                .decode(text.as_bytes(), false, &origin())
                .expect(text);
            let Data::Object(object) = &value.data else {
                panic!("{text} is an object");
            };
            assert!(
                object
                    .members
                    .values()
                    .all(|member| member.outside && !member.value.secret)
            );
        }
    }
}
