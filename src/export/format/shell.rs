//! Commands that a POSIX shell evaluates: `eval "$(…)"` or `. FILE`.

use super::{BAD_NAME, Unfit, single_quoted};
use crate::encode::{Error, Sink};
use crate::export::name::is_portable;

/// Names that bash(1) does not let anyone assign, or does not keep.
const SPECIAL: &[&str] = &[
    "BASHOPTS",
    "BASHPID",
    "BASH_ALIASES",
    "BASH_ARGC",
    "BASH_ARGV",
    "BASH_ARGV0",
    "BASH_CMDS",
    "BASH_COMMAND",
    "BASH_LINENO",
    "BASH_SOURCE",
    "BASH_SUBSHELL",
    "BASH_VERSINFO",
    "COMP_WORDBREAKS",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HISTCMD",
    "LINENO",
    "PIPESTATUS",
    "PPID",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "SRANDOM",
    "UID",
    "_",
];

pub(super) fn check(name: &str, _value: &[u8]) -> Result<(), Unfit> {
    if !is_portable(name) {
        return Err(BAD_NAME);
    }
    if SPECIAL.contains(&name) {
        return Err("shells keep this name for themselves");
    }
    Ok(())
}

pub(super) fn write(name: &str, value: &[u8], sink: &mut dyn Sink) -> Result<(), Error> {
    sink.write(b"export ")?;
    sink.write(name.as_bytes())?;
    sink.write(b"=")?;
    // POSIX.1-2024, XCU 2.2.2: nothing but the quote itself is special in single quotes.
    let special = |byte| (byte == b'\'').then_some("'\\''");
    single_quoted(value, special, sink)?;
    sink.write(b"\n")
}
