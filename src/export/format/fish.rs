//! Commands that fish evaluates: `… | source`.

use super::{BAD_NAME, Unfit, single_quoted};
use crate::encode::{Error, Sink};
use crate::export::name::is_portable;

/// Names that fish does not let anyone assign, or does not keep (fish documentation, "Special variables").
const SPECIAL: &[&str] = &[
    "COLUMNS",
    "CMD_DURATION",
    "FISH_VERSION",
    "LINES",
    "PWD",
    "SHLVL",
    "_",
    "argv",
    "fish_kill_signal",
    "fish_killring",
    "fish_pid",
    "fish_private_mode",
    "history",
    "hostname",
    "pipestatus",
    "status",
    "status_generation",
    "umask",
    "version",
];

pub(super) fn check(name: &str, _value: &[u8]) -> Result<(), Unfit> {
    if !is_portable(name) {
        return Err(BAD_NAME);
    }
    if SPECIAL.contains(&name) {
        return Err("fish keeps this name for itself");
    }
    Ok(())
}

pub(super) fn write(name: &str, value: &[u8], sink: &mut dyn Sink) -> Result<(), Error> {
    sink.write(b"set -gx ")?;
    sink.write(name.as_bytes())?;
    sink.write(b" ")?;
    // fish documentation, "Quotes": in single quotes, `\'` and `\\` are the only escapes.
    let special = |byte| match byte {
        b'\'' => Some("\\'"),
        b'\\' => Some("\\\\"),
        _ => None,
    };
    single_quoted(value, special, sink)?;
    sink.write(b"\n")
}
