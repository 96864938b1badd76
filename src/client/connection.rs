//! A connection to a daemon that is trusted.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::error::Error;
use super::trusted_path::TrustedPath;
use crate::sys::fs::effective_user;
use crate::sys::local_socket;

/// How long a daemon may take to take a connection.
const CONNECTING: Duration = Duration::from_secs(5);

/// How long it may take to read a request. It may be starting, which who connects to its socket unit does not see.
pub(super) const TAKING: Duration = Duration::from_secs(10);

/// How long it may take for the next piece of an answer: providers ask others, and people are asked to confirm.
const ANSWERING: Duration = Duration::from_secs(120);

/// Connects to the daemon at `socket`; reading and writing have an end.
///
/// # Errors
/// Those of the socket, and [`Error::Untrusted`].
pub(super) fn connect(socket: &Path) -> Result<UnixStream, Error> {
    connect_within(socket, CONNECTING)
}

/// As [`connect`], for who cannot wait: if the daemon has no time now, that is an error. The connection does not wait either.
///
/// # Errors
/// As above.
pub(super) fn connect_now(socket: &Path) -> Result<UnixStream, Error> {
    let stream = connect_within(socket, Duration::from_millis(1))?;
    stream
        .set_nonblocking(true)
        .map_err(Error::io("cannot ask the daemon at", socket))?;
    Ok(stream)
}

fn connect_within(socket: &Path, patience: Duration) -> Result<UnixStream, Error> {
    let trusted = TrustedPath::check(socket, effective_user())?;
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Error::NoSocket {
            socket: socket.to_owned(),
        },
        io::ErrorKind::ConnectionRefused => Error::Unserved {
            socket: socket.to_owned(),
        },
        io::ErrorKind::WouldBlock => Error::Unattended {
            socket: socket.to_owned(),
        },
        _ => Error::io("cannot reach the daemon at", socket)(error),
    };
    let stream = local_socket::connect(&trusted.path, patience).map_err(failed)?;
    let server = local_socket::server(&stream).map_err(failed)?;
    if !trusted.may_be_served_by(server) {
        return Err(Error::Untrusted {
            socket: socket.to_owned(),
            reason: format!("user {server} serves it"),
        });
    }
    stream.set_read_timeout(Some(ANSWERING)).map_err(failed)?;
    stream.set_write_timeout(Some(TAKING)).map_err(failed)?;
    Ok(stream)
}
