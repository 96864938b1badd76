//! The folder of a run: made, filled, changed, handed to the supervisor, and removed.

use std::ffi::{CString, OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::base::{self, Need};
use super::entry::{Entries, entries};
use super::error::Unfit;
use super::servers::Servers;
use super::sweep::{COMMAND, FILES, NEW_COMMAND, clear, run_name, sweep};
use super::{Error, Kind, Options};
use crate::run::Delivery;
use crate::secret::Secret;
use crate::sys::children::Pid;
use crate::sys::fs::Directory;
use crate::sys::life::Life;
use crate::sys::mount;

/// How many names for a folder are tried: so many runs of one process number can lie side by side, those of other
/// namespaces among them.
const NAMES: u32 = 1000;

/// A folder of files or named pipes for one run. It is removed when this is dropped.
#[derive(Debug)]
pub struct Folder {
    base: Directory,
    name: OsString,
    /// Locked as long as it is open.
    run: Directory,
    files: Directory,
    servers: Servers,
    options: Options,
}

/// What the supervisor has to know of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    // Not a path to serde, which would want UTF-8.
    path: OsString,
    options: Options,
    servers: Vec<Pid>,
}

impl Folder {
    /// Makes a folder: one that only this process and its descendants see, if the system allows, else one that only the
    /// user can read. Removes what runs left behind that are gone.
    ///
    /// # Errors
    /// [`Error::NoFolder`].
    pub(super) fn make(options: &Options) -> Result<Self, Error> {
        // What goes through a pipe is not written anywhere.
        let in_memory = options.kind != Kind::Fifo;
        let is_private = in_memory && mount::enter_private_namespace().is_ok();
        let mut unfit = Vec::new();
        for path in base::candidates(options) {
            match Self::make_below(&path, options, in_memory, is_private) {
                Ok(folder) => return Ok(folder),
                Err(reason) => unfit.push((path, reason)),
            }
        }
        Err(Error::NoFolder { tried: unfit })
    }

    fn make_below(
        path: &Path,
        options: &Options,
        in_memory: bool,
        is_private: bool,
    ) -> Result<Self, Unfit> {
        let need = if in_memory && !is_private {
            Need::Memory
        } else {
            Need::Anything
        };
        let base = base::open(path, need, options)?;
        sweep(&base);
        let (name, run) = make_run(&base)?;
        let made = Self::make_files(&run, options, is_private);
        if made.is_err() {
            clear(&base, &name, &run);
        }
        Ok(Self {
            files: made?,
            base,
            name,
            run,
            servers: Servers::default(),
            options: options.clone(),
        })
    }

    /// Makes the folder in the folder, and mounts memory there.
    fn make_files(
        run: &Directory,
        options: &Options,
        is_private: bool,
    ) -> Result<Directory, Unfit> {
        let name = OsStr::new(FILES);
        let is_for_another = base::is_for_another(options);
        run.give(None, if is_for_another { 0o711 } else { 0o700 })?;
        run.make(name, 0o700)?;
        if is_private {
            let mounted = mount::mount_memory(&run.path().join(FILES));
            // What cannot be mounted may as well lie in memory that is there.
            if mounted.is_err() && mount::medium(run)? == mount::Medium::Disk {
                return Err(Unfit::OnDisk);
            }
        }
        let files = run.enter(name)?;
        files.give(options.owner, 0o700)?;
        Ok(files)
    }

    /// Takes over the folder of a run that this process supervises.
    ///
    /// # Errors
    /// [`Error::Folder`]: it is gone, or cannot be opened.
    pub fn take_over(place: Place) -> Result<Self, Error> {
        let Place {
            path,
            options,
            servers,
        } = place;
        let path = PathBuf::from(path);
        let servers = Servers::adopt(servers);
        Self::open(&path, options, servers).map_err(|reason| Error::Folder { path, reason })
    }

    fn open(path: &Path, options: Options, servers: Servers) -> io::Result<Self> {
        let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let base = Directory::open(above)?;
        let run = base.enter(name)?;
        // Between this program and the one before, the command alone kept the folder.
        run.lock()?;
        Ok(Self {
            files: run.enter(FILES.as_ref())?,
            base,
            name: name.to_owned(),
            run,
            servers,
            options,
        })
    }

    /// What [`Folder::take_over`] needs.
    pub fn place(&self) -> Place {
        Place {
            path: self.run.path().into(),
            options: self.options.clone(),
            servers: self.servers.pids().to_vec(),
        }
    }

    /// Says whose the folder is, so that it stays while that process lives, even if this one is killed.
    ///
    /// # Errors
    /// [`Error::Folder`].
    pub fn belongs_to(&self, command: Pid) -> Result<(), Error> {
        self.record(&Life::of(command).to_string()).map(drop)
    }

    /// Where the process that is to become the command signs in before it does: from then on it has the folder no more
    /// locked, and this process may be killed before it knows whose the folder is.
    pub(super) fn book(&self) -> Result<OwnedFd, Error> {
        self.record(&Life::prefix())
    }

    /// Records whose the folder is; more can be written behind that.
    fn record(&self, text: &str) -> Result<OwnedFd, Error> {
        let new = OsStr::new(NEW_COMMAND);
        // Left by a record that was broken off, if at all. If it stays, writing tells.
        let _ = self.run.remove(new);
        let record = || {
            let file = self.run.write(new, text.as_bytes(), None)?;
            self.run.rename(new, COMMAND.as_ref())?;
            Ok(file)
        };
        record().map_err(|reason| Error::Folder {
            path: self.run.path().to_owned(),
            reason,
        })
    }

    /// Changes the files of `before`, which are there, to those of `after`, while the command runs: each as a whole, and
    /// on an error none. Files that are the same are not touched; pipes can all be read once more.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Name`].
    pub fn update(&mut self, before: &Delivery, after: &Delivery) -> Result<(), Error> {
        let (before, after) = (
            entries(before, &self.options)?,
            entries(after, &self.options)?,
        );
        if self.options.kind == Kind::Fifo {
            return self.serve(&after);
        }
        // Exposed to be compared.
        let is_new = |variable: &OsStr, content: &Secret| {
            let old = before.get(variable);
            old.is_none_or(|old| old.expose() != content.expose())
        };
        let mut changed = after.clone();
        changed.retain(|variable, content| is_new(variable, content));
        self.write(&changed)?;
        for gone in before.keys().filter(|name| !after.contains_key(*name)) {
            // The command may have removed it itself.
            let _ = self.files.remove(gone);
        }
        Ok(())
    }

    /// Has the folder hold these, and nothing else, for a command that is started next.
    pub(super) fn fill(&mut self, entries: &Entries<'_>) -> Result<(), Error> {
        if self.options.kind == Kind::Fifo {
            return self.serve(entries);
        }
        self.write(entries)?;
        self.keep(entries);
        Ok(())
    }

    /// Ends the processes that serve pipes: the command has ended, and they would be waited for.
    pub fn stop_serving(&mut self) {
        self.servers.kill();
    }

    /// Hears that a child has ended and is reaped; says whether it was one that served a pipe.
    pub fn ended(&mut self, pid: Pid) -> bool {
        self.servers.ended(pid)
    }

    /// Writes files over those that there are: all beside them first, so that an error changes nothing.
    fn write(&self, entries: &Entries<'_>) -> Result<(), Error> {
        let staged: Vec<OsString> = (0..entries.len())
            // No variable has such a name.
            .map(|index| format!("={index}").into())
            .collect();
        let write = || {
            for (new, (variable, content)) in staged.iter().zip(entries) {
                // Hardly ever there. If it stays, writing tells.
                let _ = self.files.remove(new);
                // Exposed: the file is what it is for.
                let written = self.files.write(new, content.expose(), self.options.owner);
                written
                    .map_err(|reason| self.failed(variable, reason))
                    .map(drop)?;
            }
            for (new, variable) in staged.iter().zip(entries.keys()) {
                let renamed = self.files.rename(new, variable);
                renamed.map_err(|reason| self.failed(variable, reason))?;
            }
            Ok(())
        };
        let written = write();
        if written.is_err() {
            for new in &staged {
                // Those that were not written are not there.
                let _ = self.files.remove(new);
            }
        }
        written
    }

    /// Removes all but these files.
    fn keep(&self, entries: &Entries<'_>) {
        let found = fs::read_dir(self.files.path()).into_iter().flatten();
        for entry in found.flatten() {
            let name = entry.file_name();
            if !entries.contains_key(&*name) && self.files.remove(&name).is_err() {
                // The command may have made folders.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Has the folder hold named pipes, and nothing else, each served by a process of its own.
    fn serve(&mut self, entries: &Entries<'_>) -> Result<(), Error> {
        self.servers = Servers::default();
        self.keep(&Entries::new());
        for (variable, content) in entries {
            self.serve_one(variable, content)
                .map_err(|reason| self.failed(variable, reason))?;
        }
        Ok(())
    }

    fn serve_one(&mut self, variable: &OsStr, content: &Secret) -> io::Result<()> {
        self.files.make_pipe(variable, self.options.owner)?;
        let path = CString::new(self.path(variable).as_os_str().as_bytes())?;
        // Exposed to the process that hands it over.
        self.servers.start(&path, content.expose())
    }

    /// The path of the file of a variable.
    pub(super) fn path(&self, variable: &OsStr) -> PathBuf {
        self.files.path().join(variable)
    }

    fn failed(&self, variable: &OsStr, reason: io::Error) -> Error {
        Error::File {
            variable: variable.to_string_lossy().into_owned(),
            path: Some(self.path(variable)),
            reason,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.servers.kill();
        clear(&self.base, &self.name, &self.run);
    }
}

/// Makes a folder for a run, and locks it.
fn make_run(base: &Directory) -> io::Result<(OsString, Directory)> {
    for number in 0..NAMES {
        let name = run_name(number);
        match base.make(&name, 0o700) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        }
        // Until it is locked, it looks like one that was left behind.
        let Ok(run) = base.enter(&name) else { continue };
        if run.try_lock()? && run.ownership()?.is_linked {
            return Ok((name, run));
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use std::mem::ManuallyDrop;
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::run::delivery::File;

    fn delivery(files: &[(&str, &str)]) -> Delivery {
        let file = |(variable, content): &(&str, &str)| File {
            variable: variable.into(),
            content: Secret::from_parts(&[content.as_bytes()]),
        };
        Delivery {
            files: files.iter().map(file).collect(),
            ..Delivery::default()
        }
    }

    fn filled(options: &Options, delivery: &Delivery) -> Folder {
        let mut folder = Folder::make(options).expect("a folder");
        let entries = entries(delivery, options).expect("names");
        folder.fill(&entries).expect("files");
        folder
    }

    /// What is there, with the inodes, which tell whether a file was written anew.
    fn found(folder: &Folder) -> Vec<(String, String, u64)> {
        let entries = fs::read_dir(folder.files.path())
            .expect("a folder")
            .flatten();
        let mut found: Vec<_> = entries
            .map(|entry| {
                let inode = entry.metadata().expect("a file").ino();
                let content = fs::read_to_string(entry.path()).expect("a text");
                (
                    entry.file_name().into_string().expect("UTF-8"),
                    content,
                    inode,
                )
            })
            .collect();
        found.sort();
        found
    }

    #[test]
    fn files_change_one_by_one_and_vanish_with_the_folder() {
        let options = Options::default();
        let before = delivery(&[("GONE", "1"), ("NEW", "1"), ("SAME", "1")]);
        let mut folder = filled(&options, &before);
        let first = found(&folder);
        let after = delivery(&[("ADDED", "1"), ("NEW", "2"), ("SAME", "1")]);
        folder.update(&before, &after).expect("changed");
        let second = found(&folder);
        let texts: Vec<_> = second
            .iter()
            .map(|(name, content, _)| (&**name, &**content))
            .collect();
        assert_eq!(texts, [("ADDED", "1"), ("NEW", "2"), ("SAME", "1")]);
        assert_eq!(first[2], second[2]);
        assert_ne!(first[1].2, second[1].2);
        let bad = delivery(&[("a/b", "1"), ("NEW", "3")]);
        assert!(folder.update(&after, &bad).is_err());
        assert_eq!(found(&folder), second);
        let path = folder.run.path().to_owned();
        assert!(path.exists());
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_is_taken_over_by_who_knows_its_place() {
        let options = Options::default();
        let folder = filled(&options, &delivery(&[("A", "1")]));
        folder.belongs_to(Pid::own()).expect("marked");
        folder.belongs_to(Pid::own()).expect("marked again");
        let place = serde_json::to_vec(&folder.place()).expect("a text");
        let path = folder.run.path().to_owned();
        // As when a program becomes another: what it had open is closed, and nothing is removed.
        let mut folder = ManuallyDrop::new(folder);
        folder.run = folder.base.enter(&folder.name).expect("open");
        let place = serde_json::from_slice(&place).expect("a place");
        let taken = Folder::take_over(place).expect("a folder");
        assert_eq!(found(&taken)[0].1, "1");
        drop(taken);
        assert!(!path.exists());
    }
}
