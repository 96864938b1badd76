//! Reads the files that definitions name.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::PoisonError;

use glob::MatchOptions;
use zeroize::Zeroizing;

use super::inputs::{Inputs, Named};
use super::{AllowList, Config};
use crate::eval::{Call, ProviderError};
use crate::secret::REDACTED;
use crate::source::Source;
use crate::sys::fs::{read_file, read_file_without_links};

/// Where a relative path of `source` starts: the folder of its file.
pub(super) fn folder<'a>(source: &'a Source, config: &'a Config) -> &'a Path {
    match source.file().and_then(Path::parent) {
        Some(parent) if parent != Path::new("") => parent,
        // A file without a folder lies in the working directory.
        _ => &config.base,
    }
}

/// Reads the file that a call names. It must be a regular file of no more than the configured size.
pub(super) fn read(
    inputs: &Inputs<'_>,
    call: &Call<'_>,
    path: &Named<'_>,
    config: &Config,
) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
    let file = config
        .base
        .join(folder(call.id.0, config))
        .join(OsStr::from_bytes(path.bytes));
    let limit = config.size_limit as u64;
    let target = match &config.allowed {
        None => None,
        Some(allowed) => Some(permitted(allowed, &file).ok_or_else(|| refusal(inputs, path))?),
    };
    if path.shown != REDACTED {
        let provided = config.provided.lock();
        let mut provided = provided.unwrap_or_else(PoisonError::into_inner);
        provided.files.insert(file.clone());
    }
    let read = match target {
        None => read_file(&file, limit),
        Some(target) => read_file_without_links(&target, limit),
    };
    match read {
        Ok((bytes, _)) => Ok(Zeroizing::new(bytes)),
        Err(reason) => Err(inputs.error(format_args!("{}: {reason}", path.shown))),
    }
}

/// Where `file` leads, without links, if that may be read. What leads nowhere is judged by how it is written, so that whether
/// there is something is told only of what may be read.
fn permitted(allowed: &AllowList, file: &Path) -> Option<PathBuf> {
    const EXACT: MatchOptions = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: false,
    };
    let target = file.canonicalize().unwrap_or_else(|_| normalized(file));
    let mut globs = allowed.files.iter();
    globs
        .any(|glob| glob.matches_path_with(&target, EXACT))
        .then_some(target)
}

/// An absolute path without `.` and `..`, as it is written.
fn normalized(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) => normalized.push(name),
            Component::ParentDir => {
                normalized.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    normalized
}

fn refusal(inputs: &Inputs<'_>, path: &Named<'_>) -> ProviderError {
    let mut error = inputs.error(format_args!(
        "the daemon's settings do not allow reading {}",
        path.shown
    ));
    error.hint = Some(
        "whoever runs the daemon can list the file there under providers.files, by its path without links"
            .to_owned(),
    );
    error
}
