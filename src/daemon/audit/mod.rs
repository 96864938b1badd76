//! What was asked, by whom, and what was decided: one JSON line each, never with a value.
//!
//! A line is written by a single write(2) before anything is given out, and each has the hash of the one before, so that
//! [`verify`] finds lines that were changed, removed, inserted or exchanged. Bringing lines to the disk is left to a
//! thread of its own, in batches. Knows nothing of policies and sockets.

mod chain;
mod error;
mod file;
mod journal;
mod line;
mod record;
mod rotation;
mod syncer;
mod tail;
mod text;
mod trail;
pub mod verify;

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use chain::{Digest, Head};
pub use error::Error;
pub use record::{Outcome, Record};
pub use rotation::files_of;

use super::settings;
use journal::AuditJournal;
use line::{Event, Line};
use syncer::Syncer;
use trail::Trail;

/// Where decisions are written. Shared by all threads.
pub struct Audit {
    writer: Mutex<Writer>,
}

/// What has been written, for the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that are in the file.
    pub written: u64,
    /// Records that could not be written, for each of which nothing was given out.
    pub failed: u64,
}

struct Writer {
    trail: Trail,
    syncer: Syncer,
    journal: Option<AuditJournal>,
    counts: Counts,
    /// Whether the last record failed, which has been told then.
    is_failing: bool,
}

impl Audit {
    /// Opens the file, which is made if there is none, and goes on with the chain where it ends. What a process left
    /// unfinished that was killed within a line is closed, and said so in the file.
    ///
    /// # Errors
    /// When the file cannot be opened, belongs to someone else, is no audit, or another process writes it.
    pub fn open(settings: &settings::Audit) -> Result<Self, Error> {
        Self::open_with(settings, File::sync_data)
    }

    fn open_with(
        settings: &settings::Audit,
        sync: fn(&File) -> io::Result<()>,
    ) -> Result<Self, Error> {
        let trail = Trail::open(settings)?;
        let journal = settings.journal.then(AuditJournal::open).flatten();
        let writer = Writer {
            trail,
            syncer: Syncer::new(sync),
            journal,
            counts: Counts::default(),
            is_failing: false,
        };
        Ok(Self {
            writer: Mutex::new(writer),
        })
    }

    /// Writes a record. Whoever gives something out does that after this has returned, and not at all if it fails.
    ///
    /// Takes a few microseconds: the disk is not waited for. The thread that brings lines there is started by the first
    /// record, hence after the daemon has shut itself in.
    ///
    /// # Errors
    /// When it cannot be written, or when what was written before could not be brought to the disk.
    pub fn record(&self, record: &Record<'_>) -> io::Result<()> {
        self.writer().record(record)
    }

    /// Opens the file by its path again, for programs that move it away (logrotate(8)). The chain goes on in the new file.
    ///
    /// # Errors
    /// When it cannot be opened; the old one is used further.
    pub fn reopen(&self) -> Result<(), Error> {
        self.writer().reopen()
    }

    /// Goes by other settings from now on, but for the file itself.
    pub fn configure(&self, settings: &settings::Audit) {
        self.writer().configure(settings);
    }

    /// The last line.
    pub fn head(&self) -> Head {
        self.writer().trail.head()
    }

    /// What has been written.
    pub fn counts(&self) -> Counts {
        self.writer().counts
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").finish_non_exhaustive()
    }
}

impl Writer {
    fn record(&mut self, record: &Record<'_>) -> io::Result<()> {
        let written = self.write(record);
        match &written {
            Ok(()) => {
                self.counts.written += 1;
                if std::mem::take(&mut self.is_failing) {
                    tracing::info!("the audit can be written again");
                }
            }
            Err(error) => {
                self.counts.failed += 1;
                if !std::mem::replace(&mut self.is_failing, true) {
                    tell_failure(self.trail.path(), error);
                }
            }
        }
        written
    }

    fn write(&mut self, record: &Record<'_>) -> io::Result<()> {
        if let Some(reason) = self.syncer.begin()? {
            self.append(&Line::Event(Event::Synced { reason: &reason }))?;
        }
        self.append(&Line::Record(record))?;
        if let Some(journal) = &mut self.journal {
            journal.record(record, &self.trail.head());
        }
        Ok(())
    }

    fn append(&mut self, line: &Line<'_, '_>) -> io::Result<()> {
        let appended = self.trail.append(line)?;
        self.syncer.written(&mut self.trail, appended);
        Ok(())
    }

    fn configure(&mut self, settings: &settings::Audit) {
        self.trail.configure(settings);
        self.journal = match (settings.journal, self.journal.take()) {
            (true, None) => AuditJournal::open(),
            (true, journal) => journal,
            (false, _) => None,
        };
    }

    fn reopen(&mut self) -> Result<(), Error> {
        self.trail.reopen()?;
        self.syncer.written(&mut self.trail, 0);
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // That it ended is worth knowing, and no more.
        if self.append(&Line::Event(Event::Stop)).is_ok()
            && let Some(journal) = &mut self.journal
        {
            journal.head(&self.trail.head());
        }
        self.syncer.finish();
    }
}

fn tell_failure(path: &Path, error: &io::Error) {
    let file = path.display().to_string();
    let reason = crate::sys::fs::describe(error);
    tracing::error!(
        file,
        reason,
        "the audit cannot be written: nothing is given out until it can"
    );
}

#[cfg(test)]
mod tests;
