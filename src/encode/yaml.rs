//! YAML of a value, in block style with sorted keys. Numbers are plain, and every string that something could take for
//! anything else is quoted, so that a reader of YAML 1.1 or 1.2 gets back exactly what was written.

use super::{Encoded, Error, Redaction, Shown, Sink, build, deeper, show};
use crate::quote::is_printable;
use crate::value::{Data, Value};

/// The longest key that YAML lets stand without `?`, less what quoting may add.
const LONGEST_PLAIN_KEY: usize = 128;

/// YAML of `value`, with a line feed at the end. Bytes that are not UTF-8 become U+FFFD.
///
/// # Errors
/// [`Error::TooLong`] and [`Error::TooDeep`].
pub fn yaml(value: &Value, redaction: Redaction) -> Result<Encoded, Error> {
    let writer = Writer { redaction };
    build(|sink| writer.value(value, Position::Start, 0, sink))
}

/// Where a value stands, which decides what goes in front of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    /// At the start of the document.
    Start,
    /// Behind `key:`.
    Key,
    /// Behind `-`.
    Dash,
}

struct Writer {
    redaction: Redaction,
}

impl Writer {
    /// Writes a value and the end of its last line. `depth` is that of the collection in which it stands.
    fn value(
        &self,
        value: &Value,
        position: Position,
        depth: usize,
        sink: &mut dyn Sink,
    ) -> Result<(), Error> {
        let inner = deeper(depth)?;
        match show(value, self.redaction, sink) {
            Shown::Data(Data::List(items)) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    begin(index, position, depth, sink)?;
                    sink.write(b"-")?;
                    self.value(item, Position::Dash, inner, sink)?;
                }
                Ok(())
            }
            Shown::Data(Data::Object(object)) if !object.members.is_empty() => {
                for (index, (key, member)) in object.members.iter().enumerate() {
                    begin(index, position, depth, sink)?;
                    if key.len() > LONGEST_PLAIN_KEY {
                        sink.write(b"? ")?;
                        string(key.as_bytes(), sink)?;
                        sink.write(b"\n")?;
                        indent(depth, sink)?;
                    } else {
                        string(key.as_bytes(), sink)?;
                    }
                    sink.write(b":")?;
                    self.value(&member.value, Position::Key, inner, sink)?;
                }
                Ok(())
            }
            shown => {
                if position != Position::Start {
                    sink.write(b" ")?;
                }
                scalar(shown, depth, sink)?;
                sink.write(b"\n")
            }
        }
    }
}

/// Begins an entry of a collection: behind a dash the first one stands on the dash's line.
fn begin(index: usize, position: Position, depth: usize, sink: &mut dyn Sink) -> Result<(), Error> {
    match (index, position) {
        (0, Position::Start) => Ok(()),
        (0, Position::Dash) => sink.write(b" "),
        (0, Position::Key) => {
            sink.write(b"\n")?;
            indent(depth, sink)
        }
        _ => indent(depth, sink),
    }
}

fn indent(depth: usize, sink: &mut dyn Sink) -> Result<(), Error> {
    for _ in 0..depth {
        sink.write(b"  ")?;
    }
    Ok(())
}

/// Writes what takes no more than a line, and literal blocks.
fn scalar(shown: Shown<'_>, depth: usize, sink: &mut dyn Sink) -> Result<(), Error> {
    let data = match shown {
        Shown::Placeholder(placeholder) => return string(placeholder.as_bytes(), sink),
        Shown::Data(data) => data,
    };
    match data {
        Data::Null | Data::Unknown(_) => sink.write(b"null"),
        Data::Bool(bool) => sink.write(bool.to_string().as_bytes()),
        Data::Number(text) => sink.write(text.bytes()),
        Data::String(text) => match literal_lines(text.bytes()) {
            Some(block) => literal(block, depth, sink),
            None => string(text.bytes(), sink),
        },
        Data::List(_) => sink.write(b"[]"),
        Data::Object(_) => sink.write(b"{}"),
    }
}

/// Writes a string on one line, plain where nothing could mistake it.
fn string(text: &[u8], sink: &mut dyn Sink) -> Result<(), Error> {
    if is_plain(text) {
        return sink.write(text);
    }
    sink.write(b"\"")?;
    for chunk in text.utf8_chunks() {
        double_quoted(chunk.valid(), sink)?;
        for _ in chunk.invalid() {
            sink.write("\u{fffd}".as_bytes())?;
        }
    }
    sink.write(b"\"")
}

fn double_quoted(text: &str, sink: &mut dyn Sink) -> Result<(), Error> {
    let mut run = 0;
    for (at, character) in text.char_indices() {
        let hexadecimal;
        let escape = match character {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            _ if is_printable(character) => continue,
            _ => {
                hexadecimal = match u32::from(character) {
                    code @ 0..=0xff => format!("\\x{code:02x}"),
                    code @ 0x100..=0xffff => format!("\\u{code:04x}"),
                    code => format!("\\U{code:08x}"),
                };
                &hexadecimal
            }
        };
        sink.write(&text.as_bytes()[run..at])?;
        sink.write(escape.as_bytes())?;
        run = at + character.len_utf8();
    }
    sink.write(&text.as_bytes()[run..])
}

/// Whether a string can stand without quotes. Words that YAML 1.1 or 1.2 read as something else cannot; numbers and
/// dates do not begin with a letter.
fn is_plain(text: &[u8]) -> bool {
    const TAKEN: [&str; 11] = [
        "null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf",
    ];
    let [first, .., last] = text else {
        return matches!(text, [letter] if letter.is_ascii_alphabetic() && !b"yYnN".contains(letter));
    };
    (first.is_ascii_alphabetic() || matches!(first, b'_' | b'/'))
        && !matches!(last, b' ' | b':')
        && text.windows(2).all(|pair| pair != b": ")
        && text
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_./@+:=- ".contains(byte))
        && !TAKEN
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word.as_bytes()))
}

/// The text, if it has several lines that a literal block holds as they are.
fn literal_lines(text: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(text).ok()?;
    let body = text.strip_suffix('\n').unwrap_or(text);
    let holds = body.contains('\n')
        // Otherwise the header would have to say how far the block is indented, or how many empty lines end it.
        && !body.starts_with([' ', '\n'])
        && !body.ends_with('\n')
        && body.lines().all(|line| !line.ends_with(' '))
        && body
            .chars()
            .all(|character| character == '\n' || is_printable(character));
    holds.then_some(text)
}

fn literal(text: &str, depth: usize, sink: &mut dyn Sink) -> Result<(), Error> {
    let (body, header) = match text.strip_suffix('\n') {
        Some(body) => (body, "|"),
        None => (text, "|-"),
    };
    sink.write(header.as_bytes())?;
    for line in body.split('\n') {
        sink.write(b"\n")?;
        if !line.is_empty() {
            indent(depth.max(1), sink)?;
            sink.write(line.as_bytes())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::samples::{list, number, object, plain, secret, string, unknown};
    use super::*;
    use proptest::prelude::*;

    fn check(value: &Value, expected: &str) {
        let encoded = yaml(value, Redaction::Reveal).unwrap();
        assert_eq!(String::from_utf8_lossy(encoded.text.bytes()), expected);
    }

    #[test]
    fn collections_are_blocks() {
        let value = object([
            ("a", number("1.50")),
            ("empty", object([])),
            (
                "l",
                list([
                    string("x"),
                    list([number("1"), number("2")]),
                    object([("k", plain(Data::Null)), ("m", list([string("y")]))]),
                    list([]),
                ]),
            ),
            (
                "o",
                object([("p", object([("q", plain(Data::Bool(true)))]))]),
            ),
        ]);
        check(
            &value,
            concat!(
                "a: 1.50\nempty: {}\nl:\n  - x\n  - - 1\n    - 2\n",
                "  - k: null\n    m:\n      - \"y\"\n  - []\n",
                "o:\n  p:\n    q: true\n"
            ),
        );
    }

    #[test]
    fn strings_keep_their_type() {
        let cases = [
            ("", "\"\""),
            ("plain", "plain"),
            ("two words", "two words"),
            ("https://example.com/a", "https://example.com/a"),
            ("42", "\"42\""),
            ("1e5", "\"1e5\""),
            ("0x1F", "\"0x1F\""),
            (".5", "\".5\""),
            ("2020-01-01", "\"2020-01-01\""),
            ("Yes", "\"Yes\""),
            ("y", "\"y\""),
            ("x", "x"),
            ("NULL", "\"NULL\""),
            ("~", "\"~\""),
            ("a: b", "\"a: b\""),
            ("a:", "\"a:\""),
            ("a #b", "\"a #b\""),
            (" a", "\" a\""),
            ("a ", "\"a \""),
            ("- a", "\"- a\""),
            ("<<", "\"<<\""),
            ("\"\\\t\u{1}\u{85}\u{2028}é", r#""\"\\\t\x01\x85\u2028é""#),
            ("a\nb", "|-\n  a\n  b"),
            ("a\n\n  b\n", "|\n  a\n\n    b"),
            ("a\n", "\"a\\n\""),
            (" a\nb", "\" a\\nb\""),
            ("a \nb", "\"a \\nb\""),
            ("a\nb\n\n", "\"a\\nb\\n\\n\""),
        ];
        for (text, expected) in cases {
            check(&string(text), &format!("{expected}\n"));
        }
    }

    #[test]
    fn secrets_and_unknowns_have_placeholders() {
        let value = object([("a", secret(string("s"))), ("b", unknown())]);
        let encoded = yaml(&value, Redaction::Redact).unwrap();
        let expected = "a: \"[secret]\"\nb: \"[unknown]\"\n";
        assert_eq!(encoded.text.bytes(), expected.as_bytes());
        assert!(yaml(&value, Redaction::Reveal).unwrap().secret);
    }

    proptest! {
        #[test]
        fn another_reader_reads_it_back(
            key in any::<String>(),
            texts in proptest::collection::vec("([a-zA-Z0-9 :#\n\"'\\\\.-]{0,12}|\\PC{0,6}|.{0,200})", 3),
        ) {
            let [a, b, c] = [&texts[0], &texts[1], &texts[2]];
            let value = object([(&key, list([string(a), object([(b, string(c))])]))]);
            let encoded = yaml(&value, Redaction::Reveal).unwrap();
            let read: serde_json::Value = serde_yaml::from_slice(encoded.text.bytes()).unwrap();
            prop_assert_eq!(read, serde_json::json!({ key: [a, { b: c }] }));
        }
    }
}
