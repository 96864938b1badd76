//! The threads that read, evaluate and decrypt.
//!
//! A few work at a time, one for each processor. One that waits for a provider does not count: it makes room for another
//! thread, so that slow providers hold up nobody who needs none. How many wait and how many jobs queue is bounded; beyond
//! that a job is refused.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::queue::Queue;
use crate::daemon::peer::NOBODY;

/// Something to do.
type Job = Box<dyn FnOnce(&Place<'_>) + Send>;

tokio::task_local! {
    /// The user for whom the task of a request asks.
    static ASKER: u32;
}

/// Does what `work` does for `user`, whose jobs take turns with those of others.
pub(crate) async fn asked_by<R>(user: u32, work: impl Future<Output = R>) -> R {
    ASKER.scope(user, work).await
}

/// How many threads may wait for providers.
const MOST_WAITING: usize = 32;

/// How many jobs of one user may be begun and not done: slow providers of one keep nobody else waiting.
const MOST_OF_ONE: usize = MOST_WAITING / 4 * 3;

/// The threads. They are started when they are needed, and end when this is dropped.
pub(super) struct Evaluators {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Something in the state has changed for the better.
    news: Condvar,
    /// How many work at a time.
    most_working: usize,
}

#[derive(Default)]
struct State {
    queue: Queue<Job>,
    threads: usize,
    /// How many of them have a job and do not wait.
    working: usize,
    /// How many of them have none.
    idle: usize,
    /// How many jobs of each user are begun and not done.
    begun: HashMap<u32, usize>,
    ended: bool,
}

impl State {
    /// Takes a job of a user who may have another one begun.
    fn pop(&mut self) -> Option<(u32, Job)> {
        let begun = &self.begun;
        let may = |user| begun.get(&user).is_none_or(|count| *count < MOST_OF_ONE);
        let (user, job) = self.queue.pop(may)?;
        *self.begun.entry(user).or_default() += 1;
        Some((user, job))
    }

    /// Notes that a job of `user` is done.
    fn done(&mut self, user: u32) {
        if let Some(count) = self.begun.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                self.begun.remove(&user);
            }
        }
    }
}

/// That a job cannot be taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooBusy;

/// The place of a job among those that work.
pub(super) struct Place<'a>(&'a Arc<Shared>);

impl Evaluators {
    /// As many as there are processors, but two at least and four at most.
    pub(super) fn new() -> Self {
        let processors = thread::available_parallelism().map_or(2, usize::from);
        Self::of(processors.clamp(2, 4))
    }

    fn of(most_working: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                news: Condvar::new(),
                most_working,
            }),
        }
    }

    /// Has `job` done as soon as there is room.
    ///
    /// # Errors
    /// When too many wait already, or no thread is to be had.
    pub(super) fn begin(
        &self,
        job: impl FnOnce(&Place<'_>) + Send + 'static,
    ) -> Result<(), TooBusy> {
        let mut state = self.shared.lock();
        let user = ASKER.try_with(|asker| *asker).unwrap_or(NOBODY);
        if !state.queue.push(user, Box::new(job)) {
            return Err(TooBusy);
        }
        if !self.shared.provide_thread(&mut state) && state.threads == 0 {
            state.queue.take_back(user);
            return Err(TooBusy);
        }
        Ok(())
    }
}

impl Drop for Evaluators {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.news.notify_all();
    }
}

impl Place<'_> {
    /// Leaves the place to others while `wait` does nothing but wait.
    pub(super) fn leave(&self, wait: impl FnOnce()) {
        let shared = self.0;
        let mut state = shared.lock();
        state.working -= 1;
        shared.provide_thread(&mut state);
        drop(state);
        shared.news.notify_all();
        wait();
        let mut state = shared.lock();
        while state.working >= shared.most_working {
            state = shared.wait(state);
        }
        state.working += 1;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.news
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that a thread takes what is queued, if one may. Says whether there is one.
    fn provide_thread(self: &Arc<Self>, state: &mut State) -> bool {
        if state.queue.is_empty() || state.working >= self.most_working {
            return true;
        }
        if state.idle > 0 {
            self.news.notify_all();
            return true;
        }
        if state.threads >= self.most_working + MOST_WAITING {
            return true;
        }
        let shared = Arc::clone(self);
        let thread = thread::Builder::new().name("evaluator".to_owned());
        if thread.spawn(move || shared.work()).is_err() {
            return false;
        }
        state.threads += 1;
        true
    }

    /// The life of a thread.
    fn work(self: Arc<Self>) {
        let mut state = self.lock();
        loop {
            if state.ended || state.threads > self.most_working && state.queue.is_empty() {
                state.threads -= 1;
                return;
            }
            let job = match state.working < self.most_working {
                true => state.pop(),
                false => None,
            };
            let Some((user, job)) = job else {
                state.idle += 1;
                state = self.wait(state);
                state.idle -= 1;
                continue;
            };
            state.working += 1;
            drop(state);
            // Who waits for what a job gives hears of its end by what it drops.
            let _ = catch_unwind(AssertUnwindSafe(|| job(&Place(&self))));
            state = self.lock();
            state.working -= 1;
            state.done(user);
            self.news.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    /// Nobody is told apart here.
    const LONGEST_LINE: usize = Queue::<Job>::LONGEST_LINE;

    #[test]
    fn no_more_work_than_may_and_all_is_done() {
        let evaluators = Evaluators::of(2);
        let (sender, done) = mpsc::channel();
        let (working, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        for _ in 0..100 {
            let (sender, working, most) = (sender.clone(), Arc::clone(&working), Arc::clone(&most));
            let job = move |_: &Place<'_>| {
                most.fetch_max(working.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::yield_now();
                working.fetch_sub(1, Ordering::SeqCst);
                let _ = sender.send(());
            };
            evaluators.begin(job).expect("room");
        }
        for _ in 0..100 {
            done.recv().expect("a job that is done");
        }
        assert!(most.load(Ordering::SeqCst) <= 2);
    }

    #[test]
    fn who_waits_holds_up_nobody() {
        let evaluators = Evaluators::of(1);
        let (release, released) = mpsc::channel::<()>();
        let (sender, done) = mpsc::channel();
        let first = sender.clone();
        evaluators
            .begin(move |place| {
                place.leave(|| {
                    let _ = released.recv();
                });
                let _ = first.send("slow");
            })
            .expect("room");
        evaluators
            .begin(move |_| {
                let _ = sender.send("fast");
            })
            .expect("room");
        assert_eq!(done.recv(), Ok("fast"));
        release.send(()).expect("someone who waits");
        assert_eq!(done.recv(), Ok("slow"));
    }

    #[test]
    fn one_user_who_waits_for_much_holds_up_nobody() {
        let evaluators = Evaluators::of(2);
        let (release, released) = mpsc::channel::<()>();
        let released = Arc::new(Mutex::new(released));
        let (sender, done) = mpsc::channel();
        let begin = |user, job: Job| {
            let asked = asked_by(user, async { evaluators.begin(job) });
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime.expect("a runtime").block_on(asked).expect("room");
        };
        let begun = Arc::new(AtomicUsize::new(0));
        for _ in 0..2 * MOST_WAITING {
            let (begun, released) = (Arc::clone(&begun), Arc::clone(&released));
            let slow = move |place: &Place<'_>| {
                begun.fetch_add(1, Ordering::SeqCst);
                place.leave(|| {
                    let _ = released.lock().map(|released| released.recv());
                });
            };
            begin(1, Box::new(slow));
        }
        while begun.load(Ordering::SeqCst) < MOST_OF_ONE {
            thread::yield_now();
        }
        let say = |user: u32| -> Job {
            let sender = sender.clone();
            Box::new(move |_| {
                let _ = sender.send(user);
            })
        };
        begin(2, say(2));
        let patience = std::time::Duration::from_secs(60);
        assert_eq!(done.recv_timeout(patience), Ok(2));
        assert_eq!(begun.load(Ordering::SeqCst), MOST_OF_ONE);
        drop(release);
        begin(1, say(1));
        assert_eq!(done.recv_timeout(patience), Ok(1));
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let evaluators = Evaluators::of(1);
        let (release, released) = mpsc::channel::<()>();
        evaluators
            .begin(move |_| {
                let _ = released.recv();
            })
            .expect("room");
        let mut taken = 0;
        while evaluators.begin(|_| ()).is_ok() {
            taken += 1;
        }
        // The first may or may not have left the queue.
        assert!(
            (LONGEST_LINE - 1..=LONGEST_LINE).contains(&taken),
            "{taken}"
        );
        drop(release);
    }

    #[test]
    fn a_job_that_panics_takes_nothing_with_it() {
        let evaluators = Evaluators::of(1);
        evaluators.begin(|_| panic!("on purpose")).expect("room");
        let (sender, done) = mpsc::channel();
        evaluators
            .begin(move |_| {
                let _ = sender.send(());
            })
            .expect("room");
        assert_eq!(done.recv(), Ok(()));
    }
}
