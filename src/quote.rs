//! Double-quoting by the rules that messages and interpolated lists and objects follow (specification, 3.9).

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// A key or name in double quotes, for messages.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    let result: Result<(), std::convert::Infallible> = escape(text.as_bytes(), &mut |piece| {
        quoted.push_str(&String::from_utf8_lossy(piece));
        Ok(())
    });
    let Ok(()) = result;
    quoted.push('"');
    quoted
}

/// Hands `text` to `write` in pieces: printable characters as they are, the others and quotes and backslashes escaped.
///
/// # Errors
/// Those of `write`.
pub fn escape<E>(text: &[u8], write: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    for chunk in text.utf8_chunks() {
        escape_valid(chunk.valid(), write)?;
        for byte in chunk.invalid() {
            write(format!("\\x{byte:02x}").as_bytes())?;
        }
    }
    Ok(())
}

/// Writes runs of printable characters as they are, and escapes what stands between them.
fn escape_valid<E>(text: &str, write: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let mut run = 0;
    for (at, character) in text.char_indices() {
        if is_printable(character) && !matches!(character, '"' | '\\') {
            continue;
        }
        write(&text.as_bytes()[run..at])?;
        escape_character(character, write)?;
        run = at + character.len_utf8();
    }
    write(&text.as_bytes()[run..])
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

fn escape_character<E>(
    character: char,
    write: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
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
            return write(escape.as_bytes());
        }
    };
    write(name)
}

#[cfg(test)]
mod tests {
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
        for (text, expected) in cases {
            let mut quoted = b"\"".to_vec();
            let _: Result<(), ()> = escape(text, &mut |piece| {
                quoted.extend_from_slice(piece);
                Ok(())
            });
            quoted.push(b'"');
            assert_eq!(String::from_utf8_lossy(&quoted), expected);
        }
    }
}
