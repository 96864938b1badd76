//! Assignments for `EnvironmentFile=` (systemd.exec(5)), in double quotes.

use super::{BAD_NAME, NOT_UTF_8, Unfit, escaped};
use crate::encode::{Error, Sink};
use crate::export::name::is_portable;

pub(super) fn check(name: &str, value: &[u8]) -> Result<(), Unfit> {
    if !is_portable(name) {
        return Err(BAD_NAME);
    }
    let text = std::str::from_utf8(value).map_err(|_| NOT_UTF_8)?;
    // Before its version 249, systemd leaves such an assignment out and starts the unit without it.
    if text
        .chars()
        .any(|character| character.is_ascii_control() && !matches!(character, '\t' | '\n'))
    {
        return Err("its value contains a control character");
    }
    if text.chars().any(is_noncharacter) {
        return Err("its value contains a code point that is no character");
    }
    Ok(())
}

pub(super) fn write(name: &str, value: &[u8], sink: &mut dyn Sink) -> Result<(), Error> {
    sink.write(name.as_bytes())?;
    sink.write(b"=\"")?;
    let special = |byte| match byte {
        b'"' => Some("\\\""),
        b'\\' => Some("\\\\"),
        b'$' => Some("\\$"),
        b'`' => Some("\\`"),
        _ => None,
    };
    escaped(value, special, sink)?;
    sink.write(b"\"\n")
}

/// Whether systemd takes a code point for broken UTF-8, though it is not.
fn is_noncharacter(character: char) -> bool {
    let code = u32::from(character);
    (0xfdd0..=0xfdef).contains(&code) || code & 0xfffe == 0xfffe
}
