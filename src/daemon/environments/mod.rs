//! Environments: read once per revision, decided as a whole, evaluated once for all who ask the same.
//!
//! Three memories lie one upon the other. The [`library`](Library) knows what lists of environments come to, as texts,
//! until the [`lookout`](Lookout) has seen a change and it is complete. The [`cache`](Cache) knows answers by the digest of
//! all that went into them, in locked memory. And what is being evaluated is known, so that equal requests share it.
//!
//! # What is promised
//!
//! A request takes what the kernel has told of changes before it looks into any memory. If a change is under way then, it
//! waits until files have been at rest for 100 ms, and is answered by what they say. It waits for no more than half a
//! second when there is something to give: while files keep changing for longer, it is given what they said before. After
//! two seconds they are read as they are, and after two more if they change even then. So a change that was complete
//! before a request came, and that no other one followed, is in the answer.

mod answer;
mod cache;
mod closure;
mod document;
mod evaluation;
mod evaluators;
mod library;
mod lookout;
mod provision;
mod queue;
mod rights;
mod setup;
mod tending;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Notify, oneshot, watch};

pub use answer::Answer;
pub use cache::{CacheFigures, CacheLimits};
pub use closure::{Closure, Presence};
pub(crate) use evaluators::asked_by;
pub use library::Subscription;
pub use lookout::Subject;
pub use rights::Rights;
pub use setup::Setup;

use self::cache::{Cache, Flight, Found, Landing, Outcome};
use self::evaluation::{Evaluation, Purpose};
use self::evaluators::{Evaluators, Place, TooBusy};
use self::library::Library;
use self::lookout::Lookout;
use super::keys::{Vault, VaultDecrypter};
use super::settings::Settings;
use crate::protocol::{Code, ErrorAnswer, Fault, MOST_ENVIRONMENTS, OpenCall};
use crate::sys::stack::on_private_stack;

/// How long a request waits for a change to be complete when there is an answer of before.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long one waits when there is none: a little longer than any change may take.
const LONGEST_PATIENCE: Duration = Duration::from_secs(3);

/// How often something is done anew because files or identities have changed meanwhile.
const ATTEMPTS: usize = 4;

/// Reads, evaluates and remembers environments. Shared by all tasks; its own task is [`Environments::tend`].
pub struct Environments {
    vault: Arc<Vault>,
    rights: RwLock<Arc<Rights>>,
    library: Arc<Library>,
    cache: Arc<Cache>,
    lookout: Arc<Lookout>,
    evaluators: Evaluators,
    /// Wakes the task that tends to changes.
    wake: Notify,
    /// Counts the changes that were reacted to.
    settlings: watch::Sender<u64>,
}

/// How environments do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The cache.
    pub cache: CacheFigures,
    /// How many lists of environments are known.
    pub lists: usize,
    /// How many changes of files have been reacted to.
    pub changes: u64,
}

impl Environments {
    /// Reads nothing yet.
    pub fn new(setup: Setup, vault: Arc<Vault>) -> Self {
        Self {
            vault,
            rights: RwLock::new(Arc::new(setup.rights)),
            library: Arc::new(Library::new(setup.folders)),
            cache: Cache::new(setup.cache),
            lookout: Arc::default(),
            evaluators: Evaluators::new(),
            wake: Notify::new(),
            settlings: watch::Sender::new(0),
        }
    }

    /// Goes by other settings from now on, but for the folders. What was evaluated by those before is forgotten.
    pub fn configure(&self, settings: &Settings) {
        let allowed = Arc::new(Rights::listed(settings));
        let mut rights = self.rights.write().unwrap_or_else(PoisonError::into_inner);
        let changed = Rights {
            allowed,
            ..Rights::clone(&rights)
        };
        *rights = Arc::new(changed);
        drop(rights);
        self.cache.limit(CacheLimits::of(settings));
    }

    /// What a list of environments reaches, and the texts of all of it. Nothing is evaluated. An environment that does not
    /// exist is in it all the same.
    ///
    /// # Errors
    /// `BadRequest` for no or too many names, `Faulty` if more hangs on them than is evaluated, `Unavailable` if there is too
    /// much to do or the folders cannot be opened.
    pub async fn closure(&self, names: &[Arc<str>]) -> Result<Arc<Closure>, Arc<ErrorAnswer>> {
        if names.is_empty() || names.len() > MOST_ENVIRONMENTS {
            let message = format!("a request names from 1 to {MOST_ENVIRONMENTS} environments");
            return Err(Arc::new(failure(Code::BadRequest, message)));
        }
        let is_settled = self.settle_within(PATIENCE).await;
        if self.lookout.tells()
            && let Some(known) = self.library.find(names)
        {
            return Ok(known);
        }
        if !is_settled {
            self.settle_within(LONGEST_PATIENCE).await;
        }
        self.read(names).await.map_err(Arc::new)
    }

    /// Variables and files, the tree of values, or one value.
    ///
    /// # Errors
    /// `NotFound` if a named environment or the value does not exist, `Faulty` with diagnostics, `Locked`, `BadRequest`, or
    /// `Unavailable` if there is too much to do.
    pub async fn open(&self, closure: &Arc<Closure>, call: &OpenCall) -> Outcome {
        self.give(Purpose::Open, closure, call).await
    }

    /// What is wrong with environments, without decrypting anything or asking any provider:
    /// `{"revision","ok","diagnostics":[…]}`.
    ///
    /// # Errors
    /// As [`Self::open`]; that something is wrong is none.
    pub async fn check(&self, closure: &Arc<Closure>, call: &OpenCall) -> Outcome {
        self.give(Purpose::Check, closure, call).await
    }

    /// Has changes of the list of `closure` told. [`Subscription::changed`] tells at once if it has changed already.
    pub fn subscribe(&self, closure: &Arc<Closure>) -> Subscription {
        self.library.subscribe(closure)
    }

    /// Drops all answers at once: the secrets in them are not to be there any more. To be called when the identities are
    /// locked; answers that were made with other identities are never given in any case.
    pub fn forget(&self) {
        self.cache.clear(self.vault.generation());
    }

    /// Reads everything anew, whatever has been told of changes, and forgets all answers.
    pub async fn reload(&self) {
        self.forget();
        self.library.doubt();
        self.lookout.demand();
        self.wake.notify_one();
        self.settle_within(LONGEST_PATIENCE).await;
    }

    /// Watches the files and folders of `subject`, which [`Self::tend`] reports changes of.
    pub fn watch(&self, subject: Subject, paths: Vec<PathBuf>) {
        self.lookout.watch_subject(subject, paths);
    }

    /// Returns when an evaluator has come to this: for who wants to know whether work is still done.
    pub async fn probe(&self) {
        // Too much to do is work that is done.
        let _ = self.on_evaluator(|| ()).await;
    }

    /// What is worse than it should be.
    pub fn warnings(&self) -> Vec<String> {
        self.lookout.warning().into_iter().collect()
    }

    /// How it does.
    pub fn figures(&self) -> Figures {
        Figures {
            cache: self.cache.figures(),
            lists: self.library.lists(),
            changes: *self.settlings.borrow(),
        }
    }

    fn rights(&self) -> Arc<Rights> {
        let rights = self.rights.read();
        Arc::clone(&rights.unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for no longer than `patience` until no change is under way. Says whether that is so.
    async fn settle_within(&self, patience: Duration) -> bool {
        if !self.lookout.look(Instant::now()) {
            return true;
        }
        self.wake.notify_one();
        let mut settlings = self.settlings.subscribe();
        let settled = async {
            while self.lookout.is_unsettled() {
                if settlings.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(patience, settled).await.is_ok()
    }

    /// Reads a list of environments, anew if a change comes in between, and has everything watched that it depends on.
    async fn read(&self, names: &[Arc<str>]) -> Result<Arc<Closure>, ErrorAnswer> {
        for attempt in 1.. {
            let changes = self.lookout.changes();
            let (library, names) = (Arc::clone(&self.library), names.to_vec());
            let closure = self.on_evaluator(move || library.read(&names)).await??;
            // Names of nothing are without number: whoever makes them up has nothing kept and nothing watched for it.
            if closure.names().any(|name| closure.absence(name).is_some()) {
                return Ok(Arc::new(closure));
            }
            let was_watched = self.lookout.watch_also(self.library.places_of(&closure));
            self.lookout.look(Instant::now());
            let is_whole = was_watched && self.lookout.changes() == changes;
            if is_whole || attempt == ATTEMPTS {
                return Ok(self.library.shelve(closure));
            }
        }
        unreachable!("the last attempt counts")
    }

    /// Has something done on an evaluator.
    async fn on_evaluator<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, ErrorAnswer> {
        let (sender, receiver) = oneshot::channel();
        let job = move |_: &Place<'_>| {
            if let Ok(result) = on_private_stack(work) {
                // Who asked may have gone.
                let _ = sender.send(result);
            }
        };
        self.evaluators.begin(job).map_err(too_busy)?;
        receiver
            .await
            .map_err(|_| failure(Code::Unavailable, "there is no memory to work in"))
    }

    /// The answer to a request: one that is known, one that is being made, or a new one.
    async fn give(&self, purpose: Purpose, closure: &Arc<Closure>, call: &OpenCall) -> Outcome {
        require_present(closure).map_err(Arc::new)?;
        let key = evaluation::key(purpose, closure, call);
        for _ in 0..ATTEMPTS {
            let decrypter = self.vault.decrypter();
            let generation = decrypter.generation();
            let mut landing = match self.cache.find(&key, generation, Instant::now()) {
                Found::Answer(outcome) => return outcome,
                Found::Begun(landing) => landing,
                Found::Nothing(flight) => {
                    let landing = flight.landing();
                    self.begin(purpose, closure, call, decrypter, flight)?;
                    landing
                }
            };
            let landed = landing.wait_for(Option::is_some).await;
            let outcome = landed.ok().and_then(|outcome| outcome.clone());
            // What was opened by identities that have been locked since is not given.
            if let Some(outcome) = outcome
                && self.vault.generation() == generation
            {
                return outcome;
            }
        }
        let message = "the identities changed while this was evaluated";
        Err(Arc::new(failure(Code::Unavailable, message)))
    }

    /// Has an evaluator make an answer, for all who wait for `flight`.
    fn begin(
        &self,
        purpose: Purpose,
        closure: &Arc<Closure>,
        call: &OpenCall,
        decrypter: VaultDecrypter,
        flight: Flight,
    ) -> Result<(), Arc<ErrorAnswer>> {
        let (closure, call) = (Arc::clone(closure), call.clone());
        let rights = self.rights();
        let (library, lookout) = (Arc::clone(&self.library), Arc::clone(&self.lookout));
        let job = move |place: &Place<'_>| {
            let evaluation = Evaluation {
                purpose,
                closure: &closure,
                call: &call,
                decrypter: &decrypter,
                rights: &rights,
                place,
            };
            let began = SystemTime::now();
            let (outcome, provided) = evaluation.on_private_stack();
            if !provided.files.is_empty() {
                lookout.watch_also(provided.files.clone());
                library.note_provided(&closure, &provided.files);
            }
            // Asked last: of what changes from now on there will be word.
            let lifetime = flight.lifetime_of(&provided, began);
            let generation = decrypter.generation();
            flight.land(Landing {
                outcome,
                closure: Arc::clone(&closure),
                lifetime,
                generation,
            });
        };
        let begun = self.evaluators.begin(job);
        begun.map_err(|busy| Arc::new(too_busy(busy)))
    }
}

/// Refuses what names an environment that is not there.
///
/// # Errors
/// Which one, and why there is no text.
pub fn require_present(closure: &Closure) -> Result<(), ErrorAnswer> {
    let absent = |name: &Arc<str>| Some((Arc::clone(name), closure.absence(name)?));
    let Some((name, absence)) = closure.names().find_map(absent) else {
        return Ok(());
    };
    Err(match absence.is_missing {
        true => {
            let mut answer = failure(Code::NotFound, format!("there is no environment {name}"));
            // Whoever may have it may know that; which folders these are is for who manages the daemon.
            let hint = "the daemon has folders of its own, which escrun status tells";
            answer.error.hint = Some(hint.to_owned());
            answer
        }
        false => {
            let mut answer = failure(Code::Faulty, absence.error.message.clone());
            answer.error.hint.clone_from(&absence.error.hint);
            answer
        }
    })
}

/// A failure without a hint.
fn failure(code: Code, message: impl Into<String>) -> ErrorAnswer {
    ErrorAnswer {
        error: Fault {
            code,
            message: message.into(),
            hint: None,
        },
        diagnostics: Vec::new(),
    }
}

fn too_busy(_: TooBusy) -> ErrorAnswer {
    failure(Code::Unavailable, "there is too much to do")
}

#[cfg(test)]
mod tests;
