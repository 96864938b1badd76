//! Whose turn it is. All connections of a user are one task of the runtime, which works for a short while and then lets
//! those of others work: how long anybody waits for the thread depends on how many users keep it busy, and not on how many
//! connections one of them has.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use tokio::task::coop::has_budget_remaining;
use tokio::task::yield_now;

/// How long a user has the thread at a time. What is begun then is brought to where it waits for something, so that a
/// turn may last longer, by one piece of work. A cached answer is a fraction of this, so that the change from turn to turn
/// costs nothing that could be measured.
const TURN: Duration = Duration::from_micros(250);

/// What is done for a connection.
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The users of whom there are connections, each with what is to be done.
#[derive(Clone, Default)]
pub(crate) struct Turns {
    lines: Arc<Mutex<HashMap<u32, Arc<Line>>>>,
}

/// What can be gone on with of one user's connections, in the order in which that came to be so.
#[derive(Default)]
struct Line {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Next>,
    /// Of the task that takes what is queued, if it waits for something to be.
    waker: Option<Waker>,
}

/// What is gone on with.
enum Next {
    /// A connection that has just been let in.
    New(Work),
    /// One that waited for something, which may have come.
    Woken(u64),
}

/// By which a connection that waits is woken.
struct Bell {
    line: Arc<Line>,
    number: u64,
    /// Whether it is in the queue.
    has_rung: AtomicBool,
}

impl Turns {
    /// Does `work` in the turns of `user`. Must run within the runtime.
    pub(super) fn begin(&self, user: u32, work: impl Future<Output = ()> + Send + 'static) {
        let mut lines = self.lock();
        let line = lines.entry(user).or_insert_with(|| {
            let line = Arc::<Line>::default();
            let turns = self.clone();
            tokio::spawn(Server::new(turns, user, Arc::clone(&line)).serve());
            line
        });
        // With the lock, so that the line does not end before it has this.
        line.push(Next::New(Box::pin(work)));
    }

    /// Ends the line of `user`, if nothing has come meanwhile. Says whether that is so.
    fn end(&self, user: u32, line: &Line) -> bool {
        let mut lines = self.lock();
        let is_over = line.lock().queue.is_empty();
        if is_over {
            lines.remove(&user);
        }
        is_over
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Arc<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn push(&self, next: Next) {
        let mut state = self.lock();
        state.queue.push_back(next);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The first of the queue; if there is none, the task of `context` is woken when there is.
    fn pop(&self, context: &Context<'_>) -> Option<Next> {
        let mut state = self.lock();
        let next = state.queue.pop_front();
        if next.is_none() {
            state.waker = Some(context.waker().clone());
        }
        next
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.has_rung.swap(true, Ordering::AcqRel) {
            self.line.push(Next::Woken(self.number));
        }
    }
}

/// The task that serves a line.
struct Server {
    turns: Turns,
    user: u32,
    line: Arc<Line>,
    /// What has been begun and is not done.
    begun: HashMap<u64, (Work, Arc<Bell>)>,
    /// How many have been begun so far.
    count: u64,
}

/// How a turn ends.
enum End {
    /// There is more to do.
    More,
    /// There are no connections left.
    Last,
}

impl Server {
    fn new(turns: Turns, user: u32, line: Arc<Line>) -> Self {
        Self {
            turns,
            user,
            line,
            begun: HashMap::new(),
            count: 0,
        }
    }

    async fn serve(mut self) {
        while let End::More = poll_fn(|context| self.turn(context)).await {
            // The runtime looks for what has come for others before it comes back.
            yield_now().await;
        }
    }

    /// Works until the turn is over, or there is nothing to do.
    fn turn(&mut self, context: &Context<'_>) -> Poll<End> {
        let end = Instant::now() + TURN;
        loop {
            let Some(next) = self.line.pop(context) else {
                let is_last = self.begun.is_empty() && self.turns.end(self.user, &self.line);
                return match is_last {
                    true => Poll::Ready(End::Last),
                    false => Poll::Pending,
                };
            };
            self.go_on(next);
            if Instant::now() >= end || !has_budget_remaining() {
                return Poll::Ready(End::More);
            }
        }
    }

    /// Brings one connection to where it waits for something, or to its end.
    fn go_on(&mut self, next: Next) {
        let number = match next {
            Next::Woken(number) => number,
            Next::New(work) => {
                self.count += 1;
                let bell = Arc::new(Bell {
                    line: Arc::clone(&self.line),
                    number: self.count,
                    has_rung: AtomicBool::new(true),
                });
                self.begun.insert(self.count, (work, bell));
                self.count
            }
        };
        // What is done already may have been woken once more.
        let Some((work, bell)) = self.begun.get_mut(&number) else {
            return;
        };
        // Before the work: what comes while it is done has it done again.
        bell.has_rung.store(false, Ordering::Release);
        let waker = Waker::from(Arc::clone(bell));
        let polled = catch_unwind(AssertUnwindSafe(|| {
            work.as_mut().poll(&mut Context::from_waker(&waker))
        }));
        // One connection that panics takes no other with it.
        if !matches!(polled, Ok(Poll::Pending)) {
            self.begun.remove(&number);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Where the runtime ends before the connections do: what they hold is not to outlive it.
        let left = std::mem::take(&mut self.line.lock().queue);
        // Without the lock: what is dropped may wake others of the line.
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn run<R>(work: impl Future<Output = R>) -> R {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(work)
    }

    /// Waits until something is so.
    async fn until(is_so: impl Fn() -> bool) {
        while !is_so() {
            yield_now().await;
        }
    }

    #[test]
    fn a_turn_does_not_depend_on_how_many_connections_others_have() {
        const STEPS: usize = 10;
        let (done, steps) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        run(async {
            let turns = Turns::default();
            for _ in 0..200 {
                let (done, steps) = (Arc::clone(&done), Arc::clone(&steps));
                turns.begin(1, async move {
                    while !done.load(Ordering::Relaxed) {
                        steps.fetch_add(1, Ordering::Relaxed);
                        let begun = Instant::now();
                        while begun.elapsed() < TURN {}
                        yield_now().await;
                    }
                });
            }
            until(|| steps.load(Ordering::Relaxed) >= 10).await;
            steps.store(0, Ordering::Relaxed);
            let ended = Arc::clone(&done);
            turns.begin(2, async move {
                for _ in 0..STEPS {
                    yield_now().await;
                }
                ended.store(true, Ordering::Relaxed);
            });
            until(|| done.load(Ordering::Relaxed)).await;
            // One for each of the other's, and a few to come and go.
            let steps = steps.load(Ordering::Relaxed);
            assert!(steps < 3 * STEPS, "{steps}");
            until(|| turns.lock().is_empty()).await;
        });
    }

    #[test]
    fn what_waits_is_woken_from_anywhere() {
        run(async {
            let turns = Turns::default();
            let (sender, receiver) = tokio::sync::oneshot::channel();
            let (told, telling) = tokio::sync::oneshot::channel();
            turns.begin(1, async move {
                let _ = told.send(receiver.await.is_ok());
            });
            yield_now().await;
            assert_eq!(turns.lock().len(), 1);
            let other = std::thread::spawn(move || sender.send(()));
            assert_eq!(telling.await, Ok(true));
            assert_eq!(other.join().expect("no panic"), Ok(()));
            until(|| turns.lock().is_empty()).await;
        });
    }

    #[test]
    fn a_panic_ends_one_connection() {
        run(async {
            let turns = Turns::default();
            let (told, telling) = tokio::sync::oneshot::channel();
            turns.begin(1, async { panic!("on purpose") });
            turns.begin(1, async move {
                yield_now().await;
                let _ = told.send(());
            });
            assert_eq!(telling.await, Ok(()));
            until(|| turns.lock().is_empty()).await;
        });
    }

    #[test]
    fn nothing_outlives_the_runtime() {
        let held = Arc::new(());
        let turns = Turns::default();
        run(async {
            for _ in 0..2 {
                let held = Arc::clone(&held);
                turns.begin(1, async move {
                    std::future::pending::<()>().await;
                    drop(held);
                });
                yield_now().await;
            }
            let held = Arc::clone(&held);
            turns.begin(1, async move { drop(held) });
        });
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
