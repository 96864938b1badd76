//! Watches paths, whether there is something at them or not.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};

use super::route::{Sight, follow};

/// What tells that a folder is not where it was.
const MOVED: AddWatchFlags = AddWatchFlags::IN_MOVE_SELF.union(AddWatchFlags::IN_DELETE_SELF);

/// What tells that a name in a folder does not lead where it did.
const LOST: AddWatchFlags = AddWatchFlags::IN_MOVED_FROM.union(AddWatchFlags::IN_DELETE);

/// What tells that a name in a folder leads elsewhere now.
const FOUND: AddWatchFlags = AddWatchFlags::IN_MOVED_TO.union(AddWatchFlags::IN_CREATE);

/// What tells that the content of a file, or who may read it, has changed.
const WRITTEN: AddWatchFlags = AddWatchFlags::IN_MODIFY
    .union(AddWatchFlags::IN_CLOSE_WRITE)
    .union(AddWatchFlags::IN_ATTRIB);

/// What happens by itself to a watch, and not because a file was written.
const STRUCTURE: AddWatchFlags = MOVED
    .union(LOST)
    .union(FOUND)
    .union(AddWatchFlags::IN_UNMOUNT)
    .union(AddWatchFlags::IN_IGNORED)
    .union(AddWatchFlags::IN_Q_OVERFLOW);

/// How often is read at a time: whoever writes to a watched folder without end must not keep us reading without end.
const MOST_READS: usize = 256;

/// Watches a set of paths. Its descriptor can be read when something has happened (poll(2)); then [`Self::take`] says
/// whether that matters.
///
/// A path to a folder stands for everything directly in it.
pub struct Watcher {
    inotify: Inotify,
    paths: BTreeSet<PathBuf>,
    interests: HashMap<WatchDescriptor, Interest>,
    blind_spots: Vec<BlindSpot>,
    is_behind: bool,
    /// Of the files of a folder that stands for all in it, those whose names matter.
    is_wanted: fn(&OsStr) -> bool,
}

/// Something on the way to a watched path that cannot be watched.
#[derive(Debug)]
pub struct BlindSpot {
    /// The file or folder.
    pub path: PathBuf,
    /// Why; `ENOSPC` is the limit of watches (`fs.inotify.max_user_watches`).
    pub error: io::Error,
}

/// What matters of the events of a watch.
#[derive(Debug, Default)]
struct Interest {
    /// Those of all names in the folder.
    all: bool,
    names: HashSet<OsString>,
}

impl Watcher {
    /// A watcher of nothing.
    ///
    /// # Errors
    /// Those of inotify_init1(2), such as `EMFILE` at the limit of instances (`fs.inotify.max_user_instances`).
    pub fn new() -> io::Result<Self> {
        Self::of_files(|_| true)
    }

    /// A watcher of nothing, for which in a folder only folders matter and files whose names are wanted.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_files(is_wanted: fn(&OsStr) -> bool) -> io::Result<Self> {
        Ok(Self {
            inotify: Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?,
            paths: BTreeSet::new(),
            interests: HashMap::new(),
            blind_spots: Vec::new(),
            is_behind: false,
            is_wanted,
        })
    }

    /// Watches `paths`, which are absolute, and nothing else from now on. What changes after this returns is told.
    pub fn watch(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        self.paths = paths.into_iter().collect();
        self.refresh();
    }

    /// The watched paths.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.paths.iter().map(PathBuf::as_path)
    }

    /// What is on the way to the paths and cannot be watched. What changes there is noticed late or never.
    pub fn blind_spots(&self) -> &[BlindSpot] {
        &self.blind_spots
    }

    /// Takes all that has happened; says whether something at the paths may have changed. What happens faster than it can
    /// be taken is left for the next time: [`Self::is_behind`].
    ///
    /// # Errors
    /// Those of read(2).
    pub fn take(&mut self) -> io::Result<bool> {
        let mut changed = false;
        self.is_behind = false;
        for _ in 0..MOST_READS {
            match self.inotify.read_events() {
                Ok(events) => {
                    let relevant = events.iter().filter(|event| self.is_relevant(event));
                    let masks = relevant.map(|event| event.mask);
                    let Some(happened) = masks.reduce(|all, mask| all | mask) else {
                        continue;
                    };
                    changed = true;
                    if happened.intersects(STRUCTURE) {
                        self.refresh();
                    }
                }
                Err(Errno::EAGAIN) => return Ok(changed),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        self.is_behind = true;
        Ok(changed)
    }

    /// Whether there was more to take when it was last taken.
    pub fn is_behind(&self) -> bool {
        self.is_behind
    }

    fn is_relevant(&self, event: &InotifyEvent) -> bool {
        if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            return true;
        }
        let Some(interest) = self.interests.get(&event.wd) else {
            return false;
        };
        match &event.name {
            Some(name) => {
                let is_folder = event.mask.contains(AddWatchFlags::IN_ISDIR);
                interest.names.contains(name)
                    || (interest.all && (is_folder || (self.is_wanted)(name)))
            }
            // The watched folder or file itself.
            None => true,
        }
    }

    /// Goes the way to every path anew.
    fn refresh(&mut self) {
        let mut survey = Survey {
            inotify: &self.inotify,
            interests: HashMap::new(),
            blind_spots: Vec::new(),
        };
        for path in &self.paths {
            follow(path, |sight| survey.watch(sight));
        }
        let Survey {
            interests,
            blind_spots,
            ..
        } = survey;
        let before = std::mem::replace(&mut self.interests, interests);
        for wd in before.into_keys() {
            if !self.interests.contains_key(&wd) {
                // The watch of a file that is gone has ended already.
                let _ = self.inotify.rm_watch(wd);
            }
        }
        self.blind_spots = blind_spots;
    }
}

impl AsFd for Watcher {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

/// One going of all ways.
struct Survey<'a> {
    inotify: &'a Inotify,
    interests: HashMap<WatchDescriptor, Interest>,
    blind_spots: Vec<BlindSpot>,
}

impl Survey<'_> {
    /// Watches a sight; says whether it is there.
    fn watch(&mut self, sight: Sight<'_>) -> bool {
        const FOLDER: AddWatchFlags = AddWatchFlags::IN_ONLYDIR;
        let added = match sight {
            Sight::Folder(folder) => self.add(folder, FOLDER | MOVED),
            Sight::WholeFolder(folder) => self.add(folder, FOLDER | MOVED | LOST | FOUND | WRITTEN),
            // What takes its place comes after it was lost.
            Sight::Passage(folder, _) => self.add(folder, FOLDER | LOST),
            Sight::Name(folder, _) => self.add(folder, FOLDER | LOST | FOUND | WRITTEN),
            // What is written to others there is not worth being told.
            Sight::Absence(folder, _) => self.add(folder, FOLDER | LOST | FOUND),
            Sight::File(file) => self.add(file, MOVED | WRITTEN),
        };
        let wd = match (added, sight) {
            (Ok(wd), _) => wd,
            (Err(Errno::ENOENT | Errno::ENOTDIR), _) => return false,
            // Above a folder that others closed to us (0711), little happens.
            (Err(Errno::EACCES), Sight::Folder(_) | Sight::Passage(..)) => return true,
            (Err(errno), _) => {
                self.report(sight.place(), errno);
                return true;
            }
        };
        let interest = self.interests.entry(wd).or_default();
        match sight {
            Sight::Passage(_, name) | Sight::Name(_, name) | Sight::Absence(_, name) => {
                interest.names.insert(name.clone());
            }
            Sight::WholeFolder(_) => interest.all = true,
            Sight::Folder(_) | Sight::File(_) => {}
        }
        true
    }

    fn add(&self, path: &Path, events: AddWatchFlags) -> nix::Result<WatchDescriptor> {
        // A folder can be on several ways, for different reasons.
        let add = AddWatchFlags::from_bits_retain(libc::IN_MASK_ADD);
        self.inotify
            .add_watch(path, events | add | AddWatchFlags::IN_DONT_FOLLOW)
    }

    fn report(&mut self, place: PathBuf, errno: Errno) {
        if !self.blind_spots.iter().any(|spot| spot.path == place) {
            self.blind_spots.push(BlindSpot {
                path: place,
                error: errno.into(),
            });
        }
    }
}

#[cfg(test)]
mod tests;
