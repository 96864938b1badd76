//! What is no line, until a line of the daemon tells of it.

use sha2::{Digest as _, Sha256};

use super::Told;
use super::pieces::Piece;
use crate::daemon::audit::chain::Digest;

/// Bytes that are no line.
pub(super) struct Pending {
    /// The line where they begin, from 1.
    pub(super) line: u64,
    hasher: Sha256,
    bytes: u64,
    feeds: u64,
}

impl Pending {
    pub(super) fn new(line: u64) -> Self {
        Self {
            line,
            hasher: Sha256::new(),
            bytes: 0,
            feeds: 0,
        }
    }

    pub(super) fn add(&mut self, piece: &Piece<'_>) {
        self.hasher.update(piece.bytes);
        self.bytes += piece.bytes.len() as u64;
        if piece.is_ended {
            self.hasher.update(b"\n");
            self.bytes += 1;
            self.feeds += 1;
        }
    }

    /// How many there are.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether a line ends in them.
    pub(super) fn has_lines(&self) -> bool {
        self.feeds > 0
    }

    /// Whether it is these that a line tells of.
    pub(super) fn is_told_by(&self, told: &Told) -> bool {
        // A line that broke off has the one line feed that was written behind it.
        let is_of_kind = match told.event.as_deref() {
            Some("torn") => self.feeds == 1,
            Some("damaged") => true,
            _ => false,
        };
        let digest = told.digest.as_deref().and_then(|text| text.parse().ok());
        is_of_kind
            && told.bytes == Some(self.bytes)
            && digest == Some(Digest::finish(self.hasher.clone()))
    }
}
