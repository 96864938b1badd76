//! Double-quoting by the rules that interpolated lists and objects follow (language specification, section 3.9).

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use super::{Error, Part, Sink};

/// Writes what `write` writes, in double quotes.
///
/// # Errors
/// Those of `write`.
pub fn quote(
    sink: &mut dyn Sink,
    write: impl FnOnce(&mut dyn Sink) -> Result<(), Error>,
) -> Result<(), Error> {
    sink.write(b"\"")?;
    write(&mut Escaping { sink })?;
    sink.write(b"\"")
}

/// Whether a character stands for itself: letters, marks, numbers, punctuation, symbols and the ASCII space do.
pub fn is_printable(character: char) -> bool {
    match character {
        ' '..='~' => true,
        '\0'..='\u{9f}' => false,
        _ => matches!(
            character.general_category_group(),
            GeneralCategoryGroup::Letter
                | GeneralCategoryGroup::Mark
                | GeneralCategoryGroup::Number
                | GeneralCategoryGroup::Punctuation
                | GeneralCategoryGroup::Symbol
        ),
    }
}

/// Escapes what passes through.
struct Escaping<'s> {
    sink: &'s mut dyn Sink,
}

impl Sink for Escaping<'_> {
    fn write(&mut self, piece: &[u8]) -> Result<(), Error> {
        for chunk in piece.utf8_chunks() {
            self.write_valid(chunk.valid())?;
            for byte in chunk.invalid() {
                self.sink.write(format!("\\x{byte:02x}").as_bytes())?;
            }
        }
        Ok(())
    }

    fn note(&mut self, part: Part) {
        self.sink.note(part);
    }
}

impl Escaping<'_> {
    /// Writes runs of printable characters as they are, and escapes what stands between them.
    fn write_valid(&mut self, text: &str) -> Result<(), Error> {
        let mut run = 0;
        for (at, character) in text.char_indices() {
            if is_printable(character) && !matches!(character, '"' | '\\') {
                continue;
            }
            self.sink.write(&text.as_bytes()[run..at])?;
            self.write_escape(character)?;
            run = at + character.len_utf8();
        }
        self.sink.write(&text.as_bytes()[run..])
    }

    fn write_escape(&mut self, character: char) -> Result<(), Error> {
        let name: &[u8] = match character {
            '"' => b"\\\"",
            '\\' => b"\\\\",
            '\u{7}' => b"\\a",
            '\u{8}' => b"\\b",
            '\u{c}' => b"\\f",
            '\n' => b"\\n",
            '\r' => b"\\r",
            '\t' => b"\\t",
            '\u{b}' => b"\\v",
            _ => {
                let code = u32::from(character);
                let escape = match code {
                    0..=0x7f => format!("\\x{code:02x}"),
                    0x80..=0xffff => format!("\\u{code:04x}"),
                    _ => format!("\\U{code:08x}"),
                };
                return self.sink.write(escape.as_bytes());
            }
        };
        self.sink.write(name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::build;
    use super::*;

    #[test]
    fn quotes_by_the_table() {
        let cases: [(&[u8], &str); 12] = [
            (b"", r#""""#),
            (b"plain text", r#""plain text""#),
            (b"\"\\", r#""\"\\""#),
            (
                b"\x07\x08\x0c\n\r\t\x0b\x00\x1f\x7f",
                r#""\a\b\f\n\r\t\v\x00\x1f\x7f""#,
            ),
            ("é漢🦀".as_bytes(), "\"é漢🦀\""),
            ("\u{80}\u{a0}".as_bytes(), r#""\u0080\u00a0""#),
            (
                "\u{2028}\u{200b}\u{3000}".as_bytes(),
                r#""\u2028\u200b\u3000""#,
            ),
            ("e\u{301}".as_bytes(), "\"e\u{301}\""),
            ("\u{e000}\u{10ffff}".as_bytes(), r#""\ue000\U0010ffff""#),
            (b"a\xffb\xc3", r#""a\xffb\xc3""#),
            (b"\xe2\x82", r#""\xe2\x82""#),
            ("\u{fffd}".as_bytes(), "\"\u{fffd}\""),
        ];
        for (text, quoted) in cases {
            let built = build(|sink| quote(sink, |sink| sink.write(text))).unwrap();
            assert_eq!(String::from_utf8_lossy(built.text.bytes()), quoted);
        }
    }
}
