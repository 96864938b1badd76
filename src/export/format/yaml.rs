//! A YAML mapping of strings.

use super::{NOT_UTF_8, Unfit};
use crate::encode::{self, Encoded, Error, Redaction};
use crate::export::Variables;

pub(super) fn check(_name: &str, value: &[u8]) -> Result<(), Unfit> {
    match std::str::from_utf8(value) {
        Ok(_) => Ok(()),
        Err(_) => Err(NOT_UTF_8),
    }
}

pub(super) fn write(variables: &Variables, redaction: Redaction) -> Result<Encoded, Error> {
    match variables.to_value() {
        None => encode::build(|sink| sink.write(b"{}\n")),
        Some(value) => encode::yaml(&value, redaction),
    }
}
