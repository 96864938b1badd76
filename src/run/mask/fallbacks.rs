//! Where the search goes on when a byte leads nowhere, and what ends at a node (Aho and Corasick, 1975).

use std::cmp::Reverse;

use super::SHORTEST;
use super::numbers::Numbers;
use super::trie::{Bits, Chain, Trie, number};

/// Stands for no node: the first nodes come later.
const NOWHERE: u32 = 0;

/// A node, and how many bytes lead to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) node: u32,
    pub(super) depth: u32,
}

/// For each node, the one of the longest other beginning of a pattern that its bytes end with.
///
/// As the places of nodes do, these mostly follow each other, or there is none for many nodes on end: only where such a run
/// begins something is noted.
pub(super) struct Fallbacks {
    /// The first nodes of runs, sorted.
    starts: Numbers,
    /// Where they fall back to. The ones behind them in the run fall back to the ones behind these.
    nodes: Numbers,
    /// The depths of these.
    depths: Numbers,
}

/// For each node, the length of the longest pattern that its bytes end with.
pub(super) struct Endings {
    has: Bits,
    /// Nodes, sorted.
    nodes: Numbers,
    lengths: Numbers,
}

impl Fallbacks {
    /// For the nodes of `trie`, which `chains` are.
    pub(super) fn new(trie: &Trie, chains: &[Chain]) -> (Self, Endings) {
        // Of all places, though not all are nodes: these tables are gone when this returns.
        let (fallbacks, endings) = by_place(trie, chains);
        let mut depths = Vec::with_capacity(chains.len());
        depths.extend(chains.iter().map(|chain| chain.node(1)));
        depths.sort_unstable();
        let depth = |node: u32| {
            let pattern = depths.partition_point(|start| *start <= node as usize);
            number(node as usize + 1 - depths[pattern - 1])
        };
        let mut sorted: Vec<&Chain> = chains.iter().collect();
        sorted.sort_unstable_by_key(|chain| chain.nodes().start);
        let mut runs: Vec<(u32, u32)> = Vec::new();
        let mut before = NOWHERE;
        let mut ends = Vec::new();
        for chain in sorted {
            for place in chain.nodes() {
                let node = fallbacks[place];
                let goes_on = match node {
                    NOWHERE => before == NOWHERE && !runs.is_empty(),
                    // Within a chain alone, because between chains there are places that are no nodes.
                    _ => before != NOWHERE && node == before + 1 && place > chain.nodes().start,
                };
                if !goes_on {
                    runs.push((number(place), node));
                }
                before = node;
                if endings[place] > 0 {
                    ends.push((number(place), endings[place]));
                }
            }
        }
        let fallbacks = Self {
            starts: Numbers::new(runs.iter().map(|(start, _)| *start)),
            nodes: Numbers::new(runs.iter().map(|(_, node)| *node)),
            depths: Numbers::new(runs.iter().map(|(_, node)| match *node {
                NOWHERE => 0,
                node => depth(node),
            })),
        };
        let mut has = Bits::new(trie.text().len());
        for (node, _) in &ends {
            has.set(*node);
        }
        let endings = Endings {
            has,
            nodes: Numbers::new(ends.iter().map(|(node, _)| *node)),
            lengths: Numbers::new(ends.iter().map(|(_, length)| *length)),
        };
        (fallbacks, endings)
    }

    /// Where `node` falls back to; none if not even four of its last bytes begin a pattern.
    pub(super) fn of(&self, node: u32) -> Option<Place> {
        let run = self.starts.partition_point(|start| start <= node);
        let run = run.checked_sub(1)?;
        let first = self.nodes.at(run);
        if first == NOWHERE {
            return None;
        }
        let ahead = node - self.starts.at(run);
        Some(Place {
            node: first + ahead,
            depth: self.depths.at(run) + ahead,
        })
    }
}

impl Endings {
    /// The length of the longest pattern that ends at `node`.
    #[inline]
    pub(super) fn at(&self, node: u32) -> Option<u32> {
        if !self.has.has(node) {
            return None;
        }
        self.nodes.find(node).map(|index| self.lengths.at(index))
    }
}

/// Fallbacks and lengths of endings by place, found depth by depth, since each follows from those that are less deep.
fn by_place(trie: &Trie, chains: &[Chain]) -> (Vec<u32>, Vec<u32>) {
    let mut fallbacks = vec![NOWHERE; trie.text().len()];
    let mut endings = vec![0; trie.text().len()];
    let mut live: Vec<&Chain> = chains.iter().collect();
    live.sort_by_key(|chain| Reverse(chain.length));
    let longest = live.first().map_or(0, |chain| chain.length);
    for depth in SHORTEST..=longest {
        while live.pop_if(|chain| chain.length < depth).is_some() {}
        for chain in live.iter().filter(|chain| chain.depth <= depth) {
            let place = chain.node(depth);
            if let Some(parent) = chain.parent(depth) {
                fallbacks[place] = fallback(trie, &fallbacks, parent, place);
            }
            endings[place] = if chain.length == depth {
                number(depth)
            } else {
                endings[fallbacks[place] as usize]
            };
        }
    }
    (fallbacks, endings)
}

/// Where the node at `place` falls back to, which follows `parent`.
fn fallback(trie: &Trie, fallbacks: &[u32], parent: u32, place: usize) -> u32 {
    let byte = trie.text()[place];
    let mut shorter = fallbacks[parent as usize];
    while shorter != NOWHERE {
        if let Some(child) = trie.child(shorter, byte) {
            return child;
        }
        shorter = fallbacks[shorter as usize];
    }
    trie.head_behind(place).unwrap_or(NOWHERE)
}
