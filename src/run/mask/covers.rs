//! What of a stream is covered.

use std::collections::VecDeque;
use std::ops::Range;

/// The parts of a stream that are not to be seen, by their positions.
#[derive(Default)]
pub(super) struct Covers {
    /// The first byte that has neither been shown nor is covered by a mark that has.
    left: u64,
    /// What is covered from `left` on: apart from each other, sorted.
    ranges: VecDeque<Range<u64>>,
}

/// A part of what is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Bytes of the stream.
    Through(Range<u64>),
    /// A mark.
    Mark,
}

impl Covers {
    /// Covers `range`, which ends behind all that is covered. What overlaps becomes one.
    pub(super) fn add(&mut self, range: Range<u64>) {
        let Range { mut start, end } = range;
        while let Some(last) = self.ranges.back()
            && last.end > start
        {
            start = start.min(last.start);
            self.ranges.pop_back();
        }
        if start < self.left {
            self.left = end;
        } else {
            self.ranges.push_back(start..end);
        }
    }

    /// Adds to `pieces` what is to be shown of what stands before `end`.
    pub(super) fn show(&mut self, end: u64, pieces: &mut Vec<Piece>) {
        while let Some(next) = self.ranges.front()
            && next.start < end
        {
            let next = next.clone();
            self.ranges.pop_front();
            self.pass(next.start, pieces);
            pieces.push(Piece::Mark);
            self.left = next.end;
        }
        self.pass(end, pieces);
    }

    fn pass(&mut self, end: u64, pieces: &mut Vec<Piece>) {
        if self.left < end {
            pieces.push(Piece::Through(self.left..end));
            self.left = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Piece::{Mark, Through};
    use super::*;

    #[test]
    fn what_overlaps_is_covered_once() {
        let mut covers = Covers::default();
        let mut pieces = Vec::new();
        for range in [2..6, 5..9, 9..12, 20..24, 18..26, 0..30] {
            covers.add(range);
        }
        covers.show(30, &mut pieces);
        assert_eq!(pieces, [Mark]);
    }

    #[test]
    fn a_mark_that_was_shown_grows() {
        let mut covers = Covers::default();
        let mut pieces = Vec::new();
        covers.add(2..6);
        covers.add(6..9);
        covers.show(7, &mut pieces);
        covers.add(8..12);
        covers.show(15, &mut pieces);
        covers.add(15..19);
        covers.show(20, &mut pieces);
        let expected = [
            Through(0..2),
            Mark,
            Mark,
            Through(12..15),
            Mark,
            Through(19..20),
        ];
        assert_eq!(pieces, expected);
    }
}
