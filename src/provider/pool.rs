//! Runs jobs side by side, a bounded number at a time.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Something to run.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// Threads that live as long as there are jobs.
pub(super) struct Pool {
    shared: Arc<Shared>,
    /// How many run at a time.
    limit: usize,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    idle: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    threads: usize,
    unfinished: usize,
    /// Whether anything was begun since the last [`Pool::settle`].
    begun: bool,
}

impl Pool {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            shared: Arc::default(),
            limit: limit.max(1),
        }
    }

    /// Runs `job`, which must not panic, as soon as there is room.
    pub(super) fn begin(&self, job: Job) {
        let mut state = self.shared.lock();
        state.begun = true;
        state.unfinished += 1;
        state.queue.push_back(job);
        if state.threads == self.limit {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let name = "provider".to_owned();
        if thread::Builder::new()
            .name(name)
            .spawn(move || shared.work())
            .is_ok()
        {
            state.threads += 1;
        } else if state.threads == 0 {
            // The system has no thread to spare.
            drop(state);
            self.shared.run_queued();
        }
    }

    /// Whether a job has not ended.
    pub(super) fn is_busy(&self) -> bool {
        self.shared.lock().unfinished > 0
    }

    /// Waits for all jobs.
    pub(super) fn wait(&self) {
        let state = self.shared.lock();
        let idle = &self.shared.idle;
        drop(
            idle.wait_while(state, |state| state.unfinished > 0)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// Waits for all jobs. Returns whether any was begun since this was called last.
    pub(super) fn settle(&self) -> bool {
        self.wait();
        std::mem::take(&mut self.shared.lock().begun)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a thread.
    fn work(&self) {
        loop {
            self.run_queued();
            let mut state = self.lock();
            if state.queue.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    fn run_queued(&self) {
        loop {
            let Some(job) = self.lock().queue.pop_front() else {
                return;
            };
            job();
            let mut state = self.lock();
            state.unfinished -= 1;
            if state.unfinished == 0 {
                self.idle.notify_all();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn no_more_run_than_is_allowed_and_all_are_run() {
        let pool = Pool::new(3);
        let (running, most, done) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicUsize::new(0)),
        );
        assert!(!pool.settle());
        for _ in 0..50 {
            let (running, most, done) =
                (Arc::clone(&running), Arc::clone(&most), Arc::clone(&done));
            pool.begin(Box::new(move || {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                thread::yield_now();
                running.fetch_sub(1, Ordering::SeqCst);
                done.fetch_add(1, Ordering::SeqCst);
            }));
        }
        assert!(pool.settle());
        assert_eq!(done.load(Ordering::SeqCst), 50);
        assert!(most.load(Ordering::SeqCst) <= 3);
        assert!(!pool.settle());
    }

    #[test]
    fn jobs_run_side_by_side() {
        let pool = Pool::new(2);
        let barrier = Arc::new(std::sync::Barrier::new(2));
        for _ in 0..2 {
            let barrier = Arc::clone(&barrier);
            // Neither ends before the other has begun.
            pool.begin(Box::new(move || {
                barrier.wait();
            }));
        }
        assert!(pool.settle());
    }
}
