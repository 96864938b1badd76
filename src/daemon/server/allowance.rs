//! How much of what is scarce unfinished requests may take up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much locked memory the unfinished requests of all connections may take together: half a request is no work for
/// its sender, and locked memory is scarce.
///
/// Those of one user may take half of it, so that nobody keeps everybody else from asking.
#[derive(Clone)]
pub struct Allowance {
    shares: Arc<Shares>,
    user: Option<u32>,
}

struct Shares {
    taken: Mutex<Shared>,
    limit: usize,
}

#[derive(Default)]
struct Shared {
    all: usize,
    by_user: HashMap<u32, usize>,
}

impl Allowance {
    /// At most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        let taken = Mutex::default();
        Self {
            shares: Arc::new(Shares { taken, limit }),
            user: None,
        }
    }

    /// The part of `user`.
    #[must_use]
    pub fn of(&self, user: u32) -> Self {
        Self {
            shares: Arc::clone(&self.shares),
            user: Some(user),
        }
    }

    /// How much of it is taken.
    pub fn taken(&self) -> usize {
        self.lock().all
    }

    /// Takes `size` bytes of it, if there is so much left.
    #[must_use]
    pub(super) fn take(&self, size: usize) -> bool {
        let limit = self.shares.limit;
        let mut taken = self.lock();
        if taken.all.saturating_add(size) > limit {
            return false;
        }
        if let Some(user) = self.user {
            let of_user = taken.by_user.get(&user).map_or(size, |taken| taken + size);
            if of_user > limit / 2 {
                return false;
            }
            taken.by_user.insert(user, of_user);
        }
        taken.all += size;
        true
    }

    /// Gives back `size` bytes that were taken.
    pub(super) fn give_back(&self, size: usize) {
        let mut taken = self.lock();
        taken.all -= size;
        if let Some(user) = self.user
            && let Some(of_user) = taken.by_user.get_mut(&user)
        {
            *of_user -= size;
            if *of_user == 0 {
                taken.by_user.remove(&user);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        let taken = self.shares.taken.lock();
        taken.unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_half_and_who_has_given_all_back_is_forgotten() {
        let all = Allowance::new(100);
        let (one, other) = (all.of(1), all.of(2));
        assert!(one.take(50) && !one.take(1));
        assert!(other.take(49) && !other.take(2));
        assert_eq!(all.taken(), 99);
        assert!(all.of(3).take(1) && !all.of(4).take(1));
        all.of(3).give_back(1);
        other.give_back(49);
        one.give_back(20);
        assert!(one.take(20) && !one.take(1));
        one.give_back(50);
        assert_eq!(all.taken(), 0);
        assert!(all.lock().by_user.is_empty());
    }
}
