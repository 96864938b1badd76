//! JSON as `fn::toJSON` writes it (language specification, section 4.6): keys sorted by their bytes, inherited ones
//! included, number texts kept.

use super::{Encoded, Error, Redaction, Shown, Sink, build, deeper, show};
use crate::value::{Data, Value};

/// Compact JSON.
///
/// # Errors
/// [`Error::TooLong`] and [`Error::TooDeep`].
pub fn json(value: &Value, redaction: Redaction) -> Result<Encoded, Error> {
    encode(value, redaction, Layout::Compact)
}

/// JSON with one member or element a line, indented by two blanks, and a line feed at the end.
///
/// # Errors
/// [`Error::TooLong`] and [`Error::TooDeep`].
pub fn json_pretty(value: &Value, redaction: Redaction) -> Result<Encoded, Error> {
    encode(value, redaction, Layout::Pretty)
}

/// Writes a value as compact JSON into a text that is being made.
///
/// # Errors
/// [`Error::TooLong`] and [`Error::TooDeep`].
pub fn write_json(value: &Value, redaction: Redaction, sink: &mut dyn Sink) -> Result<(), Error> {
    let layout = Layout::Compact;
    Writer { redaction, layout }.value(value, 0, sink)
}

/// Writes a JSON string. Bytes that are not UTF-8 become U+FFFD, since JSON has no other way.
///
/// # Errors
/// [`Error::TooLong`].
pub fn json_string(text: &[u8], sink: &mut dyn Sink) -> Result<(), Error> {
    sink.write(b"\"")?;
    for chunk in text.utf8_chunks() {
        write_valid(chunk.valid(), sink)?;
        // One for each byte, as Go has it; `invalid` may hold several.
        for _ in chunk.invalid() {
            sink.write("\u{fffd}".as_bytes())?;
        }
    }
    sink.write(b"\"")
}

fn write_valid(text: &str, sink: &mut dyn Sink) -> Result<(), Error> {
    let mut run = 0;
    for (at, character) in text.char_indices() {
        let unicode;
        let escape = match character {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            // The last six would change the meaning of HTML and JavaScript that JSON is put into.
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                unicode = format!("\\u{:04x}", u32::from(character));
                &unicode
            }
            _ => continue,
        };
        sink.write(&text.as_bytes()[run..at])?;
        sink.write(escape.as_bytes())?;
        run = at + character.len_utf8();
    }
    sink.write(&text.as_bytes()[run..])
}

#[derive(Clone, Copy)]
enum Layout {
    Compact,
    Pretty,
}

fn encode(value: &Value, redaction: Redaction, layout: Layout) -> Result<Encoded, Error> {
    let writer = Writer { redaction, layout };
    build(|sink| {
        writer.value(value, 0, sink)?;
        writer.line(0, sink)
    })
}

struct Writer {
    redaction: Redaction,
    layout: Layout,
}

impl Writer {
    fn value(&self, value: &Value, depth: usize, sink: &mut dyn Sink) -> Result<(), Error> {
        let data = match show(value, self.redaction, sink) {
            Shown::Placeholder(placeholder) => return json_string(placeholder.as_bytes(), sink),
            Shown::Data(data) => data,
        };
        match data {
            Data::Null | Data::Unknown(_) => sink.write(b"null"),
            Data::Bool(bool) => sink.write(bool.to_string().as_bytes()),
            Data::Number(text) => sink.write(text.bytes()),
            Data::String(text) => json_string(text.bytes(), sink),
            Data::List(items) if items.is_empty() => sink.write(b"[]"),
            Data::List(items) => {
                let inner = deeper(depth)?;
                for (index, item) in items.iter().enumerate() {
                    sink.write(if index == 0 { b"[" } else { b"," })?;
                    self.line(inner, sink)?;
                    self.value(item, inner, sink)?;
                }
                self.line(depth, sink)?;
                sink.write(b"]")
            }
            Data::Object(object) if object.members.is_empty() => sink.write(b"{}"),
            Data::Object(object) => {
                let inner = deeper(depth)?;
                for (index, (key, member)) in object.members.iter().enumerate() {
                    sink.write(if index == 0 { b"{" } else { b"," })?;
                    self.line(inner, sink)?;
                    json_string(key.as_bytes(), sink)?;
                    sink.write(match self.layout {
                        Layout::Compact => b":",
                        Layout::Pretty => b": ",
                    })?;
                    self.value(&member.value, inner, sink)?;
                }
                self.line(depth, sink)?;
                sink.write(b"}")
            }
        }
    }

    /// Begins a line, where there are lines.
    fn line(&self, depth: usize, sink: &mut dyn Sink) -> Result<(), Error> {
        if let Layout::Pretty = self.layout {
            sink.write(b"\n")?;
            for _ in 0..depth {
                sink.write(b"  ")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{bytes, list, number, object, plain, secret, string, unknown};
    use super::*;
    use crate::value::Text;

    fn compact(value: &Value, redaction: Redaction) -> String {
        let encoded = json(value, redaction).unwrap();
        assert_eq!(encoded.secret, matches!(encoded.text, Text::Secret(_)));
        String::from_utf8(encoded.text.bytes().to_vec()).unwrap()
    }

    #[test]
    fn values_are_written_compactly() {
        let cases = [
            (plain(Data::Null), "null"),
            (plain(Data::Bool(false)), "false"),
            (number("1.50"), "1.50"),
            (list([]), "[]"),
            (object([]), "{}"),
            (list([number("1"), plain(Data::Null)]), "[1,null]"),
            (
                object([("z", number("1")), ("a", string("<é>"))]),
                r#"{"a":"\u003cé\u003e","z":1}"#,
            ),
            (
                string("\u{8}\u{c}\n\r\t\u{1f}\u{7f}\"\\/&"),
                "\"\\b\\f\\n\\r\\t\\u001f\u{7f}\\\"\\\\/\\u0026\"",
            ),
            (string("\u{2028}\u{2029}"), r#""\u2028\u2029""#),
            (bytes(b"a\xffb\xe2\x82"), "\"a\u{fffd}b\u{fffd}\u{fffd}\""),
        ];
        for (value, expected) in cases {
            assert_eq!(compact(&value, Redaction::Reveal), expected);
        }
    }

    #[test]
    fn secrets_and_unknowns_have_placeholders() {
        let value = object([
            ("l", list([secret(string("s")), unknown()])),
            ("o", secret(object([("k", secret(number("1")))]))),
        ]);
        assert_eq!(
            compact(&value, Redaction::Redact),
            r#"{"l":["[secret]","[unknown]"],"o":"[secret]"}"#
        );
        assert_eq!(
            compact(&value, Redaction::Reveal),
            r#"{"l":["s","[unknown]"],"o":{"k":1}}"#
        );
        assert!(json(&value, Redaction::Reveal).unwrap().unknown);
    }

    #[test]
    fn pretty_has_a_line_each() {
        let value = object([
            ("a", list([number("1"), object([])])),
            ("b", object([("c", list([]))])),
        ]);
        let encoded = json_pretty(&value, Redaction::Reveal).unwrap();
        let expected = "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": []\n  }\n}\n";
        assert_eq!(encoded.text.bytes(), expected.as_bytes());
    }

    #[test]
    fn deep_values_are_an_error() {
        let mut value = list([]);
        for _ in 0..2000 {
            value = list([value]);
        }
        assert_eq!(json(&value, Redaction::Reveal).err(), Some(Error::TooDeep));
    }
}
