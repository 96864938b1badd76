//! The global allocator: the system's, but what is freed is wiped first.
//!
//! Parsers and decryption leave copies of secrets in freed memory that no caller can reach. Here they meet their end,
//! whoever made them. Memory that is still in use, stacks, and what the C library allocates by itself are not covered.

use std::alloc::{GlobalAlloc, Layout, System};

use super::process::out_of_memory;
use super::wipe::wipe_raw;

/// Wipes every block when it is freed, and moves instead of growing or shrinking in place. Without memory the process
/// ends.
pub struct WipingAllocator;

// SAFETY: everything is handed on to `System`; a block is written only while its owner gives it up.
unsafe impl GlobalAlloc for WipingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is the same.
        there(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is the same.
        there(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller gives up this block, which has the size that `layout` says.
        unsafe {
            wipe_raw(block, layout.size());
            System.dealloc(block, layout);
        }
    }

    // Always a new block: the system's own realloc frees the old one unwiped when it moves, and leaves the cut-off tail
    // unwiped when it shrinks.
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `new_size`, rounded up to the alignment, does not overflow `isize`.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        // SAFETY: the caller promises that `new_size` is not zero. Both blocks are at least as long as what is copied,
        // and distinct, as both are allocated. The old one is given up.
        unsafe {
            let new_block = self.alloc(new_layout);
            block.copy_to_nonoverlapping(new_block, layout.size().min(new_size));
            self.dealloc(block, layout);
            new_block
        }
    }
}

/// The block, which is there.
fn there(block: *mut u8) -> *mut u8 {
    if block.is_null() {
        out_of_memory();
    }
    block
}

#[cfg(test)]
mod tests {
    use std::alloc::{GlobalAlloc, Layout};

    use super::WipingAllocator;

    const LAYOUT: Layout = Layout::new::<[u8; 4096]>();

    #[test]
    fn moving_keeps_content_and_alignment() {
        for (size, align, new_size) in [(1, 1, 100), (100, 8, 10), (5000, 64, 5001), (64, 64, 64)] {
            let layout = Layout::from_size_align(size, align).expect("a valid layout");
            // SAFETY: neither size is zero, and each block is given back with its own layout.
            unsafe {
                let block = WipingAllocator.alloc(layout);
                block.write_bytes(0xA5, size);
                let moved = WipingAllocator.realloc(block, layout, new_size);
                assert_eq!(moved as usize % align, 0);
                let kept = std::slice::from_raw_parts(moved, size.min(new_size));
                assert!(kept.iter().all(|byte| *byte == 0xA5));
                let layout = Layout::from_size_align(new_size, align).expect("a valid layout");
                WipingAllocator.dealloc(moved, layout);
            }
        }
    }

    #[test]
    fn zeroed_blocks_are_zero() {
        // SAFETY: the size is not zero, and the block is given back with its layout.
        unsafe {
            let block = WipingAllocator.alloc_zeroed(LAYOUT);
            assert!(
                std::slice::from_raw_parts(block, LAYOUT.size())
                    .iter()
                    .all(|byte| *byte == 0)
            );
            WipingAllocator.dealloc(block, LAYOUT);
        }
    }
}
