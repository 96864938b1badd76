//! `NAME=VALUE` entries, each closed by a NUL byte: what `env -0` prints and `/proc/PID/environ` holds. A value can be
//! anything that a process can be given, so there is nothing to quote.

use super::Unfit;
use crate::encode::{Error, Sink};

pub(super) fn check(name: &str, value: &[u8]) -> Result<(), Unfit> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err("the name is empty, or contains `=` or NUL");
    }
    if value.contains(&0) {
        return Err("its value contains NUL");
    }
    Ok(())
}

pub(super) fn write(name: &str, value: &[u8], sink: &mut dyn Sink) -> Result<(), Error> {
    for piece in [name.as_bytes(), b"=", value, b"\0"] {
        sink.write(piece)?;
    }
    Ok(())
}
