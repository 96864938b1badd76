//! A place for a result that is being fetched.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use super::error;
use super::pool::Pool;
use crate::eval::{Progress, ProviderError};

/// Makes a result of what a program gave. It runs on the thread that asks for the result, whose stack the caller wipes;
/// the thread that waits for the program leaves nothing behind.
pub(super) type Finish<T> = Box<dyn FnOnce() -> Result<T, ProviderError> + Send>;

/// What a call has come to.
pub(super) struct Slot<T> {
    state: Arc<Mutex<State<T>>>,
}

enum State<T> {
    Running,
    Fetched(Finish<T>),
    Done(Result<T, ProviderError>),
}

impl<T: Clone + Send + 'static> Slot<T> {
    /// A result that is there at once.
    pub(super) fn done(result: Result<T, ProviderError>) -> Self {
        Self {
            state: Arc::new(Mutex::new(State::Done(result))),
        }
    }

    /// A result that `fetch` fetches on a thread of `pool`.
    pub(super) fn fetch(pool: &Pool, fetch: impl FnOnce() -> Finish<T> + Send + 'static) -> Self {
        let state = Arc::new(Mutex::new(State::Running));
        let slot = Self {
            state: Arc::clone(&state),
        };
        pool.begin(Box::new(move || {
            let fetched = catch_unwind(AssertUnwindSafe(fetch)).unwrap_or_else(|_| {
                Box::new(|| Err(error("internal error: a provider's thread panicked")))
            });
            *state.lock().unwrap_or_else(PoisonError::into_inner) = State::Fetched(fetched);
        }));
        slot
    }

    /// The result, if it is there.
    pub(super) fn progress(&self) -> Progress<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = match std::mem::replace(&mut *state, State::Running) {
            State::Running => return Progress::Pending,
            State::Fetched(finish) => State::Done(finish()),
            done => done,
        };
        match &*state {
            State::Done(result) => Progress::Done(result.clone()),
            _ => Progress::Pending,
        }
    }
}
