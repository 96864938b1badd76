//! A file in lines, and in parts of lines where these are longer than any that was written.

use std::io::{self, Read};

use crate::daemon::audit::chain::LONGEST_LINE;

/// A line, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'p> {
    /// What it says, without a line feed.
    pub(super) bytes: &'p [u8],
    /// Whether the line begins with it.
    pub(super) is_begun: bool,
    /// Whether a line feed follows.
    pub(super) is_ended: bool,
}

impl Piece<'_> {
    /// Whether it is a line.
    pub(super) fn is_whole(&self) -> bool {
        self.is_begun && self.is_ended
    }
}

/// Reads a file in pieces.
pub(super) struct Pieces<R> {
    reader: R,
    /// What was read; between `start` and `end` it has not been handed on yet.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Whether the next piece begins a line.
    is_begun: bool,
    has_ended: bool,
}

impl<R: Read> Pieces<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: vec![0; 2 * LONGEST_LINE],
            start: 0,
            end: 0,
            is_begun: true,
            has_ended: false,
        }
    }

    /// The next piece, at the end of the file none.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        let mut searched = 0;
        let (length, is_ended) = loop {
            let held = &self.buffer[self.start..self.end];
            if let Some(at) = held[searched..].iter().position(|byte| *byte == b'\n') {
                break (searched + at, true);
            }
            searched = held.len();
            if self.has_ended || held.len() >= LONGEST_LINE {
                break (held.len(), false);
            }
            self.fill()?;
        };
        if length == 0 && !is_ended {
            return Ok(None);
        }
        let is_begun = std::mem::replace(&mut self.is_begun, is_ended);
        let start = self.start;
        self.start += length + usize::from(is_ended);
        Ok(Some(Piece {
            bytes: &self.buffer[start..start + length],
            is_begun,
            is_ended,
        }))
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        match self.reader.read(&mut self.buffer[self.end..]) {
            Ok(count) => {
                self.end += count;
                self.has_ended = count == 0;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives what it has by one byte more each time.
    struct Slow<'b>(&'b [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            let length = self.1.min(self.0.len()).min(buffer.len());
            let (now, later) = self.0.split_at(length);
            buffer[..length].copy_from_slice(now);
            self.0 = later;
            Ok(length)
        }
    }

    fn pieces(text: &[u8]) -> Vec<(Vec<u8>, bool, bool)> {
        let mut pieces = Pieces::new(Slow(text, 0));
        let mut all = Vec::new();
        while let Some(piece) = pieces.next().expect("read") {
            all.push((piece.bytes.to_vec(), piece.is_begun, piece.is_ended));
        }
        all
    }

    #[test]
    fn lines_are_told_apart() {
        let line = |text: &str| (text.as_bytes().to_vec(), true, true);
        assert_eq!(pieces(b""), []);
        assert_eq!(pieces(b"\n"), [line("")]);
        assert_eq!(pieces(b"a\n\nbcd\n"), [line("a"), line(""), line("bcd")]);
        assert_eq!(pieces(b"a\nb"), [line("a"), (b"b".to_vec(), true, false)]);
    }

    #[test]
    fn long_lines_come_in_parts() {
        let long = vec![b'x'; 5 * LONGEST_LINE];
        let found = pieces(&[&long[..], b"\nshort\n"].concat());
        let (last, parts) = found.split_last().expect("pieces");
        assert_eq!(*last, (b"short".to_vec(), true, true));
        assert!(parts.len() > 2);
        assert!(parts.iter().all(|(_, begun, ended)| !(*begun && *ended)));
        let bytes: usize = parts.iter().map(|(bytes, ..)| bytes.len()).sum();
        assert_eq!(bytes, long.len());
    }
}
