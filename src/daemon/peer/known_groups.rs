//! The paths of control groups by their numbers, so that what each request asks need not be read from /proc each time.
//!
//! In the second hierarchy, a group keeps its path for as long as it is there, and no other ever gets its number (the
//! kernel counts them with 64 bits).

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Control groups by number. Shared by all threads.
pub(super) struct KnownGroups(OnceLock<Mutex<HashMap<u64, Box<str>>>>);

/// How many are remembered. Then everything is forgotten: those that peers are in are soon known again.
const MOST: usize = 1024;

impl KnownGroups {
    /// None yet.
    pub(super) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The path of a group.
    pub(super) fn path(&self, number: u64) -> Option<Box<str>> {
        self.with(|known| known.get(&number).cloned())
    }

    /// Remembers the path of a group.
    pub(super) fn remember(&self, number: u64, path: &str) {
        self.with(|known| {
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(number, path.into());
        });
    }

    fn with<R>(&self, f: impl FnOnce(&mut HashMap<u64, Box<str>>) -> R) -> R {
        let known = self.0.get_or_init(Mutex::default);
        f(&mut known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_remembered_up_to_a_number() {
        let known = KnownGroups::new();
        assert_eq!(known.path(1), None);
        for number in 0..3 * MOST as u64 {
            known.remember(number, &format!("/{number}"));
            assert_eq!(known.path(number).as_deref(), Some(&*format!("/{number}")));
        }
        assert!(known.with(|known| known.len()) <= MOST);
    }
}
