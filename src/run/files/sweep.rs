//! Removes what runs have left behind that could not do so themselves.
//!
//! The folder of a run is locked by escrun while that lives, and names the command in a file. Both must be gone: escrun
//! may be killed and its command live on.

use std::ffi::{OsStr, OsString};
use std::fs;

use crate::sys::children::Pid;
use crate::sys::fs::Directory;
use crate::sys::life::{Existence, Life};
use crate::sys::mount;

/// The file that says whose the folder is.
pub(super) const COMMAND: &str = "command";

/// The same before it is whole. escrun may be killed meanwhile.
pub(super) const NEW_COMMAND: &str = "command.new";

/// The folder of the files, in that of the run. It may be a place where something is mounted for the run alone.
pub(super) const FILES: &str = "files";

/// Removes the folders of runs that are gone. What cannot be removed is left to a later run.
pub(super) fn sweep(base: &Directory) {
    let Ok(entries) = fs::read_dir(base.path()) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if is_run(&name)
            && let Ok(run) = base.enter(&name)
            && matches!(run.try_lock(), Ok(true))
            && is_over(&run)
        {
            clear(base, &name, &run);
        }
    }
}

/// The name of a folder for a run of this process.
pub(super) fn run_name(number: u32) -> OsString {
    format!("{}-{number}", Pid::own()).into()
}

/// Whether a name is one that [`run_name`] gives. Other things may lie beside runs.
fn is_run(name: &OsStr) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = name.to_str().and_then(|name| name.split_once('-'));
    parts.is_some_and(|(pid, number)| is_number(pid) && is_number(number))
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
    // What cannot be removed is left to the next sweep.
    for record in [COMMAND, NEW_COMMAND] {
        let _ = run.remove(record.as_ref());
    }
    let _ = base.remove_directory(name);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Makes the folder of a run, with a file in it, and what it says of its command.
    fn run(base: &Path, name: &str, command: Option<&str>) {
        let files = base.join(name).join(FILES);
        fs::create_dir_all(&files).expect("a folder");
        fs::write(files.join("TLS_KEY"), "key").expect("a file");
        if let Some(command) = command {
            fs::write(base.join(name).join(COMMAND), command).expect("a file");
        }
    }

    #[test]
    fn only_runs_that_are_gone_are_removed() {
        let scratch = tempfile::tempdir().expect("a folder");
        let base = Directory::open(scratch.path()).expect("open");
        let own = Life::of(Pid::own()).to_string();
        let ended = own.rsplit_once(' ').expect("three numbers").0.to_owned() + " 1";
        for (name, command) in [
            ("1-0", None),
            ("2-0", Some(&*Life::prefix())),
            ("3-0", Some(&*ended)),
            ("4-0", Some(&*own)),
            ("5-0", Some("1 1 1")),
            ("6-0", None),
            ("daemon", None),
            ("7-x", None),
        ] {
            run(scratch.path(), name, command);
        }
        std::os::unix::fs::symlink(scratch.path().join("daemon"), scratch.path().join("8-0"))
            .expect("a link");
        // It was killed before the record was whole.
        fs::write(scratch.path().join("1-0").join(NEW_COMMAND), "1").expect("a file");
        let locked = base.enter("6-0".as_ref()).expect("open");
        assert!(locked.try_lock().expect("an answer"));
        sweep(&base);
        let entries = fs::read_dir(scratch.path()).expect("a folder").flatten();
        let mut left: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        left.sort();
        assert_eq!(left, ["4-0", "5-0", "6-0", "7-x", "8-0", "daemon"]);
        assert!(scratch.path().join("daemon/files/TLS_KEY").exists());
    }

    #[test]
    fn names_of_runs_are_known_again() {
        assert!(is_run(&run_name(0)) && is_run(&run_name(7)));
        for name in ["", "-", "1-", "-1", "1", "1-x", "a-1", "1-1-1", "socket"] {
            assert!(!is_run(name.as_ref()), "{name}");
        }
    }
}
