//! Finds the file that a command means, as execvp(3) does.

use std::borrow::Cow;
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
    // Not paths to serde, which would want UTF-8.
    path: OsString,
    /// The folder from which it is started, if that is another than where escrun is.
    folder: Option<OsString>,
}

impl Program {
    /// Finds `name`: as it is if it holds a slash, else in the folders of `path`, the caller's own `PATH`, where an empty
    /// element is the working directory. What is relative is so to `folder`, where the command is to be started, as if
    /// execvp(3) was called there; else to the working directory.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::NotExecutable`] if there is a file that may not be executed, and no other.
    pub fn find(name: &OsStr, path: Option<&OsStr>, folder: Option<&Path>) -> Result<Self, Error> {
        let bytes = name.as_bytes();
        // NUL cannot be in any file's name, and the empty name is no file's (execvp(3): ENOENT).
        if bytes.is_empty() || bytes.contains(&0) {
            return Err(not_found(name));
        }
        let found = |path: PathBuf| Self {
            name: name.into(),
            path: path.into_os_string(),
            folder: folder.map(OsString::from),
        };
        let check = |path: &Path| check_executable(&from(folder, path));
        if bytes.contains(&b'/') {
            return match check(Path::new(name)) {
                Ok(()) => Ok(found(name.into())),
                Err(error) => Err(failure(name, name.into(), error)),
            };
        }
        let mut denied = None;
        let path = path.unwrap_or(OsStr::new(DEFAULT_PATH));
        for element in path.as_bytes().split(|byte| *byte == b':') {
            let element = if element.is_empty() { b"." } else { element };
            let candidate = Path::new(OsStr::from_bytes(element)).join(name);
            match check(&candidate) {
                Ok(()) => return Ok(found(candidate)),
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

    /// Whether there is still such a file. This process may or may not have gone to the folder meanwhile.
    pub(super) fn is_there(&self) -> bool {
        let folder = self.folder.as_ref().map(Path::new);
        self.path().exists() || from(folder, self.path()).exists()
    }
}

/// `path` as it is seen before going to `folder`.
fn from<'a>(folder: Option<&Path>, path: &'a Path) -> Cow<'a, Path> {
    match folder {
        Some(folder) => Cow::Owned(folder.join(path)),
        None => Cow::Borrowed(path),
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
            let found = Program::find(name.as_ref(), Some(path.as_ref()), None);
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
            let found = Program::find("Cargo.toml".as_ref(), Some(path.as_ref()), None);
            assert_eq!(
                found.err().map(|error| error.status()),
                Some(126),
                "{path:?}"
            );
        }
    }

    #[test]
    fn without_a_path_there_is_a_default() {
        let program = Program::find("sh".as_ref(), None, None).expect("every system has a shell");
        assert_eq!(program.name(), "sh");
    }

    #[test]
    fn what_is_relative_is_so_to_the_folder_of_the_command() {
        let root = folders();
        let found = |name: &str, path: &str| {
            let program = Program::find(name.as_ref(), Some(path.as_ref()), Some(root.path()));
            program.map(|program| {
                assert!(program.is_there());
                program.path().to_path_buf()
            })
        };
        for (name, path, expected) in [
            ("./a/tool", "", "./a/tool"),
            ("tool", "none:b", "b/tool"),
            ("sh", "/bin", "/bin/sh"),
        ] {
            let found = found(name, path).expect("it is there");
            assert_eq!(found, Path::new(expected), "{name} in {path}");
        }
        assert!(found("./tool", "").is_err());
    }
}
