//! Lines for `docker run --env-file`: `NAME=VALUE`, with no quotes and no escapes.

use super::{NOT_UTF_8, Unfit};
use crate::encode::{Error, Sink};

/// Docker reads lines that are shorter than this, in bytes.
const LONGEST_LINE: usize = 64 * 1024;

pub(super) fn check(name: &str, value: &[u8]) -> Result<(), Unfit> {
    if name.starts_with('#') || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the name must be ASCII without blanks, and not begin with `#`");
    }
    if std::str::from_utf8(value).is_err() {
        return Err(NOT_UTF_8);
    }
    if value.contains(&b'\n') {
        return Err("its value has several lines");
    }
    if value.ends_with(b"\r") {
        return Err("its value ends in a carriage return");
    }
    if name.len() + 1 + value.len() + 1 >= LONGEST_LINE {
        return Err("it is longer than 64 KiB");
    }
    Ok(())
}

pub(super) fn write(name: &str, value: &[u8], sink: &mut dyn Sink) -> Result<(), Error> {
    sink.write(name.as_bytes())?;
    sink.write(b"=")?;
    sink.write(value)?;
    sink.write(b"\n")
}
