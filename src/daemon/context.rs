//! What all parts of the daemon share.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;
use tracing::{info, warn};

use super::audit::{Audit, Outcome, Record};
use super::environments::{Environments, Figures};
use super::keys::{Confirmer, Vault};
use super::policy::{Limiter, PolicyStore};
use super::sandbox::{self, Helper};
use super::server::{Allowance, Gauges, Metrics, Scratch, Slots, Stop, Turns};
use super::settings::{self, Change, SettingsStore};
use crate::project;
use crate::protocol::Status;
use crate::sys::fs::describe;

/// What is told when sleep has locked the identities.
pub(crate) const AFTER_SLEEP: &str = "the identities were locked because the machine has slept";

/// The daemon. Made once, before anything is served.
pub struct Daemon {
    /// What it works by.
    pub settings: SettingsStore,
    /// The identities.
    pub vault: Arc<Vault>,
    /// Where decisions are written.
    pub audit: Audit,
    /// The policy that is in force.
    pub policy: PolicyStore,
    /// How much of the policy's rates is used up.
    pub limiter: Limiter,
    /// Who is asked for consent.
    pub confirmer: Confirmer,
    /// The definitions and what comes of them.
    pub environments: Environments,
    /// What starts programs, if any may be started.
    pub(crate) helper: Option<Arc<Helper>>,
    /// Told when another policy is in force.
    pub(crate) policy_changed: Notify,
    /// Told when `status` has something else to tell.
    pub(crate) state_changed: Notify,
    pub(crate) metrics: Metrics,
    pub(crate) slots: Arc<Slots>,
    pub(crate) turns: Turns,
    pub(crate) allowance: Allowance,
    pub(crate) scratch: Scratch,
    pub(crate) stop: Stop,
    started: Instant,
    warnings: Mutex<Vec<String>>,
}

/// What the daemon is made of.
pub(crate) struct Parts {
    pub(crate) settings: SettingsStore,
    pub(crate) vault: Arc<Vault>,
    pub(crate) audit: Audit,
    pub(crate) policy: PolicyStore,
    pub(crate) confirmer: Confirmer,
    pub(crate) environments: Environments,
    pub(crate) helper: Option<Arc<Helper>>,
    /// How many descriptors the process may have.
    pub(crate) descriptors: usize,
    /// How much locked memory unfinished requests may take, in bytes.
    pub(crate) unfinished: usize,
}

impl Daemon {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            settings,
            vault,
            audit,
            policy,
            confirmer,
            environments,
            helper,
            descriptors,
            unfinished,
        } = parts;
        let limits = settings.current().limits;
        Self {
            slots: Arc::new(Slots::new(
                limits.connections,
                limits.connections_per_user,
                descriptors,
            )),
            turns: Turns::default(),
            settings,
            vault,
            audit,
            policy,
            limiter: Limiter::default(),
            confirmer,
            environments,
            helper,
            policy_changed: Notify::new(),
            state_changed: Notify::new(),
            metrics: Metrics::default(),
            allowance: Allowance::new(unfinished),
            scratch: Scratch::new(),
            stop: Stop::default(),
            started: Instant::now(),
            warnings: Mutex::default(),
        }
    }

    /// Writes a decision down. Says whether that was done: if not, nothing may be given out.
    #[must_use]
    pub fn record(&self, record: &Record<'_>) -> bool {
        let is_written = self.audit.record(record).is_ok();
        if !is_written {
            // The audit tells of it once: whoever can ask is not to fill the log as well.
            self.metrics.audit_failures.fetch_add(1, Ordering::Relaxed);
        }
        is_written
    }

    /// Has `status` tell of something that is worse than it should be.
    pub fn warn(&self, warning: String) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// What it tells of itself.
    pub fn status(&self) -> Status {
        let warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        let mut warnings = warnings.clone();
        let settings = self.settings.current();
        warnings.extend(settings.absences());
        warnings.extend(self.settings.warnings());
        warnings.extend(self.policy.warning());
        warnings.extend(self.vault.problems());
        warnings.extend(self.environments.warnings());
        warnings.extend(self.helper.as_ref().and_then(|helper| helper.warning()));
        warnings.extend(crate::sys::memory::degraded().map(str::to_owned));
        let folders = settings.folders.iter();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            uptime_seconds: self.started.elapsed().as_secs(),
            keys: self.vault.state(),
            folders: folders.map(|folder| folder.display().to_string()).collect(),
            warnings,
        }
    }

    pub(crate) fn gauges(&self) -> Gauges {
        let Figures {
            cache,
            lists,
            changes,
        } = self.environments.figures();
        Gauges {
            evaluations: cache.misses,
            cache_hits: cache.hits + cache.joined,
            cache_bytes: cache.bytes as u64,
            cache_answers: cache.answers as u64,
            lists: lists as u64,
            changes,
            connections: self.slots.taken() as u64,
            locked: self.vault.state().locked,
            helper_is_gone: self.helper.as_ref().is_some_and(|helper| helper.is_gone()),
            uptime: self.started.elapsed(),
        }
    }

    /// Reads anew what may change while it runs. Says what has become of the settings.
    ///
    /// # Errors
    /// What could not be read, for people, which has been logged; of that, the old stays in force.
    pub async fn reload(&self) -> Result<Change, String> {
        let mut failures = Vec::new();
        let change = self.reload_settings();
        let change = change.map_err(|error| failures.push(with_hint(&error, error.hint())));
        if let Err(error) = self.reload_policy() {
            failures.push(with_hint(&error, error.hint()));
        }
        if let Err(error) = self.reread_identities().await {
            failures.push(format!("identities: {}", describe(&error)));
        }
        if let Err(error) = self.audit.reopen() {
            warn!(hint = error.hint(), "{error}");
            failures.push(with_hint(&error, error.hint()));
        }
        self.environments.reload().await;
        self.state_changed.notify_one();
        match failures.is_empty() {
            true => Ok(change.unwrap_or_default()),
            false => Err(failures.join("; ")),
        }
    }

    /// Reads the settings anew. Those at fault change nothing, which the store tells.
    fn reload_settings(&self) -> Result<Change, settings::Error> {
        let change = self.settings.reload(sandbox::reaches)?;
        let settings = self.settings.current();
        let limits = &settings.limits;
        self.slots
            .limit(limits.connections, limits.connections_per_user);
        self.audit.configure(&settings.audit);
        self.vault.set_idle(settings.idle);
        self.environments.configure(&settings);
        Ok(change)
    }

    /// Reads the policy anew, and has streams decided on by it.
    ///
    /// # Errors
    /// When it is at fault, which the store tells; the one before stays in force.
    pub(crate) fn reload_policy(&self) -> Result<(), project::Error> {
        let read = self.policy.reload();
        if read.is_ok() {
            self.policy_changed.notify_waiters();
        }
        self.state_changed.notify_one();
        read
    }

    /// Reads the identities anew, after which nothing stays of what others opened.
    pub(crate) async fn reload_identities(&self) {
        if self.reread_identities().await.is_ok() {
            info!("the identities were read anew");
        }
        self.forget_opened();
    }

    async fn reread_identities(&self) -> io::Result<()> {
        let read = self.vault.reread().await;
        read.inspect_err(|error| {
            warn!(reason = describe(error), "identities cannot be read anew");
        })
    }

    /// To be called when the identities are locked or others: nothing stays of what they opened.
    pub(crate) fn forget_opened(&self) {
        self.environments.forget();
        self.state_changed.notify_one();
    }

    /// To be called after the daemon has locked the identities of its own accord.
    pub(crate) fn after_lock(&self, why: &'static str) {
        self.forget_opened();
        // Nothing is given out.
        let _ = self.record(&Record::new("lock", Outcome::Allowed));
        info!("{why}");
    }
}

/// What is wrong, and what helps.
fn with_hint(error: &impl std::fmt::Display, hint: Option<String>) -> String {
    match hint {
        Some(hint) => format!("{error} ({hint})"),
        None => error.to_string(),
    }
}
