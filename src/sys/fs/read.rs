//! Reading regular files: never waits for a writer of a pipe, never reads more than asked for.

use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Component, Path};

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

/// What stands where a file was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A named pipe.
    Pipe,
    /// A socket.
    Socket,
    /// A device.
    Device,
    /// What the kernel tells of a process, such as its variables.
    Process,
}

impl FileKind {
    /// The kind that `metadata`, taken behind all links, tells of.
    pub fn of(metadata: &Metadata) -> Self {
        let kind = metadata.file_type();
        if kind.is_dir() {
            FileKind::Directory
        } else if kind.is_fifo() {
            FileKind::Pipe
        } else if kind.is_socket() {
            FileKind::Socket
        } else if kind.is_file() {
            FileKind::Regular
        } else {
            FileKind::Device
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileKind::Regular => "a regular file",
            FileKind::Directory => "a directory",
            FileKind::Pipe => "a named pipe",
            FileKind::Socket => "a socket",
            FileKind::Device => "a device",
            FileKind::Process => "a process's, in /proc",
        })
    }
}

/// Why a file was not read.
#[derive(Debug)]
pub enum ReadError {
    /// The system refused.
    Io(io::Error),
    /// It is no regular file.
    NotRegular(FileKind),
    /// It has more bytes than the limit, which this is.
    TooLarge(u64),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Io(error) => f.write_str(&describe(error)),
            ReadError::NotRegular(kind) => write!(f, "is {kind}, not a regular file"),
            ReadError::TooLarge(limit) if limit % (1 << 20) == 0 => {
                write!(f, "larger than {} MiB", limit >> 20)
            }
            ReadError::TooLarge(limit) => write!(f, "larger than {limit} bytes"),
        }
    }
}

impl std::error::Error for ReadError {}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        ReadError::Io(error)
    }
}

/// Reads the regular file at `path`, links followed, if it has at most `limit` bytes.
///
/// # Errors
/// When it is not to be opened, is no regular file or is larger. The files of /proc are not regular here: the variables of
/// this process stand in one of them.
pub fn read_file(path: &Path, limit: u64) -> Result<(Vec<u8>, Metadata), ReadError> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(UNINVOLVED.bits())
        .open(path)?;
    if tells_of_a_process(&file) {
        return Err(ReadError::NotRegular(FileKind::Process));
    }
    read_regular(file, limit)
}

/// The same, for an absolute path without links: whatever has been exchanged for a link on the way is not followed.
///
/// # Errors
/// Those of [`read_file`]; `ELOOP` or `ENOTDIR` for a link.
pub fn read_file_without_links(path: &Path, limit: u64) -> Result<(Vec<u8>, Metadata), ReadError> {
    let file = open_without_links(path)?;
    if tells_of_a_process(&file) {
        return Err(ReadError::NotRegular(FileKind::Process));
    }
    read_regular(file, limit)
}

/// Opens folder by folder, each in the one before it.
fn open_without_links(path: &Path) -> io::Result<File> {
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::IsADirectory.into());
    };
    // A folder that may be searched but not listed is enough to open what is in it.
    #[cfg(target_os = "linux")]
    let access = OFlag::O_PATH;
    #[cfg(not(target_os = "linux"))]
    let access = OFlag::O_RDONLY;
    let passage = access | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut folder = nix::fcntl::open("/", passage, Mode::empty())?;
    for component in above.components() {
        match component {
            Component::RootDir => {}
            Component::Normal(name) => {
                folder = nix::fcntl::openat(&folder, name, passage, Mode::empty())?;
            }
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        }
    }
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | UNINVOLVED;
    let file = nix::fcntl::openat(&folder, name, flags, Mode::empty())?;
    Ok(File::from(file))
}

#[cfg(target_os = "linux")]
fn tells_of_a_process(file: &File) -> bool {
    use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};

    fstatfs(file).is_ok_and(|filesystem| filesystem.filesystem_type() == PROC_SUPER_MAGIC)
}

#[cfg(not(target_os = "linux"))]
fn tells_of_a_process(_: &File) -> bool {
    false
}

// open(2): without O_NONBLOCK, opening a pipe waits for its other end; without O_NOCTTY, opening a terminal may make it ours.
pub(super) const UNINVOLVED: OFlag = OFlag::O_NONBLOCK
    .union(OFlag::O_NOCTTY)
    .union(OFlag::O_CLOEXEC);

/// Reads all of an open file, if it is regular and has at most `limit` bytes.
pub(super) fn read_regular(mut file: File, limit: u64) -> Result<(Vec<u8>, Metadata), ReadError> {
    let metadata = file.metadata()?;
    let kind = FileKind::of(&metadata);
    if kind != FileKind::Regular {
        return Err(ReadError::NotRegular(kind));
    }
    if metadata.len() > limit {
        return Err(ReadError::TooLarge(limit));
    }
    // One byte more than it should have, so that the end shows in the second read already. Files that grow meanwhile and
    // those of /proc, whose size is 0, take more rounds.
    let size = usize::try_from(metadata.len()).map_err(|_| ReadError::TooLarge(limit))?;
    let mut bytes = vec![0; size + 1];
    let mut length = 0;
    loop {
        if length == bytes.len() {
            if length as u64 > limit {
                return Err(ReadError::TooLarge(limit));
            }
            bytes.resize(length * 2, 0);
        }
        match file.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    if length as u64 > limit {
        return Err(ReadError::TooLarge(limit));
    }
    bytes.truncate(length);
    Ok((bytes, metadata))
}

/// The system's own text for an error, in lower case and without its number.
pub fn describe(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => nix::errno::Errno::from_raw(code).desc().to_lowercase(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(path: &Path, limit: u64) -> String {
        match read_file(path, limit) {
            Ok((bytes, _)) => format!("{} bytes", bytes.len()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_limit_is_exact() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("file");
        for (size, outcome_at_ten) in [
            (0, "0 bytes"),
            (10, "10 bytes"),
            (11, "larger than 10 bytes"),
        ] {
            std::fs::write(&file, vec![b'x'; size]).unwrap();
            assert_eq!(outcome(&file, 10), outcome_at_ten);
        }
    }

    #[test]
    fn a_path_without_links_is_that_to_its_end() {
        use std::os::unix::fs::symlink;

        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::write(root.join("a/b/file"), "x").unwrap();
        symlink("a", root.join("link")).unwrap();
        symlink("file", root.join("a/b/other")).unwrap();
        for (path, is_read) in [
            ("a/b/file", true),
            ("link/b/file", false),
            ("a/b/other", false),
            ("a/b/../b/file", false),
            ("a/b", false),
            ("a/none/file", false),
        ] {
            let read = read_file_without_links(&root.join(path), 10);
            assert_eq!(read.is_ok(), is_read, "{path}");
        }
        assert!(read_file_without_links(Path::new("/"), 10).is_err());
        assert!(read_file_without_links(Path::new("a"), 10).is_err());
    }

    #[test]
    fn a_sparse_giant_is_refused_unread() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("file");
        File::create(&file).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(outcome(&file, 16 << 20), "larger than 16 MiB");
    }

    #[test]
    fn files_without_a_size_are_read_to_their_end() {
        let status = Path::new("/proc/self/status");
        if status.exists() {
            let open = || File::open(status).unwrap();
            assert!(read_regular(open(), 1 << 20).unwrap().0.len() > 100);
            let refused = read_regular(open(), 100).unwrap_err();
            assert_eq!(refused.to_string(), "larger than 100 bytes");
            assert!(outcome(status, 1 << 20).contains("in /proc"));
        }
    }

    #[test]
    fn what_is_no_regular_file_is_told_by_its_kind() {
        let scratch = tempfile::tempdir().unwrap();
        let pipe = scratch.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).unwrap();
        let table = [
            (pipe.as_path(), "is a named pipe, not a regular file"),
            (scratch.path(), "is a directory, not a regular file"),
            (Path::new("/dev/null"), "is a device, not a regular file"),
            (&scratch.path().join("none"), "no such file or directory"),
        ];
        for (path, expected) in table {
            assert_eq!(outcome(path, 10), expected);
        }
    }
}
