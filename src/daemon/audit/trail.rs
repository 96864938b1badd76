//! The file that lines are appended to, whatever others and the disk make of it meanwhile.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use nix::fcntl::Flock;

use super::chain::Head;
use super::error::Error;
use super::file::{
    GUARDED, LockedFile, appending, failed, lock, make_folder, open, withdraw_rights,
};
use super::line::{Event, Line, Reason};
use super::rotation;
use super::tail;
use crate::daemon::settings;

/// How much more is written before rotating is tried again that has failed, in bytes.
const RETRY_AFTER: u64 = 1 << 20;

/// The file that lines are appended to.
pub(super) struct Trail {
    settings: settings::Audit,
    file: LockedFile,
    /// How long the file is, if nobody else has changed it.
    size: u64,
    head: Head,
    /// The size at which it is rotated.
    rotate_at: u64,
    /// A line in the making.
    line: Vec<u8>,
    /// Files that were left since they were last asked for.
    left: Vec<LockedFile>,
}

impl Trail {
    /// Opens the file and goes on with its chain, or with that of the file before it.
    pub(super) fn open(settings: &settings::Audit) -> Result<Self, Error> {
        let path = &settings.file;
        let at = |error| failed(path, error);
        make_folder(settings)?;
        let file = open(settings)?;
        // What a process left that was killed while it rotated holds nothing but the first line. As long as another process
        // has locked the file, it may be about to put this in its place.
        let _ = fs::remove_file(rotation::staged(path));
        let metadata = file.metadata().map_err(at)?;
        let size = metadata.len();
        let mut trail = Self {
            settings: settings.clone(),
            file: Arc::new(file),
            size,
            head: Head::default(),
            rotate_at: settings.max_size,
            line: Vec::new(),
            left: Vec::new(),
        };
        let found = tail::find(&trail.file, size).map_err(at)?;
        let event = match found {
            Some(tail) => {
                (trail.head, trail.size) = (tail.head, tail.end);
                Event::Start
            }
            None if size == 0 => {
                trail.head = head_before(path);
                Event::File(Reason::New)
            }
            None => {
                // A first line that never became whole is no reason to give up; another kind of file is.
                let behind = tail::behind(&trail.file, 0, size).map_err(at)?;
                if behind.has_lines || !is_torn_line(&trail.file) {
                    return Err(Error::NoAudit(path.clone()));
                }
                (trail.head, trail.size) = (head_before(path), 0);
                Event::Start
            }
        };
        withdraw_rights(&trail.file, &metadata, settings);
        trail.settle().map_err(at)?;
        trail.write(&Line::Event(event)).map_err(at)?;
        // Once, before anything is given out, it may take its time.
        trail.file.sync_data().map_err(at)?;
        Ok(trail)
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.settings.file
    }

    /// The last line.
    pub(super) fn head(&self) -> Head {
        self.head
    }

    /// The open file.
    pub(super) fn file(&self) -> &LockedFile {
        &self.file
    }

    /// The files that were left since this was last asked, which may have to be brought to the disk yet.
    pub(super) fn take_left(&mut self) -> Vec<LockedFile> {
        std::mem::take(&mut self.left)
    }

    /// Appends a line by one write(2); says how long it is, in bytes.
    ///
    /// # Errors
    /// When it is not in the file as a whole. The chain is as it was then.
    pub(super) fn append(&mut self, line: &Line<'_, '_>) -> io::Result<u64> {
        self.settle()?;
        if self.rotate_at > 0 && self.size >= self.rotate_at {
            self.rotate();
        }
        self.write(line)
    }

    /// Goes on in what is at the path now.
    ///
    /// # Errors
    /// When that cannot be opened; nothing has changed then.
    pub(super) fn reopen(&mut self) -> Result<(), Error> {
        let at = |error| failed(&self.settings.file, error);
        let here = self.file.metadata().map_err(at)?;
        let there = fs::symlink_metadata(&self.settings.file);
        if there.is_ok_and(|there| (there.dev(), there.ino()) == (here.dev(), here.ino())) {
            withdraw_rights(&self.file, &here, &self.settings);
            return Ok(());
        }
        self.attach(Reason::Reopened)
    }

    /// Goes by other settings from now on, but for the file itself.
    pub(super) fn configure(&mut self, settings: &settings::Audit) {
        self.settings.max_size = settings.max_size;
        self.settings.keep = settings.keep;
        self.rotate_at = settings.max_size;
    }

    /// Brings the file into a state to which a line can be appended, whatever has been done to it.
    fn settle(&mut self) -> io::Result<()> {
        let found = self.file.metadata()?;
        if found.nlink() == 0 {
            tracing::error!(
                file = self.settings.file.display().to_string(),
                "the audit was deleted; it goes on in a new file"
            );
            return self.attach(Reason::Deleted).map_err(io::Error::other);
        }
        let length = found.len();
        if length == self.size {
            return Ok(());
        }
        if length > self.size {
            return self.close(length);
        }
        let missing = self.size - length;
        tracing::error!(
            file = self.settings.file.display().to_string(),
            bytes = missing,
            "the audit was cut off by someone else"
        );
        self.size = tail::find(&self.file, length)?.map_or(0, |tail| tail.end);
        if length > self.size {
            self.close(length)?;
        }
        let event = match self.size {
            0 => Event::File(Reason::Emptied),
            _ => Event::Cut { missing },
        };
        self.write(&Line::Event(event)).map(|_| ())
    }

    /// Ends what stands behind the last line up to `length`, and tells of it.
    fn close(&mut self, length: u64) -> io::Result<()> {
        let behind = tail::behind(&self.file, self.size, length)?;
        let event = if behind.has_lines {
            tracing::error!(
                file = self.settings.file.display().to_string(),
                bytes = behind.remains.bytes,
                "the audit was damaged: bytes at its end are no lines"
            );
            Event::Damaged(behind.remains)
        } else {
            tracing::warn!(
                file = self.settings.file.display().to_string(),
                bytes = behind.remains.bytes,
                "the last line of the audit broke off"
            );
            Event::Torn(behind.remains)
        };
        self.line.clear();
        let head = Line::Event(event).write(&mut self.line, self.head, SystemTime::now());
        if behind.lacks_feed {
            self.line.insert(0, b'\n');
        }
        self.put(length)?;
        self.head = head;
        Ok(())
    }

    fn write(&mut self, line: &Line<'_, '_>) -> io::Result<u64> {
        self.line.clear();
        let head = line.write(&mut self.line, self.head, SystemTime::now());
        self.put(self.size)?;
        self.head = head;
        Ok(self.line.len() as u64)
    }

    /// Appends what is in the making to the file, which has `length` bytes.
    fn put(&mut self, length: u64) -> io::Result<()> {
        let written = loop {
            match (&**self.file).write(&self.line) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => break written?,
            }
        };
        if written < self.line.len() {
            // Where that is not allowed (chattr +a), the rest is closed before the next line.
            let _ = self.file.set_len(length);
            // write(2): the disk, a quota or the limit of file sizes left no room for more.
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.size = length + written as u64;
        Ok(())
    }

    /// Begins a new file, if that is possible.
    fn rotate(&mut self) {
        match self.try_to_rotate() {
            Ok(()) => self.rotate_at = self.settings.max_size,
            Err(error) => {
                self.rotate_at = self.size + RETRY_AFTER;
                tracing::warn!(
                    file = self.settings.file.display().to_string(),
                    reason = crate::sys::fs::describe(&error),
                    "the audit cannot be rotated and grows on"
                );
            }
        }
    }

    fn try_to_rotate(&mut self) -> io::Result<()> {
        let path = &self.settings.file;
        let staged = rotation::staged(path);
        match fs::remove_file(&staged) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let (file, size, head) = self.begin(&staged)?;
        let first = rotation::rotated(path, 1);
        let moved = rotation::make_room(path, self.settings.keep)
            .and_then(|()| fs::rename(path, &first))
            .and_then(|()| {
                fs::rename(&staged, path).inspect_err(|_| {
                    // What goes on stays where it is looked for, so that the next attempt finds it.
                    let _ = fs::rename(&first, path);
                })
            });
        if let Err(error) = moved {
            let _ = fs::remove_file(&staged);
            return Err(error);
        }
        let left = std::mem::replace(&mut self.file, Arc::new(file));
        self.left.push(left);
        (self.size, self.head) = (size, head);
        Ok(())
    }

    /// Makes a file that goes on with the chain; gives its length and the new head.
    fn begin(&self, path: &Path) -> io::Result<(Flock<File>, u64, Head)> {
        let mut options = appending(self.settings.mode);
        let file = options.create_new(true).open(path)?;
        let begun = file
            .set_permissions(Permissions::from_mode(self.settings.mode))
            .and_then(|()| {
                let mut line = Vec::new();
                let event = Line::Event(Event::File(Reason::Rotated));
                let head = event.write(&mut line, self.head, SystemTime::now());
                (&file).write_all(&line)?;
                Ok((line.len() as u64, head))
            });
        let locked = begun.and_then(|(size, head)| Ok((lock(file)?, size, head)));
        if locked.is_err() {
            let _ = fs::remove_file(path);
        }
        locked
    }

    /// Goes on in what is at the path, which is made if there is nothing.
    fn attach(&mut self, reason: Reason) -> Result<(), Error> {
        let path = self.settings.file.clone();
        let at = |error| failed(&path, error);
        let file = Arc::new(open(&self.settings)?);
        let metadata = file.metadata().map_err(at)?;
        let size = metadata.len();
        // What is there already is not of this chain, which shows when it is verified; but it must be an audit.
        if size > 0 && tail::find(&file, size).map_err(at)?.is_none() {
            return Err(Error::NoAudit(path));
        }
        withdraw_rights(&file, &metadata, &self.settings);
        let before = (std::mem::replace(&mut self.file, file), self.size);
        self.size = size;
        match self.write(&Line::Event(Event::File(reason))) {
            Ok(_) => {
                self.left.push(before.0);
                self.rotate_at = self.settings.max_size;
                Ok(())
            }
            Err(error) => {
                (self.file, self.size) = before;
                Err(at(error))
            }
        }
    }
}

/// The end of the youngest file that was rotated: what a new one goes on from.
fn head_before(path: &Path) -> Head {
    let youngest = rotation::numbered(path)
        .unwrap_or_default()
        .into_iter()
        .min();
    let head = youngest.and_then(|(_, path)| {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(GUARDED.bits());
        let file = options.open(path).ok()?;
        let size = file.metadata().ok()?.len();
        tail::find(&file, size).ok()?
    });
    head.map(|tail| tail.head).unwrap_or_default()
}

/// Whether a file without a whole line begins like one, or has no more than zeroes, which file systems leave where the
/// machine lost its power.
fn is_torn_line(file: &File) -> bool {
    use std::os::unix::fs::FileExt as _;

    let mut start = [0; super::chain::START.len()];
    let read = file.read_at(&mut start, 0).unwrap_or_default();
    let start = &start[..read];
    super::chain::START.starts_with(start) || start.iter().all(|byte| *byte == 0)
}
