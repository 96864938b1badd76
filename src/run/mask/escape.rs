//! Escapes of bytes in URLs and in JSON.

use std::array;
use std::iter::Take;

use crate::encode::hex_digits;

/// What one byte or character becomes: `\uXXXX` twice is the longest.
const LONGEST: usize = 12;

/// Some bytes.
pub(super) type Escaped = Take<array::IntoIter<u8, LONGEST>>;

fn escaped(bytes: &[u8]) -> Escaped {
    let mut padded = [0; LONGEST];
    padded[..bytes.len()].copy_from_slice(bytes);
    padded.into_iter().take(bytes.len())
}

/// The case of hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// `0-9a-f`.
    Lower,
    /// `0-9A-F`.
    Upper,
}

impl Case {
    /// Two digits for a byte.
    pub(super) fn hex(self, byte: u8) -> [u8; 2] {
        let digits = hex_digits(byte);
        match self {
            Self::Lower => digits,
            Self::Upper => digits.map(|digit| digit.to_ascii_uppercase()),
        }
    }
}

/// Which bytes a URL takes as they are, besides letters and digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UrlSet {
    /// RFC 3986, unreserved characters.
    Unreserved,
    /// The same and `/`, as of a path.
    Path,
    /// ECMAScript, `encodeURIComponent`.
    Component,
    /// The URL standard of the WHATWG, `application/x-www-form-urlencoded`.
    Form,
}

/// How a URL is escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UrlStyle {
    /// What stays.
    pub(super) set: UrlSet,
    /// Whether a space is `+` rather than `%20`.
    pub(super) plus: bool,
    /// The case of the digits.
    pub(super) case: Case,
}

impl UrlStyle {
    /// What `byte` becomes.
    pub(super) fn escape(self, byte: u8) -> Escaped {
        let others: &[u8] = match self.set {
            UrlSet::Unreserved => b"-._~",
            UrlSet::Path => b"-._~/",
            UrlSet::Component => b"-_.!~*'()",
            UrlSet::Form => b"*-._",
        };
        if byte.is_ascii_alphanumeric() || others.contains(&byte) {
            escaped(&[byte])
        } else if byte == b' ' && self.plus {
            escaped(b"+")
        } else {
            let [high, low] = self.case.hex(byte);
            escaped(&[b'%', high, low])
        }
    }
}

/// How characters are written that JSON (RFC 8259, section 7) lets a writer escape or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JsonStyle {
    /// Whether what is not ASCII is escaped.
    pub(super) ascii: bool,
    /// Whether `/` is escaped.
    pub(super) slash: bool,
    /// Whether `<`, `>`, `&` and the line separators U+2028 and U+2029 are escaped, for the sake of HTML.
    pub(super) html: bool,
    /// The case of the digits of `\uXXXX`.
    pub(super) case: Case,
}

impl JsonStyle {
    /// What `text` becomes. What is no UTF-8 in it stays as it is.
    pub(super) fn escape(self, text: &[u8]) -> impl Iterator<Item = u8> + use<'_> {
        text.utf8_chunks().flat_map(move |chunk| {
            let valid = chunk.valid().chars();
            let invalid = chunk.invalid().iter().copied();
            valid
                .flat_map(move |character| self.character(character))
                .chain(invalid)
        })
    }

    fn character(self, character: char) -> Escaped {
        match character {
            '"' => escaped(br#"\""#),
            '\\' => escaped(br"\\"),
            '\n' => escaped(br"\n"),
            '\r' => escaped(br"\r"),
            '\t' => escaped(br"\t"),
            '\u{8}' => escaped(br"\b"),
            '\u{c}' => escaped(br"\f"),
            '/' if self.slash => escaped(br"\/"),
            _ if self.must_be_numbered(character) => self.numbered(character),
            _ => {
                let mut buffer = [0; 4];
                escaped(character.encode_utf8(&mut buffer).as_bytes())
            }
        }
    }

    fn must_be_numbered(self, character: char) -> bool {
        character < ' '
            || (self.ascii && !character.is_ascii())
            || (self.html && matches!(character, '<' | '>' | '&' | '\u{2028}' | '\u{2029}'))
    }

    /// `\uXXXX` for each UTF-16 unit.
    fn numbered(self, character: char) -> Escaped {
        let mut units = [0; 2];
        let units = character.encode_utf16(&mut units);
        let mut text = [0; LONGEST];
        for (unit, place) in units.iter().zip(text.chunks_exact_mut(6)) {
            let [high, low] = unit.to_be_bytes().map(|byte| self.case.hex(byte));
            place.copy_from_slice(&[b'\\', b'u', high[0], high[1], low[0], low[1]]);
        }
        escaped(&text[..6 * units.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_escaped_by_their_set() {
        let text = "a b/~!*é";
        for (set, plus, case, expected) in [
            (
                UrlSet::Unreserved,
                false,
                Case::Upper,
                "a%20b%2F~%21%2A%C3%A9",
            ),
            (UrlSet::Unreserved, true, Case::Lower, "a+b%2f~%21%2a%c3%a9"),
            (UrlSet::Path, false, Case::Upper, "a%20b/~%21%2A%C3%A9"),
            (UrlSet::Component, false, Case::Upper, "a%20b%2F~!*%C3%A9"),
            (UrlSet::Form, true, Case::Upper, "a+b%2F%7E%21*%C3%A9"),
        ] {
            let style = UrlStyle { set, plus, case };
            let written: Vec<u8> = text.bytes().flat_map(|byte| style.escape(byte)).collect();
            assert_eq!(String::from_utf8_lossy(&written), expected);
        }
    }

    #[test]
    fn json_is_escaped_by_its_style() {
        let text = "a\"\\/\n\u{1b}<é😀\u{2028}";
        for (ascii, slash, html, case, expected) in [
            (
                false,
                false,
                false,
                Case::Lower,
                "a\\\"\\\\/\\n\\u001b<é😀\u{2028}",
            ),
            (
                false,
                false,
                true,
                Case::Lower,
                "a\\\"\\\\/\\n\\u001b\\u003cé😀\\u2028",
            ),
            (
                true,
                true,
                false,
                Case::Upper,
                "a\\\"\\\\\\/\\n\\u001B<\\u00E9\\uD83D\\uDE00\\u2028",
            ),
        ] {
            let style = JsonStyle {
                ascii,
                slash,
                html,
                case,
            };
            let written: Vec<u8> = style.escape(text.as_bytes()).collect();
            assert_eq!(String::from_utf8_lossy(&written), expected);
            let read: String = serde_json::from_str(&format!("\"{expected}\"")).expect("JSON");
            assert_eq!(read, text);
        }
    }

    #[test]
    fn what_is_no_text_stays() {
        let style = JsonStyle {
            ascii: true,
            slash: false,
            html: false,
            case: Case::Lower,
        };
        let written: Vec<u8> = style.escape(b"\xff\n\xc3").collect();
        assert_eq!(written, b"\xff\\n\xc3");
    }
}
