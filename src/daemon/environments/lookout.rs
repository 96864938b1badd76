//! Looks out for changes: one watcher for all files that matter, and the wait until a change is complete.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::document::Stamp;
use crate::sys::fs::describe;
use crate::sys::readable::Readable;
use crate::watch::{Debounce, Watcher, is_at_work};

/// How often is looked where the kernel does not tell.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// How many names of a folder tell whether it has changed.
const MOST_NAMES: usize = 1000;

/// What is watched besides definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The policy.
    Policy,
    /// The files of identities.
    Identities,
}

/// The watcher and what it has told.
#[derive(Default)]
pub(super) struct Lookout {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    watcher: Option<Watcher>,
    /// Why the kernel does not tell of everything.
    blindness: Option<String>,
    debounce: Debounce,
    /// How often something has happened.
    changes: u64,
    /// Whether what has happened is being looked at.
    is_settling: bool,
    /// Whether to look now, whatever has happened.
    is_demanded: bool,
    /// When to look next, where the kernel does not tell.
    next_look: Option<Instant>,
    /// Where definitions are.
    places: BTreeSet<PathBuf>,
    subjects: BTreeMap<Subject, Vec<(PathBuf, Sight)>>,
}

/// What a file, or a folder with the files in it, looks like.
type Sight = BTreeMap<PathBuf, Option<Stamp>>;

impl Lookout {
    /// Begins to watch. Gives what becomes ready when something has happened; nothing where the kernel does not tell.
    pub(super) fn begin(&self) -> Option<Readable> {
        let mut state = self.lock();
        let watcher = Watcher::of_files(is_definition);
        let begun = watcher.and_then(|watcher| {
            let readable = Readable::of(watcher.as_fd())?;
            Ok((watcher, readable))
        });
        let readable = match begun {
            Ok((watcher, readable)) => {
                state.watcher = Some(watcher);
                Some(readable)
            }
            Err(error) => {
                state.blindness = Some(blindness("the system gives no watcher", &error));
                None
            }
        };
        state.watch();
        readable
    }

    /// Whether the kernel tells of every change, so that what was read is valid until it does.
    pub(super) fn tells(&self) -> bool {
        let state = self.lock();
        state.watcher.is_some() && state.blindness.is_none()
    }

    /// Takes all that has happened. Says whether a change is under way that nobody has reacted to.
    pub(super) fn look(&self, now: Instant) -> bool {
        let mut state = self.lock();
        if let Some(watcher) = &mut state.watcher {
            let told = watcher.take();
            state.note_blindness();
            match told {
                Ok(false) => {}
                Ok(true) => state.touch(now),
                Err(error) => {
                    state.blindness = Some(blindness("the watcher cannot be read", &error));
                    state.touch(now);
                }
            }
        }
        state.is_unsettled()
    }

    /// Whether there is more to take than was taken.
    pub(super) fn is_behind(&self) -> bool {
        self.lock().watcher.as_ref().is_some_and(Watcher::is_behind)
    }

    /// A number that changes when something happens.
    pub(super) fn changes(&self) -> u64 {
        self.lock().changes
    }

    /// Whether a change is under way that nobody has reacted to.
    pub(super) fn is_unsettled(&self) -> bool {
        self.lock().is_unsettled()
    }

    /// Something has to be looked at now, whatever the kernel tells.
    pub(super) fn demand(&self) {
        let mut state = self.lock();
        state.is_demanded = true;
        state.changes += 1;
    }

    /// When to ask [`Self::take`] next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let state = self.lock();
        if state.is_demanded {
            return Some(Instant::now());
        }
        let deadlines = [state.debounce.deadline(), state.next_look];
        deadlines.into_iter().flatten().min()
    }

    /// Whether a change is complete and to be reacted to. It counts as under way until [`Self::settled`].
    pub(super) fn take(&self, now: Instant) -> bool {
        let mut state = self.lock();
        let is_due = state.next_look.is_some_and(|next| next <= now);
        let State {
            debounce, places, ..
        } = &mut *state;
        let is_complete = debounce.take(now, || {
            // What lies in a folder that is a place lies in its repository.
            let inside: Vec<PathBuf> = places.iter().map(|place| place.join("x")).collect();
            is_at_work(inside.iter().map(PathBuf::as_path))
        });
        if !(is_complete || is_due || state.is_demanded) {
            return false;
        }
        if is_due {
            state.next_look = Some(now + LOOK_EVERY);
        }
        state.is_demanded = false;
        state.is_settling = true;
        true
    }

    /// What was taken has been reacted to.
    pub(super) fn settled(&self) {
        self.lock().is_settling = false;
    }

    /// What was taken could not be reacted to; it has to be taken again.
    pub(super) fn postpone(&self, now: Instant) {
        let mut state = self.lock();
        state.is_settling = false;
        state.touch(now);
    }

    /// Watches `places` for definitions, and nothing else from now on. What changes after this returns is told.
    pub(super) fn watch(&self, places: BTreeSet<PathBuf>) {
        let mut state = self.lock();
        if state.places != places {
            state.places = places;
            state.watch();
        }
    }

    /// Watches `places` as well. Says whether they were watched already.
    pub(super) fn watch_also(&self, places: BTreeSet<PathBuf>) -> bool {
        let mut state = self.lock();
        if places.is_subset(&state.places) {
            return true;
        }
        state.places.extend(places);
        state.watch();
        false
    }

    /// Watches the files and folders of a subject, and nothing else of it from now on.
    pub(super) fn watch_subject(&self, subject: Subject, paths: Vec<PathBuf>) {
        let mut state = self.lock();
        // Watched before it is looked at.
        let blank = |path: &PathBuf| (path.clone(), Sight::new());
        state
            .subjects
            .insert(subject, paths.iter().map(blank).collect());
        state.watch();
        let seen = paths.into_iter().map(|path| {
            let sight = sight(&path);
            (path, sight)
        });
        state.subjects.insert(subject, seen.collect());
    }

    /// The subjects that are not what they were when this was last asked, or may not be.
    pub(super) fn changed_subjects(&self) -> Vec<Subject> {
        let mut state = self.lock();
        let mut changed = Vec::new();
        for (subject, files) in &mut state.subjects {
            let mut is_other = false;
            for (path, seen) in files {
                let now = sight(path);
                // A stamp that does not tell may hide a change.
                is_other |= now != *seen || now.values().any(Option::is_none);
                *seen = now;
            }
            if is_other {
                changed.push(*subject);
            }
        }
        changed
    }

    /// Why changes may be noticed late, if that is so.
    pub(super) fn warning(&self) -> Option<String> {
        self.lock().blindness.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn touch(&mut self, now: Instant) {
        self.changes += 1;
        self.debounce.touch(now);
    }

    fn is_unsettled(&self) -> bool {
        self.is_demanded || self.is_settling || self.debounce.deadline().is_some()
    }

    /// Watches everything that matters.
    fn watch(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            let subjects = self.subjects.values().flatten();
            let files = subjects.map(|(path, _)| path.clone());
            watcher.watch(self.places.iter().cloned().chain(files));
            self.note_blindness();
        }
        if self.blindness.is_some() && self.next_look.is_none() {
            self.next_look = Some(Instant::now() + LOOK_EVERY);
        }
    }

    /// Notes what the watcher could not watch.
    fn note_blindness(&mut self) {
        let Some(watcher) = &self.watcher else {
            return;
        };
        let blindness = watcher.blind_spots().first().map(|spot| {
            let what = format!("{} cannot be watched", spot.path.display());
            blindness(&what, &spot.error)
        });
        if self.blindness.is_some() && blindness.is_none() {
            // Things may have changed unseen.
            self.is_demanded = true;
            self.changes += 1;
        }
        self.blindness = blindness;
        self.next_look = match self.blindness {
            None => None,
            Some(_) => self.next_look.or(Some(Instant::now() + LOOK_EVERY)),
        };
    }
}

fn blindness(what: &str, error: &io::Error) -> String {
    format!(
        "{what} ({}), so changes are noticed by looking every few seconds; see fs.inotify in sysctl(8)",
        describe(error)
    )
}

/// Whether a file of this name in a folder of definitions may be one that the daemon reads.
fn is_definition(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.ends_with(b".yaml") && !name.starts_with(b".") && !name.ends_with(b".local.yaml")
}

/// Looks at a file, or at a folder and what is directly in it.
fn sight(path: &Path) -> Sight {
    let mut sight = Sight::new();
    let mut see = |path: PathBuf| {
        if let Ok(metadata) = path.metadata() {
            sight.insert(path, Stamp::of(&metadata));
        }
    };
    see(path.to_owned());
    if let Ok(entries) = path.read_dir() {
        let entries = entries.take(MOST_NAMES).flatten();
        entries.for_each(|entry| see(entry.path()));
    }
    sight
}

#[cfg(test)]
mod tests;
