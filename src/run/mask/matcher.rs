//! All that is looked for.

use super::fallbacks::{Endings, Fallbacks, Place};
use super::patterns::Patterns;
use super::plan::Plan;
use super::trie::Trie;

/// Finds secrets in the forms in which programs write them. Made once and shared by the streams that it is for.
///
/// It is an automaton of Aho and Corasick, behind a filter that passes over what cannot begin a secret. So each byte
/// takes a bounded time on average, whatever comes. All that follows from secrets is in locked memory: some forty bytes for
/// each byte of a short secret.
pub struct Matcher {
    pub(super) trie: Trie,
    pub(super) fallbacks: Fallbacks,
    pub(super) endings: Endings,
    longest: usize,
    unmasked: Vec<usize>,
    plain_only: Vec<usize>,
}

impl Matcher {
    /// Looks for `secrets`, and for each line of those that have several.
    pub fn new(secrets: &[&[u8]]) -> Self {
        let plan = Plan::new(secrets);
        let patterns = Patterns::write(&plan, secrets);
        let longest = patterns.places.iter().map(ExactSizeIterator::len).max();
        let (trie, chains) = Trie::new(patterns);
        let (fallbacks, endings) = Fallbacks::new(&trie, &chains);
        Self {
            trie,
            fallbacks,
            endings,
            longest: longest.unwrap_or(0),
            unmasked: plan.unmasked,
            plain_only: plan.plain_only,
        }
    }

    /// The places of the secrets that are not masked, because without the white space at their ends they have fewer than
    /// [`SHORTEST`](super::SHORTEST) bytes. Empty ones are not told.
    pub fn unmasked(&self) -> &[usize] {
        &self.unmasked
    }

    /// The places of the secrets that are masked where they stand as they are, but not where they are encoded, because
    /// there is too much of them.
    pub fn plain_only(&self) -> &[usize] {
        &self.plain_only
    }

    /// The length of the longest form in bytes, which is how much may have to be held back.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Where the search goes on at a node from which no pattern does.
    pub(super) fn settle(&self, mut place: Place) -> Option<Place> {
        while self.trie.is_leaf(place.node) {
            place = self.fallbacks.of(place.node)?;
        }
        Some(place)
    }
}
