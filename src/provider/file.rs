//! Reads the files that definitions name.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::PoisonError;

use zeroize::Zeroizing;

use super::Config;
use super::inputs::{Inputs, Named};
use crate::eval::{Call, ProviderError};
use crate::secret::REDACTED;
use crate::source::Source;
use crate::sys::fs::read_file;

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
    if path.shown != REDACTED {
        let mut provided = config
            .provided
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        provided.files.insert(file.clone());
    }
    match read_file(&file, config.size_limit as u64) {
        Ok((bytes, _)) => Ok(Zeroizing::new(bytes)),
        Err(reason) => Err(inputs.error(format_args!("{}: {reason}", path.shown))),
    }
}
