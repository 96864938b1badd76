//! Entries for the file that `GITHUB_ENV` names in a workflow, each between delimiters. The delimiter is not drawn at random:
//! the value is at hand, so it is certain that no line of it is the delimiter, and the output can be compared.

use super::{BAD_NAME, NOT_UTF_8, Unfit};
use crate::encode::{Error, Sink};
use crate::export::name::is_portable;

pub(super) fn check(name: &str, value: &[u8]) -> Result<(), Unfit> {
    if !is_portable(name) {
        return Err(BAD_NAME);
    }
    let upper = name.to_ascii_uppercase();
    if upper.starts_with("GITHUB_") || upper.starts_with("RUNNER_") || upper == "NODE_OPTIONS" {
        return Err("workflows cannot set this name");
    }
    if std::str::from_utf8(value).is_err() {
        return Err(NOT_UTF_8);
    }
    // A runner on Windows takes CR LF for the end of a line.
    if value.ends_with(b"\r") {
        return Err("its value ends in a carriage return");
    }
    Ok(())
}

pub(super) fn write(name: &str, value: &[u8], sink: &mut dyn Sink) -> Result<(), Error> {
    let delimiter = delimiter(value);
    sink.write(name.as_bytes())?;
    sink.write(b"<<")?;
    sink.write(delimiter.as_bytes())?;
    sink.write(b"\n")?;
    sink.write(value)?;
    sink.write(b"\n")?;
    sink.write(delimiter.as_bytes())?;
    sink.write(b"\n")
}

/// The first of `EOF`, `EOF_1`, `EOF_2`, … that is no line of `value`.
fn delimiter(value: &[u8]) -> String {
    let lines: Vec<&[u8]> = value
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| line.starts_with(b"EOF"))
        .collect();
    // One more than there are lines is enough.
    (0..=lines.len())
        .map(|number| match number {
            0 => "EOF".to_owned(),
            _ => format!("EOF_{number}"),
        })
        .find(|delimiter| !lines.contains(&delimiter.as_bytes()))
        .expect("there are more delimiters than lines")
}
