//! Keeps the identities, shared by all threads.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use tokio::sync::futures::Notified;
use tokio::sync::{Notify, oneshot};

use super::answers::Interview;
use super::decrypter::VaultDecrypter;
use super::patience::Patience;
use super::place::IdentityPlace;
use super::sleep::Sleep;
use super::unwraps::Unwraps;
use crate::crypt::{self, Custody, Interaction, PluginHost, Plugins, Prompt};
use crate::protocol::{LockState, Question};
use crate::sys::stack::on_private_stack;

/// Where identities are, and when they are forgotten.
#[derive(Clone, Default)]
pub struct VaultSettings {
    /// Where identities are, in the order in which they are tried.
    pub places: Vec<IdentityPlace>,
    /// Whether age plugins may be started.
    pub plugins: Plugins,
    /// Where they run; none for as children of this process.
    pub host: Option<Arc<dyn PluginHost>>,
    /// After how long without use they are locked; none for never.
    pub idle: Option<Duration>,
}

/// Keeps the identities. Shared by all threads.
///
/// All of its methods that give or use anything first look whether the machine has slept, and lock if it has.
pub struct Vault {
    settings: VaultSettings,
    state: Mutex<State>,
    generation: AtomicU64,
    /// The answers that plugins get.
    pub(super) interview: Arc<Interview>,
    /// Held while passphrases are tried: one call at a time.
    pub(super) patience: tokio::sync::Mutex<Patience>,
    pub(super) unwraps: Unwraps,
    /// Told when the identities are unlocked, or are to be locked at another time.
    opened: Notify,
    /// Told when they are locked.
    closed: Notify,
}

struct State {
    held: Held,
    sleep: Sleep,
    /// When an identity was last used, or something done about them.
    used: Instant,
    /// After how long without use they are locked; none for never.
    idle: Option<Duration>,
    /// Whether it was sleep that locked them, and nobody has been told.
    slept: bool,
    /// How often they were locked.
    locks: u64,
}

enum Held {
    /// Forgotten. What had to be answered before, and so presumably has to be again.
    Locked(Vec<Question>),
    Open(Arc<Custody>),
}

impl Default for Vault {
    fn default() -> Self {
        Self::new(VaultSettings::default())
    }
}

impl Vault {
    /// A vault in which nothing has been read yet: it is locked.
    pub fn new(settings: VaultSettings) -> Self {
        Self {
            state: Mutex::new(State {
                held: Held::Locked(Vec::new()),
                sleep: Sleep::watch(),
                used: Instant::now(),
                idle: settings.idle,
                slept: false,
                locks: 0,
            }),
            settings,
            generation: AtomicU64::new(0),
            interview: Arc::default(),
            patience: tokio::sync::Mutex::default(),
            unwraps: Unwraps::default(),
            opened: Notify::new(),
            closed: Notify::new(),
        }
    }

    /// A vault that has read its identities. What is wrong with any of them is told by [`Vault::problems`].
    ///
    /// # Errors
    /// When there is no memory to read them in.
    pub fn open(settings: VaultSettings) -> io::Result<Arc<Self>> {
        let vault = Self::new(settings);
        on_private_stack(|| {
            let custody = vault.read(None);
            vault.publish(custody, vault.generation());
        })?;
        Ok(Arc::new(vault))
    }

    /// What is known of the identities.
    pub fn state(&self) -> LockState {
        let asked = self.interview.open();
        match &self.looked_at().held {
            Held::Locked(questions) => LockState {
                locked: true,
                questions: questions.clone(),
                ..LockState::default()
            },
            Held::Open(custody) => {
                let waiting = custody.waiting();
                let passphrases = waiting.iter().map(|name| passphrase_question(name));
                LockState {
                    locked: !custody.is_usable() && !waiting.is_empty(),
                    identities: custody.names(),
                    recipients: custody.recipients(),
                    questions: passphrases.chain(asked).collect(),
                }
            }
        }
    }

    /// What is wrong with the places of identities: a line each.
    pub fn problems(&self) -> Vec<String> {
        match &self.looked_at().held {
            Held::Locked(_) => Vec::new(),
            Held::Open(custody) => custody.problems().to_vec(),
        }
    }

    /// The files and folders of identities, those included that do not exist: what is worth being watched.
    pub fn files(&self) -> Vec<PathBuf> {
        let places = self.settings.places.iter();
        places.map(|place| place.path().to_owned()).collect()
    }

    /// A number that changes whenever other identities are there than before, or none: what was decrypted before is
    /// not to be given out after.
    pub fn generation(&self) -> u64 {
        drop(self.looked_at());
        self.generation.load(Ordering::Acquire)
    }

    /// Forgets all identities, file keys and answers. What is being decrypted at this moment is finished, and forgotten
    /// then.
    pub fn lock(&self) {
        self.lock_state(&mut self.looked_at());
    }

    /// Whether sleep of the machine has locked the identities since this was last asked.
    pub fn has_slept(&self) -> bool {
        std::mem::take(&mut self.looked_at().slept)
    }

    /// Waits until the machine has slept, and locks: even if nobody asks for anything. It is looked `every` so often; to be
    /// called again after each time.
    pub async fn slept(&self, every: Duration) {
        while !self.has_slept() {
            tokio::time::sleep(every).await;
        }
    }

    /// Waits until the identities are locked, counted from this call, not from when it is first waited for.
    pub fn locked(&self) -> Notified<'_> {
        self.closed.notified()
    }

    /// How often the identities were locked.
    pub(super) fn locks(&self) -> u64 {
        self.looked_at().locks
    }

    /// Counts as a use: the time until identities are locked for want of use begins anew.
    pub fn touch(&self) {
        self.looked_at().used = Instant::now();
    }

    /// Waits until nobody has used the identities for so long that they are locked, and locks them; for ever if that is
    /// not wanted. To be called again after each time.
    pub async fn idle(&self) {
        loop {
            // Made before the state is looked at, so that no unlocking is missed in between.
            let opened = self.opened.notified();
            let end = match &*self.looked_at() {
                State {
                    held: Held::Locked(_),
                    ..
                } => None,
                state => state.idle.map(|idle| state.used + idle),
            };
            match end {
                None => opened.await,
                Some(end) if end <= Instant::now() => {
                    self.lock();
                    return;
                }
                Some(end) => {
                    // Whichever comes first, it is looked again.
                    let _ = tokio::time::timeout_at(end.into(), opened).await;
                }
            }
        }
    }

    /// Has the identities locked after another time without use; none for never.
    pub fn set_idle(&self, idle: Option<Duration>) {
        self.looked_at().idle = idle;
        self.opened.notify_waiters();
    }

    /// What opens ciphertexts for one evaluation: with the identities that are there now, and no others.
    pub fn decrypter(self: &Arc<Self>) -> VaultDecrypter {
        VaultDecrypter::new(Arc::clone(self), self.generation())
    }

    /// Reads the identities anew, as after a change of their files. What was unlocked stays so if its file is the same.
    ///
    /// # Errors
    /// When there is no memory or no thread to be had.
    pub async fn reread(self: &Arc<Self>) -> io::Result<()> {
        self.on_thread(|vault| {
            let generation = vault.generation();
            let Some(before) = vault.custody() else {
                return;
            };
            let after = vault.read(Some(&before));
            if !after.is_same(&before) {
                vault.publish(after, generation);
            }
        })
        .await
    }

    /// The identities, if they are not locked.
    pub(super) fn custody(&self) -> Option<Arc<Custody>> {
        match &self.looked_at().held {
            Held::Locked(_) => None,
            Held::Open(custody) => Some(Arc::clone(custody)),
        }
    }

    /// Reads all identities.
    pub(super) fn read(&self, before: Option<&Custody>) -> Custody {
        let places = self.settings.places.iter();
        let prompt: Arc<dyn Prompt> = Arc::clone(&self.interview) as _;
        let mut interaction = Interaction::new(Some(prompt), self.settings.plugins);
        if let Some(host) = &self.settings.host {
            interaction = interaction.with_host(Arc::clone(host));
        }
        Custody::read(
            places.map(IdentityPlace::source).collect(),
            interaction,
            before,
        )
    }

    /// Puts identities in place, unless something else has happened to them since `generation`. Says whether it did.
    pub(super) fn publish(&self, custody: Custody, generation: u64) -> bool {
        let mut state = self.looked_at();
        if self.generation.load(Ordering::Acquire) != generation {
            return false;
        }
        state.held = Held::Open(Arc::new(custody));
        self.changed(&mut state);
        self.opened.notify_waiters();
        true
    }

    /// Notes that more can be decrypted than before.
    pub(super) fn has_more(&self) {
        self.changed(&mut self.looked_at());
    }

    /// Runs `f` on a thread of its own with a private stack: deriving a key takes a second, and a plugin as long as a
    /// person does.
    pub(super) async fn on_thread<R: Send + 'static>(
        self: &Arc<Self>,
        f: impl FnOnce(&Arc<Self>) -> R + Send + 'static,
    ) -> io::Result<R> {
        let (send, receive) = oneshot::channel();
        let vault = Arc::clone(self);
        thread::Builder::new()
            .name("keys".to_owned())
            .spawn(move || {
                // Nobody may be left to hear it.
                let _ = send.send(on_private_stack(|| f(&vault)));
            })?;
        receive
            .await
            .unwrap_or_else(|_| Err(io::Error::other("the thread of the keys has ended")))
    }

    /// The state, after a look at whether the machine has slept.
    fn looked_at(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.sleep.has_been() && matches!(state.held, Held::Open(_)) {
            self.lock_state(&mut state);
            state.slept = true;
        }
        state
    }

    fn lock_state(&self, state: &mut State) {
        state.locks += 1;
        self.interview.forget();
        if let Held::Open(custody) = &state.held {
            let protected = custody.protected();
            let passphrases = protected.iter().map(|name| passphrase_question(name));
            let questions = passphrases.chain(self.interview.open()).collect();
            state.held = Held::Locked(questions);
        }
        self.closed.notify_waiters();
        // Also where they were locked before: whoever is unlocking them right now is to notice.
        self.changed(state);
    }

    /// Does what is done when the machine is found to have slept.
    #[cfg(test)]
    pub(super) fn pretend_sleep(&self) {
        let mut state = self.looked_at();
        self.lock_state(&mut state);
        state.slept = true;
    }

    fn changed(&self, state: &mut State) {
        state.used = Instant::now();
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

/// The question for the passphrase of the identity `name`.
pub(super) fn passphrase_question(name: &str) -> Question {
    Question {
        text: crypt::passphrase_question(name),
        hidden: true,
    }
}
