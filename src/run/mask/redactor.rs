//! One stream on its way through the matcher.

use std::sync::Arc;

use super::SHORTEST;
use super::covers::{Covers, Piece};
use super::fallbacks::Place;
use super::matcher::Matcher;
use super::window::Window;
use crate::secret::REDACTED;

/// Replaces secrets in a stream by [`REDACTED`], once for all that overlap.
///
/// What cannot be the beginning of a secret is ready at once. Held back is the longest end of what has come that is a
/// proper beginning of one, and no more.
pub struct Redactor {
    matcher: Arc<Matcher>,
    window: Window,
    search: Search,
    covers: Covers,
    /// What is held back begins here.
    held: u64,
    ready: Vec<Piece>,
}

/// How far the search goes back when no beginning of four bytes is left: fewer may still be one.
const BACK: usize = SHORTEST - 1;

/// How far the search has come.
#[derive(Default)]
struct Search {
    /// The longest beginning of a pattern, of at least four bytes, that ends at `at`.
    place: Option<Place>,
    /// With a place, the next byte; without, where the next beginning may be.
    at: u64,
}

impl Redactor {
    /// A stream from its beginning.
    pub fn new(matcher: Arc<Matcher>) -> Self {
        Self {
            window: Window::new(matcher.longest()),
            matcher,
            search: Search::default(),
            covers: Covers::default(),
            held: 0,
            ready: Vec::new(),
        }
    }

    /// Where the next bytes are to be put. What was ready is forgotten.
    pub fn room(&mut self) -> &mut [u8] {
        self.forget_ready();
        self.window.room()
    }

    /// Takes in the first `count` bytes of the room; gives what is ready, in parts.
    pub fn advance(&mut self, count: usize) -> impl Iterator<Item = &[u8]> {
        self.forget_ready();
        self.window.extend(count);
        let matcher = &*self.matcher;
        self.search.go_on(matcher, &self.window, &mut self.covers);
        let held = self.search.held_from(matcher, &self.window);
        self.show(held)
    }

    /// Gives what is left at the end of the stream. What comes next is another one.
    pub fn finish(&mut self) -> impl Iterator<Item = &[u8]> {
        self.forget_ready();
        let at = self.window.end();
        self.search = Search { place: None, at };
        self.show(at)
    }

    /// Makes what stands before `held` ready.
    fn show(&mut self, held: u64) -> impl Iterator<Item = &[u8]> {
        self.held = held;
        self.covers.show(held, &mut self.ready);
        self.ready.iter().map(|piece| match piece {
            Piece::Through(range) => self.window.bytes(range.clone()),
            Piece::Mark => REDACTED.as_bytes(),
        })
    }

    fn forget_ready(&mut self) {
        self.ready.clear();
        self.window.let_go(self.held);
    }
}

impl Search {
    /// Moves through all that has come.
    fn go_on(&mut self, matcher: &Matcher, window: &Window, covers: &mut Covers) {
        // What is searched begins a little earlier: without a place, the search may have to go back.
        let base = self.at.saturating_sub(SHORTEST as u64).max(window.start());
        let text = window.bytes(base..window.end());
        let mut next = usize::try_from(self.at - base).expect("a part of what is kept");
        let mut place = self.place;
        loop {
            let reached = match place {
                None => match matcher.trie.heads.next(text, next) {
                    Ok((start, node)) => {
                        next = start + SHORTEST;
                        Place {
                            node,
                            depth: SHORTEST as u32,
                        }
                    }
                    Err(tail) => {
                        next = tail;
                        break;
                    }
                },
                Some(Place { node, depth }) => {
                    let Some(byte) = text.get(next) else {
                        break;
                    };
                    let Some(node) = matcher.trie.child(node, *byte) else {
                        place = matcher.fallbacks.of(node);
                        next -= if place.is_none() { BACK } else { 0 };
                        continue;
                    };
                    next += 1;
                    Place {
                        node,
                        depth: depth + 1,
                    }
                }
            };
            place = Some(reached);
            if let Some(length) = matcher.endings.at(reached.node) {
                let end = base + next as u64;
                covers.add(end - u64::from(length)..end);
                place = matcher.settle(reached);
                next -= if place.is_none() { BACK } else { 0 };
            }
        }
        self.place = place;
        self.at = base + next as u64;
    }

    /// Where the longest end of what has come begins that is the beginning of a pattern.
    fn held_from(&mut self, matcher: &Matcher, window: &Window) -> u64 {
        if let Some(place) = self.place {
            return self.at - u64::from(place.depth);
        }
        let end = window.end();
        let heads = &matcher.trie.heads;
        self.at = (self.at..end)
            .find(|start| heads.any_begins_with(window.bytes(*start..end)))
            .unwrap_or(end);
        self.at
    }
}
