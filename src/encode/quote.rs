//! Double-quoting within a text that is being made (specification, 3.9).

use super::{Error, Part, Sink};
use crate::quote::escape;

/// Writes what `write` writes, in double quotes.
///
/// # Errors
/// Those of `write`.
pub fn quote(
    sink: &mut dyn Sink,
    write: impl FnOnce(&mut dyn Sink) -> Result<(), Error>,
) -> Result<(), Error> {
    sink.write(b"\"")?;
    write(&mut Escaping { sink })?;
    sink.write(b"\"")
}

/// Escapes what passes through.
struct Escaping<'s> {
    sink: &'s mut dyn Sink,
}

impl Sink for Escaping<'_> {
    fn write(&mut self, piece: &[u8]) -> Result<(), Error> {
        escape(piece, &mut |piece| self.sink.write(piece))
    }

    fn note(&mut self, part: Part) {
        self.sink.note(part);
    }
}
