//! How calls of the system tell that they failed.

use std::io;

/// The error that errno(3) holds, if `result` is negative, as it is when most calls fail. Those of pthreads(7) give their
/// errors themselves instead.
///
/// # Errors
/// Those of the call, which must be the last one.
pub(super) fn check(result: impl Into<i64>) -> io::Result<()> {
    if result.into() < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
