//! How many connections there may be, in all and of one user, so that nobody keeps everybody else out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::daemon::peer::ROOT;

/// Descriptors that are left for everything else: definitions, providers, and the peers that have just asked.
const SPARE: usize = 192;

/// No more connections than this by default: each takes a few KiB when it has nothing to do.
const MOST: usize = 16 * 1024;

/// One in so many is left for root: however many users there are, or one has by way of a user namespace, units get their
/// credentials, and whoever looks after the machine gets in.
const FOR_ROOT: usize = 16;

/// Counts connections.
pub(crate) struct Slots {
    /// How many the process may have.
    possible: usize,
    taken: Mutex<Taken>,
    emptied: Notify,
}

struct Taken {
    most: Most,
    all: usize,
    by_user: HashMap<u32, usize>,
}

/// How many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Most {
    all: usize,
    per_user: usize,
}

/// The right to a connection, as long as it lives.
pub struct Slot {
    slots: Arc<Slots>,
    user: u32,
}

impl Slots {
    /// At most `all` connections, or what `descriptors` allow, and `per_user` of one user.
    pub(crate) fn new(all: Option<usize>, per_user: Option<usize>, descriptors: usize) -> Self {
        let possible = descriptors.saturating_sub(SPARE).max(1);
        Self {
            possible,
            taken: Mutex::new(Taken {
                most: Most::of(all, per_user, possible),
                all: 0,
                by_user: HashMap::new(),
            }),
            emptied: Notify::new(),
        }
    }

    /// Goes by other limits from now on. Who has been let in stays.
    pub(crate) fn limit(&self, all: Option<usize>, per_user: Option<usize>) {
        self.lock().most = Most::of(all, per_user, self.possible);
    }

    /// How many connections there are.
    pub(crate) fn taken(&self) -> usize {
        self.lock().all
    }

    /// Returns when there are no connections.
    pub(crate) async fn emptied(&self) {
        loop {
            // Made before the question is asked, so that what happens in between is not missed.
            let emptied = self.emptied.notified();
            if self.taken() == 0 {
                return;
            }
            emptied.await;
        }
    }

    /// A slot for a connection of `user`, if there is one left.
    pub(super) fn take(self: &Arc<Self>, user: u32) -> Option<Slot> {
        let mut taken = self.lock();
        let most = taken.most;
        let all = match user {
            ROOT => most.all,
            _ => most.all - most.all / FOR_ROOT,
        };
        if taken.all >= all {
            return None;
        }
        let of_user = taken.by_user.entry(user).or_default();
        if *of_user >= most.per_user {
            return None;
        }
        *of_user += 1;
        taken.all += 1;
        Some(Slot {
            slots: Arc::clone(self),
            user,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Most {
    fn of(all: Option<usize>, per_user: Option<usize>, possible: usize) -> Self {
        let all = all.unwrap_or(MOST).min(possible);
        Self {
            all,
            per_user: per_user.unwrap_or((all - all / 4).max(1)).min(all),
        }
    }
}

impl Slot {
    /// Whose it is.
    pub(super) fn user(&self) -> u32 {
        self.user
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.lock();
        taken.all -= 1;
        if taken.all == 0 {
            self.slots.emptied.notify_waiters();
        }
        if let Some(of_user) = taken.by_user.get_mut(&self.user) {
            *of_user -= 1;
            if *of_user == 0 {
                taken.by_user.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_leaves_room_for_others() {
        let slots = Arc::new(Slots::new(Some(4), None, 1000));
        let held: Vec<_> = std::iter::from_fn(|| slots.take(1)).collect();
        assert_eq!(held.len(), 3);
        let other = slots.take(2);
        assert!(other.is_some() && slots.take(3).is_none());
        assert_eq!(slots.taken(), 4);
        drop(held);
        drop(other);
        assert_eq!(slots.taken(), 0);
        assert!(slots.lock().by_user.is_empty());
    }

    #[test]
    fn all_users_together_leave_room_for_root() {
        let slots = Arc::new(Slots::new(Some(160), None, 1000));
        let held: Vec<_> = (1..1000).filter_map(|user| slots.take(user)).collect();
        assert_eq!(held.len(), 150);
        let of_root: Vec<_> = std::iter::from_fn(|| slots.take(ROOT)).collect();
        assert_eq!(of_root.len(), 10);
    }

    #[test]
    fn there_are_never_more_than_descriptors() {
        for (all, per_user, descriptors, expected) in [
            (None, None, 1024, (832, 624)),
            (Some(5000), None, 1024, (832, 624)),
            (None, Some(10), 1024, (832, 10)),
            (Some(1), None, 1024, (1, 1)),
            (None, None, 10, (1, 1)),
            (None, None, usize::MAX, (MOST, MOST - MOST / 4)),
        ] {
            let slots = Slots::new(all, per_user, descriptors);
            let most = slots.lock().most;
            assert_eq!((most.all, most.per_user), expected);
        }
    }

    #[test]
    fn who_was_let_in_stays() {
        let slots = Arc::new(Slots::new(Some(2), Some(2), 1000));
        let held = [slots.take(1), slots.take(1)];
        slots.limit(Some(1), None);
        assert_eq!((held.iter().flatten().count(), slots.taken()), (2, 2));
        drop(held);
        let held = slots.take(1);
        assert!(held.is_some() && slots.take(2).is_none());
        slots.limit(None, None);
        assert!(slots.take(2).is_some());
    }
}
