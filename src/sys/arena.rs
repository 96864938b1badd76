//! Hands out blocks of protected pages. Small blocks share a chunk; a big one has a region of its own.
//!
//! What is not handed out is zero, always: blocks are wiped before they come back.

use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::process::out_of_memory;
use super::region::Region;

/// Blocks start at multiples of this and are as long as multiples of it.
const GRAIN: usize = 16;
/// The first chunk; each further one is twice as large, up to the limit.
const FIRST_CHUNK: usize = 64 * 1024;
const LARGEST_CHUNK: usize = 1024 * 1024;
/// From here on a block has a region of its own, which goes back to the kernel with it.
pub(super) const LARGE: usize = 32 * 1024;

/// The process's own.
static ARENA: Mutex<Arena> = Mutex::new(Arena::new());

/// The arena. It stays whole if a thread panics elsewhere, so poison says nothing.
pub(super) fn arena() -> MutexGuard<'static, Arena> {
    ARENA.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All chunks, by address.
pub(super) struct Arena {
    chunks: BTreeMap<usize, Chunk>,
    next_chunk: usize,
}

/// A region and what of it is free: sorted by offset, and no two gaps touch. A block of its own has no gaps.
struct Chunk {
    region: Region,
    gaps: Vec<Gap>,
    shared: bool,
}

/// Free bytes of a chunk.
#[derive(Clone, Copy)]
struct Gap {
    offset: usize,
    size: usize,
}

impl Arena {
    const fn new() -> Self {
        Self {
            chunks: BTreeMap::new(),
            next_chunk: FIRST_CHUNK,
        }
    }

    /// At least `size` zero bytes, aligned to [`GRAIN`]. Without memory the process ends, as with every allocation.
    pub(super) fn allocate(&mut self, size: usize) -> NonNull<u8> {
        let Some(size) = size.checked_next_multiple_of(GRAIN) else {
            out_of_memory()
        };
        if size >= LARGE {
            return self.add_chunk(size, false);
        }
        if let Some(block) = self.chunks.values_mut().find_map(|chunk| chunk.take(size)) {
            return block;
        }
        let chunk = self.add_chunk(self.next_chunk, true);
        self.next_chunk = (self.next_chunk * 2).min(LARGEST_CHUNK);
        self.chunks
            .get_mut(&(chunk.as_ptr() as usize))
            .and_then(|chunk| chunk.take(size))
            .expect("a new chunk is larger than any small block")
    }

    /// Takes back a block of `size` bytes that `allocate` gave out and that is zero again.
    pub(super) fn release(&mut self, block: NonNull<u8>, size: usize) {
        let address = block.as_ptr() as usize;
        let (&start, chunk) = self
            .chunks
            .range_mut(..=address)
            .next_back()
            .expect("every block lies in a chunk");
        if !chunk.shared {
            self.chunks.remove(&start);
            return;
        }
        chunk.give_back(address - start, size.next_multiple_of(GRAIN));
        let emptied = chunk.is_empty();
        // One empty chunk is kept, so that a single secret that comes and goes asks the kernel for nothing.
        let empty = || self.chunks.values().filter(|chunk| chunk.is_empty());
        if emptied && empty().count() > 1 {
            self.chunks.remove(&start);
        }
    }

    /// Maps a chunk; gives its first byte.
    fn add_chunk(&mut self, size: usize, shared: bool) -> NonNull<u8> {
        let Ok(region) = Region::map(size) else {
            out_of_memory()
        };
        let start = region.start();
        let gap = Gap {
            offset: 0,
            size: region.size(),
        };
        let gaps = if shared { vec![gap] } else { Vec::new() };
        let chunk = Chunk {
            region,
            gaps,
            shared,
        };
        self.chunks.insert(start.as_ptr() as usize, chunk);
        start
    }
}

impl Chunk {
    /// Cuts `size` bytes off the first gap that has them.
    fn take(&mut self, size: usize) -> Option<NonNull<u8>> {
        let index = self.gaps.iter().position(|gap| gap.size >= size)?;
        let gap = &mut self.gaps[index];
        let offset = gap.offset;
        gap.offset += size;
        gap.size -= size;
        if gap.size == 0 {
            self.gaps.remove(index);
        }
        // SAFETY: gaps lie within the region.
        Some(unsafe { self.region.start().add(offset) })
    }

    /// Makes `size` bytes at `offset` free again, joined with the gaps on either side.
    fn give_back(&mut self, offset: usize, size: usize) {
        let next = self.gaps.partition_point(|gap| gap.offset < offset);
        let end = offset + size;
        let joins_next = self.gaps.get(next).is_some_and(|gap| gap.offset == end);
        let joins_previous = next > 0 && {
            let previous = self.gaps[next - 1];
            previous.offset + previous.size == offset
        };
        match (joins_previous, joins_next) {
            (true, true) => self.gaps[next - 1].size += size + self.gaps.remove(next).size,
            (true, false) => self.gaps[next - 1].size += size,
            (false, true) => {
                self.gaps[next].offset = offset;
                self.gaps[next].size += size;
            }
            (false, false) => self.gaps.insert(next, Gap { offset, size }),
        }
    }

    /// Whether all of a shared chunk is free.
    fn is_empty(&self) -> bool {
        self.shared && matches!(self.gaps[..], [gap] if gap.size == self.region.size())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_blocks_share_a_chunk() {
        let mut arena = Arena::new();
        let blocks: Vec<_> = (0..1000).map(|_| arena.allocate(40)).collect();
        assert_eq!(arena.chunks.len(), 1);
        for block in blocks {
            arena.release(block, 40);
        }
        assert_eq!(arena.chunks.len(), 1, "one empty chunk stays");
        assert!(arena.chunks.values().all(Chunk::is_empty));
    }

    #[test]
    fn a_large_block_goes_back_to_the_kernel() {
        let mut arena = Arena::new();
        let block = arena.allocate(LARGE);
        assert_eq!(arena.chunks.len(), 1);
        arena.release(block, LARGE);
        assert!(arena.chunks.is_empty());
    }

    #[test]
    fn at_most_one_empty_chunk_is_kept() {
        let mut arena = Arena::new();
        let blocks: Vec<_> = (0..200).map(|_| arena.allocate(LARGE - GRAIN)).collect();
        assert!(arena.chunks.len() > 2);
        for block in blocks {
            arena.release(block, LARGE - GRAIN);
        }
        assert_eq!(arena.chunks.len(), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Blocks are aligned, never overlap, and everything joins into one gap in the end, whatever the order.
        #[test]
        fn blocks_never_overlap(steps in prop::collection::vec((1usize..3000, any::<prop::sample::Index>(), any::<bool>()), 1..200)) {
            let mut arena = Arena::new();
            let mut blocks: Vec<(NonNull<u8>, usize)> = Vec::new();
            for (size, victim, release) in steps {
                if release && !blocks.is_empty() {
                    let (block, size) = blocks.swap_remove(victim.index(blocks.len()));
                    arena.release(block, size);
                    continue;
                }
                let block = arena.allocate(size);
                let start = block.as_ptr() as usize;
                prop_assert_eq!(start % GRAIN, 0);
                for (other, other_size) in &blocks {
                    let other = other.as_ptr() as usize;
                    prop_assert!(start + size <= other || other + other_size <= start);
                }
                blocks.push((block, size));
            }
            for (block, size) in blocks {
                arena.release(block, size);
            }
            prop_assert!(arena.chunks.values().all(Chunk::is_empty));
        }
    }
}
