//! How many file keys are unwrapped for peers at the same time, in all and for one user: a plugin may take as long as a
//! person does, and nobody's plugins are to keep everybody else waiting.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many in all: each has a thread.
const MOST: usize = 64;

/// How many for one user.
const MOST_OF_ONE: usize = MOST / 4;

/// Counts them.
pub(super) struct Unwraps {
    all: Arc<Semaphore>,
    by_user: Mutex<HashMap<u32, Arc<Semaphore>>>,
}

/// The right to one, as long as it lives.
pub(super) struct Permit {
    _of_user: Option<OwnedSemaphorePermit>,
    _of_all: Option<OwnedSemaphorePermit>,
}

impl Default for Unwraps {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(MOST)),
            by_user: Mutex::default(),
        }
    }
}

impl Unwraps {
    /// Waits until one more is possible for `user`. Those of a user who wait for each other are in nobody else's way.
    pub(super) async fn permit(&self, user: u32) -> Permit {
        // Neither is ever closed, which would be the only reason to get none.
        let of_user = self.of(user).acquire_owned().await.ok();
        Permit {
            _of_user: of_user,
            _of_all: Arc::clone(&self.all).acquire_owned().await.ok(),
        }
    }

    fn of(&self, user: u32) -> Arc<Semaphore> {
        let by_user = self.by_user.lock();
        let mut by_user = by_user.unwrap_or_else(PoisonError::into_inner);
        // Whoever has or waits for one has a copy.
        by_user.retain(|_, line| Arc::strong_count(line) > 1);
        let line = by_user.entry(user);
        Arc::clone(line.or_insert_with(|| Arc::new(Semaphore::new(MOST_OF_ONE))))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use super::*;

    /// A permit, if none has to be waited for.
    async fn at_once(unwraps: &Unwraps, user: u32) -> Option<Permit> {
        let mut permit = pin!(unwraps.permit(user));
        poll_fn(|context| match permit.as_mut().poll(context) {
            Poll::Ready(permit) => Poll::Ready(Some(permit)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    #[test]
    fn one_user_leaves_room_for_others_and_who_has_none_is_forgotten() {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(async {
            let unwraps = Unwraps::default();
            let mut held = Vec::new();
            for user in 1..=3 {
                while let Some(permit) = at_once(&unwraps, user).await {
                    held.push(permit);
                }
                assert_eq!(held.len(), MOST_OF_ONE * user as usize);
                // Who waits in the line of this user is in the way of no other.
                assert!(at_once(&unwraps, user).await.is_none());
            }
            assert!(at_once(&unwraps, 4).await.is_some());
            let mut waiting = pin!(unwraps.permit(1));
            let first = poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context).is_pending()));
            assert!(first.await);
            held.swap_remove(0);
            drop(waiting.await);
            drop(held);
            drop(at_once(&unwraps, 5).await);
            assert_eq!(unwraps.by_user.lock().expect("no panic").len(), 1);
        });
    }
}
