//! Assignments by the rules of `node --env-file`, found by experiment: a value stands in single quotes, backquotes or double
//! quotes, over several lines if need be, and ends at the next quote of its kind. There are no escapes, except that `\n`
//! in double quotes is a line feed. Other readers of such files agree on most values, but not on all.

use super::{NOT_UTF_8, Unfit};
use crate::encode::{Error, Sink};

pub(super) fn check(name: &str, value: &[u8]) -> Result<(), Unfit> {
    let named = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if !named {
        return Err(
            "the name must be letters, digits, `_`, `.` and `-`, with a letter or `_` first",
        );
    }
    if std::str::from_utf8(value).is_err() {
        return Err(NOT_UTF_8);
    }
    if value.contains(&b'\r') {
        return Err("its value contains a carriage return, which readers drop");
    }
    if !is_bare(value) && quote(value).is_none() {
        return Err("its value contains all three kinds of quotes");
    }
    Ok(())
}

pub(super) fn write(name: &str, value: &[u8], sink: &mut dyn Sink) -> Result<(), Error> {
    sink.write(name.as_bytes())?;
    sink.write(b"=")?;
    match quote(value) {
        Some(quote) if !is_bare(value) => {
            sink.write(&[quote])?;
            sink.write(value)?;
            sink.write(&[quote])?;
        }
        _ => sink.write(value)?,
    }
    sink.write(b"\n")
}

/// Whether a value can do without quotes, in the eyes of every reader.
fn is_bare(value: &[u8]) -> bool {
    value
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_./:@%+,-".contains(byte))
}

/// The quote that a value can stand in.
fn quote(value: &[u8]) -> Option<u8> {
    let escapes = value.windows(2).any(|pair| pair == b"\\n");
    [b'\'', b'"', b'`']
        .into_iter()
        .filter(|quote| *quote != b'"' || !escapes)
        .find(|quote| !value.contains(quote))
}
