//! Brings lines to the disk, in batches, by a thread that nobody waits for. While that fails, no more is recorded.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::file::LockedFile;
use super::trail::Trail;
use crate::sys::fs::describe;

/// How long lines are collected.
const BATCH_TIME: Duration = Duration::from_millis(100);

/// How much is collected, in bytes.
const BATCH_SIZE: u64 = 1 << 20;

/// How long it is before what failed is tried again.
const RETRY_TIME: Duration = Duration::from_secs(1);

/// The stack of the thread, in bytes, which calls little.
const STACK: usize = 128 << 10;

/// Brings lines to the disk. The thread is started when it is first needed.
pub(super) struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    /// fdatasync(2).
    sync: fn(&File) -> io::Result<()>,
}

#[derive(Default)]
struct State {
    work: Work,
    /// How much has been written since the last time, in bytes.
    bytes: u64,
    /// Why the last time failed, as the system has it.
    failure: Option<i32>,
    /// What failed before the last time.
    recovered: Option<String>,
    is_ending: bool,
}

/// What is to be brought to the disk.
#[derive(Default)]
struct Work {
    files: Vec<LockedFile>,
    /// The folder, when files have been made or renamed in it.
    folder: Option<PathBuf>,
}

impl Syncer {
    /// One that has nothing to do yet; `sync` brings a file to the disk.
    pub(super) fn new(sync: fn(&File) -> io::Result<()>) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                wake: Condvar::new(),
                sync,
            }),
            thread: None,
        }
    }

    /// To be called before a record is written; gives why earlier ones could not be brought to the disk for a while, once
    /// that is over.
    ///
    /// # Errors
    /// While they cannot, and when there can be no thread.
    pub(super) fn begin(&mut self) -> io::Result<Option<String>> {
        if self.thread.is_none() {
            let shared = Arc::clone(&self.shared);
            let thread = thread::Builder::new()
                .name("audit".to_owned())
                .stack_size(STACK)
                .spawn(move || shared.run())?;
            self.thread = Some(thread);
        }
        let mut state = self.shared.lock();
        match state.failure {
            Some(code) => Err(io::Error::from_raw_os_error(code)),
            None => Ok(state.recovered.take()),
        }
    }

    /// To be called after `bytes` have been written.
    pub(super) fn written(&self, trail: &mut Trail, bytes: u64) {
        let left = trail.take_left();
        let mut state = self.shared.lock();
        if !left.is_empty() {
            state.work.folder = trail.path().parent().map(Path::to_owned);
        }
        let was_idle = state.work.files.is_empty();
        for file in left.into_iter().chain([Arc::clone(trail.file())]) {
            state.work.add(file);
        }
        let was_small = state.bytes < BATCH_SIZE;
        state.bytes += bytes;
        if was_idle || (was_small && state.bytes >= BATCH_SIZE) {
            self.shared.wake.notify_one();
        }
    }

    /// Brings all that is left to the disk, if that is possible, and ends the thread.
    pub(super) fn finish(&mut self) {
        self.shared.lock().is_ending = true;
        self.shared.wake.notify_one();
        match self.thread.take() {
            // It panics nowhere.
            Some(thread) => drop(thread.join()),
            None => self.shared.run(),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        while let Some(work) = self.next() {
            let synced = work.sync(self.sync);
            let mut state = self.lock();
            match synced {
                Ok(()) => {
                    if let Some(code) = state.failure.take() {
                        let error = io::Error::from_raw_os_error(code);
                        state.recovered = Some(describe(&error));
                    }
                }
                Err(error) => {
                    if state.failure.is_none() {
                        tracing::error!(
                            reason = describe(&error),
                            "the audit cannot be brought to the disk: nothing is given out until it can"
                        );
                    }
                    state.failure = Some(error.raw_os_error().unwrap_or(nix::libc::EIO));
                    if state.is_ending {
                        return;
                    }
                    state.work.put_back(work);
                    let is_running = |state: &mut State| !state.is_ending;
                    let waited = self.wake.wait_timeout_while(state, RETRY_TIME, is_running);
                    drop(waited);
                }
            }
        }
    }

    /// Waits for a batch; none when there will be no more.
    fn next(&self) -> Option<Work> {
        let is_idle = |state: &mut State| state.work.files.is_empty() && !state.is_ending;
        let state = self.lock();
        let state = self.wake.wait_while(state, is_idle);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let is_small = |state: &mut State| state.bytes < BATCH_SIZE && !state.is_ending;
        let state = self.wake.wait_timeout_while(state, BATCH_TIME, is_small);
        let (mut state, _) = state.unwrap_or_else(PoisonError::into_inner);
        state.bytes = 0;
        let work = std::mem::take(&mut state.work);
        (!work.files.is_empty()).then_some(work)
    }
}

impl Work {
    fn add(&mut self, file: LockedFile) {
        if !self.files.iter().any(|known| Arc::ptr_eq(known, &file)) {
            self.files.push(file);
        }
    }

    fn put_back(&mut self, work: Work) {
        for file in work.files {
            self.add(file);
        }
        self.folder = self.folder.take().or(work.folder);
    }

    fn sync(&self, sync: fn(&File) -> io::Result<()>) -> io::Result<()> {
        for file in &self.files {
            sync(file)?;
        }
        if let Some(folder) = &self.folder {
            // Under which name the machine finds a file after it has lost its power is not worth failing for, and there are
            // file systems that cannot say.
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(())
    }
}
