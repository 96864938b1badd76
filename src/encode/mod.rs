//! Values to text, JSON and YAML, and back. Writes to exact-size memory, which is locked where the text is secret;
//! knows nothing of where the text goes.

mod decode_json;
mod decode_yaml;
mod hex;
mod json;
mod quote;
mod sink;
mod text;
mod yaml;

use std::fmt;

pub use decode_json::{decode_json, decode_whole_json};
pub use decode_yaml::decode_yaml;
pub use hex::{hex_digits, hexadecimal};
pub use json::{json, json_pretty, json_string, write_json};
pub use quote::quote;
pub use sink::{Part, Sink, build};
pub use text::text;
pub use yaml::yaml;

use crate::secret::REDACTED;
use crate::value::{Data, Text, Value};

/// The longest text that is made, in bytes. References share values, so a small definition can describe a text of
/// any length (`b: [${a}, ${a}]`, `c: [${b}, ${b}]`, …); the limit stops it before memory does.
pub const LONGEST: usize = 16 * 1024 * 1024;

/// The deepest nesting of values that is written or read.
pub const DEEPEST: usize = 1000;

/// What stands for a value that is not known.
pub const UNKNOWN: &str = "[unknown]";

/// Whether secrets are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redaction {
    /// Secrets are written as [`REDACTED`].
    Redact,
    /// Secrets are written as they are.
    Reveal,
}

/// A text that was made, and what went into it.
#[derive(Clone)]
pub struct Encoded {
    /// The text; in locked memory if it is secret.
    pub text: Text,
    /// Whether it shows a secret. Never so for redacted text.
    pub secret: bool,
    /// Whether it shows [`UNKNOWN`] in place of a value.
    pub unknown: bool,
}

/// Why there is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// It would be longer than [`LONGEST`].
    TooLong,
    /// The value is nested deeper than [`DEEPEST`].
    TooDeep,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::TooLong => write!(f, "text is longer than {} MiB", LONGEST / (1024 * 1024)),
            Error::TooDeep => write!(f, "value is nested more than {DEEPEST} levels deep"),
        }
    }
}

impl std::error::Error for Error {}

/// What is written in place of a value.
enum Shown<'v> {
    /// A placeholder.
    Placeholder(&'static str),
    /// The value itself.
    Data(&'v Data),
}

/// Decides what is written for `value`, and notes in `sink` what that makes of the text.
fn show<'v>(value: &'v Value, redaction: Redaction, sink: &mut dyn Sink) -> Shown<'v> {
    if value.secret {
        if redaction == Redaction::Redact {
            return Shown::Placeholder(REDACTED);
        }
        sink.note(Part::Secret);
    }
    if value.is_unknown() {
        sink.note(Part::Unknown);
        return Shown::Placeholder(UNKNOWN);
    }
    Shown::Data(&value.data)
}

/// The depth one level down.
fn deeper(depth: usize) -> Result<usize, Error> {
    if depth < DEEPEST {
        Ok(depth + 1)
    } else {
        Err(Error::TooDeep)
    }
}

#[cfg(test)]
pub(crate) mod samples;
