//! Watches the files that went into the values, and says when it is time to compose anew.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use tracing::{debug, warn};

use crate::watch::{Debounce, Watcher, changed_since, is_at_work};

/// The watched files.
pub(super) struct Vigil {
    watcher: Watcher,
    debounce: Debounce,
    /// What cannot be watched and has been told.
    told: BTreeSet<PathBuf>,
}

impl Vigil {
    /// Watches `inputs`, of which values have been composed after `since`.
    ///
    /// # Errors
    /// Those of inotify_init1(2).
    pub(super) fn new(inputs: BTreeSet<PathBuf>, since: SystemTime) -> io::Result<Self> {
        let mut vigil = Self {
            watcher: Watcher::new()?,
            debounce: Debounce::default(),
            told: BTreeSet::new(),
        };
        vigil.watch(inputs, since);
        Ok(vigil)
    }

    /// Watches what values have been composed of after `since`, and nothing else; `is_whole` says whether that is all, or
    /// there was an error before all was known.
    pub(super) fn renew(&mut self, inputs: BTreeSet<PathBuf>, is_whole: bool, since: SystemTime) {
        let mut inputs = inputs;
        if !is_whole {
            // What mends it may be a change of what was good.
            inputs.extend(self.watcher.paths().map(Path::to_owned));
        }
        self.watch(inputs, since);
    }

    fn watch(&mut self, inputs: BTreeSet<PathBuf>, since: SystemTime) {
        let known: BTreeSet<PathBuf> = self.watcher.paths().map(Path::to_owned).collect();
        let fresh: Vec<PathBuf> = inputs.difference(&known).cloned().collect();
        if known == inputs {
            return;
        }
        debug!(files = inputs.len(), "watching files");
        self.watcher.watch(inputs);
        // Between being read and being watched.
        if changed_since(fresh.iter().map(PathBuf::as_path), since) {
            self.debounce.touch(Instant::now());
        }
        for spot in self.watcher.blind_spots() {
            if self.told.insert(spot.path.clone()) {
                let reason = crate::sys::fs::describe(&spot.error);
                warn!(reason, "changes of {} are not noticed", spot.path.display());
            }
        }
    }

    /// Takes what has happened.
    pub(super) fn look(&mut self) {
        match self.watcher.take() {
            Ok(false) => {}
            Ok(true) => self.debounce.touch(Instant::now()),
            Err(error) => {
                let reason = crate::sys::fs::describe(&error);
                warn!(reason, "cannot tell what has changed");
                self.debounce.touch(Instant::now());
            }
        }
    }

    /// When to ask [`Self::is_due`], if there is nothing new until then.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.debounce.deadline()
    }

    /// Whether a change is complete, as far as can be told.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let watcher = &self.watcher;
        self.debounce.take(now, || is_at_work(watcher.paths()))
    }
}

impl AsFd for Vigil {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watcher.as_fd()
    }
}
