//! Standard input, without the buffer of the standard library, which would keep a copy of what passed through it.

use std::fs::File;
use std::os::fd::AsFd;

use super::error::Failure;
use crate::secret::Secret;

/// The largest text that is read, in bytes.
const MAX_INPUT: usize = 16 << 20;

/// What is being done when it fails.
const READING: &str = "reading standard input";

/// A descriptor of its own.
pub(super) fn file() -> Result<File, Failure> {
    let input = std::io::stdin().as_fd().try_clone_to_owned();
    input
        .map(File::from)
        .map_err(|error| Failure::io(READING, &error))
}

/// Everything on it, straight into locked memory.
pub(super) fn read() -> Result<Secret, Failure> {
    Secret::read_from(file()?, MAX_INPUT).map_err(|error| Failure::io(READING, &error))
}
