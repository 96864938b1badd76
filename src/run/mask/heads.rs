//! How patterns begin: most of any output is passed over by looking at four bytes at a time.

use super::SHORTEST;
use super::numbers::Numbers;
use crate::sys::memory::Locked;

/// A window in the filter has so many bits for each beginning that few others hit one by chance.
const BITS_PER_HEAD: usize = 128;
/// 4 KiB to 1 MiB; up to 32 KiB stay in the nearest cache.
const FILTER_BITS: (u32, u32) = (15, 23);

/// The first [`SHORTEST`] bytes of all patterns.
pub(super) struct Heads {
    /// Sorted, first byte highest.
    windows: Numbers,
    /// The nodes that they lead to.
    nodes: Numbers,
    /// A bit for each digest of a window.
    filter: Locked,
    /// How far a product is shifted to be a digest.
    shift: u32,
}

impl Heads {
    /// From windows and their nodes, sorted.
    pub(super) fn new(heads: &[(u32, u32)]) -> Self {
        let (fewest, most) = FILTER_BITS;
        let wanted = (heads.len() * BITS_PER_HEAD).next_power_of_two().ilog2();
        let bits = wanted.clamp(fewest, most);
        let shift = u32::BITS - bits;
        let filter = Locked::filled(1 << (bits - 3), |filter| {
            for (window, _) in heads {
                let digest = digest(*window, shift);
                filter[digest / 8] |= 1 << (digest % 8);
            }
        });
        Self {
            windows: Numbers::new(heads.iter().map(|(window, _)| *window)),
            nodes: Numbers::new(heads.iter().map(|(_, node)| *node)),
            filter,
            shift,
        }
    }

    /// The first place in `text`, from `start`, where a pattern may begin, and the node after four bytes of it. If there
    /// is none, where fewer than four bytes are left.
    pub(super) fn next(&self, text: &[u8], start: usize) -> Result<(usize, u32), usize> {
        let filter = self.filter.as_slice();
        for (offset, window) in text[start..].windows(SHORTEST).enumerate() {
            let window = u32::from_be_bytes(window.try_into().expect("four bytes"));
            let digest = digest(window, self.shift);
            if filter[digest / 8] & (1 << (digest % 8)) != 0
                && let Some(node) = self.node(window)
            {
                return Ok((start + offset, node));
            }
        }
        Err(start.max(text.len().saturating_sub(SHORTEST - 1)))
    }

    /// The node to which four bytes lead.
    pub(super) fn node(&self, window: u32) -> Option<u32> {
        self.windows.find(window).map(|index| self.nodes.at(index))
    }

    /// Whether a pattern begins with `bytes`, which are fewer than four.
    pub(super) fn any_begins_with(&self, bytes: &[u8]) -> bool {
        let mut window = [0; SHORTEST];
        window[..bytes.len()].copy_from_slice(bytes);
        let first = self
            .windows
            .partition_point(|window_of| window_of < u32::from_be_bytes(window));
        first < self.windows.len() && self.windows.at(first).to_be_bytes().starts_with(bytes)
    }
}

/// Multiplicative hashing (Knuth): the highest bits of a product depend on all bits of the window.
#[inline(always)]
fn digest(window: u32, shift: u32) -> usize {
    (window.wrapping_mul(0x9E37_79B1) >> shift) as usize
}
