//! Texts of others within a line: they stay within their quotation marks, show on any terminal as what they are, and are
//! cut off where they are longer than they have reason to be.

use std::io::Write as _;

use crate::quote::is_printable;

/// Stands for the rest of a text that was cut off.
const MORE: &str = "…";

/// Writes `text` as a JSON string (RFC 8259, section 7) of at most about `limit` bytes. What is not UTF-8 or not
/// printable is replaced or escaped.
pub(super) fn string(line: &mut Vec<u8>, text: &[u8], limit: usize) {
    line.push(b'"');
    let end = line.len() + limit;
    // As far as it can be copied, which is nearly always all.
    let (plain, rest) = text.split_at(plain(text).min(limit));
    line.extend_from_slice(plain);
    for chunk in rest.utf8_chunks() {
        let replaced = (!chunk.invalid().is_empty()).then_some(char::REPLACEMENT_CHARACTER);
        for character in chunk.valid().chars().chain(replaced) {
            if line.len() >= end {
                line.extend(MORE.bytes());
                line.push(b'"');
                return;
            }
            write(line, character);
        }
    }
    line.push(b'"');
}

/// How many bytes at the start of a text stand for themselves.
fn plain(text: &[u8]) -> usize {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    let special = text.iter().position(|byte| !is_plain(byte));
    special.unwrap_or(text.len())
}

fn write(line: &mut Vec<u8>, character: char) {
    match character {
        '"' | '\\' => line.extend([b'\\', character as u8]),
        ' '..='~' => line.push(character as u8),
        _ if is_printable(character) => {
            line.extend(character.encode_utf8(&mut [0; 4]).bytes());
        }
        _ => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // A Vec takes all.
                let _ = write!(line, "\\u{unit:04x}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &[u8], limit: usize) -> String {
        let mut line = Vec::new();
        string(&mut line, text, limit);
        String::from_utf8(line).expect("UTF-8")
    }

    #[test]
    fn texts_stay_within_their_quotation_marks() {
        for (text, expected) in [
            (&b""[..], r#""""#),
            (b"plain text", r#""plain text""#),
            (
                br#"","decision":"allowed"#,
                r#""\",\"decision\":\"allowed""#,
            ),
            (b"\\\n\r\0\x1b[2J", r#""\\\u000a\u000d\u0000\u001b[2J""#),
            ("é漢🦀".as_bytes(), "\"é漢🦀\""),
            (
                "a\u{202e}b\u{2028}\u{85}".as_bytes(),
                r#""a\u202eb\u2028\u0085""#,
            ),
            ("\u{e0001}".as_bytes(), r#""\udb40\udc01""#),
            (b"a\xffb\xc3", "\"a\u{fffd}b\u{fffd}\""),
        ] {
            let written = written(text, 100);
            assert_eq!(written, expected);
            let read: String = serde_json::from_str(&written).expect("JSON");
            assert_eq!(read, String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn long_texts_are_cut_off() {
        assert_eq!(written(b"abcdef", 6), "\"abcdef\"");
        assert_eq!(written(b"abcdef", 5), "\"abcde…\"");
        for text in [
            "\0".repeat(1000),
            "漢".repeat(1000),
            "\u{e0001}".repeat(1000),
        ] {
            let written = written(text.as_bytes(), 100);
            assert!(written.len() < 120, "{written}");
            serde_json::from_str::<String>(&written).expect("JSON");
        }
    }
}
