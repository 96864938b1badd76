//! The end of the daemon, told to all who wait for something else.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Whether the daemon ends.
#[derive(Default)]
pub(crate) struct Stop {
    requested: AtomicBool,
    waiting: Notify,
}

impl Stop {
    /// Ends it.
    pub(crate) fn request(&self) {
        self.requested.store(true, Ordering::Release);
        self.waiting.notify_waiters();
    }

    /// Whether it ends.
    pub(crate) fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Acquire)
    }

    /// Returns when it ends.
    pub(crate) async fn requested(&self) {
        // Made before the question is asked, so that what happens in between is not missed.
        let waiting = self.waiting.notified();
        if !self.is_requested() {
            waiting.await;
        }
    }
}
