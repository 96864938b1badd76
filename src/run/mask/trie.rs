//! The patterns as a tree: a node for every beginning of a pattern that has at least four bytes.

use std::ops::Range;

use super::SHORTEST;
use super::heads::Heads;
use super::numbers::Numbers;
use super::patterns::Patterns;
use crate::sys::memory::Locked;

/// The tree lies in the text of the patterns: a node is the place of its last byte in the first pattern, in sorted order,
/// that begins so. Mostly the next node is the next place, so a node costs hardly more than its byte.
pub(super) struct Trie {
    pub(super) heads: Heads,
    text: Locked,
    /// Nodes that the next place does not follow.
    lasts: Bits,
    /// Nodes that others than the next place follow.
    forks: Bits,
    /// Those nodes, sorted, as often as there are such followers.
    parents: Numbers,
    /// The followers, sorted by their byte for each node.
    children: Numbers,
}

/// The nodes of one pattern that no pattern before it has.
pub(super) struct Chain {
    /// Where the pattern begins.
    start: usize,
    /// The depth of the first of these nodes: how many bytes lead to it.
    pub(super) depth: usize,
    /// The length of the pattern.
    pub(super) length: usize,
    /// Whom the first node follows. None if it is a head.
    parent: Option<u32>,
}

impl Chain {
    /// The nodes.
    pub(super) fn nodes(&self) -> Range<usize> {
        self.node(self.depth)..self.start + self.length
    }

    /// The node after `depth` bytes.
    pub(super) fn node(&self, depth: usize) -> usize {
        self.start + depth - 1
    }

    /// Whom the node after `depth` bytes follows.
    pub(super) fn parent(&self, depth: usize) -> Option<u32> {
        if depth == self.depth {
            self.parent
        } else {
            Some(number(self.node(depth - 1)))
        }
    }
}

impl Trie {
    /// The tree, and the patterns' own parts of it.
    pub(super) fn new(patterns: Patterns) -> (Self, Vec<Chain>) {
        let text = patterns.text.as_slice();
        let chains = chains(text, &patterns.places);
        let mut lasts = Bits::new(text.len());
        let mut forks = Bits::new(text.len());
        let mut heads = Vec::new();
        let mut branches = Vec::new();
        for chain in &chains {
            let first = number(chain.nodes().start);
            match chain.parent {
                None => heads.push((window(text, chain.nodes().start), first)),
                Some(parent) => {
                    forks.set(parent);
                    branches.push((parent, first));
                }
            }
            lasts.set(number(chain.nodes().end - 1));
        }
        // Of one node, they are already sorted by their byte, as the patterns are.
        branches.sort_by_key(|(parent, _)| *parent);
        let trie = Self {
            heads: Heads::new(&heads),
            lasts,
            forks,
            parents: Numbers::new(branches.iter().map(|(parent, _)| *parent)),
            children: Numbers::new(branches.iter().map(|(_, child)| *child)),
            text: patterns.text,
        };
        (trie, chains)
    }

    /// The bytes in which the nodes are places.
    pub(super) fn text(&self) -> &[u8] {
        self.text.as_slice()
    }

    /// The node that `byte` leads to from `node`.
    #[inline]
    pub(super) fn child(&self, node: u32, byte: u8) -> Option<u32> {
        let next = node + 1;
        if self.text().get(next as usize) == Some(&byte) && !self.lasts.has(node) {
            return Some(next);
        }
        if self.forks.has(node) {
            return self.branch(node, byte);
        }
        None
    }

    /// The node, if any, for the last four bytes that lead to the node at `place`.
    pub(super) fn head_behind(&self, place: usize) -> Option<u32> {
        self.heads.node(window(self.text(), place))
    }

    /// Whether no pattern goes on from `node`.
    #[inline]
    pub(super) fn is_leaf(&self, node: u32) -> bool {
        self.lasts.has(node) && !self.forks.has(node)
    }

    fn branch(&self, node: u32, byte: u8) -> Option<u32> {
        let first = self.parents.partition_point(|parent| parent < node);
        let branches = (first..self.parents.len())
            .take_while(|index| self.parents.at(*index) == node)
            .map(|index| self.children.at(index));
        branches
            .into_iter()
            .find(|child| self.text()[*child as usize] == byte)
    }
}

/// The parts of the sorted patterns at `places` that are new with each.
fn chains(text: &[u8], places: &[Range<usize>]) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::with_capacity(places.len());
    // The chains on the way to the end of the pattern before: their starts, and the depths of their first nodes.
    let mut path: Vec<(usize, usize)> = Vec::new();
    let mut before: &[u8] = &[];
    for place in places {
        let pattern = &text[place.clone()];
        let shared = before.iter().zip(pattern).take_while(|(a, b)| a == b);
        let shared = shared.count();
        while path.pop_if(|(_, depth)| *depth > shared).is_some() {}
        let parent = path.last().map(|(start, _)| number(start + shared - 1));
        let depth = if parent.is_some() {
            shared + 1
        } else {
            SHORTEST
        };
        path.push((place.start, depth));
        chains.push(Chain {
            start: place.start,
            depth,
            length: place.len(),
            parent,
        });
        before = pattern;
    }
    chains
}

/// The four bytes of `text` that end with the one at `place`.
fn window(text: &[u8], place: usize) -> u32 {
    let bytes = text[place + 1 - SHORTEST..=place].try_into();
    u32::from_be_bytes(bytes.expect("four bytes"))
}

/// A place as a number.
pub(super) fn number(place: usize) -> u32 {
    u32::try_from(place).expect("a plan has a largest size")
}

/// A set of places.
pub(super) struct Bits {
    bytes: Locked,
}

impl Bits {
    pub(super) fn new(length: usize) -> Self {
        Self {
            bytes: Locked::filled(length.div_ceil(8), |_| {}),
        }
    }

    pub(super) fn set(&mut self, place: u32) {
        self.bytes.as_mut_slice()[place as usize / 8] |= 1 << (place % 8);
    }

    #[inline]
    pub(super) fn has(&self, place: u32) -> bool {
        self.bytes.as_slice()[place as usize / 8] & (1 << (place % 8)) != 0
    }
}
