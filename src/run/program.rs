//! Finds the file that a command means, as execvp(3) does.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Error;
use crate::sys::exec::check_executable;

/// Where commands are looked up without a `PATH`.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// A command and the file that it means.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Program {
    name: OsString,
    // Not a path to serde, which would want UTF-8.
    path: OsString,
}

impl Program {
    /// Finds `name`: as it is if it holds a slash, else in the folders of `path`, the caller's own `PATH`, where an empty
    /// element is the working directory.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::NotExecutable`] if there is a file that may not be executed, and no other.
    pub fn find(name: &OsStr, path: Option<&OsStr>) -> Result<Self, Error> {
        let bytes = name.as_bytes();
        // NUL cannot be in any file's name, and the empty name is no file's (execvp(3): ENOENT).
        if bytes.is_empty() || bytes.contains(&0) {
            return Err(not_found(name));
        }
        if bytes.contains(&b'/') {
            return match check_executable(Path::new(name)) {
                Ok(()) => Ok(Self::new(name, name.into())),
                Err(error) => Err(failure(name, name.into(), error)),
            };
        }
        let mut denied = None;
        let path = path.unwrap_or(OsStr::new(DEFAULT_PATH));
        for folder in path.as_bytes().split(|byte| *byte == b':') {
            let folder = if folder.is_empty() { b"." } else { folder };
            let candidate = Path::new(OsStr::from_bytes(folder)).join(name);
            match check_executable(&candidate) {
                Ok(()) => return Ok(Self::new(name, candidate)),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    denied.get_or_insert((candidate, error));
                }
                // As execvp(3): what cannot be asked about one folder does not end the search.
                Err(_) => {}
            }
        }
        Err(match denied {
            Some((path, error)) => failure(name, path, error),
            None => not_found(name),
        })
    }

    /// The command as it was typed, which becomes the program's argument 0.
    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// The file.
    pub fn path(&self) -> &Path {
        Path::new(&self.path)
    }

    fn new(name: &OsStr, path: PathBuf) -> Self {
        Self {
            name: name.into(),
            path: path.into_os_string(),
        }
    }
}

fn not_found(name: &OsStr) -> Error {
    let command = name.into();
    Error::NotFound { command }
}

/// What an error of looking at `path` means for the command `name`.
fn failure(name: &OsStr, path: PathBuf, reason: io::Error) -> Error {
    match reason.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => not_found(name),
        _ => Error::NotExecutable { path, reason },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Folders `a` and `b`: `tool` is executable in both, `text` in neither, `mixed` in `b` alone, `folder` is a folder.
    fn folders() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for (name, mode) in [
            ("a/tool", 0o755),
            ("b/tool", 0o755),
            ("a/text", 0o644),
            ("a/mixed", 0o644),
            ("b/mixed", 0o755),
        ] {
            let file = root.path().join(name);
            fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
            fs::write(&file, "").expect("a file");
            fs::set_permissions(&file, PermissionsExt::from_mode(mode)).expect("a mode");
        }
        fs::create_dir(root.path().join("a/folder")).expect("a folder");
        root
    }

    #[test]
    fn commands_are_found_as_execvp_finds_them() {
        let root = folders();
        let root = root.path().to_str().expect("UTF-8");
        for (name, path, expected) in [
            ("tool", "ROOT/a:ROOT/b", Ok("ROOT/a/tool")),
            ("tool", "ROOT/none:ROOT/b", Ok("ROOT/b/tool")),
            ("tool", "ROOT/a/tool:ROOT/b", Ok("ROOT/b/tool")),
            ("mixed", "ROOT/a:ROOT/b", Ok("ROOT/b/mixed")),
            ("ROOT/b/tool", "", Ok("ROOT/b/tool")),
            ("text", "ROOT/a:ROOT/b", Err(126)),
            ("ROOT/a/text", "", Err(126)),
            ("folder", "ROOT/a", Err(126)),
            ("ROOT/a/folder", "", Err(126)),
            ("none", "ROOT/a:ROOT/b", Err(127)),
            ("ROOT/none", "ROOT/a", Err(127)),
            ("ROOT/a/tool/none", "", Err(127)),
            ("", "ROOT/a", Err(127)),
            ("to\0ol", "ROOT/a", Err(127)),
        ] {
            let [name, path] = [name, path].map(|text| text.replace("ROOT", root));
            let found = Program::find(name.as_ref(), Some(path.as_ref()));
            let found = found.as_ref().map(Program::path).map_err(Error::status);
            let expected = expected.map(|path| path.replace("ROOT", root));
            assert_eq!(
                found,
                expected.as_deref().map(Path::new).map_err(|status| *status),
                "{name} in {path}"
            );
        }
    }

    #[test]
    fn an_empty_element_is_the_working_directory() {
        // Cargo runs tests in the package's own folder, where nothing is executable.
        for path in ["", ":/nowhere", "/nowhere:"] {
            let found = Program::find("Cargo.toml".as_ref(), Some(path.as_ref()));
            assert_eq!(
                found.err().map(|error| error.status()),
                Some(126),
                "{path:?}"
            );
        }
    }

    #[test]
    fn without_a_path_there_is_a_default() {
        let program = Program::find("sh".as_ref(), None).expect("every system has a shell");
        assert_eq!(program.name(), "sh");
    }
}
