//! Text in two passes: the first measures, the second writes into memory of exactly that size, so that no secret is
//! left behind in a buffer that grew.

use std::sync::Arc;

use super::{Encoded, Error, LONGEST};
use crate::secret::Secret;
use crate::value::Text;

/// Something that a text is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Bytes of a secret.
    Secret,
    /// The placeholder of an unknown.
    Unknown,
}

/// Takes the pieces of a text, in order. A piece never ends within a character, unless the character is broken anyway.
pub trait Sink {
    /// Appends a piece.
    ///
    /// # Errors
    /// [`Error::TooLong`].
    fn write(&mut self, piece: &[u8]) -> Result<(), Error>;

    /// Hears what the text is made of.
    fn note(&mut self, part: Part);
}

/// Makes a text of what `write` writes. It is called twice and must write the same both times.
///
/// # Errors
/// Those of `write`.
pub fn build(write: impl Fn(&mut dyn Sink) -> Result<(), Error>) -> Result<Encoded, Error> {
    let mut measure = Measure::default();
    write(&mut measure)?;
    let length = measure.length;
    let text = if measure.secret {
        Text::secret(Secret::try_fill(length, |buffer| {
            let mut fill = Fill { buffer, used: 0 };
            write(&mut fill)?;
            Ok(fill.used)
        })?)
    } else {
        let mut buffer = vec![0; length];
        let mut fill = Fill {
            buffer: &mut buffer,
            used: 0,
        };
        write(&mut fill)?;
        Text::Plain(Arc::from(buffer))
    };
    Ok(Encoded {
        text,
        secret: measure.secret,
        unknown: measure.unknown,
    })
}

/// The first pass.
#[derive(Default)]
struct Measure {
    length: usize,
    secret: bool,
    unknown: bool,
}

impl Sink for Measure {
    fn write(&mut self, piece: &[u8]) -> Result<(), Error> {
        if piece.len() > LONGEST - self.length {
            return Err(Error::TooLong);
        }
        self.length += piece.len();
        Ok(())
    }

    fn note(&mut self, part: Part) {
        match part {
            Part::Secret => self.secret = true,
            Part::Unknown => self.unknown = true,
        }
    }
}

/// The second pass.
struct Fill<'b> {
    buffer: &'b mut [u8],
    used: usize,
}

impl Sink for Fill<'_> {
    fn write(&mut self, piece: &[u8]) -> Result<(), Error> {
        let end = self.used + piece.len();
        let room = self.buffer.get_mut(self.used..end);
        room.ok_or(Error::TooLong)?.copy_from_slice(piece);
        self.used = end;
        Ok(())
    }

    fn note(&mut self, _part: Part) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_text_lies_in_locked_memory() {
        let write = |sink: &mut dyn Sink| {
            sink.note(Part::Secret);
            sink.write(b"a")?;
            sink.write(b"bc")
        };
        let built = build(write).unwrap();
        assert!(built.secret && matches!(built.text, Text::Secret(_)));
        assert_eq!(built.text.bytes(), b"abc");
    }

    #[test]
    fn plain_text_does_not() {
        let built = build(|sink| sink.write(b"abc")).unwrap();
        assert!(!built.secret && matches!(built.text, Text::Plain(_)));
    }

    #[test]
    fn a_text_that_is_too_long_is_never_allocated() {
        let megabyte = vec![0; 1024 * 1024];
        let endless = |sink: &mut dyn Sink| {
            loop {
                sink.write(&megabyte)?;
            }
        };
        assert_eq!(build(endless).err(), Some(Error::TooLong));
    }
}
