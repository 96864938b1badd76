//! What has been evaluated, and what is being evaluated: equal requests share one answer.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

use super::{Answer, Closure};
use crate::protocol::ErrorAnswer;
use crate::provider::Provided;
use crate::watch::changed_since;

/// The digest of everything that goes into an answer.
pub(super) type Key = [u8; 32];

/// What a request comes to.
pub(super) type Outcome = Result<Arc<Answer>, Arc<ErrorAnswer>>;

/// How long a failure is remembered: so that who asks again and again does not have it evaluated as often.
const FAILURE: Duration = Duration::from_secs(1);

/// What an entry takes besides its text, in bytes, roughly.
const OVERHEAD: usize = 512;

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// How many bytes answers may have together.
    pub bytes: usize,
    /// How long an answer is given.
    pub age: Duration,
    /// How long an answer is given that providers had a part in, unless they say less.
    pub provider_age: Duration,
}

/// How the cache does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheFigures {
    /// How many answers it holds.
    pub answers: usize,
    /// How many bytes they have together.
    pub bytes: usize,
    /// How often one was given.
    pub hits: u64,
    /// How often one had to be made.
    pub misses: u64,
    /// How often a request waited for what another one had begun.
    pub joined: u64,
}

/// Answers by what went into them, the least recently used going first.
pub(super) struct Cache {
    state: Mutex<State>,
}

struct State {
    limits: CacheLimits,
    entries: HashMap<Key, Entry>,
    /// The keys by when they were last used.
    used: BTreeMap<u64, Key>,
    clock: u64,
    flights: HashMap<Key, watch::Receiver<Option<Outcome>>>,
    figures: CacheFigures,
    /// Of the identities that the answers were opened with.
    generation: u64,
}

struct Entry {
    outcome: Outcome,
    closure: Arc<Closure>,
    size: usize,
    used: u64,
    until: Instant,
}

/// What the cache has for a request.
pub(super) enum Found {
    /// The answer.
    Answer(Outcome),
    /// Word of the answer that another request is waiting for.
    Begun(watch::Receiver<Option<Outcome>>),
    /// Nothing: who asked is to have it made.
    Nothing(Flight),
}

/// An answer that is being made. Dropped without one, it lets those who wait try again.
pub(super) struct Flight {
    cache: Arc<Cache>,
    key: Key,
    sender: watch::Sender<Option<Outcome>>,
}

/// What is to be remembered of an answer.
pub(super) struct Landing {
    /// The answer.
    pub(super) outcome: Outcome,
    /// What it was made of.
    pub(super) closure: Arc<Closure>,
    /// How long it is good for; none if for as long as any.
    pub(super) lifetime: Option<Duration>,
    /// Of which identities it was made.
    pub(super) generation: u64,
}

impl Cache {
    pub(super) fn new(limits: CacheLimits) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                limits,
                entries: HashMap::new(),
                used: BTreeMap::new(),
                clock: 0,
                flights: HashMap::new(),
                figures: CacheFigures::default(),
                generation: 0,
            }),
        })
    }

    /// Goes by other limits from now on, and drops what was kept by those before.
    pub(super) fn limit(&self, limits: CacheLimits) {
        let mut state = self.lock();
        state.limits = limits;
        state.clear();
        state.flights.clear();
    }

    /// What there is for `key`. `generation` is that of the identities that are there now.
    pub(super) fn find(self: &Arc<Self>, key: &Key, generation: u64, now: Instant) -> Found {
        let mut state = self.lock();
        state.require(generation);
        if let Some(outcome) = state.take_up(key, now) {
            state.figures.hits += 1;
            return Found::Answer(outcome);
        }
        if let Some(flight) = state.flights.get(key).cloned() {
            state.figures.joined += 1;
            return Found::Begun(flight);
        }
        state.figures.misses += 1;
        let (sender, receiver) = watch::channel(None);
        state.flights.insert(*key, receiver);
        Found::Nothing(Flight {
            cache: Arc::clone(self),
            key: *key,
            sender,
        })
    }

    /// Drops everything, as the secrets in it are not to be there any more. What is being made is not remembered.
    pub(super) fn clear(&self, generation: u64) {
        let mut state = self.lock();
        state.clear();
        state.flights.clear();
        state.generation = generation;
    }

    /// Keeps only the answers whose closures `is_current` still.
    pub(super) fn retain(&self, is_current: impl Fn(&Arc<Closure>) -> bool) {
        self.lock().retain(|entry| is_current(&entry.closure));
    }

    /// Drops what is too old. Says when the next one will be.
    pub(super) fn expire(&self, now: Instant) -> Option<Instant> {
        let mut state = self.lock();
        state.retain(|entry| entry.until > now);
        state.entries.values().map(|entry| entry.until).min()
    }

    pub(super) fn figures(&self) -> CacheFigures {
        let state = self.lock();
        CacheFigures {
            answers: state.entries.len(),
            ..state.figures
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// Word of the answer.
    pub(super) fn landing(&self) -> watch::Receiver<Option<Outcome>> {
        self.sender.subscribe()
    }

    /// How long an answer is good for that providers had a part in, and that was begun at `began`.
    pub(super) fn lifetime_of(&self, provided: &Provided, began: SystemTime) -> Option<Duration> {
        let files = provided.files.iter().map(PathBuf::as_path);
        if changed_since(files, began) {
            // What was read of them may be old already.
            return Some(Duration::ZERO);
        }
        let longest = self.cache.lock().limits.provider_age;
        let said = provided.lifetime.unwrap_or(longest).min(longest);
        provided.asked.then_some(said)
    }

    /// Hands the answer to all who wait, and remembers it, unless the identities are others by now or the cache was cleared
    /// since it was begun.
    pub(super) fn land(self, landing: Landing) {
        let now = Instant::now();
        let mut state = self.cache.lock();
        let limits = state.limits;
        let longest = match landing.outcome {
            Ok(_) => limits.age,
            Err(_) => FAILURE,
        };
        let lifetime = landing.lifetime.unwrap_or(longest).min(longest);
        let outcome = landing.outcome.clone();
        let is_wanted = state.generation == landing.generation && self.is_under_way(&state);
        if is_wanted && !lifetime.is_zero() {
            let entry = Entry {
                size: OVERHEAD + landing.outcome.as_ref().map_or(0, |answer| answer.size()),
                outcome: landing.outcome,
                closure: landing.closure,
                used: 0,
                until: now + lifetime,
            };
            state.insert(self.key, entry, limits.bytes);
        }
        drop(state);
        // Whoever asked may have gone.
        let _ = self.sender.send(Some(outcome));
    }

    /// Whether others who ask would wait for it. Another one may have been begun since the cache was cleared.
    fn is_under_way(&self, state: &State) -> bool {
        let is_own = |flight: &watch::Receiver<_>| flight.same_channel(&self.sender.subscribe());
        state.flights.get(&self.key).is_some_and(is_own)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut state = self.cache.lock();
        if self.is_under_way(&state) {
            state.flights.remove(&self.key);
        }
    }
}

impl State {
    fn require(&mut self, generation: u64) {
        if self.generation != generation {
            self.clear();
            self.flights.clear();
            self.generation = generation;
        }
    }

    fn clear(&mut self) {
        self.retain(|_| false);
    }

    /// The answer for `key`, which becomes the last one to go.
    fn take_up(&mut self, key: &Key, now: Instant) -> Option<Outcome> {
        if self.entries.get(key)?.until <= now {
            self.remove(key);
            return None;
        }
        self.clock += 1;
        let entry = self.entries.get_mut(key)?;
        self.used.remove(&entry.used);
        entry.used = self.clock;
        self.used.insert(self.clock, *key);
        Some(entry.outcome.clone())
    }

    fn insert(&mut self, key: Key, mut entry: Entry, most: usize) {
        self.remove(&key);
        if entry.size > most {
            return;
        }
        while self.figures.bytes + entry.size > most {
            let Some((_, oldest)) = self.used.first_key_value() else {
                break;
            };
            let oldest = *oldest;
            self.remove(&oldest);
        }
        self.clock += 1;
        entry.used = self.clock;
        self.used.insert(self.clock, key);
        self.figures.bytes += entry.size;
        self.entries.insert(key, entry);
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.used.remove(&entry.used);
            self.figures.bytes -= entry.size;
        }
    }

    fn retain(&mut self, keep: impl Fn(&Entry) -> bool) {
        let dropped = self.entries.iter().filter(|(_, entry)| !keep(entry));
        let dropped: Vec<Key> = dropped.map(|(key, _)| *key).collect();
        for key in &dropped {
            self.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
