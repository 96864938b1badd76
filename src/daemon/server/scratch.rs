//! Locked memory that requests are read into, which all connections share: there is one thread, and nobody keeps it over
//! a wait.

use std::sync::{Mutex, PoisonError};

use crate::sys::memory::Locked;
use crate::sys::wipe::wipe;

/// More than almost any request.
const SIZE: usize = 16 << 10;

/// The memory.
pub(crate) struct Scratch(Mutex<Locked>);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Locked::filled(SIZE, |_| {})))
    }

    /// Lends the memory to `f`. What it wrote is wiped when it returns.
    pub(super) fn lend<R>(&self, f: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let result = f(memory.as_mut_slice());
        wipe(memory.as_mut_slice());
        result
    }
}
