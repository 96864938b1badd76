//! The text of a value, as interpolation and variables have it (language specification, section 3.8).

use super::{Encoded, Error, Redaction, Shown, Sink, build, deeper, quote, show};
use crate::value::{Data, Text, Value};

/// The text of `value`: scalars as they are, null as nothing, lists as `"a","b"`, objects as `"key"="a","key"="b"`
/// with inherited keys.
///
/// # Errors
/// [`Error::TooLong`] and [`Error::TooDeep`]; never for scalars.
pub fn text(value: &Value, redaction: Redaction) -> Result<Encoded, Error> {
    if let Some(shared) = share(value, redaction) {
        return Ok(shared);
    }
    build(|sink| write(value, redaction, 0, sink))
}

/// A string or number that is to be shown already is its text, and is shared.
fn share(value: &Value, redaction: Redaction) -> Option<Encoded> {
    let (Data::String(text) | Data::Number(text)) = &value.data else {
        return None;
    };
    let shareable = match (value.secret, text) {
        (true, Text::Secret(_)) => redaction == Redaction::Reveal,
        (true, Text::Plain(_)) => false,
        (false, _) => true,
    };
    shareable.then(|| Encoded {
        text: text.clone(),
        secret: value.secret,
        unknown: false,
    })
}

fn write(
    value: &Value,
    redaction: Redaction,
    depth: usize,
    sink: &mut dyn Sink,
) -> Result<(), Error> {
    let depth = deeper(depth)?;
    let data = match show(value, redaction, sink) {
        Shown::Placeholder(placeholder) => return sink.write(placeholder.as_bytes()),
        Shown::Data(data) => data,
    };
    match data {
        Data::Null | Data::Unknown(_) => Ok(()),
        Data::Bool(bool) => sink.write(bool.to_string().as_bytes()),
        Data::Number(text) | Data::String(text) => sink.write(text.bytes()),
        Data::List(items) => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    sink.write(b",")?;
                }
                quote(sink, |sink| write(item, redaction, depth, sink))?;
            }
            Ok(())
        }
        Data::Object(object) => {
            for (index, (key, member)) in object.members.iter().enumerate() {
                if index > 0 {
                    sink.write(b",")?;
                }
                quote(sink, |sink| sink.write(key.as_bytes()))?;
                sink.write(b"=")?;
                quote(sink, |sink| write(&member.value, redaction, depth, sink))?;
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{list, number, object, plain, secret, string, unknown};
    use super::*;

    fn check(value: &Value, redaction: Redaction, expected: &str) -> Encoded {
        let encoded = text(value, redaction).unwrap();
        assert_eq!(String::from_utf8_lossy(encoded.text.bytes()), expected);
        assert_eq!(encoded.secret, matches!(encoded.text, Text::Secret(_)));
        encoded
    }

    #[test]
    fn values_have_the_texts_of_the_specification() {
        let l = list([
            number("1"),
            string("two"),
            list([number("3"), string("f\"our")]),
        ]);
        let o = object([
            ("k", string("v")),
            ("j", list([number("1"), plain(Data::Null)])),
        ]);
        let cases = [
            (plain(Data::Null), ""),
            (plain(Data::Bool(true)), "true"),
            (number("1.50"), "1.50"),
            (string("a \"b\""), "a \"b\""),
            (list([]), ""),
            (object([]), ""),
            (list([number("1"), list([number("2")])]), r#""1","\"2\"""#),
            (l, r#""1","two","\"3\",\"f\\\"our\"""#),
            (o, r#""j"="\"1\",\"\"","k"="v""#),
        ];
        for (value, expected) in cases {
            check(&value, Redaction::Reveal, expected);
            check(&value, Redaction::Redact, expected);
        }
    }

    #[test]
    fn secrets_are_redacted_or_locked() {
        let value = list([string("a"), secret(string("s"))]);
        let revealed = check(&value, Redaction::Reveal, r#""a","s""#);
        assert!(revealed.secret);
        let redacted = check(&value, Redaction::Redact, r#""a","[secret]""#);
        assert!(!redacted.secret);
        check(&secret(string("s")), Redaction::Redact, "[secret]");
        assert!(check(&secret(string("s")), Redaction::Reveal, "s").secret);
        assert!(check(&secret(list([])), Redaction::Reveal, "").secret);
    }

    #[test]
    fn unknowns_show_and_are_told() {
        let value = list([unknown(), secret(unknown())]);
        let revealed = check(&value, Redaction::Reveal, r#""[unknown]","[unknown]""#);
        assert!(revealed.unknown && revealed.secret);
        let redacted = check(&value, Redaction::Redact, r#""[unknown]","[secret]""#);
        assert!(redacted.unknown && !redacted.secret);
    }

    #[test]
    fn quoting_of_quotes_cannot_exhaust_memory() {
        let mut value = string("x");
        for _ in 0..100 {
            value = list([value]);
        }
        assert_eq!(text(&value, Redaction::Reveal).err(), Some(Error::TooLong));
    }

    #[test]
    fn shared_parts_cannot_exhaust_memory() {
        let mut value = string("x");
        for _ in 0..60 {
            value = object([("a", value.clone()), ("b", value)]);
        }
        assert_eq!(text(&value, Redaction::Reveal).err(), Some(Error::TooLong));
    }
}
