//! The escapes of JSON strings.

use crate::encode::{Error, Sink};

/// Undoes the escapes of a string that the reader has accepted. Broken UTF-8 and lone surrogates become U+FFFD.
pub(super) fn unescape(raw: &[u8], sink: &mut dyn Sink) -> Result<(), Error> {
    let mut rest = raw;
    while !rest.is_empty() {
        let run = rest.iter().position(|&byte| byte == b'\\');
        let (plain, escaped) = rest.split_at(run.unwrap_or(rest.len()));
        for chunk in plain.utf8_chunks() {
            sink.write(chunk.valid().as_bytes())?;
            for _ in chunk.invalid() {
                sink.write("\u{fffd}".as_bytes())?;
            }
        }
        rest = match escaped {
            [_, b'u', digits @ ..] => {
                let (character, behind) = unicode_escape(digits);
                sink.write(character.encode_utf8(&mut [0; 4]).as_bytes())?;
                behind
            }
            [_, letter, behind @ ..] => {
                let byte = match letter {
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    other => *other,
                };
                sink.write(&[byte])?;
                behind
            }
            _ => &[],
        };
    }
    Ok(())
}

/// Reads `XXXX`, and `\uXXXX` behind it where the two are a surrogate pair. Gives what follows, too.
fn unicode_escape(digits: &[u8]) -> (char, &[u8]) {
    let (first, behind) = code_unit(digits);
    if let (0xd800..=0xdbff, [b'\\', b'u', digits @ ..]) = (first, behind) {
        let (second, behind) = code_unit(digits);
        if (0xdc00..=0xdfff).contains(&second) {
            let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return (
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
                behind,
            );
        }
    }
    (
        char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER),
        behind,
    )
}

fn code_unit(digits: &[u8]) -> (u32, &[u8]) {
    let (digits, behind) = digits.split_at(digits.len().min(4));
    let unit = digits.iter().fold(0, |unit, &digit| unit << 4 | hex(digit));
    (unit, behind)
}

fn hex(digit: u8) -> u32 {
    char::from(digit).to_digit(16).unwrap_or(0)
}
