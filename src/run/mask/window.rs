//! The part of a stream that is at hand.

use std::ops::Range;

use crate::sys::memory::Locked;
use crate::sys::wipe::wipe;

/// How much is taken in at once, in bytes: as much as a pipe holds by default (pipe(7)).
pub(super) const CHUNK: usize = 64 * 1024;

/// Bytes of a stream in locked memory, named by their positions in the stream. What is let go is wiped.
pub(super) struct Window {
    buffer: Locked,
    /// The position of the first byte of the buffer.
    base: u64,
    /// What is kept, in the buffer.
    kept: Range<usize>,
}

impl Window {
    /// For keeping up to `most` bytes.
    pub(super) fn new(most: usize) -> Self {
        Self {
            // Twice, so that what is kept is not moved before as much has come as is moved.
            buffer: Locked::filled(2 * most + CHUNK, |_| {}),
            base: 0,
            kept: 0..0,
        }
    }

    /// Where new bytes go, [`CHUNK`] of them.
    pub(super) fn room(&mut self) -> &mut [u8] {
        let buffer = self.buffer.as_mut_slice();
        if buffer.len() - self.kept.end < CHUNK || self.kept.is_empty() {
            buffer.copy_within(self.kept.clone(), 0);
            wipe(&mut buffer[self.kept.len().max(self.kept.start)..self.kept.end]);
            self.base += self.kept.start as u64;
            self.kept = 0..self.kept.len();
        }
        &mut buffer[self.kept.end..][..CHUNK]
    }

    /// Takes the first `count` bytes of the room in.
    pub(super) fn extend(&mut self, count: usize) {
        self.kept.end += count;
        assert!(
            self.kept.end <= self.buffer.as_slice().len(),
            "only the room is filled"
        );
    }

    /// The position of the first byte that is kept.
    pub(super) fn start(&self) -> u64 {
        self.base + self.kept.start as u64
    }

    /// The position behind the last byte.
    pub(super) fn end(&self) -> u64 {
        self.base + self.kept.end as u64
    }

    /// The bytes at these positions.
    pub(super) fn bytes(&self, positions: Range<u64>) -> &[u8] {
        &self.buffer.as_slice()[self.index(positions.start)..self.index(positions.end)]
    }

    /// Lets go of what stands before `position`.
    pub(super) fn let_go(&mut self, position: u64) {
        let start = self.index(position);
        wipe(&mut self.buffer.as_mut_slice()[self.kept.start..start]);
        self.kept.start = start;
    }

    fn index(&self, position: u64) -> usize {
        usize::try_from(position - self.base).expect("only what is kept is asked for")
    }
}
