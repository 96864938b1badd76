//! Removes what runs have left behind that could not do so themselves.
//!
//! The folder of a run is locked by escrun while that lives, and names the command in a file. Both must be gone: escrun
//! may be killed and its command live on.

use std::ffi::OsStr;
use std::fs;

use crate::sys::fs::Directory;
use crate::sys::life::{Existence, Life};
use crate::sys::mount;

/// The file that says whose the folder is.
pub(super) const COMMAND: &str = "command";

/// The folder of the files, in that of the run. It may be a place where something is mounted for the run alone.
pub(super) const FILES: &str = "files";

/// Removes the folders of runs that are gone. What cannot be removed is left to a later run.
pub(super) fn sweep(base: &Directory) {
    let Ok(entries) = fs::read_dir(base.path()) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if let Ok(run) = base.enter(&name)
            && matches!(run.try_lock(), Ok(true))
            && is_over(&run)
        {
            clear(base, &name, &run);
        }
    }
}

/// Whether the command of a run that nobody has locked has ended too, or never was.
fn is_over(run: &Directory) -> bool {
    let Ok(text) = fs::read_to_string(run.path().join(COMMAND)) else {
        return true;
    };
    // What cannot be read was not written by us to its end, so there is no command.
    text.parse::<Life>()
        .map_or(true, |life| life.existence() == Existence::Over)
}

/// Removes the folder `name` of a run, as far as that is possible.
pub(super) fn clear(base: &Directory, name: &OsStr, run: &Directory) {
    let files = run.path().join(FILES);
    // Only what is in it, if something is mounted there.
    let _ = fs::remove_dir_all(&files);
    if mount::unmount(&files).is_ok() {
        let _ = run.remove_directory(FILES.as_ref());
    }
    let _ = run.remove(COMMAND.as_ref());
    let _ = base.remove_directory(name);
}
