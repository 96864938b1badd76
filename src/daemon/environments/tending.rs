//! The task that reacts to changes of files.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Environments, Subject};
use crate::daemon::until::until;
use crate::sys::readable::Readable;

/// How long nothing is done at most: answers that are too old are dropped.
const LONGEST_REST: Duration = Duration::from_secs(30);

impl Environments {
    /// Reacts to changes of files, for ever: reads again what has changed, tells who watches, and reports other subjects.
    /// Without it, nothing that was read is taken for valid, and all of it is looked at for every request.
    pub async fn tend(&self, report: impl Fn(Subject)) {
        let told = self.lookout.begin();
        self.lookout.watch(self.library.places());
        // What was read before may have changed unseen.
        self.lookout.demand();
        let mut has_waited = false;
        loop {
            self.rest(told.as_ref()).await;
            let now = Instant::now();
            self.lookout.look(now);
            self.cache.expire(now);
            if !self.lookout.take(now) {
                continue;
            }
            let caught_up = self.catch_up(!has_waited).await;
            has_waited = !caught_up;
            if caught_up {
                self.lookout
                    .changed_subjects()
                    .into_iter()
                    .for_each(&report);
            } else {
                self.lookout.postpone(Instant::now());
            }
            // Told only now, so that whoever waits finds everything as it is to be.
            self.settlings.send_modify(|count| *count += 1);
        }
    }

    /// Waits until there may be something to do.
    async fn rest(&self, told: Option<&Readable>) {
        let now = Instant::now();
        let deadline = self.lookout.deadline().unwrap_or(now + LONGEST_REST);
        let rest = deadline.saturating_duration_since(now).min(LONGEST_REST);
        let told = async {
            let Some(told) = told else {
                return std::future::pending().await;
            };
            let news = || {
                let before = self.lookout.changes();
                self.lookout.look(Instant::now());
                let is_news = self.lookout.changes() != before || self.lookout.is_behind();
                Ok(is_news.then_some(()))
            };
            if told.next(news).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let _ = tokio::time::timeout(rest, until(self.wake.notified(), told)).await;
    }

    /// Reads all known lists again and tells of those that have changed. Says whether it did, and not something changed
    /// meanwhile, in which case it is better not to tell of half a change, as long as `may_wait`.
    async fn catch_up(&self, may_wait: bool) -> bool {
        let changes = self.lookout.changes();
        let library = Arc::clone(&self.library);
        let Ok(Ok(reading)) = self.on_evaluator(move || library.read_all()).await else {
            return false;
        };
        self.lookout.look(Instant::now());
        if may_wait && self.lookout.changes() != changes {
            return false;
        }
        self.library.publish(reading);
        self.cache.retain(self.library.holds());
        self.lookout.watch(self.library.places());
        self.lookout.settled();
        true
    }
}
