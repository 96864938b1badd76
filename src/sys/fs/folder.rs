//! A folder that lookups do not leave.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use super::read::{ReadError, UNINVOLVED, read_regular};

/// An open folder. It stays the same folder when it is renamed.
#[derive(Debug)]
pub struct Folder {
    #[cfg_attr(not(target_os = "linux"), expect(dead_code))]
    descriptor: OwnedFd,
    path: PathBuf,
}

/// What was found in a folder.
#[derive(Debug)]
pub struct Entry {
    /// The open file, for what its path leads to now.
    file: File,
}

/// Why nothing was opened.
#[derive(Debug)]
pub enum OpenError {
    /// The path leads out of the folder: by `..`, by being absolute, or by a link.
    Outside,
    /// The system refused.
    Io(io::Error),
}

impl From<Errno> for OpenError {
    fn from(errno: Errno) -> Self {
        OpenError::Io(errno.into())
    }
}

impl Folder {
    /// Opens the folder at `path`.
    ///
    /// # Errors
    /// When there is none, or it may not be searched.
    pub fn open(path: &Path) -> io::Result<Self> {
        // A folder that may be searched but not listed is enough to open what is in it.
        #[cfg(target_os = "linux")]
        let access = OFlag::O_PATH;
        #[cfg(not(target_os = "linux"))]
        let access = OFlag::O_RDONLY;
        let flags = access | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self {
            descriptor: nix::fcntl::open(path, flags, Mode::empty())?,
            path: path.to_owned(),
        })
    }

    /// The path that it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens what stands at `relative`, for reading and without ever waiting. Links are followed as long as they stay in
    /// the folder.
    ///
    /// # Errors
    /// [`OpenError::Outside`] for a path out of the folder, else what the system says.
    pub fn open_beneath(&self, relative: &Path) -> Result<Entry, OpenError> {
        let file = self.resolve(relative)?;
        Ok(Entry { file })
    }

    /// Where in the folder `entry` really is, which was opened at `relative` in it: behind all links. Nothing if it is not
    /// there any more, or not in the folder.
    #[cfg(target_os = "linux")]
    pub fn place_of(&self, entry: &Entry, _relative: &Path) -> Option<PathBuf> {
        let (folder, file) = (opened(&self.descriptor)?, opened(&entry.file)?);
        file.strip_prefix(folder).ok().map(Path::to_owned)
    }

    /// The same by names alone.
    #[cfg(not(target_os = "linux"))]
    pub fn place_of(&self, _entry: &Entry, relative: &Path) -> Option<PathBuf> {
        let folder = self.path.canonicalize().ok()?;
        let file = folder.join(relative).canonicalize().ok()?;
        file.strip_prefix(folder).ok().map(Path::to_owned)
    }

    #[cfg(target_os = "linux")]
    fn resolve(&self, relative: &Path) -> Result<File, OpenError> {
        use nix::fcntl::{OpenHow, ResolveFlag, openat2};

        let how = OpenHow::new()
            .flags(OFlag::O_RDONLY | UNINVOLVED)
            .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        // openat2(2): EAGAIN when something was renamed while the kernel looked up a path with `..` in a link.
        let mut attempts = 0..16;
        loop {
            match openat2(&self.descriptor, relative, how) {
                Ok(descriptor) => return Ok(File::from(descriptor)),
                Err(Errno::EXDEV) => return Err(OpenError::Outside),
                Err(Errno::EAGAIN) if attempts.next().is_some() => {}
                // Kernels before 5.6 do not have it; seccomp filters that do not know it answer EPERM.
                Err(Errno::ENOSYS | Errno::EPERM) => return self.resolve_by_name(relative),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn resolve(&self, relative: &Path) -> Result<File, OpenError> {
        self.resolve_by_name(relative)
    }

    /// The same by names alone. Whoever can exchange a folder for a link between the two steps can lead it astray, but could
    /// as well write the file.
    fn resolve_by_name(&self, relative: &Path) -> Result<File, OpenError> {
        let folder = self.path.canonicalize().map_err(OpenError::Io)?;
        if relative.is_absolute() || leaves(relative) {
            return Err(OpenError::Outside);
        }
        let target = folder
            .join(relative)
            .canonicalize()
            .map_err(OpenError::Io)?;
        if !target.starts_with(&folder) {
            return Err(OpenError::Outside);
        }
        // The target has no links any more.
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | UNINVOLVED;
        let descriptor = nix::fcntl::open(&target, flags, Mode::empty())?;
        Ok(File::from(descriptor))
    }
}

/// The path of an open file or folder (proc_pid_fd(5)): of that very one, whatever is put in its place meanwhile. One that
/// was removed since it was opened has the path that it had.
#[cfg(target_os = "linux")]
fn opened(descriptor: &impl std::os::fd::AsRawFd) -> Option<PathBuf> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let link = format!("/proc/self/fd/{}", descriptor.as_raw_fd());
    let path = std::fs::read_link(link).ok()?;
    let bytes = path.as_os_str().as_bytes();
    let path = bytes.strip_suffix(b" (deleted)").unwrap_or(bytes);
    Some(PathBuf::from(OsStr::from_bytes(path)))
}

/// Whether `..` lead out of where a relative path starts.
fn leaves(relative: &Path) -> bool {
    use std::path::Component;

    let mut depth = 0usize;
    for component in relative.components() {
        match component {
            Component::Normal(_) => depth += 1,
            Component::ParentDir => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return true,
            },
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return true,
        }
    }
    false
}

impl Entry {
    /// What is known of it.
    ///
    /// # Errors
    /// What fstat(2) says.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// Reads all of it, if it is a regular file of at most `limit` bytes.
    ///
    /// # Errors
    /// When it is not, or reading fails.
    pub fn read(self, limit: u64) -> Result<Vec<u8>, ReadError> {
        read_regular(self.file, limit).map(|(bytes, _)| bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    type Opener = fn(&Folder, &Path) -> Result<File, OpenError>;
    const OPENERS: [Opener; 2] = [Folder::resolve, Folder::resolve_by_name];

    fn outcome(opener: Opener, folder: &Folder, relative: &str) -> String {
        match opener(folder, Path::new(relative)) {
            Ok(file) => match read_regular(file, 100) {
                Ok((bytes, _)) => String::from_utf8(bytes).unwrap(),
                Err(error) => error.to_string(),
            },
            Err(OpenError::Outside) => "outside".to_owned(),
            Err(OpenError::Io(error)) => super::super::read::describe(&error),
        }
    }

    #[test]
    fn links_are_followed_inside_and_refused_outside() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("folder");
        std::fs::create_dir_all(path.join("sub")).unwrap();
        std::fs::write(scratch.path().join("secret"), "outside!").unwrap();
        std::fs::write(path.join("file"), "inside").unwrap();
        nix::unistd::mkfifo(&path.join("pipe"), Mode::S_IRWXU).unwrap();
        for (target, link) in [
            ("file", "in"),
            ("../file", "sub/up"),
            ("sub/../file", "around"),
            ("../secret", "out"),
            ("..", "parent"),
            ("/etc/passwd", "absolute"),
            ("/proc/self/root/etc/passwd", "magic"),
            ("loop", "loop"),
            ("nowhere", "dangling"),
        ] {
            symlink(target, path.join(link)).unwrap();
        }
        let folder = Folder::open(&path).unwrap();
        let table = [
            ("file", "inside"),
            ("in", "inside"),
            ("sub/up", "inside"),
            ("around", "inside"),
            ("sub/../file", "inside"),
            ("out", "outside"),
            ("parent/secret", "outside"),
            ("../secret", "outside"),
            ("../folder/file", "outside"),
            ("/etc/passwd", "outside"),
            ("absolute", "outside"),
            ("magic", "outside"),
            ("loop", "too many symbolic links encountered"),
            ("dangling", "no such file or directory"),
            ("none", "no such file or directory"),
            ("file/below", "not a directory"),
            ("pipe", "is a named pipe, not a regular file"),
            ("sub", "is a directory, not a regular file"),
        ];
        for (relative, expected) in table {
            for opener in OPENERS {
                let got = outcome(opener, &folder, relative);
                assert_eq!(got, expected, "{relative}");
            }
        }
    }

    #[test]
    fn a_folder_is_a_directory() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(Folder::open(&file).is_err());
        assert!(Folder::open(&scratch.path().join("none")).is_err());
    }
}
